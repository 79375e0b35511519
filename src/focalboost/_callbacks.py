"""What the objectives and metrics of both frameworks do.

Margins come in as the framework holds them, and gradients leave in its layout, as float32, so that it takes them
without a copy.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import KW_ONLY, dataclass, fields, replace
from typing import Any, ClassVar, Self, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from ._mean_shift import TrainingRows, mean_shift
from ._settings import FocalSettings, Rows, labels_and_weights
from ._validation import AlphaLike, FloatArray, check_class_numbers, check_hessian, check_max_step, check_scale
from ._warnings import warn
from .losses import MulticlassFocalLoss, SigmoidFocalLoss

# As `FocalObjectiveBase.weighed` has it.
LabelWeights: TypeAlias = tuple[str, Any, tuple[tuple[float, float], ...]]
# Log-odds: a start this near to the right one costs a round or two.
_EVEN = 1.0


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
        if given.flat[0] == 0 and not np.any(self.start) and not given.any():
            self._warn_of_start(rows, given)
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

    def weighed(self, label_weights: LabelWeights | None, num_class: int) -> Self:
        """Return the same objective with weights of the labels, of which the frameworks know no other way.

        Parameters
        ----------
        label_weights : (name, value, pairs), or None
            The framework's parameter, its value, and the weights of labels 0 and 1 in each column, or in all.
        num_class : int
            As in `loss`.
        """
        if label_weights is None:
            return self
        name, value, pairs = label_weights
        if self.alpha is not None:
            msg = (
                f"{name} must not be given with an alpha of the focal loss, as both weigh the classes, "
                f"got {value!r} and {self.alpha!r}; use one of them"
            )
            raise ValueError(msg)
        if num_class > 1 and self.multiclass == "softmax":
            msg = f"{name} has no effect on a softmax over {num_class} classes, got {value!r}; use the loss's alpha"
            warn(msg)
            return self
        return replace(self, alpha=pairs[0] if num_class < 2 else pairs * (num_class // len(pairs)))

    def _start_hessian(self, y_true: Any, sample_weight: npt.ArrayLike | None, num_class: int) -> tuple[float, float]:
        """Return the Hessian of all rows at the start, of the column that has most, and that without any weights."""
        labels, weights = labels_and_weights(y_true, sample_weight)

        def total(alpha: AlphaLike, weights: Any) -> float:
            loss = replace(self.loss(num_class), gamma=0.0, alpha=alpha)
            counts = loss._class_weights(labels, weights, max(2, num_class))
            return float((loss._mean_hessian(counts) * counts.sum(axis=1)).max())

        weighed = total(self.alpha, weights)
        return weighed, weighed if self.alpha is None and weights is None else total(None, None)

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
        rows = self._training_rows(y_true, raw_prediction, sample_weight)
        shift = mean_shift(rows.sums, 1 if rows.margin.ndim == 1 else rows.margin.shape[1], rows.exclusive)
        return float(shift[0]) if rows.margin.ndim == 1 else shift

    def _training_rows(self, y_true: Any, raw_prediction: npt.ArrayLike, sample_weight: Any) -> TrainingRows:
        """Return the rows of `mean_shift`, weighed as `prior` has it."""
        labels, weights = labels_and_weights(y_true, sample_weight)
        margin = np.asarray(raw_prediction)
        n_columns = 1 if margin.ndim == 1 else margin.shape[1]
        alpha = None
        if self.prior == "weighted":
            alpha = self.loss(n_columns).resolve(labels, weights).alpha
        elif self.class_weight is not None:
            alpha = tuple(1 / np.array(self.class_weight))
        log_loss = replace(self.loss(n_columns), gamma=0.0, alpha=alpha, score="log_odds")
        return TrainingRows(log_loss, labels.astype(np.float32), margin, weights)

    def _warn_of_start(self, rows: Rows, margin: FloatArray) -> None:
        """Say that a training starts at even odds, where the labels are not even."""
        if self.score != "log_odds" or (rows.sample_weight is not None and not np.any(rows.sample_weight)):
            return
        num_class = 1 if margin.ndim == 1 else margin.shape[1]
        start = self.intercept(rows.y_true, rows.sample_weight, num_class)
        apart = np.ptp(start) if num_class > 1 and self.multiclass == "softmax" else np.abs(start).max()
        if apart > _EVEN:
            msg = (
                "training starts at margins of 0, even odds, which is far from the shares of the labels: give "
                f"{self._native.START}, or use focalboost's own train"
            )
            warn(msg)

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


def warn_of_weights(hessian: tuple[float, float], name: str, value: Any) -> None:
    """Warn where weights keep leaves of the first round from the Hessian that they need: the model stays as it starts.

    Parameters
    ----------
    hessian : of all rows at the start, and what it is where all weights are 1
    name, value : of the parameter that asks for as much in a leaf
    """
    if hessian[0] < 2 * float(value) <= hessian[1]:
        msg = (
            f"{name}={value:g} lets no tree split: as they are weighed, all rows have a Hessian of {hessian[0]:.3g} at "
            "the start, and the model will be constant; lower it, or scale the weights up, as in alpha / min(alpha)"
        )
        warn(msg)


def warn_of_reach(start: float | npt.NDArray[np.float64], exclusive: bool, rounds: Any, rate: Any, bound: Any) -> None:
    """Warn where all rounds together cannot take a margin from the start past even odds.

    Parameters
    ----------
    start : as from `FocalObjectiveBase.intercept`
    exclusive : whether it holds log-probabilities, which a round moves from both sides
    rounds, rate, bound : number of rounds, learning rate, and max_delta_step, for which 0 and None mean none
    """
    margins = np.atleast_1d(start)
    log_odds = np.abs(margins - np.log(-np.expm1(margins))) / 2 if exclusive else np.abs(margins)
    reach = float(rounds) * float(rate) * float(bound or 0.0)
    if 0 < reach < log_odds.max():
        msg = (
            f"max_delta_step is too low for so few slow rounds: {rounds} rounds x {rate:g} (learning rate) x {bound:g} "
            f"move the log-odds by {reach:.2g} at most, and from the shares of the labels to even odds it is "
            f"{log_odds.max():.2g}; take more rounds, a higher learning rate, or max_delta_step=0"
        )
        warn(msg)


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
