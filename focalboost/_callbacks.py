"""What the objectives and metrics of both frameworks share: settings, and reading their two calling forms.

scikit-learn wrappers call ``(y_true, y_pred, sample_weight)``; natively a framework calls ``(y_pred, data)``, where
data has ``get_label`` and ``get_weight``. Margins come in as the framework holds them, and gradients leave in its
layout, as float32, so that it takes them without a copy.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import KW_ONLY, dataclass, replace
from types import ModuleType
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from ._validation import (
    HESSIANS,
    MULTICLASS,
    AlphaLike,
    FloatArray,
    check_alpha,
    check_choice,
    check_class_numbers,
    check_gamma,
    check_max_step,
    check_raw_prediction,
    check_scale,
)
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
    """The parameters of the loss, for any number of classes."""

    gamma: float = 2.0
    alpha: AlphaLike = None
    _: KW_ONLY
    multiclass: str = "softmax"

    # The framework's own module: OPENMP, the address of its GOMP_parallel or 0, and n_threads(data).
    _native: ClassVar[ModuleType]

    def __post_init__(self) -> None:
        object.__setattr__(self, "gamma", check_gamma(self.gamma))
        object.__setattr__(self, "alpha", check_alpha(self.alpha))
        check_choice("multiclass", self.multiclass, MULTICLASS)

    def loss(self, n_classes: int) -> AnyFocalLoss:
        """Return the loss for so many classes: one margin for 2, else softmax or one-vs-rest.

        Parameters
        ----------
        n_classes : int
            At least 2.
        """
        return self._loss_of(1 if n_classes == 2 else 2)

    def _loss_of(self, n_dims: int) -> AnyFocalLoss:
        """Return the loss for margins of so many dimensions."""
        if n_dims == 1:
            return BinaryFocalLoss(self.gamma, self.alpha)
        kind = MulticlassFocalLoss if self.multiclass == "softmax" else SigmoidFocalLoss
        return kind(self.gamma, self.alpha)

    def predict_proba(self, raw_prediction: npt.ArrayLike, link: str = "focal") -> npt.NDArray[np.float64]:
        """Probabilities from the raw scores of a model that was trained with this objective.

        Parameters
        ----------
        raw_prediction : array-like of shape (n_samples,) or (n_samples, n_classes)
            Margins, the start value included.
        link : {"focal", "logit", "posterior"}, default="focal"
            See `focalboost.MulticlassFocalLoss.predict_proba`.

        Returns
        -------
        ndarray of shape (n_samples, 2) or (n_samples, n_classes), float64
        """
        margin = check_raw_prediction(raw_prediction, (1, 2))
        return self._loss_of(margin.ndim).predict_proba(margin, link)

    def _rows(self, first: Any, second: Any, sample_weight: Any) -> Rows:
        if not hasattr(second, "get_label"):
            return Rows(first, second, sample_weight)
        weight = second.get_weight()
        if weight is not None and len(weight) == 0:
            weight = None
        return Rows(second.get_label(), first, weight, self._native.n_threads(second))


@dataclass(frozen=True)
class FocalObjectiveBase(FocalSettings):
    """Gradient and Hessian for a framework's training loop."""

    hessian: str = "bounded"
    max_step: float = 2.0
    scale: float | tuple[float, ...] = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("hessian", self.hessian, HESSIANS)
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
        margin = _as_margins(given)
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
        self, y_true: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None, n_classes: int | None = None
    ) -> float | npt.NDArray[np.float64]:
        """Constant margin, or margins, that minimise the weighted focal risk: where boosting starts.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            Training labels, class numbers 0..K-1. With ``multiclass="ovr"`` also of shape (n_samples, n_classes): a
            column of 0/1 labels for each class.
        sample_weight : array-like of shape (n_samples,), default=None
        n_classes : int, default=None
            K; None takes the columns of `y_true`, the number of alpha's weights, or the highest label + 1, at least 2.

        Returns
        -------
        float for two classes, else ndarray of shape (n_classes,)
        """
        n_classes = self._n_classes(y_true, n_classes)
        return self.loss_of(y_true, n_classes).intercept(y_true, sample_weight, n_classes)

    def resolve(
        self, y_true: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None, n_classes: int | None = None
    ) -> Self:
        """Return the same objective with alpha as numbers, for ``alpha="balanced"`` and ``"effective"``.

        An objective with a name for alpha counts the classes in every round; a resolved one does not, and its
        alpha can be given to a metric.

        Parameters
        ----------
        y_true, sample_weight, n_classes
            As in `intercept`.
        """
        return replace(self, alpha=self.loss_of(y_true, n_classes).resolve(y_true, sample_weight).alpha)

    def normalize(
        self, y_true: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None, n_classes: int | None = None
    ) -> Self:
        """Return the same objective, resolved, with the scale that keeps the framework's parameters what they were.

        The focal loss has another amount of Hessian than the log-loss, and parameters that are such amounts, as
        ``min_child_weight`` and ``reg_lambda`` are, change in effect. With this scale the mean Hessian at the start
        (the upper one, or the expected one where that is trained with) is that of the log-loss with the same alpha and
        weights. The minimiser, and so the links, stay.

        Parameters
        ----------
        y_true, sample_weight, n_classes
            As in `intercept`.
        """
        n_classes = self._n_classes(y_true, n_classes)
        resolved = self.resolve(y_true, sample_weight, n_classes)
        loss = resolved.loss_of(y_true, n_classes)
        scale = loss._normalizing_scale(y_true, sample_weight, n_classes, self.hessian).tolist()
        return replace(resolved, scale=tuple(scale) if isinstance(loss, SigmoidFocalLoss) else scale[0])

    def max_delta_step(
        self, y_true: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None, n_classes: int | None = None
    ) -> float:
        """Return the framework's parameter ``max_delta_step`` that bounds leaves in the log-odds of a probability.

        It is `max_step` over how fast the margin moves the log-odds that the ``focal`` link reads, at the start: so no
        leaf of the first tree moves them further than `max_step`, to first order and before the learning rate. At
        gamma = 0 they are the margin itself, and this is `max_step`; at gamma = 2 the margin moves them about 2.7 times
        as far as itself. With more than two classes the bound is for the class whose log-odds move least.

        Parameters
        ----------
        y_true, sample_weight, n_classes
            As in `intercept`.

        Returns
        -------
        float
            In units of the margin.
        """
        n_classes = self._n_classes(y_true, n_classes)
        loss = self.loss_of(y_true, n_classes).resolve(y_true, sample_weight)
        slopes = loss._log_odds_slopes(loss._class_weights(y_true, sample_weight, n_classes))
        return self.max_step / float(slopes.min())

    def loss_of(self, y_true: npt.ArrayLike, n_classes: int | None = None) -> AnyFocalLoss:
        """Return the loss for such labels.

        Parameters
        ----------
        y_true, n_classes
            As in `intercept`.
        """
        if np.ndim(y_true) != 2:
            return self.loss(self._n_classes(y_true, n_classes))
        if self.multiclass != "ovr":
            msg = (
                f"multiclass must be 'ovr' where y_true has a column for each class, got {self.multiclass!r} and "
                f"shape {np.shape(y_true)}; softmax takes class numbers, in one dimension"
            )
            raise ValueError(msg)
        return self._loss_of(2)

    def _n_classes(self, y_true: npt.ArrayLike, n_classes: int | None) -> int:
        if n_classes is not None:
            return n_classes
        if np.ndim(y_true) == 2:
            return int(np.shape(y_true)[1])
        highest = int(check_class_numbers(y_true, None).max())
        return max(2, highest + 1, len(self.alpha) if isinstance(self.alpha, tuple) else 0)


