"""What objectives and metrics of both frameworks share: the loss, the unit of margins, and reading two calling forms.

scikit-learn wrappers call ``(y_true, y_pred, sample_weight)``; natively a framework calls ``(y_pred, data)``, where
data has ``get_label`` and ``get_weight``.
"""

from __future__ import annotations

import os
from abc import ABC
from dataclasses import KW_ONLY, dataclass
from types import ModuleType
from typing import Any, ClassVar

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
    check_gamma,
    check_raw_prediction,
    check_start,
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
    """The loss, for any number of classes, and the unit of the margins."""

    gamma: float = 2.0
    alpha: AlphaLike = None
    _: KW_ONLY
    multiclass: str = "softmax"
    score: str = "log_odds"
    prior: str = "weighted"
    class_weight: tuple[float, ...] | None = None
    start: float | tuple[float, ...] = 0.0

    # The framework's own module: OPENMP, the address of its GOMP_parallel or 0, START, where a start is given, and
    # n_threads(data).
    _native: ClassVar[ModuleType]

    def __post_init__(self) -> None:
        if isinstance(self.gamma, np.ndarray) or hasattr(self.alpha, "get_label"):
            name = type(self).__name__
            msg = f"{name} must be made before it is called, got the class itself; give {name}(gamma=2.0)"
            raise TypeError(msg)
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
        """Return what margins lack of the log-odds of the weighted problem: log class weights, where they are undone.

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


def flat(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return an array of shape (n_samples, 1) as one of shape (n_samples,), and others as they are."""
    return column[:, 0] if column.ndim == 2 and column.shape[1] == 1 else column


def n_rows(data: Any) -> int:
    """Return the number of rows of a framework's data set."""
    return int(data.num_row() if hasattr(data, "num_row") else data.num_data())


def labels_and_weights(y_true: Any, sample_weight: Any = None) -> tuple[Any, Any]:
    """Return labels and weights, of a framework's data set its own; a single column of labels is flat."""
    if not hasattr(y_true, "get_label"):
        return flat(np.asarray(y_true)), None if sample_weight is None else flat(np.asarray(sample_weight))
    labels = None
    if getattr(y_true, "label", ()) is not None:
        labels = y_true.get_label()
    elif isinstance(y_true.data, str | os.PathLike) or y_true.used_indices is not None:
        labels = y_true.construct().get_label()  # a LightGBM Dataset of a file, or a part of another
    if labels is None or (len(labels) == 0 and n_rows(y_true) > 0):
        msg = "y_true must hold labels, got a data set without any; give it label="
        raise ValueError(msg)
    weights = y_true.get_weight()
    return np.asarray(labels), (None if weights is None or len(weights) == 0 else np.asarray(weights))
