"""What is taken from XGBoost's inside. Tested with 3.1 and 3.2."""

from __future__ import annotations

from .._frameworks import openmp_entry, require

xgboost = require("xgboost", "xgboost", (3, 1))

# The library that ctypes has loaded: there is no public name for it.
OPENMP = openmp_entry(getattr(xgboost.core, "_LIB", None))
