"""What is taken from XGBoost's inside. Tested with 3.2 and 3.4."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from .._frameworks import openmp_entry, require
from ._files import check_whole

xgboost = require("xgboost", "xgboost", (3, 2))

# Where a start is given, for a warning.
START = "base_score=base_score(objective, y)"
# The library that ctypes has loaded: there is no public name for it.
OPENMP = openmp_entry(getattr(xgboost.core, "_LIB", None))


def n_threads(data: Any) -> int | None:
    """Return None: a DMatrix does not tell the booster's thread count."""
    return None


def over_workers(sums: Sequence[float]) -> list[float]:
    """Add up over the workers of a distributed training; each must call it."""
    collective = xgboost.collective
    if not collective.is_distributed():
        return list(sums)
    total: list[float] = collective.allreduce(np.array(sums), collective.Op.SUM).tolist()
    return total


def in_native_order(array: Any) -> Any:
    """Return an array of the other byte order in this machine's: XGBoost reads its bytes as they lie."""
    if isinstance(array, np.ndarray) and not array.dtype.isnative:
        return array.astype(array.dtype.newbyteorder("="))
    return array


def as_booster(model: Any) -> Any:
    """Return the booster of what XGBoost takes as ``xgb_model``: an estimator, a booster, a file or its bytes."""
    if isinstance(model, xgboost.XGBModel):
        return model.get_booster()
    return model if isinstance(model, xgboost.Booster) else load(model)


def load(model: Any, **params: Any) -> Any:
    """Return the booster in a file, or in its bytes, which is whole."""
    check_whole(model)
    return xgboost.Booster(params, model_file=model)


def outputs(booster: Any) -> tuple[str, int]:
    """Return the objective inside a booster, and its margins a row: no public name tells them."""
    learner = json.loads(booster.save_config())["learner"]
    sizes = learner["learner_model_param"]
    return learner["objective"]["name"], max(1, int(sizes["num_class"]), int(sizes["num_target"]))


def start_of(booster: Any) -> npt.NDArray[np.float64]:
    """Return the margins that a model starts from: one, or one for each column or class."""
    learner = json.loads(booster.save_config())["learner"]
    value = json.loads(learner["learner_model_param"]["base_score"].replace("E", "e"))
    values = np.atleast_1d(np.asarray(value, dtype=np.float64))
    return logit(values) if learner["objective"]["name"] == "binary:logistic" else values


def move_start(booster: Any, by: npt.ArrayLike) -> None:
    """Move the start of a model by a constant in each margin."""
    margins = start_of(booster) + np.ravel(by)
    softmax = outputs(booster)[0] != "binary:logistic"
    values = margins - margins.mean() if softmax else probability(margins)
    booster.set_param({"base_score": float(values[0]) if len(values) == 1 else values.tolist()})
    booster.reset()  # predictions that it keeps for the training set are of the old start


def probability(margin: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return the probability of a margin in the range in which XGBoost keeps a base_score."""
    clipped: npt.NDArray[np.float64] = np.clip(expit(margin), 1e-6, 1 - 1e-6)
    return clipped


def training_margins(booster: Any, data: Any) -> npt.NDArray[np.float32]:
    """Return the margins of a DMatrix after the best iteration."""
    best = booster.attr("best_iteration")
    rounds = (0, 0) if best is None or int(best) + 1 == booster.num_boosted_rounds() else (0, int(best) + 1)
    margin: npt.NDArray[np.float32] = booster.predict(data, output_margin=True, iteration_range=rounds)
    return margin[:, 0] if margin.ndim == 2 and margin.shape[1] == 1 else margin


class Trainer(xgboost.XGBClassifier):  # type: ignore[misc,name-defined]
    """The parent's fit, but for its metrics: it takes one callable with one value, this takes a native metric.

    ``metric`` is the ``custom_metric`` of `xgboost.train`, ``metric_names`` are those left to XGBoost, ``data`` becomes
    the training set as XGBoost holds it.
    """

    metric: Any = None
    metric_names: Sequence[str] = ()
    data: Any = None

    def _create_dmatrix(self, ref: Any, **kwargs: Any) -> Any:
        data = super()._create_dmatrix(ref, **kwargs)
        self.data = data if self.data is None else self.data
        return data

    def _configure_fit(self, booster: Any, params: dict[str, Any], feature_weights: Any) -> tuple[Any, ...]:
        model, _, params, weights = super()._configure_fit(booster, params, feature_weights)
        params["disable_default_eval_metric"] = True  # its name is among those
        params["eval_metric"] = list(self.metric_names)
        return model, self.metric, params, weights
