"""What is taken from LightGBM's inside. Tested with 4.6 and 4.7."""

from __future__ import annotations

from typing import Any

from .._frameworks import openmp_entry, require

lightgbm = require("lightgbm", "lightgbm", (4, 6))

# The library that ctypes has loaded: there is no public name for it.
OPENMP = openmp_entry(getattr(lightgbm.basic, "_LIB", None))

_THREAD_NAMES = ("num_threads", "num_thread", "nthread", "nthreads", "n_jobs")


def n_threads(data: Any) -> int | None:
    """Return the thread count among the parameters of a Dataset, if the user gave one."""
    params = getattr(data, "params", None) or {}
    for name in _THREAD_NAMES:
        value = params.get(name)
        if isinstance(value, int) and value > 0:
            return value
    return None
