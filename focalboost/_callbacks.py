"""What the objectives and metrics of both frameworks share: settings, and reading their two calling forms.

scikit-learn wrappers call ``(y_true, y_pred, sample_weight)``; natively a framework calls ``(y_pred, data)``, where
data has ``get_label`` and ``get_weight``. Margins come in as the framework holds them, and gradients leave in its
layout, as float32, so that it takes them without a copy.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import KW_ONLY, dataclass, fields, replace
from types import ModuleType
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
import numpy.typing as npt

from ._validation import (
    MULTICLASS,
    PRIORS,
    SCORES,
    AlphaLike,
    FloatArray,
    check_alpha,
    check_choice,
    check_class_numbers,
    check_gamma,
    check_hessian,
    check_max_step,
    check_raw_prediction,
    check_scale,
    check_start,
)
from ._mean_shift import mean_shift, training_sums
from .losses import AnyFocalLoss, BinaryFocalLoss, MulticlassFocalLoss, SigmoidFocalLoss


@dataclass(frozen=True)
class Rows:
    """One call of a framework: margins, and the labels and weights of their rows."""

    y_true: npt.ArrayLike
    raw_prediction: Any
    sample_weight: npt.ArrayLike | None
    n_threads: int | None = None


@dataclass(frozen=True)
class FocalSettings(ABC):
    """The loss, for any number of classes, and the unit of the margins."""

    gamma: float = 2.0
    alpha: AlphaLike = None
    _: KW_ONLY
    multiclass: str = "softmax"
    score: str = "log_odds"
    prior: str = "weighted"
    class_weight: tuple[float, ...] | None = None
    start: float | tuple[float, ...] = 0.0

    # The framework's own module: OPENMP, the address of its GOMP_parallel or 0, and n_threads(data).
    _native: ClassVar[ModuleType]

    def __post_init__(self) -> None:
        check_choice("score", self.score, SCORES)
        object.__setattr__(self, "gamma", check_gamma(self.gamma, self.score))
        object.__setattr__(self, "alpha", check_alpha(self.alpha))
        check_choice("multiclass", self.multiclass, MULTICLASS)
        check_choice("prior", self.prior, PRIORS)
        if self.prior == "sampled" and self.score != "log_odds":
            msg = "prior must be 'weighted' for focal logits, got 'sampled'; use score='log_odds'"
            raise ValueError(msg)
        if self.class_weight is not None:
            weights = check_alpha(self.class_weight)
            if not isinstance(weights, tuple) or isinstance(weights[0], tuple):
                msg = f"class_weight must hold one weight for each class, or be None, got {self.class_weight!r}"
                raise ValueError(msg)
            object.__setattr__(self, "class_weight", weights)
        object.__setattr__(self, "start", check_start(self.start))

    def loss(self, num_class: int) -> AnyFocalLoss:
        """Return the loss for a number of margins.

        Parameters
        ----------
        num_class : int
            The frameworks' parameter: 0 or 1 for one margin, of two classes, else a margin for each class.
        """
        return self._loss_of(1 if num_class < 2 else 2)

    def _loss_of(self, n_dims: int) -> AnyFocalLoss:
        """Return the loss for margins of so many dimensions."""
        if n_dims == 1:
            return BinaryFocalLoss(self.gamma, self.alpha, score=self.score)
        kind = MulticlassFocalLoss if self.multiclass == "softmax" else SigmoidFocalLoss
        return kind(self.gamma, self.alpha, score=self.score)

    def predict_proba(self, raw_prediction: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Probabilities from the raw scores of a model that was trained with this objective.

        Parameters
        ----------
        raw_prediction : array-like of shape (n_samples,) or (n_samples, n_classes)
            Margins, the start value included.

        Returns
        -------
        ndarray of shape (n_samples, 2) or (n_samples, n_classes), float64
            In log-odds what the model itself predicts; of focal logits the ``focal`` link.
        """
        margin = check_raw_prediction(raw_prediction, (1, 2))
        return self._loss_of(margin.ndim).predict_proba(margin)

    def offset(self, num_class: int = 1) -> npt.NDArray[np.float64] | float:
        """What lies between margins and the log-odds of the weighted problem: log class weights, if they are undone.

        Parameters
        ----------
        num_class : int, default=1
            As in `loss`.

        Returns
        -------
        float or ndarray of shape (num_class,), to be added to margins that hold their start; 0 for ``"weighted"``
        """
        if self.prior == "weighted":
            return 0.0
        loss = self.loss(num_class)
        alpha = loss._alpha_array(max(1, num_class))
        if self.class_weight is not None:
            if isinstance(loss, SigmoidFocalLoss):
                msg = (
                    "class_weight must be None for prior='sampled' and one-vs-rest, where the rest of each column has "
                    f"several weights, got {self.class_weight}; use alpha"
                )
                raise ValueError(msg)
            alpha = alpha * self.class_weight
        logs: npt.NDArray[np.float64] = np.log(alpha)
        if isinstance(loss, MulticlassFocalLoss):
            return logs
        of_label_1: npt.NDArray[np.float64] = logs[..., 1] - logs[..., 0]
        return of_label_1

    def _rows(self, first: Any, second: Any, sample_weight: Any) -> Rows:
        if not hasattr(second, "get_label"):
            return Rows(first, second, sample_weight)
        labels, weights = labels_and_weights(second)
        return Rows(labels, first, weights, self._native.n_threads(second))

    def _log_odds(self, given: Any) -> FloatArray:
        """Check margins, and bring them to the unit of the loss; one column is one margin a row."""
        one = given.ndim == 2 and given.shape[1] == 1
        margin = check_raw_prediction(given[:, 0] if one else given, (1, 2))
        added = self.offset(1 if margin.ndim == 1 else margin.shape[1]) + np.array(self.start)
        # In double: a margin of 80 would lose five digits of its probability.
        return margin + added if np.any(added) else margin


