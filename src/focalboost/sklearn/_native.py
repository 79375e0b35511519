"""What is taken from scikit-learn's inside. Tested with 1.6, 1.7, 1.8 and 1.9.

`Trainer` overrides hooks of the parent's fit, and gives it a loss object that is scikit-learn's own but for
`gradient_hessian`.
"""

from __future__ import annotations

import ctypes
from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import sklearn
from sklearn.ensemble import HistGradientBoostingClassifier

from .._frameworks import openmp_entry
from .._validation import Array, FloatArray

if TYPE_CHECKING:
    from ._objective import Plan

TESTED = "1.6 to 1.9"
# Where a start is given, for a warning: scikit-learn always starts at the right place.
START = "nothing"


def unknown_version(what: str) -> str:
    """Return the message for a scikit-learn whose inside is another."""
    return (
        f"focalboost.sklearn does not know the inside of scikit-learn {sklearn.__version__} ({what}); it was tested "
        f"with {TESTED}: pip install 'scikit-learn>=1.6,<1.10', or a newer focalboost"
    )


try:
    from sklearn._loss import _loss
    from sklearn._loss.loss import HalfBinomialLoss, HalfMultinomialLoss
except ImportError as error:
    raise ImportError(unknown_version(str(error))) from error

# What `Trainer` and `FocalTraining` override or call, and what it is called with.
_HOOKS = (
    (HistGradientBoostingClassifier, "_finalize_sample_weight", ("self", "sample_weight", "y")),
    (HistGradientBoostingClassifier, "_get_loss", ("self", "sample_weight")),
    (HistGradientBoostingClassifier, "_is_fitted", ("self",)),
    *(
        (
            loss,
            "gradient_hessian",
            ("self", "y_true", "raw_prediction", "sample_weight", "gradient_out", "hessian_out", "n_threads"),
        )
        for loss in (HalfBinomialLoss, HalfMultinomialLoss)
    ),
)
for _class, _name, _parameters in _HOOKS:
    if tuple(signature(getattr(_class, _name, lambda: None)).parameters) != _parameters:
        raise ImportError(unknown_version(f"{_class.__name__}.{_name}"))

# The extension that links to the OpenMP of scikit-learn's own loops.
OPENMP = openmp_entry(ctypes.CDLL(_loss.__file__))
TAKES_X_VAL = "X_val" in signature(HistGradientBoostingClassifier.fit).parameters  # scikit-learn 1.7


def n_threads(data: Any) -> int | None:
    """Return the thread count that data bring along: none do."""
    return None


class FocalTraining:
    """What makes scikit-learn's log-loss the focal loss in training: the log-loss stays what early stopping reads."""

    plan: Plan
    # Labels, margins and weights of the rows that train. scikit-learn adds each tree to the margins in place.
    rows: tuple[Array, FloatArray, Array | None] | None = None

    def gradient_hessian(
        self,
        y_true: Array,
        raw_prediction: FloatArray,
        sample_weight: Array | None = None,
        gradient_out: Any = None,
        hessian_out: Any = None,
        n_threads: int = 1,
    ) -> tuple[FloatArray, FloatArray]:
        """Write the derivatives to `gradient_out` and `hessian_out`: see scikit-learn's `BaseLoss`."""
        labels = y_true.astype(np.float32) if self.rows is None else self.rows[0]  # once, not in each round
        self.rows = labels, raw_prediction, sample_weight
        if self.plan.objective.gamma == 0:  # the log-loss, to the last digit
            own: tuple[FloatArray, FloatArray] = super().gradient_hessian(  # type: ignore[misc]
                y_true, raw_prediction, sample_weight, gradient_out, hessian_out, n_threads
            )
            return own
        self.plan.objective.derivatives(*self.rows, (gradient_out, hessian_out), n_threads)
        return gradient_out, hessian_out


class FocalBinomial(FocalTraining, HalfBinomialLoss):  # type: ignore[misc]
    """Two classes."""


class FocalMultinomial(FocalTraining, HalfMultinomialLoss):  # type: ignore[misc]
    """Softmax over more."""


class Trainer(HistGradientBoostingClassifier):  # type: ignore[misc]
    """HistGradientBoostingClassifier with another loss in the hooks of its fit."""

    _loss: Any
    _baseline_prediction: Any

    def _make_plan(self, codes: npt.NDArray[np.intp], sample_weight: Any) -> Plan:
        raise NotImplementedError

    def _train(self, X: Any, y: Any, sample_weight: Any, **validation: Any) -> Plan:
        """Fit with the plan's loss; the model that is left is an ordinary one, with the last shift in its start."""
        before: dict[str, Any] = {
            name: self.__dict__[name] for name in ("_loss", "_baseline_prediction") if name in self.__dict__
        }
        try:
            super().fit(X, y, sample_weight, **validation)
            if not isinstance(self._loss, FocalTraining) or not hasattr(self, "_baseline_prediction"):
                raise RuntimeError(unknown_version("fit"))
        except BaseException:
            self.__dict__.update(before)
            raise
        finally:
            plan: Plan = self.__dict__.pop("_plan", None)
        self._training_start, trained = self._baseline_prediction, self._loss.rows
        if trained is None:  # a warm start that had all its rounds
            self._baseline_prediction = before["_baseline_prediction"]
        else:
            self._baseline_prediction = self._training_start + plan.last_shift(*trained)
        self._loss = super()._get_loss(None)
        return plan

    def _finalize_sample_weight(self, sample_weight: Any, y: npt.NDArray[np.float64]) -> Any:
        """Return the weights of the rows, those of their classes included: a hook of the parent."""
        self._plan = self._make_plan(y.astype(np.intp), sample_weight)
        return self._plan.weight

    def _get_loss(self, sample_weight: Any) -> Any:
        """Return the loss that trains: a hook of the parent."""
        if self.warm_start and self._is_fitted():
            # Training goes on from the margins that it ended with, without the last shift.
            self._baseline_prediction = self._training_start
        n_classes = self.n_trees_per_iteration_
        loss = FocalBinomial() if n_classes == 1 else FocalMultinomial(n_classes=n_classes)
        loss.plan = self._plan
        return loss

    def _as_stock(self) -> Any:
        """Return the fitted model as one of the parent's class."""
        stock = HistGradientBoostingClassifier()
        own = ("focal_", "_training_start")
        stock.__dict__.update({name: value for name, value in self.__dict__.items() if not name.startswith(own)})
        return stock
