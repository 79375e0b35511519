"""XGBoost's classification metrics by name, on what the estimator predicts.

XGBoost's own log-loss and error know the logit link only. Here they are computed from `predict_proba` of the round,
under XGBoost's names and in its order: the names as given, then the callables.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._estimator import probabilities
from .._metrics import Float64Array, auc_or, error, log_loss
from .._validation import MULTICLASS
from ..losses import AnyFocalLoss, BinaryFocalLoss, SigmoidFocalLoss
from ._native import xgboost
from ._objective import FocalMetric

Result = tuple[str, float]


def _auc(y: Any, proba: Float64Array, margin: Any, weight: Any) -> float:
    return auc_or(np.nan, y, margin, weight)


def _auc_by_class(y: Any, proba: Float64Array, margin: Any, weight: Any) -> float:
    """Mean of the one-vs-rest areas, weighed by the share of each class."""
    share = np.bincount(y, weight, minlength=proba.shape[1])
    areas = [auc_or(np.nan, y == k, column, weight) for k, column in enumerate(proba.T)]
    return float(np.average(areas, weights=share))


def _elementwise_log_loss(y: Any, proba: Float64Array, margin: Any, weight: Any) -> float:
    own = np.clip(np.where(y == 1, proba, 1 - proba), np.finfo(np.float64).eps, 1.0)
    return float(np.average(-np.log(own).mean(axis=1), weights=weight))


def _elementwise_error(y: Any, proba: Float64Array, margin: Any, weight: Any) -> float:
    return float(np.average(((proba > 0.5) != y).mean(axis=1), weights=weight))


BINARY: dict[str, Callable[..., float]] = {"logloss": log_loss, "error": error, "auc": _auc}
MULTI: dict[str, Callable[..., float]] = {"mlogloss": log_loss, "merror": error, "auc": _auc_by_class}
MULTILABEL: dict[str, Callable[..., float]] = {"logloss": _elementwise_log_loss, "error": _elementwise_error}


@dataclass(frozen=True)
class Evaluation:
    """The metrics of a fit, from one conversion of the margins of each evaluation set and round."""

    loss: AnyFocalLoss
    link: str
    multilabel: bool
    names: tuple[str, ...]
    callables: tuple[Callable[..., Any], ...]

    @classmethod
    def of(cls, eval_metric: Any, default: bool, loss: AnyFocalLoss, link: str, multilabel: bool) -> Evaluation:
        """Read XGBoost's parameter ``eval_metric``; without a name in it, the log-loss if `default`."""
        several = isinstance(eval_metric, Sequence) and not isinstance(eval_metric, str)
        metrics = eval_metric if several else [] if eval_metric is None else [eval_metric]
        for metric in metrics:
            if not (isinstance(metric, str) or callable(metric)):
                msg = f"eval_metric must be a name, a callable, or a list of them, got {metric!r}"
                raise TypeError(msg)
        given = [m for m in metrics if isinstance(m, str)]
        found = cls(loss, link, multilabel, (), tuple(m for m in metrics if not isinstance(m, str)))
        if not given and default:
            given = [next(iter(found._table))]
        names = dict.fromkeys(found._checked(name) for name in given)
        return cls(loss, link, multilabel, tuple(names), found.callables)

    @property
    def by_xgboost(self) -> list[str]:
        """Names of the metrics that are left to XGBoost: it ranks by margins, as every link does."""
        return [name for name in self.names if name == "aucpr"]

    @property
    def order(self) -> list[str]:
        """Names of all metrics, in XGBoost's order."""
        return [*self.names, *(function.__name__ for function in self.callables)]

    def __call__(self, margin: Any, data: Any) -> list[Result]:
        """Return (name, value) of each metric, but for those left to XGBoost; called by XGBoost."""
        y = data.get_label().astype(np.intp)
        weight = data.get_weight()
        weight = weight if len(weight) else None
        if y.ndim == 2 and not self.multilabel:
            y = y.argmax(axis=1)
        proba = probabilities(self.loss, margin, self.link, exclusive=not self.multilabel)
        return [
            *((n, self._value(n, y, proba, margin, weight)) for n in self.names if n not in self.by_xgboost),
            *((f.__name__, self._called(f, y, proba, margin, weight)) for f in self.callables),
        ]

    def _value(self, name: str, y: Any, proba: Float64Array, margin: Any, weight: Any) -> float:
        if name == "focal":
            kind = MULTICLASS[isinstance(self.loss, SigmoidFocalLoss)]
            return float(FocalMetric(self.loss.gamma, self.loss.alpha, multiclass=kind)(y, margin, weight))  # type: ignore[arg-type]
        if "@" in name:
            return float(np.average((proba[:, 1] > _threshold(name)) != y, weights=weight))
        return self._table[name](y, proba, margin, weight)

    def _called(self, function: Any, y: Any, proba: Float64Array, margin: Any, weight: Any) -> float:
        """Call the user's function as XGBoost does: with sample_weight where there are weights."""
        own = margin if isinstance(function, FocalMetric) else proba if self._wide else proba[:, 1]
        return float(function(y, own) if weight is None else function(y, own, sample_weight=weight))

    @property
    def _wide(self) -> bool:
        return not isinstance(self.loss, BinaryFocalLoss)

    @property
    def _table(self) -> dict[str, Callable[..., float]]:
        return MULTILABEL if self.multilabel else MULTI if self._wide else BINARY

    def _checked(self, name: str) -> str:
        """Return the name as XGBoost reports it; raise ValueError for a metric that has no value here."""
        known = [*self._table, "focal"]
        if not self._wide:
            known.append("error@t")
            if name.startswith("error@"):
                threshold = _threshold(name)
                return "error" if threshold == 0.5 else f"error@{threshold:g}"
        if not isinstance(self.loss, SigmoidFocalLoss):
            known.append("aucpr")
        if name not in known:
            msg = (
                f"eval_metric must be one of {known} or a callable for this target, got {name!r}; "
                "write a callable (y_true, y_score, sample_weight=None) -> value"
            )
            raise ValueError(msg)
        return name


def _threshold(name: str) -> float:
    try:
        return float(name.partition("@")[2])
    except ValueError:
        msg = f"eval_metric 'error@t' must have a number for t, as in 'error@0.3', got {name!r}"
        raise ValueError(msg) from None


class ExactHistory(xgboost.callback.TrainingCallback):  # type: ignore[misc,name-defined]
    """An evaluation that keeps all digits: XGBoost prints a custom metric with six, and reads them back."""

    def __init__(self, evaluation: Evaluation) -> None:
        super().__init__()
        self.evaluation = evaluation
        self._results: list[list[Result]] = []

    def metric(self, margin: Any, data: Any) -> list[Result]:
        """Evaluate one set; the ``custom_metric`` of `xgboost.train`."""
        self._results.append(self.evaluation(margin, data))
        return self._results[-1]

    def after_iteration(self, model: Any, epoch: int, evals_log: dict[str, OrderedDict[str, list[float]]]) -> bool:
        """Put the digits back, and the metrics in their order; runs before early stopping reads them."""
        for log, results in zip(evals_log.values(), self._results, strict=True):
            for name, value in results:
                log[name][-1] = value
            for name in self.evaluation.order:
                log.move_to_end(name)
        self._results.clear()
        return False
