"""Decisions and measures: at the plain sigmoid or softmax, and after calibration and tuning on the validation rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from sklearn.metrics import accuracy_score, average_precision_score, f1_score, log_loss, roc_auc_score

from ..study.measures import calibration_error, thresholds
from .methods import Config, exact_log_probabilities, log_probabilities

# Exponents of the classes' shares that the scores are divided by before the highest is taken: 0 is plain argmax.
TILTS = (0.0, 0.25, 0.5, 0.75, 1.0)
MEASURES = ("f1", "f1_tuned", "f1_macro", "f1_macro_tuned", "ap", "log_loss_plain", "log_loss", "log_loss_link", "ece")


@dataclass(frozen=True)
class Platt:
    """Platt's calibration for any number of classes: softmax(slope x log-probabilities + offsets)."""

    slope: float
    offsets: np.ndarray

    @classmethod
    def fit(cls, scores: np.ndarray, y: np.ndarray) -> Platt:
        """Fit by penalised maximum likelihood, slope near 1 and offsets near 0: there are few rows of some classes."""
        one_hot = np.eye(scores.shape[1])[y]

        def penalised(theta: np.ndarray) -> tuple[float, np.ndarray]:
            log_p = log_softmax(theta[0] * scores + theta[1:], axis=1)
            residual = np.exp(log_p) - one_hot
            off = theta - prior
            slopes = np.append((residual * scores).sum(), residual.sum(axis=0)) + off
            return -(one_hot * log_p).sum() + off @ off / 2, slopes

        prior = np.append(1.0, np.zeros(scores.shape[1]))
        theta = minimize(penalised, prior, jac=True, method="L-BFGS-B").x
        return cls(float(theta[0]), theta[1:])

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """Return probabilities."""
        return softmax(self.slope * scores + self.offsets, axis=1)


def scores_of(margin: np.ndarray) -> np.ndarray:
    """Return log-probabilities bounded for the calibration, which is linear in them."""
    return np.maximum(log_probabilities(margin), -30.0)


def papers_criterion(y: np.ndarray, margin: np.ndarray) -> float:
    """Return what the paper tunes by: ROC AUC of two classes, else accuracy."""
    if not np.isfinite(margin).all():
        return -np.inf
    return roc_auc_score(y, margin[:, 0]) if margin.shape[1] == 1 else accuracy_score(y, margin.argmax(axis=1))


def plain_log_loss(y: np.ndarray, margin: np.ndarray) -> float:
    """Return the log-loss of the plain sigmoid or softmax."""
    if not np.isfinite(margin).all():
        return np.inf
    scores = log_probabilities(margin)
    return log_loss(y, np.exp(scores), labels=range(scores.shape[1]))


def honest_criterion(y: np.ndarray, margin: np.ndarray) -> float:
    """Return the log-loss of calibrated probabilities, negative, on the rows that calibrate them."""
    if not np.isfinite(margin).all():
        return -np.inf
    scores = scores_of(margin)
    return -log_loss(y, Platt.fit(scores, y)(scores), labels=range(scores.shape[1]))


def judge(
    method: str, config: Config, y: np.ndarray, margin: np.ndarray, y_valid: np.ndarray, valid: np.ndarray
) -> dict[str, float]:
    """Return all measures on test rows; calibration and decisions are tuned on validation rows."""
    if not (np.isfinite(margin).all() and np.isfinite(valid).all()):
        return {}
    platt = Platt.fit(scores_of(valid), y_valid)
    tuned, tuned_valid = platt(scores_of(margin)), platt(scores_of(valid))
    plain = np.exp(log_probabilities(margin))
    linked = exact_log_probabilities(method, config, margin)
    labels = range(plain.shape[1])
    probabilities = {
        "log_loss_plain": log_loss(y, plain, labels=labels),
        "log_loss": log_loss(y, tuned, labels=labels),
        "log_loss_link": np.nan if linked is None else log_loss(y, np.exp(linked), labels=labels),
    }
    if len(labels) == 2:
        at = thresholds(y_valid, tuned_valid[:, 1])["f1"]
        decided = {"f1": f1_score(y, plain[:, 1] >= 0.5), "f1_tuned": f1_score(y, tuned[:, 1] >= at)}
        ranking = {
            "ap": average_precision_score(y, margin[:, 0]),
            "ece": calibration_error(y, tuned[:, 1]),
        }
        return decided | ranking | probabilities
    decided, present = {}, np.unique(y)
    for name, average in (("f1", "weighted"), ("f1_macro", "macro")):
        decided[name] = f1_score(y, plain.argmax(axis=1), average=average)
        decided[f"{name}_tuned"] = f1_score(y, _tilted(tuned, y_valid, tuned_valid, average), average=average)
    ranking = {
        "ap": float(np.mean([average_precision_score(y == k, tuned[:, k]) for k in present])),
        "ece": float(np.mean([calibration_error(y == k, tuned[:, k]) for k in present])),
    }
    return decided | ranking | probabilities


def _tilted(tuned: np.ndarray, y_valid: np.ndarray, tuned_valid: np.ndarray, average: str) -> np.ndarray:
    """Decide for the highest probability over a power of the class's share, the power with the best F1 before."""
    shares = tuned_valid.mean(axis=0)
    chosen = {t: (tuned_valid / shares**t).argmax(axis=1) for t in TILTS}
    best = max(TILTS, key=lambda t: f1_score(y_valid, chosen[t], average=average))
    return (tuned / shares**best).argmax(axis=1)