@dataclass(frozen=True)
class FocalObjectiveBase(FocalSettings):
    """Gradient and Hessian for a framework's training loop."""

    _: KW_ONLY
    hessian: str | None = None
    max_step: float = 2.0
    scale: float | tuple[float, ...] = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "hessian", check_hessian(self.hessian, self.score))
        object.__setattr__(self, "max_step", check_max_step(self.max_step))
        object.__setattr__(self, "scale", check_scale(self.scale))

    @staticmethod
    @abstractmethod
    def _softmax_factor(n_classes: int) -> float:
        """Return what the framework's own softmax objective multiplies its Hessian with."""

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> tuple[FloatArray, FloatArray]:
        """Gradient and Hessian of the focal loss.

        Called by the frameworks, in either of two forms.

        Parameters
        ----------
        y_true : ndarray of shape (n_samples,), class numbers 0..K-1; natively the margins
            With ``multiclass="ovr"`` also of shape (n_samples, n_classes), 0/1 labels, where the framework takes them.
        y_pred : ndarray of shape (n_samples,) or (n_samples, n_classes), margins; natively the framework's data set
        sample_weight : ndarray of shape (n_samples,), default=None
            Applied once. Natively it comes from the data set.

        Returns
        -------
        gradient, hessian : ndarrays of the shape and memory order of the margins, float32
        """
        rows = self._rows(y_true, y_pred, sample_weight)
        given = np.asarray(rows.raw_prediction)
        if given.size == 0:  # a worker of a cluster may hold no row
            return np.empty_like(given, dtype=np.float32), np.empty_like(given, dtype=np.float32)
        margin = self._log_odds(given)
        loss = self._loss_of(margin.ndim).resolve(rows.y_true, rows.sample_weight)
        softmax = isinstance(loss, MulticlassFocalLoss)
        gradient, hessian = loss._derivatives(
            rows.y_true,
            margin,
            rows.sample_weight,
            hessian=self.hessian,
            max_step=self.max_step,
            hessian_factor=self._softmax_factor(margin.shape[1]) if softmax else 1.0,
            dtype=np.float32,
            n_threads=rows.n_threads,
            openmp=self._native.OPENMP,
            # In float the gradient of a class would vary in its last digit with the label of the row, and splits that
            # tie in the frameworks' own objectives would not.
            precise=softmax,
            scale=self.scale,
        )
        return gradient.reshape(given.shape, order="A"), hessian.reshape(given.shape, order="A")

    def intercept(
        self, y_true: Any, sample_weight: npt.ArrayLike | None = None, num_class: int | None = None
    ) -> float | npt.NDArray[np.float64]:
        """Constant margin, or margins, where boosting starts: the log-odds of the prior, in the unit of `prior`.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,), or the framework's data set
            Training labels, class numbers 0..K-1. With ``multiclass="ovr"`` also of shape (n_samples, n_classes): a
            column of 0/1 labels for each class. A data set brings its weights.
        sample_weight : array-like of shape (n_samples,), default=None
            `class_weight` included.
        num_class : int, default=None
            As in `loss`; None takes the columns of `y_true`, or follows from alpha's weights and the highest label.

        Returns
        -------
        float for one margin, else ndarray of shape (num_class,)
            Of a softmax log-probabilities.
        """
        labels, weights = labels_and_weights(y_true, sample_weight)
        num_class = self._num_class(labels, num_class)
        resolved = self.resolve(labels, weights, num_class)
        loss = resolved.loss(num_class)
        start = loss.intercept(labels, weights, max(2, num_class)) - resolved.offset(num_class)
        if isinstance(loss, MulticlassFocalLoss):
            return np.asarray(start - np.logaddexp.reduce(start))
        return float(start) if num_class < 2 else np.asarray(start)

    def resolve(self, y_true: Any, sample_weight: npt.ArrayLike | None = None, num_class: int | None = None) -> Self:
        """Return the same objective with alpha as numbers, for ``alpha="balanced"`` and ``"effective"``.

        An objective with a name for alpha counts the classes in every round; a resolved one does not, and its
        alpha can be given to a metric.

        Parameters
        ----------
        y_true, sample_weight, num_class
            As in `intercept`.
        """
        labels, weights = labels_and_weights(y_true, sample_weight)
        return replace(self, alpha=self.loss(self._num_class(labels, num_class)).resolve(labels, weights).alpha)

    def normalize(self, y_true: Any, sample_weight: npt.ArrayLike | None = None, num_class: int | None = None) -> Self:
        """Return the same objective, resolved, with the scale that keeps the framework's parameters what they were.

        The focal loss has another amount of Hessian than the log-loss, and parameters that are such amounts, as
        ``min_child_weight`` and ``reg_lambda`` are, change in effect. With this scale the mean Hessian at the start is
        that of the log-loss with the same alpha and weights.

        Parameters
        ----------
        y_true, sample_weight, num_class
            As in `intercept`.

        Raises
        ------
        ValueError
            For focal logits.
        """
        if self.score != "log_odds":
            msg = "normalize must be called on an objective with score='log_odds', got 'focal_logit'"
            raise ValueError(msg)
        labels, weights = labels_and_weights(y_true, sample_weight)
        num_class = self._num_class(labels, num_class)
        resolved = self.resolve(labels, weights, num_class)
        loss = resolved.loss(num_class)
        scale = loss._normalizing_scale(labels, weights, max(2, num_class)).tolist()
        return replace(resolved, scale=tuple(scale) if isinstance(loss, SigmoidFocalLoss) else scale[0])

    def mean_shift(
        self, y_true: Any, raw_prediction: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> float | npt.NDArray[np.float64]:
        """Return the constant for the start of a trained model that makes it right on average on its training rows.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,) or (n_samples, n_classes), or the framework's data set
            Training labels, as in `intercept`.
        raw_prediction : array-like of shape (n_samples,) or (n_samples, n_classes)
            Margins of the trained model for the training rows, the start included.
        sample_weight : array-like of shape (n_samples,), default=None
            `class_weight` included.

        Returns
        -------
        float or ndarray of shape (n_classes,)
            To be added to the margins. 0 where only one label has weight.
        """
        labels, weights = labels_and_weights(y_true, sample_weight)
        given = np.asarray(raw_prediction)
        num_class = 1 if given.ndim == 1 else given.shape[1]
        loss = self.loss(num_class).resolve(labels, weights)
        exclusive = isinstance(loss, MulticlassFocalLoss)
        if labels.ndim == 1 and not exclusive:
            labels = labels[:, None] == np.arange(1, 2) if num_class == 1 else labels[:, None] == np.arange(num_class)
        labels = labels.astype(np.intp)
        weight = None if weights is None else np.asarray(weights, dtype=np.float64)[:, None]
        if self.prior == "sampled":
            by_class = None if self.class_weight is None else 1 / np.array(self.class_weight)
        else:
            by_class = None if loss.alpha is None else loss._alpha_array(num_class)
        if by_class is not None:
            # Of columns with a pair of weights each, else one for each class.
            own = np.where(labels, by_class[..., 1], by_class[..., 0]) if not exclusive else by_class[labels][:, None]
            weight = own if weight is None else own * weight
        margin = given.reshape(len(given), -1)
        total = np.full(margin.shape[1], float(len(given))) if weight is None else np.ones(margin.shape[1]) * weight.sum(axis=0)
        shift = mean_shift(lambda by: training_sums(by, margin, labels, weight, exclusive), total, exclusive)
        return float(shift[0]) if given.ndim == 1 else shift

    def _num_class(self, labels: npt.ArrayLike, given: int | None) -> int:
        columns = np.ndim(labels) == 2
        if columns and self.multiclass != "ovr":
            msg = (
                f"multiclass must be 'ovr' where y_true has a column for each class, got {self.multiclass!r} and "
                f"shape {np.shape(labels)}; softmax takes class numbers, in one dimension"
            )
            raise ValueError(msg)
        if given is not None:
            return given
        if columns:
            return int(np.shape(labels)[1])
        highest = int(check_class_numbers(labels, None).max())
        most = max(highest + 1, len(self.alpha) if isinstance(self.alpha, tuple) else 0)
        return most if most > 2 else 1


Objective = TypeVar("Objective", bound=FocalObjectiveBase)


@dataclass(frozen=True)
class FocalMetricBase(FocalSettings):
    """Mean focal loss of the margins of an evaluation set."""

    __name__: ClassVar[str] = "focal"  # the frameworks print it

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.alpha, str):
            msg = (
                f"alpha must be numbers in a metric, got {self.alpha!r}: an evaluation set is measured with the "
                "training alpha; take FocalMetric.of(FocalObjective(...).resolve(y_train))"
            )
            raise ValueError(msg)

    @classmethod
    def of(cls, objective: FocalSettings) -> Self:
        """Return the metric of an objective: the mean of the loss that it trains.

        Parameters
        ----------
        objective : FocalObjective
            Its alpha in numbers; see `FocalObjective.resolve`.
        """
        return cls(**{field.name: getattr(objective, field.name) for field in fields(FocalSettings)})

    def _sums(self, y_true: Any, y_pred: Any, sample_weight: Any) -> tuple[float, float]:
        """Return the sums of weighted losses and of weights."""
        rows = self._rows(y_true, y_pred, sample_weight)
        given = np.asarray(rows.raw_prediction)
        if given.size == 0:  # a worker of a cluster may hold no row
            return 0.0, 0.0
        margin = self._log_odds(given)
        return self._loss_of(margin.ndim)._evaluate(
            rows.y_true, margin, rows.sample_weight, n_threads=rows.n_threads, openmp=self._native.OPENMP
        )


def labels_and_weights(y_true: Any, sample_weight: Any = None) -> tuple[Any, Any]:
    """Return labels and weights, of a framework's data set its own; a single column of labels is flat."""
    if not hasattr(y_true, "get_label"):
        array = np.asarray(y_true)
        return (array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array), sample_weight
    labels, weights = y_true.get_label(), y_true.get_weight()
    if labels is None:
        msg = "y_true must hold labels, got a data set without any; give it label="
        raise ValueError(msg)
    return np.asarray(labels), (None if weights is None or len(weights) == 0 else np.asarray(weights))


def in_order(kind: type[Objective], objective: Any, y: Any) -> tuple[Objective, Any]:
    """Return an objective and labels, whichever came first."""
    if isinstance(y, kind):
        objective, y = y, objective
    if not isinstance(objective, kind):
        msg = f"objective must be a {kind.__name__}, as in FocalObjective(gamma=2.0), got {objective!r:.60}"
        raise TypeError(msg)
    return objective, y


def mean_loss(total: float, weight: float) -> float:
    """Return the mean of weighted losses, NaN where there are none."""
    return total / weight if weight > 0 else float("nan")
