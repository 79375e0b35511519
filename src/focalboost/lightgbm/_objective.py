"""Focal loss as objective and metric of LightGBM, in the native and the scikit-learn call."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from .._callbacks import FocalMetricBase, FocalObjectiveBase, in_order, mean_loss
from .._settings import labels_and_weights
from .._validation import check_start
from . import _native


@dataclass(frozen=True)
class FocalObjective(FocalObjectiveBase):
    """Focal loss as ``objective`` of `lightgbm.train`, `lightgbm.cv` or `lightgbm.LGBMClassifier`.

    Parameters
    ----------
    gamma : float, default=2.0
        Focusing parameter in [0, 40], of focal logits in [0, 1e6]; 0 is the log-loss.
    alpha : None, float, sequence, dict, "balanced" or "effective", default=None
        Class weights, as in `focalboost.BinaryFocalLoss` and, for more than two classes,
        `focalboost.MulticlassFocalLoss` or `focalboost.SigmoidFocalLoss`.
    multiclass : {"softmax", "ovr"}, default="softmax"
        For more than two classes: one loss over all classes, or one binary loss per class.
    score : {"log_odds", "focal_logit"}, default="log_odds"
        The unit of the margins: log-odds of the calibrated probability, as LightGBM's own objectives have it; or the
        focal loss's own logits.
    prior : {"weighted", "sampled"}, default="weighted"
        Whose log-odds: of the problem weighed by alpha (and `class_weight`), or of the data as sampled, with those
        weights undone.
    class_weight : sequence of float, default=None
        Weights by class that the rows carry already, for ``prior="sampled"`` to undo.
    start : float or tuple of float, default=0.0
        What to add to the margins that LightGBM passes, where it does not know their start. `prepare` sets it.
    hessian : {"expected", "exact"}, default=None
        None takes ``"expected"``; see `focalboost.BinaryFocalLoss.gradient_hessian`. Focal logits have
        ``"bounded"`` (None), ``"upper"``, ``"exact"`` and ``"expected"``.
    max_step : float, default=2.0
        Bound of a row's step with the bounded Hessian, at least 0.01. Leaves are bounded by LightGBM's own
        ``max_delta_step``, in units of the margin.
    scale : float or tuple of float, default=1.0
        Factor of the loss in training, in [1e-15, 1e15]; with ``multiclass="ovr"`` also one for each class. `prepare`
        works it out.

    Notes
    -----
    `focalboost.lightgbm.train` does all of this by itself. By hand: LightGBM starts a custom objective at 0 and forgets
    any start at prediction, so train with ``objective.prepare(y)`` and pass the booster through `to_builtin`.

    Examples
    --------
    >>> from focalboost.lightgbm import FocalObjective
    >>> FocalObjective(gamma=1.0).intercept([0] * 95 + [1] * 5)  # doctest: +ELLIPSIS
    -2.94...
    """

    _native: ClassVar[ModuleType] = _native

    @staticmethod
    def _softmax_factor(n_classes: int) -> float:
        return n_classes / (n_classes - 1)

    def prepare(self, y_true: Any, sample_weight: npt.ArrayLike | None = None, num_class: int | None = None) -> Self:
        """Return the objective resolved, normalised and with its start, for `lightgbm.train` and `LGBMClassifier`.

        Parameters
        ----------
        y_true, sample_weight, num_class
            As in `intercept`.
        """
        ready = self.normalize(y_true, sample_weight, num_class)
        return replace(ready, start=check_start(ready.intercept(y_true, sample_weight, num_class)))


@dataclass(frozen=True)
class FocalMetric(FocalMetricBase):
    """Mean focal loss as ``feval`` of `lightgbm.train` or ``eval_metric`` of `lightgbm.LGBMClassifier.fit`.

    It reads raw scores, which LightGBM passes where the objective is custom. With a built-in objective LightGBM
    passes probabilities, and the value is wrong.

    Parameters
    ----------
    gamma : float, default=2.0
    alpha : None, float, sequence or dict, default=None
        The training alpha, as numbers.
    multiclass, score, prior, class_weight, start
        As in `FocalObjective`; `of` takes them all from one.
    """

    _native: ClassVar[ModuleType] = _native

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> tuple[str, float, bool]:
        """Return (name, weighted mean focal loss, higher is better).

        Parameters
        ----------
        y_true : ndarray of shape (n_samples,), class numbers 0..K-1; natively the margins
        y_pred : ndarray of shape (n_samples,) or (n_samples, n_classes), margins; natively a `lightgbm.Dataset`
        sample_weight : ndarray of shape (n_samples,), default=None
        """
        return self.__name__, mean_loss(*self._sums(y_true, y_pred, sample_weight)), False


def init_score(
    objective: FocalObjective,
    y: Any,
    sample_weight: npt.ArrayLike | None = None,
    *,
    num_class: int | None = None,
    n_samples: int | None = None,
) -> npt.NDArray[np.float64]:
    """Start value of every row, as a `lightgbm.Dataset` takes it: for objectives without `prepare`.

    Parameters
    ----------
    objective : FocalObjective
    y : array-like of shape (n_train,), or a lightgbm.Dataset
        Training labels, class numbers 0..K-1. The two may change places.
    sample_weight : array-like of shape (n_train,), default=None
        Training weights; a Dataset brings its own.
    num_class : int, default=None
        As in `FocalObjective.intercept`.
    n_samples : int, default=None
        Rows of the Dataset; None for those of `y`. An evaluation set starts from the training labels' value too.

    Returns
    -------
    ndarray of shape (n_samples,) or, for more than two classes, (n_samples, num_class) in Fortran order
    """
    objective, y = in_order(FocalObjective, objective, y)
    start = objective.intercept(y, sample_weight, num_class)
    return in_every_row(start, len(labels_and_weights(y)[0]) if n_samples is None else n_samples)


def in_every_row(start: float | npt.NDArray[np.float64], n_samples: int) -> npt.NDArray[np.float64]:
    """Return a start as `init_score` does, for so many rows."""
    if np.ndim(start) == 0:
        return np.full(n_samples, start)
    return np.asfortranarray(np.broadcast_to(start, (n_samples, np.size(start))))