@dataclass(frozen=True)
class FocalMetricBase(FocalSettings):
    """Mean focal loss of the margins of an evaluation set."""

    __name__: ClassVar[str] = "focal"  # the frameworks print it

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.alpha, str):
            msg = (
                f"alpha must be numbers in a metric, got {self.alpha!r}: an evaluation set is measured with the "
                "training alpha; take it from FocalObjective(...).resolve(y_train).alpha"
            )
            raise ValueError(msg)

    def _sums(self, y_true: Any, y_pred: Any, sample_weight: Any) -> tuple[float, float]:
        """Return the sums of weighted losses and of weights."""
        rows = self._rows(y_true, y_pred, sample_weight)
        given = np.asarray(rows.raw_prediction)
        if given.size == 0:  # a worker of a cluster may hold no row
            return 0.0, 0.0
        margin = _as_margins(given)
        return self._loss_of(margin.ndim)._evaluate(
            rows.y_true, margin, rows.sample_weight, n_threads=rows.n_threads, openmp=self._native.OPENMP
        )


def mean_loss(total: float, weight: float) -> float:
    """Return the mean of weighted losses, NaN where there are none."""
    return total / weight if weight > 0 else float("nan")


def _as_margins(given: FloatArray) -> FloatArray:
    """Check margins; one column is one margin a row."""
    return check_raw_prediction(given[:, 0] if given.ndim == 2 and given.shape[1] == 1 else given, (1, 2))
