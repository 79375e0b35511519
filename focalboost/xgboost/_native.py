"""What is taken from XGBoost's inside. Tested with 3.1 and 3.2."""

from __future__ import annotations

from typing import Any

from .._frameworks import openmp_entry, require

xgboost = require("xgboost", "xgboost", (3, 1))

# The library that ctypes has loaded: there is no public name for it.
OPENMP = openmp_entry(getattr(xgboost.core, "_LIB", None))


def n_threads(data: Any) -> int | None:
    """Return None: a DMatrix does not tell the booster's thread count."""
    return None
