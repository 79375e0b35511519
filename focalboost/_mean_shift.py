r"""The last step of a fit: the constant that makes a model right on average on its training rows.

Log-loss boosting ends where the sum of :math:`w (\eta - y)` is 0, focal loss where that of :math:`w\, w(f) (\eta - y)`
is; so the mean prediction drifts from the share of positives, the further the rarer they are. One constant in log-odds,
for each column or each class of a softmax, restores the sums ("calibration in the large"). It goes into the start value
of the model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import expit, softmax

from ._validation import FloatArray

Float64Array = npt.NDArray[np.float64]
# Sums over the training rows for a shift: of predictions, of labels, and the derivatives of the former.
Sums: TypeAlias = tuple[Float64Array, Float64Array, Float64Array]

_TOLERANCE = 1e-10
_MOST_STEPS = 100
_LONGEST_STEP = 2.0


def training_sums(
    shift: Float64Array, margin: FloatArray, y: npt.NDArray[Any], weight: FloatArray | None, exclusive: bool
) -> Sums:
    """Return the weighted sums of the predictions of each column with a shift, of its labels, and the derivatives.

    Parameters
    ----------
    shift : ndarray of shape (n_columns,)
    margin : ndarray of shape (n_samples, n_columns)
    y : ndarray of shape (n_samples,), class numbers; or (n_samples, n_columns), 0/1 labels
    weight : ndarray of shape (n_samples, 1) or (n_samples, n_columns), or None
    exclusive : bool
        Softmax over the columns, or a sigmoid of each.
    """
    moved = margin + shift
    p: Float64Array = softmax(moved, axis=1) if exclusive else expit(moved)
    weighted = p if weight is None else p * weight
    if y.ndim == 1:
        labels = np.bincount(y, None if weight is None else weight[:, 0], p.shape[1]).astype(np.float64)
    else:
        labels = (y if weight is None else y * weight).sum(axis=0, dtype=np.float64)
    if exclusive:
        derivatives = np.diag(weighted.sum(axis=0)) - weighted.T @ p
    else:
        derivatives = np.diag((weighted * (1 - p)).sum(axis=0))
    return weighted.sum(axis=0), labels, derivatives


def mean_shift(sums: Callable[[Float64Array], Sums], total: Float64Array, exclusive: bool) -> Float64Array:
    """Return the shift of each column with which predictions and labels have the same sums.

    Parameters
    ----------
    sums : callable of a shift, as `training_sums`
    total : ndarray of shape (n_columns,)
        Weight of all rows, of which label sums are a part.
    exclusive : bool
        As there. The shifts of a softmax have mean 0.

    Returns
    -------
    ndarray of shape (n_columns,), float64
        0 where a column has rows of one label only, for which no shift is right; for a softmax then everywhere.
    """
    n_columns = len(total)
    shift = np.zeros(n_columns)
    for _ in range(_MOST_STEPS):
        predicted, labels, derivatives = sums(shift)
        possible = (labels > 0) & (labels < total) & (predicted > 0) & (predicted < total)
        if not possible.any() or (exclusive and not possible.all()):
            break
        if np.all(np.abs(predicted - labels)[possible] <= _TOLERANCE * labels[possible]):
            break
        step = np.zeros(n_columns)
        if exclusive:
            # Adding to all classes changes nothing: the ones fill that gap of the matrix.
            step = np.linalg.solve(derivatives + np.trace(derivatives) / n_columns**2, labels - predicted)
            step -= step.mean()
        else:
            # Newton on the log-odds of the mean: nearly linear however rare the label is.
            p, y = predicted[possible] / total[possible], labels[possible] / total[possible]
            by_mean = derivatives.diagonal()[possible] / total[possible] / (p * (1 - p))
            step[possible] = (np.log(y / (1 - y)) - np.log(p / (1 - p))) / by_mean
        longest = np.abs(step).max()
        shift += step * min(1.0, _LONGEST_STEP / longest) if longest > 0 else 0.0
    return shift
