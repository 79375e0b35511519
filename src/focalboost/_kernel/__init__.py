"""The compiled pass over rows, and its thin Python face.

The kernel reads each label, margin and weight once, and reports what is wrong with them on the way; here that
becomes an error. Arrays come checked for shape and type (`focalboost._validation`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._validation import MAX_WEIGHT, Array, FloatArray, label_error, weight_error
from . import _native
from ._threads import thread_count

if TYPE_CHECKING:
    from ..log_odds import Curves

instruction_set: str = _native.instruction_set

_CURVATURES = {"upper": _native.UPPER, "exact": _native.EXACT, "expected": _native.EXPECTED}


def derivatives(
    *,
    softmax: bool,
    y_true: Array,
    raw_prediction: FloatArray,
    sample_weight: Array | None,
    alpha: npt.NDArray[np.float64],
    gamma: float,
    curvature: str,
    inverse_step: float,
    hessian_factor: float,
    dtype: npt.DTypeLike,
    n_threads: int | None,
    openmp: int,
    precise: bool,
    curves: Curves | None,
    out: tuple[FloatArray, FloatArray] | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Return gradient and Hessian of every margin, in the memory order of `raw_prediction`, or in `out` if given.

    Margins are log-odds where `curves` are given, else focal logits.
    """
    if out is None:
        gradient = np.empty_like(raw_prediction, dtype=dtype)
        out = gradient, np.empty_like(gradient)
    gradient, hessian = out
    status = _native.derivatives(
        softmax,
        raw_prediction,
        y_true,
        sample_weight,
        alpha,
        gamma,
        _CURVATURES[curvature],
        inverse_step,
        hessian_factor,
        gradient,
        hessian,
        thread_count(n_threads, raw_prediction.size),
        openmp,
        precise,
        **_looked_up(curves),
    )
    _raise_for(status, y_true, raw_prediction, sample_weight)
    return gradient, hessian


def losses(
    *,
    softmax: bool,
    y_true: Array,
    raw_prediction: FloatArray,
    sample_weight: Array | None,
    alpha: npt.NDArray[np.float64],
    gamma: float,
    out: FloatArray | None,
    n_threads: int | None,
    openmp: int,
    curves: Curves | None,
) -> tuple[float, float]:
    """Return the sums of weighted losses and of weights; write the losses of the rows to `out`, if given."""
    status, loss, weight = _native.losses(
        softmax,
        raw_prediction,
        y_true,
        sample_weight,
        alpha,
        gamma,
        out,
        thread_count(n_threads, raw_prediction.size),
        openmp,
        **_looked_up(curves),
    )
    _raise_for(status, y_true, raw_prediction, sample_weight)
    return loss, weight


def _looked_up(curves: Curves | None) -> dict[str, Any]:
    if curves is None:
        return {}
    return vars(curves)


def _raise_for(status: int, y_true: Array, raw_prediction: FloatArray, sample_weight: Array | None) -> None:
    if not status:
        return
    if status & _native.LABEL_INVALID:
        n_classes = 2 if y_true.ndim == 2 or raw_prediction.ndim == 1 else max(raw_prediction.shape[1], 2)
        bad = ~((y_true >= 0) & (y_true < n_classes) & (y_true == np.floor(y_true)))
        raise label_error(y_true[bad][0], n_classes)
    if status & _native.WEIGHT_INVALID and sample_weight is not None:
        bad = ~((sample_weight >= 0) & (sample_weight <= MAX_WEIGHT))
        raise weight_error(sample_weight[bad][0])
    nan: Any = np.isnan(raw_prediction)
    if nan.any():
        msg = f"raw_prediction must not hold NaN, got {int(nan.sum())} of them, the first at {_first(nan)}"
        raise ValueError(msg)
    infinite = np.isposinf(raw_prediction)
    rows = (infinite.sum(axis=1) > 1) | np.isneginf(raw_prediction).all(axis=1)
    msg = (
        "raw_prediction must have at most one +inf and at least one margin above -inf in a softmax row, "
        f"got {raw_prediction[rows][0]} in row {_first(rows)}"
    )
    raise ValueError(msg)


def _first(mask: Array) -> int | tuple[int, ...]:
    where = tuple(int(i) for i in np.argwhere(mask)[0])
    return where[0] if len(where) == 1 else where
