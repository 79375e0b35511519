"""Focal loss as objective and metric of XGBoost, in the native and the scikit-learn call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from .._callbacks import (
    FocalMetricBase,
    FocalObjectiveBase,
    LabelWeights,
    in_order,
    mean_loss,
    warn_of_reach,
    warn_of_weights,
)
from .._settings import labels_and_weights
from .._validation import MAX_ALPHA, MIN_ALPHA, SCALE_RULE, check_number
from .._warnings import warn
from . import _native
from ._native import probability

# Chosen on rare classes: docs/stress.md.
MAX_DELTA_STEP = 4.0


@dataclass(frozen=True)
class FocalObjective(FocalObjectiveBase):
    """Focal loss as ``obj`` of `xgboost.train` and `xgboost.cv`, or ``objective`` of `xgboost.XGBClassifier`.

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
        The unit of the margins: log-odds of the calibrated probability, which is what XGBoost's own objectives train;
        or the focal loss's own logits.
    prior : {"weighted", "sampled"}, default="weighted"
        Whose log-odds: of the problem weighed by alpha (and `class_weight`), or of the data as sampled, with those
        weights undone.
    class_weight : sequence of float, default=None
        Weights by class that the rows carry already, for ``prior="sampled"`` to undo.
    start : float or tuple of float, default=0.0
        What to add to the margins that XGBoost passes; none, where it knows their start as ``base_score``.
    hessian : {"expected", "exact"}, default=None
        None takes ``"expected"``; see `focalboost.BinaryFocalLoss.gradient_hessian`. Focal logits have
        ``"bounded"`` (None), ``"upper"``, ``"exact"`` and ``"expected"``.
    max_step : float, default=2.0
        Bound of a row's step with the bounded Hessian, at least 0.01. Leaves are bounded by XGBoost's own
        ``max_delta_step``, in units of the margin.
    scale : float or tuple of float, default=1.0
        Factor of the loss in training, in [1e-15, 1e15]; with ``multiclass="ovr"`` also one for each class. `normalize`
        works it out.

    Notes
    -----
    `focalboost.xgboost.train` does all of this by itself. By hand, give `xgboost.train` three things, and the model is
    an ordinary one: ``"objective": "binary:logistic"`` (or ``"multi:softprob"`` and ``num_class``) and ``"base_score":
    base_score(objective, y)`` among the parameters, and ``obj=objective.normalize(y)``. `xgboost.XGBClassifier` sets
    the first itself; it needs ``base_score`` too.
    Multilabel targets, and one-vs-rest whose model predicts sigmoids, are labels of shape (n_samples, n_classes)
    with ``multiclass="ovr"`` and ``"binary:logistic"``.

    Examples
    --------
    >>> from focalboost.xgboost import FocalObjective, base_score
    >>> round(base_score(FocalObjective(gamma=1.0), [0] * 95 + [1] * 5), 3)
    0.05
    """

    _native: ClassVar[ModuleType] = _native

    @staticmethod
    def _softmax_factor(n_classes: int) -> float:
        return 2.0


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
    multiclass, score, prior, class_weight, start
        As in `FocalObjective`; `of` takes them all from one.
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
    y: Any,
    sample_weight: npt.ArrayLike | None = None,
    *,
    num_class: int | None = None,
) -> float | list[float]:
    """Start value as XGBoost's parameter ``base_score`` takes it.

    Parameters
    ----------
    objective : FocalObjective
    y : array-like of shape (n_samples,) or (n_samples, n_classes), or an xgboost.DMatrix
        Training labels: class numbers 0..K-1, for ``binary:logistic`` or ``multi:softprob``; or 0/1 labels in a column
        for each class, for ``binary:logistic`` and an objective with ``multiclass="ovr"``. The two may change places.
    sample_weight : array-like of shape (n_samples,), default=None
        A DMatrix brings its own.
    num_class : int, default=None
        As in `FocalObjective.intercept`: the parameter of XGBoost.

    Returns
    -------
    float or list of float
        For ``binary:logistic`` a probability, or one for each column, in [1e-6, 1 - 1e-6], as XGBoost itself keeps it;
        for ``multi:softprob`` K margins, through softmax of mean 0, as XGBoost's own.
    """
    objective, y = in_order(FocalObjective, objective, y)
    start = objective.intercept(y, sample_weight, num_class)
    value: float | list[float] = as_base_score(start, objective, np.ndim(labels_and_weights(y)[0]) == 2)
    return value


def as_base_score(start: float | npt.NDArray[np.float64], objective: FocalObjective, columns: bool) -> Any:
    """Bring a start to the form of `base_score`; `columns` tells a column of labels for each class."""
    if np.ndim(start) == 0 or columns:
        return probability(start).tolist()
    centre = np.mean(start) if objective.multiclass == "softmax" else 0.0
    margins: list[float] = (np.asarray(start) - centre).tolist()
    return margins


def label_weights(scale_pos_weight: Any) -> LabelWeights | None:
    """Return what XGBoost's objective weighs labels 0 and 1 with."""
    if scale_pos_weight is None:
        return None
    scale = check_number("scale_pos_weight", scale_pos_weight, SCALE_RULE, MIN_ALPHA, MAX_ALPHA)
    return None if scale == 1 else ("scale_pos_weight", scale, ((1.0, scale),))


def warn_of_names(params: Mapping[str, Any]) -> None:
    """Warn of XGBoost's short names, which are those of the focal loss's parameters too."""
    for name, long in (("gamma", "min_split_loss"), ("alpha", "reg_alpha")):
        if params.get(name) is not None:
            msg = (
                f"{name} is XGBoost's {long} here, got {params[name]!r}; the focal loss has focal_{name} in the "
                f"estimators and FocalObjective({name}=...) natively. Give it as {long} if that is meant"
            )
            warn(msg)


def leaf_bound(params: Mapping[str, Any]) -> float | None:
    """Return ``max_delta_step``, but for linear models, which have no leaves and warn of it."""
    return None if params.get("booster") == "gblinear" else params.get("max_delta_step")


def check_reach(
    params: Mapping[str, Any], start: Any, hessian: tuple[float, float], softmax: bool, rounds: int | None
) -> None:
    """Warn of trainings that cannot leave the start, or get past even odds."""
    if params.get("booster") != "gblinear":
        least = params.get("min_child_weight")
        factor = 2 if softmax else 1
        warn_of_weights((factor * hessian[0], factor * hessian[1]), "min_child_weight", 1.0 if least is None else least)
    given = [params[name] for name in ("learning_rate", "eta") if params.get(name) is not None]
    rate = given[0] if given else 0.3
    warn_of_reach(start, softmax, 100 if rounds is None else rounds, rate, leaf_bound(params))
