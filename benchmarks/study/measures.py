"""What a model is judged by. Every measure is scikit-learn's, but for the calibration error."""

from __future__ import annotations

import numpy as np
from fraud_detection import recall_at
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

from .learners import Model

LINKS = ("posterior", "focal", "logit")
NAMES = (
    "average_precision",
    "log_loss",
    "roc_auc",
    "recall_at_1_fpr",
    "brier",
    "calibration_error",
    "log_loss_focal",
    "log_loss_logit",
    "f1",
    "f1_tuned",
    "balanced_accuracy",
    "balanced_accuracy_tuned",
)


def calibration_error(y: np.ndarray, probability: np.ndarray, n_bins: int = 10) -> float:
    """Return the expected calibration error, over bins of equal size: of equal width, all but one would be empty."""
    bins = np.array_split(np.argsort(probability, kind="stable"), n_bins)
    gaps = [len(rows) * abs(y[rows].mean() - probability[rows].mean()) for rows in bins if len(rows)]
    return float(sum(gaps) / len(y))


def criteria(y: np.ndarray, posterior: np.ndarray) -> dict[str, float]:
    """Return the two measures by which configurations are chosen, from probabilities of all classes."""
    present = np.unique(y)
    precision = [average_precision_score(y == k, posterior[:, k]) for k in present[-1:] if len(posterior[0]) == 2]
    precision = precision or [average_precision_score(y == k, posterior[:, k]) for k in present]
    return {
        "average_precision": float(np.mean(precision)),
        "log_loss": float(log_loss(y, posterior, labels=range(posterior.shape[1]))),
    }


def thresholds(y: np.ndarray, probability: np.ndarray) -> dict[str, float]:
    """Return the thresholds with the highest F1 and with the highest balanced accuracy."""
    precision, recall, at = precision_recall_curve(y, probability)
    false_positives, true_positives, at_roc = roc_curve(y, probability)
    f1 = precision * recall / np.maximum(precision + recall, 1e-300)
    return {
        "f1": float(at[f1[:-1].argmax()]),
        "balanced_accuracy": float(at_roc[(true_positives - false_positives).argmax()]),
    }


def binary(y: np.ndarray, margin: np.ndarray, model: Model, tuned: dict[str, float]) -> dict[str, float]:
    """Judge two classes.

    Ranking, Brier score and calibration error are those of the posterior link; decisions at .5 and at tuned
    thresholds those of the focal link, which keeps class weights.
    """
    posterior = model.probabilities(margin, "posterior")
    weighed = model.probabilities(margin, "focal")[:, 1]
    score = posterior[:, 1]
    at_tuned = {name: weighed >= tuned.get(name, np.nan) for name in ("f1", "balanced_accuracy")}
    return {
        **criteria(y, posterior),
        "roc_auc": roc_auc_score(y, score),
        "recall_at_1_fpr": recall_at(0.01, y, score),
        "brier": brier_score_loss(y, score),
        "calibration_error": calibration_error(y, score),
        "log_loss_focal": log_loss(y, weighed, labels=[0, 1]),
        "log_loss_logit": log_loss(y, model.probabilities(margin, "logit")[:, 1], labels=[0, 1]),
        "f1": f1_score(y, weighed >= 0.5),
        "f1_tuned": f1_score(y, at_tuned["f1"]) if tuned else np.nan,
        "balanced_accuracy": balanced_accuracy_score(y, weighed >= 0.5),
        "balanced_accuracy_tuned": balanced_accuracy_score(y, at_tuned["balanced_accuracy"]) if tuned else np.nan,
    }


def multiclass(y: np.ndarray, margin: np.ndarray, model: Model) -> dict[str, float]:
    """Judge more classes: the mean over those that are in the test rows, and argmax of the focal link."""
    posterior, weighed, logit = (model.probabilities(margin, link) for link in LINKS)
    labels = range(posterior.shape[1])
    present = np.unique(y)
    chosen = weighed.argmax(axis=1)
    return {
        **criteria(y, posterior),
        "roc_auc": float(np.mean([roc_auc_score(y == k, posterior[:, k]) for k in present])),
        "recall_at_1_fpr": float(np.mean([recall_at(0.01, y == k, posterior[:, k]) for k in present])),
        "brier": float(np.mean(((np.eye(len(labels))[y] - posterior) ** 2).sum(axis=1))),
        "calibration_error": float(np.mean([calibration_error(y == k, posterior[:, k]) for k in present])),
        "log_loss_focal": log_loss(y, weighed, labels=labels),
        "log_loss_logit": log_loss(y, logit, labels=labels),
        "f1": f1_score(y, chosen, average="macro", labels=present),
        "balanced_accuracy": balanced_accuracy_score(y, chosen),
    }
