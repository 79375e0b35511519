r"""The last step of a fit: the constant that makes a model right on average on its training rows.

Log-loss boosting ends where the sum of :math:`w (\eta - y)` is 0, focal loss where that of :math:`w\, w(f) (\eta - y)`
is; so the mean prediction drifts from the share of positives, the further the rarer they are. One constant in log-odds,
for each column or each class of a softmax, restores the sums ("calibration in the large"). It goes into the start value
of the model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from ._validation import FloatArray
from .losses import AnyFocalLoss, MulticlassFocalLoss

Float64Array = npt.NDArray[np.float64]

_TOLERANCE = 1e-10
_MOST_STEPS = 100
_LONGEST_STEP = 2.0


@dataclass(frozen=True)
class Sums:
    """Weighted sums over training rows, which add up over parts of them; arrays of shape (n_columns,).

    Parameters
    ----------
    excess : of the predictions of each column, less its labels
    labels, others : of the weights of the rows that have the label, and of those that do not
    derivatives : ndarray of shape (n_columns, n_columns)
        Of the excess by the shifts.
    """

    excess: Float64Array
    labels: Float64Array
    others: Float64Array
    derivatives: Float64Array

    def __add__(self, other: Sums) -> Sums:
        return Sums(*(getattr(self, own.name) + getattr(other, own.name) for own in fields(self)))


@dataclass(frozen=True)
class TrainingRows:
    """Margins of a trained model for rows that it was trained on.

    Parameters
    ----------
    loss : loss with gamma = 0 in log-odds, whose gradient is the prediction less the label
        Its alpha weighs the classes.
    labels, margin, sample_weight
        As the loss takes them.
    """

    loss: AnyFocalLoss
    labels: npt.ArrayLike
    margin: FloatArray
    sample_weight: npt.ArrayLike | None

    @property
    def exclusive(self) -> bool:
        """Softmax over the columns, or a sigmoid of each."""
        return isinstance(self.loss, MulticlassFocalLoss)

    def sums(self, shift: Float64Array) -> Sums:
        """Return the sums with a shift of each column added."""
        moved = np.add(self.margin, shift[0] if self.margin.ndim == 1 else shift, order="F")  # columns are added up
        # Row by row: the difference of two sums would lose a class whose weight is small beside theirs.
        gradient, hessian = (
            part.reshape(-1, len(shift)).sum(axis=0)
            for part in self.loss.gradient_hessian(self.labels, moved, self.sample_weight, dtype=np.float64)
        )
        derivatives = np.diag(hessian)
        if self.exclusive:
            p = softmax(moved, axis=1)
            weighted = p if (weight := self._row_weights) is None else p * weight
            derivatives = np.diag(weighted.sum(axis=0)) - weighted.T @ p
        return Sums(gradient, *self._weights, derivatives)

    @cached_property
    def _row_weights(self) -> Float64Array | None:
        """Weights of the rows of a softmax, of shape (n_samples, 1), those of their classes included."""
        if self.sample_weight is None and self.loss.alpha is None:
            return None
        weights: Float64Array = self.loss._alpha_array(self.margin.shape[1])[np.asarray(self.labels).astype(np.intp)]
        if self.sample_weight is not None:
            weights = weights * np.asarray(self.sample_weight, dtype=np.float64)
        return weights[:, np.newaxis]

    @cached_property
    def _weights(self) -> tuple[Float64Array, Float64Array]:
        """Weight of the rows that have the label of each column, and of those that do not."""
        n_columns = 1 if self.margin.ndim == 1 else self.margin.shape[1]
        alpha = self.loss._alpha_array(n_columns)
        labels = np.asarray(self.labels)
        weight = None if self.sample_weight is None else np.asarray(self.sample_weight, dtype=np.float64)
        if labels.ndim == 2:
            total = float(len(labels)) if weight is None else weight.sum()
            own = labels.sum(axis=0, dtype=np.float64) if weight is None else weight @ labels
        else:
            counts = np.bincount(labels.astype(np.intp), weight, max(2, n_columns)).astype(np.float64)
            counts = counts * alpha if self.exclusive else counts
            total, own = counts.sum(), counts[1:] if n_columns == 1 else counts
        pair = np.ones((n_columns, 2)) if self.exclusive else alpha.reshape(n_columns, 2)
        return own * pair[:, 1], (total - own) * pair[:, 0]


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
        possible = (now.labels > 0) & (now.others > 0)
        if not possible.any() or (exclusive and not possible.all()):
            break
        if np.all(np.abs(now.excess)[possible] <= _TOLERANCE * now.labels[possible]):
            break
        predicted, rest = now.labels + now.excess, now.others - now.excess
        # All predictions are 0 or 1, but for rounding.
        flat = (predicted <= 0) | (rest <= 0) | (np.diag(now.derivatives) <= 0)
        step = np.where(possible & flat, -_LONGEST_STEP * np.sign(now.excess), 0.0)
        if not exclusive:
            # Newton on the log-odds of the mean: nearly linear however rare the label is.
            newton = possible & ~flat
            wanted, had = (np.log(a[newton] / b[newton]) for a, b in ((now.labels, now.others), (predicted, rest)))
            by_mean = np.diag(now.derivatives)[newton] * (1 / predicted[newton] + 1 / rest[newton])
            step[newton] = (wanted - had) / by_mean
        elif not flat.any():
            # Adding to all classes changes nothing: the ones fill that gap of the matrix.
            filled = now.derivatives + np.trace(now.derivatives) / n_columns**2
            step = np.linalg.lstsq(filled, -now.excess, rcond=None)[0]
        step -= step.mean() if exclusive else 0.0
        longest = np.abs(step).max()
        shift += step * min(1.0, _LONGEST_STEP / longest) if longest > 0 else 0.0
    return shift
