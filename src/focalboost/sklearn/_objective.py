"""Gradient and Hessian in scikit-learn's arrays, and what a fit needs beyond the parent's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from .._callbacks import FocalObjectiveBase
from .._estimator import make_plan
from .._kernel._threads import thread_count
from .._settings import flat
from .._validation import Array, FloatArray
from ..losses import AnyFocalLoss
from . import _native


@dataclass(frozen=True)
class FocalObjective(FocalObjectiveBase):
    """The focal loss in log-odds, in the terms of scikit-learn's trees."""

    _native: ClassVar[Any] = _native

    @staticmethod
    def _softmax_factor(n_classes: int) -> float:
        return 1.0  # scikit-learn's softmax has p (1 - p)

    def derivatives(
        self,
        labels: Array,
        margin: FloatArray,
        sample_weight: Array | None,
        out: tuple[FloatArray, FloatArray],
        n_threads: int,
    ) -> None:
        """Write gradient and Hessian to `out`; margins are of shape (n_samples, 1) or (n_samples, n_classes)."""
        margin = flat(margin)
        self._loss_of(margin.ndim)._derivatives(
            labels,
            margin,
            sample_weight,
            hessian=self.hessian,
            max_step=self.max_step,
            hessian_factor=1.0,
            dtype=out[0].dtype,
            n_threads=min(n_threads, thread_count(None, margin.size)),
            openmp=_native.OPENMP,
            scale=self.scale,
            out=out,
        )


@dataclass(frozen=True)
class Plan:
    """What a fit needs beyond the parent's.

    ``loss`` is the loss with the user's alpha. ``objective`` has none: all that weighs the classes is in ``weight``,
    of each row, which the parent takes for its start, its bins and its early stopping as it takes ``class_weight``.
    """

    loss: AnyFocalLoss
    objective: FocalObjective
    weight: npt.NDArray[np.float64] | None
    mean_shift: bool

    @classmethod
    def of(
        cls,
        estimator: Any,
        classes: npt.NDArray[Any],
        codes: npt.NDArray[np.intp],
        sample_weight: npt.NDArray[np.float64] | None,
    ) -> Plan:
        """Check the focal parameters against labels and weights, and work out what they mean.

        Parameters
        ----------
        estimator : a FocalHistGradientBoostingClassifier
        classes, codes
            Labels in sorted order, and the positions of the rows' labels there.
        sample_weight : ndarray of shape (n_samples,), without class weights
        """
        made = make_plan(estimator, FocalObjective, classes, codes, sample_weight, None)
        by_class = made.loss._alpha_array(len(classes))
        if made.objective.class_weight is not None:
            by_class = by_class * made.objective.class_weight
        objective = replace(made.objective, alpha=None, class_weight=tuple(by_class.tolist()))
        if not (by_class == 1).all():
            of_rows = by_class[codes]
            sample_weight = of_rows if sample_weight is None else sample_weight * of_rows
        return cls(made.loss, objective, sample_weight, estimator.focal_mean_shift)

    def last_shift(self, labels: Array, margin: FloatArray, sample_weight: Array | None) -> npt.NDArray[np.float64]:
        """Return what the model is to add to the margins of its training rows, of shape (n_margins,)."""
        offset = -np.asarray(self.objective.offset(1 if margin.shape[1] == 1 else margin.shape[1]))
        if self.mean_shift:
            offset = offset + self.objective.mean_shift(labels, flat(margin) + offset, sample_weight)
        return offset
