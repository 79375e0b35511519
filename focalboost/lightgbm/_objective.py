"""Focal loss as objective and metric of LightGBM, in the native and the scikit-learn call."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from .._callbacks import FocalMetricBase, FocalObjectiveBase, mean_loss
from . import _native


@dataclass(frozen=True)
class FocalObjective(FocalObjectiveBase):
    """Focal loss as ``objective`` of `lightgbm.train`, `lightgbm.cv` or `lightgbm.LGBMClassifier`.

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
        LightGBM's own objectives from the same start.
    max_step : float, default=2.0
        Bound of a leaf's step with the bounded Hessian, at least 0.01. With the expected one, pass
        `max_delta_step(y)` to the framework: an objective does not see the leaves.
    scale : float or tuple of float, default=1.0
        Factor of the loss in training, in [1e-15, 1e15]; with ``multiclass="ovr"`` also one for each class. `normalize`
        works it out.

    Notes
    -----
    LightGBM starts a custom objective at 0 and forgets any start at prediction: give the Dataset
    `init_score(objective, y)`, and pass the trained booster through `to_builtin`.

    Examples
    --------
    >>> from focalboost.lightgbm import FocalObjective
    >>> FocalObjective(gamma=1.0).intercept([0] * 95 + [1] * 5)  # doctest: +ELLIPSIS
    -1.64...
    """

    _native: ClassVar[ModuleType] = _native

    @staticmethod
    def _softmax_factor(n_classes: int) -> float:
        return n_classes / (n_classes - 1)

    def fpreproc(self, dtrain: Any, dtest: Any, params: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
        """Start a fold from its training part's minimiser: ``lightgbm.cv(..., fpreproc=objective.fpreproc)``.

        Parameters
        ----------
        dtrain, dtest : lightgbm.Dataset
        params : dict
            ``num_class`` is read from it.

        Returns
        -------
        dtrain, dtest, params
        """
        dtrain.construct()
        dtest.construct()
        n_classes = max(2, int(params.get("num_class", 1)))
        start = self.intercept(dtrain.get_label(), dtrain.get_weight(), n_classes)
        for data in (dtrain, dtest):
            data.set_init_score(per_row(start, data.num_data()))
        return dtrain, dtest, params


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
    multiclass : {"softmax", "ovr"}, default="softmax"
        As in `FocalObjective`.
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
    y: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None = None,
    *,
    n_classes: int | None = None,
    n_samples: int | None = None,
) -> npt.NDArray[np.float64]:
    """Start value of every row, as a `lightgbm.Dataset` takes it.

    Parameters
    ----------
    objective : FocalObjective
    y : array-like of shape (n_train,)
        Training labels, class numbers 0..K-1.
    sample_weight : array-like of shape (n_train,), default=None
        Training weights.
    n_classes : int, default=None
        As in `FocalObjective.intercept`.
    n_samples : int, default=None
        Rows of the Dataset; None for those of `y`. An evaluation set starts from the training labels' value too.

    Returns
    -------
    ndarray of shape (n_samples,) or, for more than two classes, (n_samples, n_classes) in Fortran order
    """
    start = objective.intercept(y, sample_weight, n_classes)
    return per_row(start, len(np.asarray(y)) if n_samples is None else n_samples)


def per_row(start: float | npt.NDArray[np.float64], n_samples: int) -> npt.NDArray[np.float64]:
    """Repeat a start value for each row, in the layout of an init_score."""
    if np.ndim(start) == 0:
        return np.full(n_samples, start)
    return np.asfortranarray(np.broadcast_to(start, (n_samples, np.size(start))))


def per_set(start: Any, n_samples: int, given: Any, i: int) -> npt.NDArray[np.float64]:
    """Return the start of evaluation set i, on top of an init_score of its own."""
    own = None
    if isinstance(given, dict):
        own = given.get(i)
    elif given is not None and i < len(given):
        own = given[i]
    rows = per_row(start, n_samples)
    return rows if own is None else rows + np.asarray(own, dtype=np.float64).reshape(rows.shape, order="F")
