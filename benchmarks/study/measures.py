"""What a model is judged by. Every measure is scikit-learn's, but for the calibration error and the decisions."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, softmax
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    f1_score,
    log_loss,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)

# What a missed positive costs, a false alarm costing 1.
COSTS = (5, 20, 100)
ALERTS = 0.005  # share of the rows that somebody can look at
NAMES = (
    "average_precision",
    "log_loss",
    "roc_auc",
    "brier",
    "calibration_error",
    "mean_ratio",
    "f1",
    "balanced_accuracy",
    "recall_at_0.1_fpr",
    "recall_at_1_fpr",
    "alert_precision",
    *(f"cost_{cost}" for cost in COSTS),
)


def calibration_error(y: np.ndarray, probability: np.ndarray, n_bins: int = 10) -> float:
    """Return the expected calibration error, over bins of equal size: of equal width, all but one would be empty."""
    bins = np.array_split(np.argsort(probability, kind="stable"), n_bins)
    gaps = [len(rows) * abs(y[rows].mean() - probability[rows].mean()) for rows in bins if len(rows)]
    return float(sum(gaps) / len(y))


def probabilities(margin: np.ndarray) -> np.ndarray:
    """Return probabilities of all classes from log-odds, or from log-probabilities up to a constant."""
    if margin.ndim == 1:
        positive = expit(margin)
        return np.column_stack([1 - positive, positive])
    return softmax(margin, axis=1)


def criteria(y: np.ndarray, margin: np.ndarray) -> dict[str, float]:
    """Return the two measures by which configurations are chosen."""
    if margin.ndim == 1:
        precision = average_precision_score(y, margin)
        # From margins, since the probabilities of a sure model round to 1.
        loss = float(np.mean(np.logaddexp(0, np.where(y == 1, -margin, margin))))
        return {"average_precision": float(precision), "log_loss": loss}
    probability = probabilities(margin)
    precision = [average_precision_score(y == k, probability[:, k]) for k in np.unique(y)]
    loss = float(log_loss(y, probability, labels=range(margin.shape[1])))
    return {"average_precision": float(np.mean(precision)), "log_loss": loss}


def thresholds(y: np.ndarray, probability: np.ndarray) -> dict[str, float]:
    """Return the thresholds with the highest F1 and with the highest balanced accuracy."""
    precision, recall, at = precision_recall_curve(y, probability)
    false_positives, true_positives, at_roc = roc_curve(y, probability)
    f1 = precision * recall / np.maximum(precision + recall, 1e-300)
    return {
        "f1": float(at[f1[:-1].argmax()]),
        "balanced_accuracy": float(at_roc[(true_positives - false_positives).argmax()]),
    }


def decision_cost(y: np.ndarray, probability: np.ndarray, cost: float) -> float:
    """Return the mean cost over that of the better of flagging none and flagging all.

    A missed positive costs `cost`, a false alarm 1; flagged is what the probabilities say is worth it: those of
    1 / (1 + cost) or more.
    """
    flagged = probability >= 1 / (1 + cost)
    spent = np.mean(flagged & (y == 0)) + cost * np.mean(~flagged & (y == 1))
    return float(spent / min(cost * y.mean(), 1 - y.mean()))


def alert_precision(y: np.ndarray, score: np.ndarray, share: float = ALERTS) -> float:
    """Return the share of positives among the rows with the highest scores; of tied ones, the mean over them."""
    n = max(1, round(share * len(y)))
    bar = np.partition(score, -n)[-n]
    above, tied = score > bar, score == bar
    return float((y[above].sum() + (n - above.sum()) * y[tied].mean()) / n)


def binary(y: np.ndarray, margin: np.ndarray, tuned: dict[str, float]) -> dict[str, float]:
    """Judge two classes: by log-odds, and at tuned thresholds."""
    p = expit(margin)
    false_positives, recall, _ = roc_curve(y, margin)
    values = {
        **criteria(y, margin),
        "roc_auc": roc_auc_score(y, margin),
        "brier": brier_score_loss(y, p),
        "calibration_error": calibration_error(y, p),
        "mean_ratio": p.mean() / y.mean(),
        "recall_at_0.1_fpr": recall[false_positives <= 0.001].max(),
        "recall_at_1_fpr": recall[false_positives <= 0.01].max(),
        "alert_precision": alert_precision(y, margin),
        **{f"cost_{cost}": decision_cost(y, p, cost) for cost in COSTS},
    }
    if tuned:
        values["f1"] = f1_score(y, p >= tuned["f1"])
        values["balanced_accuracy"] = balanced_accuracy_score(y, p >= tuned["balanced_accuracy"])
    return values


def multiclass(y: np.ndarray, margin: np.ndarray) -> dict[str, float]:
    """Judge more classes: the mean over those that are in the test rows, and the most probable class."""
    p = probabilities(margin)
    present = np.unique(y)
    chosen = p.argmax(axis=1)

    def mean(measure: object) -> float:
        return float(np.mean([measure(y == k, p[:, k]) for k in present]))  # type: ignore[operator]

    return {
        **criteria(y, margin),
        "roc_auc": mean(roc_auc_score),
        "brier": float(np.mean(((np.eye(margin.shape[1])[y] - p) ** 2).sum(axis=1))),
        "calibration_error": mean(calibration_error),
        "mean_ratio": mean(lambda of_class, score: score.mean() / of_class.mean()),
        "f1": f1_score(y, chosen, average="macro", labels=present),
        "balanced_accuracy": balanced_accuracy_score(y, chosen),
    }
