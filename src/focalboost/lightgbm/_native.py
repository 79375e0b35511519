"""What is taken from LightGBM's inside. Tested with 4.6 and 4.7."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._frameworks import openmp_entry, require

lightgbm = require("lightgbm", "lightgbm", (4, 6))

# Where a start is given, for a warning.
START = "objective.prepare(y) in the place of the objective"
# The library that ctypes has loaded: there is no public name for it.
OPENMP = openmp_entry(getattr(lightgbm.basic, "_LIB", None))


def aliases(name: str) -> set[str]:
    """Return all names of a parameter."""
    names: set[str] = lightgbm.basic._ConfigAliases.get(name)
    return names


def named(params: Mapping[str, Any], name: str) -> tuple[str, Any]:
    """Return the name under which a parameter is given, its own one first, and its value, or None."""
    names = sorted(aliases(name), key=lambda own: (own != name, own))
    return next(((own, params[own]) for own in names if params.get(own) is not None), (name, None))


def given(params: Mapping[str, Any], name: str) -> Any:
    """Return the value of a parameter under any of its names, or None."""
    return named(params, name)[1]


def without(params: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Return parameters without some, whatever their names."""
    gone = set().union(*map(aliases, names))
    return {name: value for name, value in params.items() if name not in gone}


def n_threads(data: Any) -> int | None:
    """Return the thread count among the parameters of a Dataset, if the user gave one."""
    threads = given(getattr(data, "params", None) or {}, "num_threads")
    return threads if isinstance(threads, int) and threads > 0 else None
