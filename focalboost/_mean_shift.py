r"""The last step of a fit: the constant that makes a model right on average on its training rows.

Log-loss boosting ends where the sum of :math:`w (\eta - y)` is 0, focal loss where that of :math:`w\, w(f) (\eta - y)`
is; so the mean prediction drifts from the share of positives, the further the rarer they are. One constant in log-odds,
for each column or each class of a softmax, restores the sums ("calibration in the large"). It goes into the start value
of the model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit, softmax

from ._validation import FloatArray

Float64Array = npt.NDArray[np.float64]

_TOLERANCE = 1e-10
_MOST_STEPS = 100
_LONGEST_STEP = 2.0


@dataclass(frozen=True)
class Sums:
    """Weighted sums over training rows, which add up over parts of them; arrays of shape (n_columns,).

    Parameters
    ----------
    predicted, labels : of the predictions of each column, and of its labels
    total : of the weights
    derivatives : ndarray of shape (n_columns, n_columns)
        Of the predictions by the shifts.
    """

    predicted: Float64Array
    labels: Float64Array
    total: Float64Array
    derivatives: Float64Array

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.predicted + other.predicted,
            self.labels + other.labels,
            self.total + other.total,
            self.derivatives + other.derivatives,
        )


@dataclass(frozen=True)
class TrainingRows:
    """Margins of a trained model for rows that it was trained on.

    Parameters
    ----------
    margin : ndarray of shape (n_samples, n_columns)
    labels : ndarray of shape (n_samples,), class numbers; or (n_samples, n_columns), 0/1 labels
    weight : ndarray of shape (n_samples, 1) or (n_samples, n_columns), or None
    exclusive : bool
        Softmax over the columns, or a sigmoid of each.
    """

    margin: FloatArray
    labels: npt.NDArray[np.intp]
    weight: Float64Array | None
    exclusive: bool

    def sums(self, shift: Float64Array) -> Sums:
        """Return the sums with a shift of each column added."""
        moved = self.margin + shift
        n_columns = moved.shape[1]
        p: Float64Array = softmax(moved, axis=1) if self.exclusive else expit(moved)
        weighted = p if self.weight is None else p * self.weight
        if self.labels.ndim == 1:
            by_row = None if self.weight is None else self.weight[:, 0]
            labels = np.bincount(self.labels, by_row, n_columns).astype(np.float64)
        else:
            own = self.labels if self.weight is None else self.labels * self.weight
            labels = own.sum(axis=0, dtype=np.float64)
        total = np.full(n_columns, len(moved), dtype=np.float64)
        if self.weight is not None:
            total = np.broadcast_to(self.weight.sum(axis=0), (n_columns,))
        if self.exclusive:
            derivatives = np.diag(weighted.sum(axis=0)) - weighted.T @ p
        else:
            derivatives = np.diag((weighted * (1 - p)).sum(axis=0))
        return Sums(weighted.sum(axis=0), labels, total, derivatives)


def mean_shift(sums: Callable[[Float64Array], Sums], n_columns: int, exclusive: bool) -> Float64Array:
    """Return the shift of each column with which predictions and labels have the same sums.

    Parameters
    ----------
    sums : callable
        As `TrainingRows.sums`, over all rows.
    n_columns : int
    exclusive : bool
        As there. The shifts of a softmax have mean 0.

    Returns
    -------
    ndarray of shape (n_columns,), float64
        0 where a column has rows of one label only, for which no shift is right; for a softmax then everywhere.
    """
    shift = np.zeros(n_columns)
    for _ in range(_MOST_STEPS):
        now = sums(shift)
        possible = (now.labels > 0) & (now.labels < now.total) & (now.predicted > 0) & (now.predicted < now.total)
        if not possible.any() or (exclusive and not possible.all()):
            break
        excess = now.predicted - now.labels
        if np.all(np.abs(excess)[possible] <= _TOLERANCE * now.labels[possible]):
            break
        step = np.zeros(n_columns)
        if exclusive:
            # Adding to all classes changes nothing: the ones fill that gap of the matrix.
            filled = now.derivatives + np.trace(now.derivatives) / n_columns**2
            step = np.linalg.lstsq(filled, -excess, rcond=None)[0]
            step -= step.mean()
        else:
            # Newton on the log-odds of the mean: nearly linear however rare the label is.
            total = now.total[possible]
            p, y = now.predicted[possible] / total, now.labels[possible] / total
            by_mean = now.derivatives.diagonal()[possible] / total / (p * (1 - p))
            step[possible] = (logit(y) - logit(p)) / by_mean
        longest = np.abs(step).max()
        shift += step * min(1.0, _LONGEST_STEP / longest) if longest > 0 else 0.0
    return shift
