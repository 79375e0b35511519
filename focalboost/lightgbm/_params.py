"""LightGBM's parameters around a focal objective: what it takes the place of, and what else weighs labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

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


def refuse_forests(params: Mapping[str, Any]) -> None:
    """Raise for random forests, which LightGBM has for built-in objectives only."""
    name, boosting = named(params, "boosting")
    if boosting in ("rf", "random_forest"):
        msg = f"{name} must not be {boosting!r}: LightGBM has random forests for built-in objectives only; use 'gbdt'"
        raise ValueError(msg)


def label_weights(params: Mapping[str, Any], rows: npt.NDArray[Any]) -> tuple[float, float] | None:
    """Return what LightGBM's binary objective weighs labels 0 and 1 with, where the user asks for it.

    `rows` holds the number of rows of each.
    """
    scale = float(given(params, "scale_pos_weight") or 1.0)
    if not given(params, "is_unbalance"):
        return None if scale == 1.0 else (1.0, scale)
    if scale != 1.0:
        msg = f"scale_pos_weight must not be given with is_unbalance=True, got {scale}; use one of them"
        raise ValueError(msg)
    negative, positive = np.maximum(rows[:2], 1)
    return (1.0, float(negative / positive)) if negative > positive else (float(positive / negative), 1.0)


def keep_objective(env: Any) -> None:
    """Spare LightGBM's reset of an objective that is "none" already: without usable features it is an error."""
    env.model._Booster__set_objective_to_none = True


keep_objective.before_iteration = True  # type: ignore[attr-defined]
keep_objective.order = 0  # type: ignore[attr-defined]
