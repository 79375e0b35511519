"""Class counts, and the class weights that follow from them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ._validation import check_class_numbers, check_number, check_weight_values

Float64Array = npt.NDArray[np.float64]

# LightGBM takes a class that is absent for one of this prior; so do the start values here.
_SMALLEST_PRIOR = 1e-15


def effective_alpha(counts: npt.ArrayLike, beta: float = 0.9999) -> tuple[float, ...]:
    r"""Class-balanced weights from the effective number of samples.

    Parameters
    ----------
    counts : array-like of shape (n_classes,)
        Rows of each class, > 0.
    beta : float, default=0.9999
        In [0, 1): 0 weighs all classes alike, towards 1 the weights become inverse frequencies.

    Returns
    -------
    tuple of n_classes floats with mean 1, to be given as ``alpha``

    Raises
    ------
    ValueError, TypeError
        For a class without rows, or beta out of range.

    Notes
    -----
    :math:`(1 - \beta) / (1 - \beta^{n_k})` (Cui et al., CVPR 2019, arXiv:1901.05555).
    """
    number = _no_empty_class(np.asarray(counts, dtype=np.float64), "effective")
    check_number("beta", beta, "a number in [0, 1)", 0.0, float(np.nextafter(1.0, 0.0)))
    with np.errstate(divide="ignore"):
        weights = 1 / -np.expm1(number * np.log(beta))
    return tuple((weights / weights.mean()).tolist())


def balanced_alpha(counts: Float64Array) -> tuple[float, ...]:
    number = _no_empty_class(counts, "balanced")
    return tuple((number.sum() / (len(number) * number)).tolist())


def _no_empty_class(counts: Float64Array, name: str) -> Float64Array:
    if not (counts > 0).all():
        empty = int(np.argmin(counts > 0))
        msg = f"alpha={name!r} needs rows of every class, got none of class {empty}; give alpha as numbers"
        raise ValueError(msg)
    return counts


def count_classes(y_true: npt.ArrayLike, sample_weight: npt.ArrayLike | None, n_classes: int | None) -> Float64Array:
    labels = check_class_numbers(y_true, n_classes)
    weights = check_weight_values(sample_weight, len(labels))
    counts: Float64Array = np.bincount(labels, weights=weights, minlength=n_classes or 2).astype(np.float64)
    return counts


def alpha_pair(alpha: Any) -> Float64Array:
    """Weights of labels 0 and 1."""
    if alpha is None:
        return np.ones(2)
    return np.array([1 - alpha, alpha] if isinstance(alpha, float) else alpha, dtype=np.float64)


def alpha_of_length(alpha: Float64Array, n_columns: int) -> Float64Array:
    if len(alpha) != n_columns:
        msg = f"alpha must hold one weight for each of the {n_columns} classes, got {len(alpha)}"
        raise ValueError(msg)
    return alpha


def log_prior(weights: Float64Array) -> Float64Array:
    """Return the log of the class shares, none below that of an absent class."""
    prior = np.maximum(weights / weights.sum(), _SMALLEST_PRIOR)
    logs: Float64Array = np.log(prior / prior.sum())
    return logs
