"""The evaluation sets of a fit, in the form that the installed LightGBM takes."""

from __future__ import annotations

from inspect import signature
from typing import Any

import numpy.typing as npt

from .._labels import encode
from ._native import lightgbm

_TAKES_EVAL_X = "eval_X" in signature(lightgbm.LGBMClassifier.fit).parameters  # LightGBM 4.7


def evaluation_sets(
    eval_set: Any, eval_X: Any, eval_y: Any, y: Any, labels: npt.NDArray[Any], classes: npt.NDArray[Any]
) -> tuple[Any, dict[str, Any]]:
    """Return eval_set, and the arguments for eval_X and eval_y where LightGBM has them; it does not encode eval_y.

    The labels are of the kind of the training set's. LightGBM knows that set by its being the same object.
    """
    if (eval_X is None) != (eval_y is None) or (eval_X is not None and eval_set is not None):
        msg = "eval_X and eval_y must be given together, and not with eval_set, got another choice of the three"
        raise ValueError(msg)
    if eval_y is None:
        sets = [eval_set] if isinstance(eval_set, tuple) else eval_set or []
        return [(X, labels if own is y else classes[encode(own, classes, "eval_set")]) for X, own in sets] or None, {}
    several = isinstance(eval_y, tuple)
    parts = eval_y if several else (eval_y,)
    codes = tuple(encode(part, classes, "eval_y") for part in parts)
    if _TAKES_EVAL_X:
        return None, {"eval_X": eval_X, "eval_y": codes if several else codes[0]}
    kept = (labels if part is y else classes[own] for part, own in zip(parts, codes, strict=True))
    return list(zip(eval_X if several else (eval_X,), kept, strict=True)), {}
