"""LightGBM's classification metrics by name, on what the estimator predicts.

LightGBM feeds its own metrics raw scores where the objective is custom. Here they are computed from what the model
predicts in the round, under LightGBM's names and in the order that the user gave.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from inspect import signature
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, roc_auc_score

from .._settings import labels_and_weights
from ._objective import FocalMetric, FocalObjective

Float64Array = npt.NDArray[np.float64]
Result = tuple[str, float, bool]

# A metric takes class numbers, probabilities of shape (n_samples, n_classes), margins, and weights or None.


def _log_loss(y: Any, proba: Float64Array, margin: Any, weight: Any) -> float:
    """As scikit-learn's log_loss, without its checks in every round."""
    own = np.clip(proba[np.arange(len(y)), y], np.finfo(np.float64).eps, 1.0)
    return float(np.average(-np.log(own), weights=weight))


def _error(y: Any, proba: Float64Array, margin: Any, weight: Any) -> float:
    """Share of rows that `predict` has wrong."""
    return float(np.average(proba.argmax(axis=1) != y, weights=weight))


def _auc_or(value: float, positive: Any, score: Any, weight: Any) -> float:
    """Area under the ROC curve, or `value` where all labels are the same."""
    if not 0 < positive.sum() < len(positive):
        return value
    return float(roc_auc_score(positive, score, sample_weight=weight))


def _auc(y: Any, proba: Float64Array, margin: Any, weight: Any) -> float:
    return _auc_or(1.0, y, margin, weight)


def _average_precision(y: Any, proba: Float64Array, margin: Any, weight: Any) -> float:
    return float(average_precision_score(y, margin, sample_weight=weight)) if y.any() else 1.0


def _auc_mu(y: Any, proba: Float64Array, margin: Any, weight: Any) -> float:
    """Mean over the pairs of classes of the AUC of their score difference (Kleiman and Page, ICML 2019)."""
    areas = []
    for i, j in combinations(range(margin.shape[1]), 2):
        rows = (y == i) | (y == j)
        own = y[rows] == i
        part = None if weight is None else weight[rows]
        distance = 2 * (margin[rows, i] - margin[rows, j])
        order = np.argsort(distance)
        rank = np.empty(len(order), dtype=np.intp)
        # LightGBM takes distances less than 1e-15 apart for ties.
        rank[order] = np.concatenate([[0], np.cumsum(np.diff(distance[order]) >= 1e-15)])
        areas.append(_auc_or(1.0, own, rank, part))
    return float(np.mean(areas))


BINARY: dict[str, tuple[Callable[..., float], bool]] = {
    "binary_logloss": (_log_loss, False),
    "binary_error": (_error, False),
    "auc": (_auc, True),
    "average_precision": (_average_precision, True),
}
MULTI: dict[str, tuple[Callable[..., float], bool]] = {
    "multi_logloss": (_log_loss, False),
    "multi_error": (_error, False),
    "auc_mu": (_auc_mu, True),
}
_SYNONYMS = {
    "logloss": "_logloss",
    "binary": "_logloss",
    "binary_logloss": "_logloss",
    "multiclass": "_logloss",
    "softmax": "_logloss",
    "multiclassova": "_logloss",
    "multiclass_ova": "_logloss",
    "ova": "_logloss",
    "ovr": "_logloss",
    "multi_logloss": "_logloss",
    "error": "_error",
    "binary_error": "_error",
    "multi_error": "_error",
}
_NONE = {"", "none", "null", "custom", "na"}


def split_metrics(name: str, metrics: Any) -> tuple[list[str], list[Callable[..., Any]]]:
    """Return the names and the callables in what LightGBM takes for metrics; `name` is that of the argument."""
    several = metrics if isinstance(metrics, list | tuple | set) else [] if metrics is None else [metrics]
    for metric in several:
        if not (isinstance(metric, str) or callable(metric)):
            msg = f"{name} must be a name, a callable, or a list of them, got {metric!r}"
            raise TypeError(msg)
    return [m for m in several if isinstance(m, str)], [m for m in several if not isinstance(m, str)]


def metric_names(parameter: str, names: Sequence[str], n_classes: int) -> list[str]:
    """Return LightGBM's own names, each once; `parameter` is where they come from, for an error."""
    table, prefix = (BINARY, "binary") if n_classes <= 2 else (MULTI, "multi")
    found: list[str] = []
    for name in (part.strip() for given in names for part in given.split(",")):
        own = prefix + _SYNONYMS[name] if name in _SYNONYMS else name
        if own.lower() in _NONE:
            continue
        if own not in table and own != "focal":
            msg = (
                f"{parameter} must be one of {[*table, 'focal']} or a callable for {n_classes} classes, got {name!r}; "
                "write a callable (y_true, y_pred, weight) -> (name, value, higher_is_better)"
            )
            raise ValueError(msg)
        if own not in found:
            found.append(own)
    return found


@dataclass(frozen=True)
class Evaluation:
    """All metrics of one evaluation set and round, from one conversion of its margins."""

    objective: FocalObjective
    names: tuple[str, ...]
    callables: tuple[Callable[..., Any], ...]

    def __call__(self, first: Any, second: Any, weight: Any = None) -> list[Result]:
        """Return (name, value, higher is better) of each metric.

        Called by LightGBM: natively with margins and a Dataset, by the estimator with labels, margins and weights.
        """
        native = hasattr(second, "get_label")
        labels, weight = labels_and_weights(second) if native else (first, weight)
        margin = np.asarray(first if native else second) + np.array(self.objective.start)
        proba = self.objective.predict_proba(margin)
        y = np.asarray(labels).astype(np.intp)
        table = BINARY if margin.ndim == 1 else MULTI
        results = [
            FocalMetric.of(replace(self.objective, start=0.0))(labels, margin, weight)
            if name == "focal"
            else (name, table[name][0](y, proba, margin, weight), table[name][1])
            for name in self.names
        ]
        predicted = proba[:, 1] if margin.ndim == 1 else proba
        for function in self.callables:
            if isinstance(function, FocalMetric):
                result: Any = replace(function, start=0.0)(labels, margin, weight)
            elif native:
                result = function(predicted, second)
            else:
                arguments = (labels, predicted, weight)
                result = function(*arguments[: len(signature(function).parameters)])
            results.extend(result if isinstance(result, list) else [result])
        return results
