"""What is taken from XGBoost's inside. Tested with 3.1, 3.2 and 3.4."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._frameworks import openmp_entry, require

xgboost = require("xgboost", "xgboost", (3, 1))

# The library that ctypes has loaded: there is no public name for it.
OPENMP = openmp_entry(getattr(xgboost.core, "_LIB", None))


def n_threads(data: Any) -> int | None:
    """Return None: a DMatrix does not tell the booster's thread count."""
    return None


class Trainer(xgboost.XGBClassifier):  # type: ignore[misc,name-defined]
    """The parent's fit, but for its metrics: it takes one callable with one value, this takes a native metric.

    ``metric`` is the ``custom_metric`` of `xgboost.train`, ``metric_names`` are those left to XGBoost.
    """

    metric: Any = None
    metric_names: Sequence[str] = ()

    def _configure_fit(self, booster: Any, params: dict[str, Any], feature_weights: Any) -> tuple[Any, ...]:
        model, _, params, weights = super()._configure_fit(booster, params, feature_weights)
        params["disable_default_eval_metric"] = True
        params["eval_metric"] = list(self.metric_names)
        return model, self.metric, params, weights
