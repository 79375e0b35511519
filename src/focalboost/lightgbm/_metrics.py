"""LightGBM's classification metrics by name, on what the estimator predicts.

LightGBM feeds its own metrics raw scores where the objective is custom. Here they are computed from what the model
predicts in the round, under LightGBM's names and in the order that the user gave.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from inspect import signature
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, roc_auc_score

from .._settings import labels_and_weights
from ._native import given
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
    """Mean over the pairs of classes of the AUC of their score difference (Kleiman and Page, ICML 2019).

    Over the pairs that are there: of a class without rows LightGBM's own makes NaN.
    """
    weight = np.ones(len(y)) if weight is None else np.asarray(weight, dtype=np.float64)
    kept = np.flatnonzero(weight > 0)
    y, margin, weight = y[kept], margin[kept], weight[kept]
    present = np.unique(y)
    areas = [_areas(y, margin, weight, int(k), present[present > k]) for k in present[:-1]]
    return float(np.concatenate(areas).mean()) if areas else float("nan")


def _areas(y: Any, margin: Any, weight: Float64Array, k: int, others: npt.NDArray[np.intp]) -> Float64Array:
    """Return the area under the ROC curve of each of `others` against class k."""
    own, rest = np.flatnonzero(y == k), np.flatnonzero(y > k)
    rows = np.concatenate([np.tile(own, len(others)), rest])
    pair = np.concatenate([np.repeat(others, len(own)), y[rest]])
    score = 2 * (margin[rows, pair] - margin[rows, k])
    order = np.lexsort((score, pair))
    rows, pair, score = rows[order], pair[order], score[order]
    # As in LightGBM scores less than 1e-15 apart are ties.
    new = (np.diff(score) >= 1e-15) | (np.diff(pair) > 0)
    rank = np.concatenate([[0], np.cumsum(new)])
    high, low = (np.bincount(rank, weight[rows] * part) for part in (y[rows] != k, y[rows] == k))
    starts, total = rank[np.searchsorted(pair, others)], weight[own].sum()
    before = total * np.repeat(np.arange(len(others)), np.diff([*starts, len(low)]))  # in the pairs that come first
    below = np.cumsum(low) - low / 2 - before
    areas: Float64Array = np.add.reduceat(high * below, starts) / (np.add.reduceat(high, starts) * total)
    return areas


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


def _check_signature(function: Any) -> None:
    """Raise for a callable that LightGBM could not call: a metric of scikit-learn, for one."""
    parameters = signature(function).parameters.values()
    if not 2 <= len(parameters) <= 4 or any(own.kind == own.KEYWORD_ONLY for own in parameters):
        msg = (
            "eval_metric must take (y_true, y_pred), then weight and group if it wants them, and return (name, value, "
            f"higher is better), got {getattr(function, '__name__', function)}{signature(function)}; wrap it"
        )
        raise TypeError(msg)


def metric_names(parameter: str, names: Sequence[str], n_margins: int) -> list[str]:
    """Return LightGBM's own names, each once; `parameter` is where they come from, for an error."""
    table, prefix = (BINARY, "binary") if n_margins == 1 else (MULTI, "multi")
    found: list[str] = []
    for name in (part.strip() for several in names for part in several.split(",")):
        own = prefix + _SYNONYMS[name] if name in _SYNONYMS else name
        if own.lower() in _NONE:
            continue
        if own not in table and own != "focal":
            msg = (
                f"{parameter} must be one of {[*table, 'focal']} or a callable for {max(2, n_margins)} classes, "
                f"got {name!r}; write a callable (y_true, y_pred, weight) -> (name, value, higher_is_better)"
            )
            raise ValueError(msg)
        if own not in found:
            found.append(own)
    return found


def estimator_metrics(
    eval_metric: Any, params: Mapping[str, Any], n_classes: int
) -> tuple[tuple[str, ...], tuple[Callable[..., Any], ...]]:
    """Return the names in LightGBM's order and the callables.

    As in the parent: the names of the parameter come last, its default where eval_metric does not name it already.
    """
    n_margins = n_classes if n_classes > 2 else 1
    names, functions = split_metrics("eval_metric", eval_metric)
    for function in functions:
        _check_signature(function)
    parameter = given(params, "metric")
    last = metric_names("metric", [parameter] if isinstance(parameter, str) else parameter or [], n_margins)
    first = [name for name in metric_names("eval_metric", names, n_margins) if name not in last]
    ordered = [*first, *last] if parameter is not None else metric_names("metric", [*first, "logloss"], n_margins)
    return tuple(ordered), tuple(functions)


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
        void = weight is not None and not np.any(weight)
        table = BINARY if margin.ndim == 1 else MULTI
        results = [
            FocalMetric.of(replace(self.objective, start=0.0))(labels, margin, weight)
            if name == "focal"
            else (name, float("nan") if void else table[name][0](y, proba, margin, weight), table[name][1])
            for name in self.names
        ]
        predicted = proba[:, 1] if margin.ndim == 1 else proba
        for function in self.callables:
            if isinstance(function, FocalMetric):
                result: Any = replace(function, start=0.0)(labels, margin, weight)
            elif native:
                result = function(predicted, second)
            else:
                arguments = (labels, predicted, weight, None)
                result = function(*arguments[: len(signature(function).parameters)])
            for one in result if isinstance(result, list) else [result]:
                if not isinstance(one, tuple) or len(one) != 3:
                    msg = f"eval_metric must return (name, value, higher is better), or a list of them, got {one!r}"
                    raise TypeError(msg)
                results.append(one)
        return results
