"""LightGBM's parameters around a focal objective: what it takes the place of, and what else weighs labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from .._callbacks import LabelWeights, warn_of_reach, warn_of_weights
from .._estimator import check_names
from .._validation import MAX_ALPHA, MIN_ALPHA, SCALE_RULE, check_number
from ..losses import AnyFocalLoss, MulticlassFocalLoss
from ._native import aliases, given, named, without

# The log-losses whose place the focal loss takes.
BINARY = ("binary",)
SOFTMAX = ("multiclass", "softmax")
ONE_VERSUS_REST = ("multiclassova", "multiclass_ova", "ova", "ovr")
# Chosen on rare classes: docs/stress.md.
MAX_DELTA_STEP = 2.0


def bounded(params: Mapping[str, Any]) -> dict[str, Any]:
    """Bound the steps of leaves, unless the user does it under another name of max_delta_step."""
    others = [name for name in aliases("max_delta_step") - {"max_delta_step"} if params.get(name) is not None]
    if others:
        return {name: value for name, value in params.items() if name != "max_delta_step"}
    return {"max_delta_step": MAX_DELTA_STEP, **params}


def with_objective(params: Mapping[str, Any], objective: Any) -> dict[str, Any]:
    """Put an objective in the place of LightGBM's own objective and metric."""
    # Without it the leaves of quantised gradients step up to 36, whatever the bound; with it, 1.9.
    renewed = {"quant_train_renew_leaf": True} if given(params, "use_quantized_grad") else {}
    return renewed | without(params, "objective", "metric") | {"objective": objective, "metric": "None"}


_SAMPLING = "LightGBM samples the labels apart for its own objective only; take subsample for all rows, or weigh labels"
_CLUSTER = "the start follows from the labels of all machines; see focalboost.dask"
# What LightGBM reads in its own objectives and metrics, or for them: the values that mean nothing else here, and why.
_ONLY: dict[str, tuple[tuple[Any, ...], str]] = {
    "pos_bagging_fraction": ((1.0, "1", "1.0"), _SAMPLING),
    "neg_bagging_fraction": ((1.0, "1", "1.0"), _SAMPLING),
    "bagging_by_query": ((False, "false"), "LightGBM samples queries for its own objectives only"),
    "sigmoid": ((1.0, "1", "1.0"), "margins are log-odds"),
    "boost_from_average": ((True, "true"), "training starts at the log-odds of the labels; init_score replaces them"),
    "multi_error_top_k": ((1, "1"), "metrics are computed by focalboost; write a callable"),
    "auc_mu_weights": (("",), "metrics are computed by focalboost; write a callable"),
    "num_machines": ((1, "1"), _CLUSTER),
    "machines": (("",), _CLUSTER),
}


def refuse(params: Mapping[str, Any]) -> None:
    """Raise for parameters that have no effect, or another one, with a custom objective."""
    name, boosting = named(params, "boosting")
    if boosting in ("rf", "random_forest"):
        msg = f"{name} must not be {boosting!r}: LightGBM has random forests for built-in objectives only; use 'gbdt'"
        raise ValueError(msg)
    for parameter, (accepted, reason) in _ONLY.items():
        name, value = named(params, parameter)
        if value is not None and value not in accepted:
            msg = f"{name} must be {accepted[0]!r} or left out, got {value!r}: {reason}"
            raise ValueError(msg)


def check_native(params: Mapping[str, Any]) -> None:
    """Raise for names that belong elsewhere."""
    check_names(params, native=True)
    foreign(params, "FocalObjective({}=...)")


def foreign(params: Mapping[str, Any], remedy: str) -> None:
    """Raise for names of a focal loss that LightGBM's classification passes over."""
    for name in ("gamma", "alpha"):
        if params.get(name) is not None:
            msg = f"{name} has no effect in LightGBM's classification, got {params[name]!r}; the focal loss's is "
            raise TypeError(msg + remedy.format(name))


def label_weights(params: Mapping[str, Any], rows: npt.NDArray[Any], one_versus_rest: bool) -> LabelWeights | None:
    """Return what LightGBM's objectives weigh labels 0 and 1 with, where the user asks for it.

    `rows` holds the number of rows of each class.
    """
    scale_name, scale = named(params, "scale_pos_weight")
    scale = 1.0 if scale is None else check_number(scale_name, scale, SCALE_RULE, MIN_ALPHA, MAX_ALPHA)
    name, unbalance = named(params, "is_unbalance")
    if not unbalance:
        return None if scale == 1.0 else (scale_name, scale, ((1.0, scale),))
    if scale != 1.0:
        msg = f"{scale_name} must not be given with {name}=True, got {scale}; use one of them"
        raise ValueError(msg)
    own = np.maximum(rows if one_versus_rest and len(rows) > 2 else rows[1:2], 1)
    rest = np.maximum(rows.sum() - own, 1)
    weights = zip(np.maximum(own / rest, 1).tolist(), np.maximum(rest / own, 1).tolist(), strict=True)
    return name, unbalance, tuple(weights)


def check_reach(
    params: Mapping[str, Any], start: Any, hessian: tuple[float, float], loss: AnyFocalLoss, rounds: int
) -> None:
    """Warn of trainings that cannot leave the start, or get past even odds; the parameters' own rounds come first."""
    name, least = named(params, "min_sum_hessian_in_leaf")
    warn_of_weights(hessian, name, 1e-3 if least is None else least)
    own = given(params, "num_iterations")
    rate = given(params, "learning_rate")
    softmax = isinstance(loss, MulticlassFocalLoss)
    bound = given(bounded(params), "max_delta_step")
    warn_of_reach(start, softmax, rounds if own is None else own, 0.1 if rate is None else rate, bound)


def keep_objective(env: Any) -> None:
    """Spare LightGBM's reset of an objective that is "none" already: without usable features it is an error."""
    for booster in getattr(env.model, "boosters", [env.model]):  # those of a cross-validation
        booster._Booster__set_objective_to_none = True


keep_objective.before_iteration = True  # type: ignore[attr-defined]
keep_objective.order = 0  # type: ignore[attr-defined]
