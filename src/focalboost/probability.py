"""The focal loss of probabilities."""

from __future__ import annotations

from typing import Literal, overload

import numpy as np
import numpy.typing as npt

from ._validation import (
    REDUCTIONS,
    AlphaLike,
    check_choice,
    check_class_numbers,
    check_gamma,
    check_labels,
    check_raw_prediction,
    check_unit_alpha,
    check_weight_values,
)
from .losses import BinaryFocalLoss, MulticlassFocalLoss

Float64Array = npt.NDArray[np.float64]


@overload
def focal_loss(
    y_true: npt.ArrayLike,
    p: npt.ArrayLike,
    gamma: float = ...,
    alpha: AlphaLike = ...,
    sample_weight: npt.ArrayLike | None = ...,
    reduction: Literal["mean", "sum"] = ...,
) -> float: ...
@overload
def focal_loss(
    y_true: npt.ArrayLike,
    p: npt.ArrayLike,
    gamma: float = ...,
    alpha: AlphaLike = ...,
    sample_weight: npt.ArrayLike | None = ...,
    *,
    reduction: Literal["none"],
) -> Float64Array: ...
def focal_loss(
    y_true: npt.ArrayLike,
    p: npt.ArrayLike,
    gamma: float = 2.0,
    alpha: AlphaLike = None,
    sample_weight: npt.ArrayLike | None = None,
    reduction: Literal["mean", "sum", "none"] = "mean",
) -> float | Float64Array:
    r"""Focal loss of probabilities (not margins).

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Class numbers 0..K-1.
    p : array-like of shape (n_samples,) or (n_samples, n_classes)
        Probability of class 1, or of each class, in [0, 1]. Rows are taken as they are, not normalised.
    gamma : float, default=2.0
        In [0, 1e6].
    alpha : None, float, sequence, dict, "balanced" or "effective", default=None
        As in `BinaryFocalLoss` for one dimension, where the closed interval [0, 1] is allowed, and as in
        `MulticlassFocalLoss` for two. The names take their counts from `y_true`.
    sample_weight : array-like of shape (n_samples,), default=None
        Finite weights >= 0.
    reduction : {"mean", "sum", "none"}, default="mean"
        ``"mean"`` is ``sum(w * loss) / sum(w)``.

    Returns
    -------
    float, or ndarray of shape (n_samples,) for ``reduction="none"``
        inf where the probability of the true class is 0 and its weight is not.

    Raises
    ------
    ValueError, TypeError
        For values outside these rules.

    Notes
    -----
    :math:`-\alpha_y (1 - p_y)^\gamma \log p_y` (Lin et al. 2017, arXiv:1708.02002). Margins lose digits when they
    become probabilities: where margins are at hand, call a loss on them.

    Examples
    --------
    >>> from focalboost import focal_loss
    >>> round(focal_loss([0, 1], [0.1, 0.8], gamma=2.0), 6)
    0.00499
    """
    gamma = check_gamma(gamma)
    check_choice("reduction", reduction, REDUCTIONS)
    probability = np.asarray(check_raw_prediction(p, (1, 2), "p"), dtype=np.float64)
    if not ((probability >= 0) & (probability <= 1)).all():
        bad = probability[~((probability >= 0) & (probability <= 1))][0]
        msg = (
            f"p must hold probabilities in [0, 1], got {bad!r}; for margins use BinaryFocalLoss or MulticlassFocalLoss"
        )
        raise ValueError(msg)
    n_samples = probability.shape[0]
    n_classes = 2 if probability.ndim == 1 else probability.shape[1]
    labels = check_class_numbers(check_labels(y_true, n_samples), n_classes)
    if probability.ndim == 1:
        v = np.where(labels == 1, probability, 1 - probability)
        q = np.where(labels == 1, 1 - probability, probability)
    else:
        v = probability[np.arange(n_samples), labels]
        q = 1 - v
    weights = check_weight_values(sample_weight, n_samples)
    closed = probability.ndim == 1 and np.isscalar(alpha) and not isinstance(alpha, str)
    if closed:
        a = check_unit_alpha(alpha, closed=True)
        class_alpha = np.array([1 - a, a])
    else:
        kind = BinaryFocalLoss if probability.ndim == 1 else MulticlassFocalLoss
        class_alpha = kind(gamma, alpha).resolve(labels, weights)._alpha_array(n_classes)
    factor = class_alpha[labels] if weights is None else class_alpha[labels] * weights
    with np.errstate(divide="ignore", invalid="ignore"):
        loss = np.where(factor == 0, 0.0, factor * q**gamma * -np.log(v)) + 0.0
    if reduction == "none":
        return loss
    total = float(loss.sum())
    return total if reduction == "sum" else total / (n_samples if weights is None else float(weights.sum()))
