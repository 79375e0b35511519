"""The classification metrics that both estimators compute themselves, from what they predict in a round.

A metric takes class numbers, probabilities of shape (n_samples, n_classes), margins, and weights or None.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

Float64Array = npt.NDArray[np.float64]


def log_loss(y: Any, proba: Float64Array, margin: Any, weight: Any) -> float:
    """As scikit-learn's log_loss, without its checks in every round."""
    own = np.clip(proba[np.arange(len(y)), y], np.finfo(np.float64).eps, 1.0)
    return float(np.average(-np.log(own), weights=weight))


def error(y: Any, proba: Float64Array, margin: Any, weight: Any) -> float:
    """Share of rows that `predict` has wrong."""
    return float(np.average(proba.argmax(axis=1) != y, weights=weight))


def auc_or(value: float, positive: Any, score: Any, weight: Any) -> float:
    """Area under the ROC curve, or `value` where all labels are the same."""
    if not 0 < positive.sum() < len(positive):
        return value
    return float(roc_auc_score(positive, score, sample_weight=weight))
