r"""The focal losses: binary, softmax and sigmoid one-vs-rest, on plain arrays.

For the true class y with probability :math:`v = p_y`, :math:`q = 1 - v`, the loss of a row is

.. math:: \mathrm{FL} = \alpha_y\, q^\gamma\, (-\log v)

(Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, arXiv:1708.02002). A loss is a frozen value that
composes the compiled derivatives (`focalboost._kernel`), a start value and the links (`focalboost.links`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

from . import links
from ._base import FocalLoss
from ._class_weights import alpha_of_length, alpha_pair, count_classes, log_prior
from ._validation import (
    Alpha,
    Array,
    FloatArray,
    check_labels,
    check_raw_prediction,
)

Float64Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class BinaryFocalLoss(FocalLoss):
    """Focal loss of one margin for two classes.

    Parameters
    ----------
    gamma : float, default=2.0
        Focusing parameter in [0, 1e6]; 0 is the cross entropy.
    alpha : None, float, sequence, dict, "balanced" or "effective", default=None
        Class weights. None: 1 and 1. A number in (0, 1): weight of class 1, class 0 getting ``1 - alpha`` (Lin et
        al. 2017). Two numbers > 0, or a dict with the keys 0 and 1: one weight per class. A name: see `resolve`.
    score : {"focal_logit", "log_odds"}, default="focal_logit"
        What a raw prediction is: the focal loss's own logit, as in the papers, or the log-odds of the calibrated
        probability, in which the objectives train. At gamma = 0 both are the same.

    Raises
    ------
    TypeError, ValueError
        For values outside these rules.

    Examples
    --------
    >>> from focalboost import BinaryFocalLoss
    >>> loss = BinaryFocalLoss(gamma=2.0)
    >>> gradient, hessian = loss.gradient_hessian([0, 1], [0.0, 0.0])
    >>> gradient.round(4)
    array([ 0.2983, -0.2983])
    """

    _n_dims: ClassVar[tuple[int, ...]] = (1,)

    def _check_alpha(self, alpha: Alpha) -> Alpha:
        if isinstance(alpha, tuple) and (len(alpha) != 2 or isinstance(alpha[0], tuple)):
            msg = f"alpha must hold one weight for each of the 2 classes in BinaryFocalLoss, got {alpha!r}"
            raise ValueError(msg)
        return alpha

    def _alpha_array(self, n_columns: int) -> Float64Array:
        return alpha_pair(self._numeric_alpha())

    def _class_weights(
        self, y_true: npt.ArrayLike, sample_weight: npt.ArrayLike | None, n_classes: int | None
    ) -> Float64Array:
        if n_classes not in (None, 2):
            msg = f"n_classes must be 2 or None in BinaryFocalLoss, got {n_classes!r}"
            raise ValueError(msg)
        return count_classes(y_true, sample_weight, 2)[None, :]

    def intercept(
        self,
        y_true: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        n_classes: int | None = None,
    ) -> float:
        """Constant margin that minimises the weighted focal risk: where boosting starts.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            Labels 0 and 1.
        sample_weight : array-like of shape (n_samples,), default=None
        n_classes : int, default=None
            2, if given.

        Returns
        -------
        float
            Finite: a class without rows counts with a prior of 1e-15.

        Notes
        -----
        In log-odds, and for gamma = 0, those of the alpha-weighted prior. Focal logits start elsewhere: at those
        log-odds rare rows would have a negative Hessian.
        """
        loss = self.resolve(y_true, sample_weight)
        weights = loss._class_weights(y_true, sample_weight, n_classes)[0]
        return loss._binary_start(weights, loss._alpha_array(1))

    def _mean_hessian(self, weights: Float64Array) -> Float64Array:
        return np.array([self._binary_mean_hessian(weights[0], self._alpha_array(1))])

    def predict_proba(self, raw_prediction: npt.ArrayLike, link: str | None = None) -> Float64Array:
        """Probabilities of both classes; see `MulticlassFocalLoss.predict_proba`.

        Parameters
        ----------
        raw_prediction : array-like of shape (n_samples,)
        link : {"focal", "logit", "posterior"}, default=None

        Returns
        -------
        ndarray of shape (n_samples, 2), float64
        """
        margin = _finite(check_raw_prediction(raw_prediction, self._n_dims))
        gamma, inverted = self._link(link)
        return links.binary_probabilities(margin, gamma, self._log_alpha(inverted, 1))


@dataclass(frozen=True)
class MulticlassFocalLoss(FocalLoss):
    """Focal loss of K margins through softmax, for K exclusive classes.

    Parameters
    ----------
    gamma : float, default=2.0
        Focusing parameter in [0, 1e6]; 0 is the cross entropy.
    alpha : None, sequence, dict, "balanced" or "effective", default=None
        Class weights: None, one number > 0 per class, a dict with the keys 0..K-1, or a name, see `resolve`. A
        single number has no meaning here.
    score : {"focal_logit", "log_odds"}, default="focal_logit"
        What a raw prediction is: the focal loss's own logit, as in the papers, or the log-odds of the calibrated
        probability; in softmax log-probabilities, up to a constant in each row. At gamma = 0 both are the same.

    Raises
    ------
    TypeError, ValueError
        For values outside these rules.
    """

    _softmax: ClassVar[bool] = True

    def _check_alpha(self, alpha: Alpha) -> Alpha:
        if isinstance(alpha, float):
            msg = (
                f"alpha must hold one weight per class in MulticlassFocalLoss, got the number {alpha!r}; "
                "give a sequence of K weights, or 'balanced'; a number is for two classes and one-vs-rest"
            )
            raise ValueError(msg)
        if isinstance(alpha, tuple) and (len(alpha) < 2 or isinstance(alpha[0], tuple)):
            msg = f"alpha must hold one weight for each of 2 or more classes in MulticlassFocalLoss, got {alpha!r}"
            raise ValueError(msg)
        return alpha

    def _alpha_array(self, n_columns: int) -> Float64Array:
        alpha = self._numeric_alpha()
        if n_columns < 2:
            msg = f"raw_prediction must have 2 or more columns for softmax, got {n_columns}; use BinaryFocalLoss"
            raise ValueError(msg)
        if alpha is None:
            return np.ones(n_columns)
        return alpha_of_length(np.asarray(alpha, dtype=np.float64), n_columns)

    def _class_weights(
        self, y_true: npt.ArrayLike, sample_weight: npt.ArrayLike | None, n_classes: int | None
    ) -> Float64Array:
        if n_classes is None and isinstance(self.alpha, tuple):
            n_classes = len(self.alpha)
        return count_classes(y_true, sample_weight, n_classes)[None, :]

    def intercept(
        self,
        y_true: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        n_classes: int | None = None,
    ) -> Float64Array:
        """Constant margins that minimise the weighted focal risk: where boosting starts.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            Class numbers 0..K-1.
        sample_weight : array-like of shape (n_samples,), default=None
        n_classes : int, default=None
            K; None takes the length of alpha, or the highest label + 1.

        Returns
        -------
        ndarray of shape (n_classes,), float64
            Log-probabilities: their exponentials sum to 1. Finite: a class without rows counts with a
            prior of 1e-15.
        """
        loss = self.resolve(y_true, sample_weight)
        weights = loss._class_weights(y_true, sample_weight, n_classes)[0]
        return loss._start(weights)

    def _start(self, weights: Float64Array) -> Float64Array:
        gamma = 0.0 if self.score == "log_odds" else self.gamma
        return links.softmax_intercept(gamma, log_prior(weights) + np.log(self._alpha_array(len(weights))))

    def _mean_hessian(self, weights: Float64Array) -> Float64Array:
        start = self._start(weights[0])[None]
        # Class by class: all at once would take memory by the square of their number.
        by_class = [self.gradient_hessian([y], start, hessian="expected")[1].mean() for y in range(start.size)]
        return np.average(by_class, weights=weights[0], keepdims=True)

    def predict_proba(self, raw_prediction: npt.ArrayLike, link: str | None = None) -> Float64Array:
        r"""Probabilities from margins.

        Parameters
        ----------
        raw_prediction : array-like of shape (n_samples, n_classes)
        link : {"focal", "logit", "posterior"}, default=None
            How to read focal logits; log-odds need no link. ``"focal"``, which None takes: the posterior of the
            alpha-weighted problem, with gamma inverted; same argmax as the softmax. ``"posterior"``: gamma and alpha
            inverted, the posterior of the data as sampled. ``"logit"``: softmax of the margins; over-smoothed for
            gamma > 0.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), float64
            Rows sum to 1.

        Notes
        -----
        :math:`\eta_j \propto p_j / (\alpha_j \phi_j(p_j))`: see `focalboost.links`.
        """
        margin = _finite(check_raw_prediction(raw_prediction, self._n_dims))
        gamma, inverted = self._link(link)
        return links.softmax_probabilities(margin, gamma, self._log_alpha(inverted, margin.shape[1]).ravel())


@dataclass(frozen=True)
class SigmoidFocalLoss(FocalLoss):
    """Sum of K binary focal losses, one for each margin: one-vs-rest classes, or multilabel targets.

    Parameters
    ----------
    gamma : float, default=2.0
        Focusing parameter in [0, 1e6]; 0 is the cross entropy.
    alpha : None, float, sequence, dict, "balanced" or "effective", default=None
        A number a in (0, 1) weighs label 1 of each column with a and label 0 with 1 - a. A sequence, or a dict with
        the keys 0..K-1, holds such a number for each column; a sequence of pairs the weights of labels 0 and 1.
        A name is resolved for each column by itself.
    score : {"focal_logit", "log_odds"}, default="focal_logit"
        What a raw prediction is: the focal loss's own logit, as in the papers, or the log-odds of the calibrated
        probability, column by column. At gamma = 0 both are the same.

    Raises
    ------
    TypeError, ValueError
        For values outside these rules.
    """

    _per_column: ClassVar[bool] = True

    def _check_alpha(self, alpha: Alpha) -> Alpha:
        numbers = alpha if isinstance(alpha, tuple) else ()
        beyond = [value for value in numbers if isinstance(value, float) and not 0 < value < 1]
        if beyond:
            msg = (
                "alpha must hold a number in (0, 1) for each class in one-vs-rest, its weight beside that of the rest, "
                f"got {beyond[0]!r}; for other weights give pairs, as in ((1.0, {beyond[0]:g}), ...)"
            )
            raise ValueError(msg)
        return alpha

    def _alpha_array(self, n_columns: int) -> Float64Array:
        alpha = self._numeric_alpha()
        if isinstance(alpha, tuple):
            return alpha_of_length(np.stack([alpha_pair(value) for value in alpha]), n_columns)
        return np.tile(alpha_pair(alpha), (n_columns, 1))

    def _check_labels(self, y_true: npt.ArrayLike, margin: FloatArray) -> Array:
        return check_labels(y_true, margin.shape[0], margin.shape[1])

    def _class_weights(
        self, y_true: npt.ArrayLike, sample_weight: npt.ArrayLike | None, n_classes: int | None
    ) -> Float64Array:
        if n_classes is None and isinstance(self.alpha, tuple):
            n_classes = len(self.alpha)
        labels = np.asarray(y_true)
        if labels.ndim != 2:
            ones = count_classes(labels, sample_weight, n_classes)
            return np.stack([ones.sum() - ones, ones], axis=1)
        if n_classes not in (None, labels.shape[1]):
            msg = f"y_true must have n_classes = {n_classes} columns, got shape {labels.shape}"
            raise ValueError(msg)
        return np.stack([count_classes(column, sample_weight, 2) for column in labels.T])

    def intercept(
        self,
        y_true: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        n_classes: int | None = None,
    ) -> Float64Array:
        """Constant margins that minimise the weighted focal risk, column by column: where boosting starts.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,) or (n_samples, n_classes)
            Class numbers 0..K-1, or 0/1 labels for each column.
        sample_weight : array-like of shape (n_samples,), default=None
        n_classes : int, default=None
            K; None takes the columns of `y_true`, the length of alpha, or the highest label + 1.

        Returns
        -------
        ndarray of shape (n_classes,), float64
            Finite: a label without rows counts with a prior of 1e-15.
        """
        loss = self.resolve(y_true, sample_weight)
        weights = loss._class_weights(y_true, sample_weight, n_classes)
        alpha = loss._alpha_array(len(weights))
        return np.array([loss._binary_start(*column) for column in zip(weights, alpha, strict=True)])

    def _mean_hessian(self, weights: Float64Array) -> Float64Array:
        columns = zip(weights, self._alpha_array(len(weights)), strict=True)
        return np.array([self._binary_mean_hessian(*column) for column in columns])

    def predict_proba(self, raw_prediction: npt.ArrayLike, link: str | None = None) -> Float64Array:
        """Probability of label 1 in each column; rows do not sum to 1.

        Parameters
        ----------
        raw_prediction : array-like of shape (n_samples, n_classes)
        link : {"focal", "logit", "posterior"}, default=None
            As in `MulticlassFocalLoss.predict_proba`, column by column.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), float64
        """
        margin = _finite(check_raw_prediction(raw_prediction, self._n_dims))
        gamma, inverted = self._link(link)
        columns = zip(margin.T, self._log_alpha(inverted, margin.shape[1]), strict=True)
        return np.stack([links.binary_probabilities(z, gamma, a)[:, 1] for z, a in columns], axis=1)


AnyFocalLoss: TypeAlias = BinaryFocalLoss | MulticlassFocalLoss | SigmoidFocalLoss


def _finite(margin: FloatArray) -> Float64Array:
    """Margins in float64 with infinities made large numbers, whose probabilities are 0 and 1 as well."""
    if np.isnan(margin).any():
        msg = f"raw_prediction must not hold NaN, got {int(np.isnan(margin).sum())} of them"
        raise ValueError(msg)
    return np.clip(margin.astype(np.float64), -1e100, 1e100)
