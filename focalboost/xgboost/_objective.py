"""Focal loss as objective and metric of XGBoost, in the native and the scikit-learn call."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from .._callbacks import FocalMetricBase, FocalObjectiveBase, mean_loss
from ..losses import AnyFocalLoss, BinaryFocalLoss, MulticlassFocalLoss
from . import _native


@dataclass(frozen=True)
class FocalObjective(FocalObjectiveBase):
    """Focal loss as ``obj`` of `xgboost.train` and `xgboost.cv`, or ``objective`` of `xgboost.XGBClassifier`.

    Parameters
    ----------
    gamma : float, default=2.0
        Focusing parameter in [0, 1e6]; 0 is the log-loss.
    alpha : None, float, sequence, dict, "balanced" or "effective", default=None
        Class weights, as in `focalboost.BinaryFocalLoss` and, for more than two classes,
        `focalboost.MulticlassFocalLoss` or `focalboost.SigmoidFocalLoss`.
    multiclass : {"softmax", "ovr"}, default="softmax"
        For more than two classes: one loss over all classes, or one binary loss per class.
    hessian : {"bounded", "upper", "exact", "expected"}, default="bounded"
        See `focalboost.BinaryFocalLoss.gradient_hessian`. ``gamma=0, hessian="upper"`` gives the trees of
        XGBoost's own objectives from the same start.
    max_step : float, default=2.0
        Bound of a leaf's step with the bounded Hessian, at least 0.01. With the expected one, pass
        `max_delta_step(y)` to the framework: an objective does not see the leaves.
    scale : float or tuple of float, default=1.0
        Factor of the loss in training, in [1e-15, 1e15]; with ``multiclass="ovr"`` also one for each class. `normalize`
        works it out.

    Notes
    -----
    Give `xgboost.train` three things, and the model is an ordinary one: ``"objective": "binary:logistic"`` (or
    ``"multi:softprob"`` and ``num_class``) and ``"base_score": base_score(objective, y)`` among the parameters, and
    ``obj=objective``. `xgboost.XGBClassifier` sets the first itself; it needs ``base_score`` too.
    Multilabel targets, and one-vs-rest whose model predicts sigmoids, are labels of shape (n_samples, n_classes)
    with ``multiclass="ovr"`` and ``"binary:logistic"``.

    Examples
    --------
    >>> from focalboost.xgboost import FocalObjective, base_score
    >>> round(base_score(FocalObjective(gamma=1.0), [0] * 95 + [1] * 5), 3)
    0.162
    """

    _native: ClassVar[ModuleType] = _native

    @staticmethod
    def _softmax_factor(n_classes: int) -> float:
        return 2.0

    def fpreproc(self, dtrain: Any, dtest: Any, params: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
        """Start a fold from its training part's minimiser: ``xgboost.cv(..., fpreproc=objective.fpreproc)``.

        Parameters
        ----------
        dtrain, dtest : xgboost.DMatrix
        params : dict
            ``num_class`` is read from it, ``base_score`` is set.

        Returns
        -------
        dtrain, dtest, params
        """
        weight = dtrain.get_weight()
        n_classes = max(2, int(params.get("num_class", 1)))
        start = base_score(self, dtrain.get_label(), weight if len(weight) else None, n_classes=n_classes)
        return dtrain, dtest, {**params, "base_score": start}


@dataclass(frozen=True)
class FocalMetric(FocalMetricBase):
    """Mean focal loss as ``custom_metric`` of `xgboost.train` or ``eval_metric`` of `xgboost.XGBClassifier`.

    It reads margins, which XGBoost passes where the objective is custom. With a built-in objective XGBoost
    passes probabilities, and the value is wrong. XGBoost hands values on with six decimals, which ties small ones.
    In distributed training each worker returns the mean over the rows of all.

    Parameters
    ----------
    gamma : float, default=2.0
    alpha : None, float, sequence or dict, default=None
        The training alpha, as numbers.
    multiclass : {"softmax", "ovr"}, default="softmax"
        As in `FocalObjective`.
    """

    _native: ClassVar[ModuleType] = _native

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float | tuple[str, float]:
        """Return the weighted mean focal loss, natively as (name, value). Lower is better.

        Parameters
        ----------
        y_true : ndarray of shape (n_samples,), class numbers 0..K-1; natively the margins
        y_pred : ndarray of shape (n_samples,) or (n_samples, n_classes), margins; natively a `xgboost.DMatrix`
        sample_weight : ndarray of shape (n_samples,), default=None
        """
        sums = self._sums(y_true, y_pred, sample_weight)
        if not hasattr(y_pred, "get_label"):
            return mean_loss(*sums)
        # XGBoost takes the mean of what its workers return, whatever rows they hold.
        return self.__name__, mean_loss(*_native.over_workers(sums))


def base_score(
    objective: FocalObjective,
    y: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None = None,
    *,
    n_classes: int | None = None,
) -> float | list[float]:
    """Start value as XGBoost's parameter ``base_score`` takes it.

    Parameters
    ----------
    objective : FocalObjective
    y : array-like of shape (n_samples,) or (n_samples, n_classes)
        Training labels: class numbers 0..K-1, for ``binary:logistic`` or ``multi:softprob``; or 0/1 labels in a column
        for each class, for ``binary:logistic`` and an objective with ``multiclass="ovr"``.
    sample_weight : array-like of shape (n_samples,), default=None
    n_classes : int, default=None
        As in `FocalObjective.intercept`.

    Returns
    -------
    float or list of float
        For ``binary:logistic`` a probability, or one for each column, in [1e-6, 1 - 1e-6], as XGBoost itself keeps it;
        for ``multi:softprob`` K margins, through softmax of mean 0, as XGBoost's own.
    """
    loss = objective.loss_of(y, n_classes)
    return as_base_score(objective.intercept(y, sample_weight, n_classes), loss, np.ndim(y) == 2)


def as_base_score(start: float | npt.NDArray[np.float64], loss: AnyFocalLoss, columns: bool) -> float | list[float]:
    """Bring a start to the form of `base_score`; `columns` tells a column of labels for each class."""
    if isinstance(loss, MulticlassFocalLoss):
        form = start - np.mean(start)
    elif isinstance(loss, BinaryFocalLoss) or columns:
        form = np.clip(expit(start), 1e-6, 1 - 1e-6)
    else:
        form = np.asarray(start)
    value: float | list[float] = form.tolist()
    return value
