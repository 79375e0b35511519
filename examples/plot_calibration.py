"""Probabilities: a focal loss written by hand, the stock log-loss, and FocalLGBMClassifier.

The usual custom objective trains in the focal loss's own logits, whose sigmoid is no probability: for rare events it
lies far above what happens. The estimator trains the same loss in log-odds, and its sigmoid is calibrated. The data is
Give Me Some Credit: 6.7 % of the applicants default.
"""

from __future__ import annotations

import numpy as np
from datasets import load_gmsc, run_main
from gallery import finish
from lightgbm import LGBMClassifier
from matplotlib import pyplot
from scipy.special import expit
from sklearn.calibration import CalibrationDisplay
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from focalboost import FocalLGBMClassifier

GAMMA = 2.0
SETTINGS = {"n_estimators": 80, "learning_rate": 0.1, "num_leaves": 15, "n_jobs": 1, "verbose": -1}


def by_hand(y: np.ndarray, margin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the gradient of the focal loss, and the Hessian of the log-loss in place of its own."""
    p = expit(margin)
    pt, sign = np.where(y == 1, p, 1 - p), np.where(y == 1, 1, -1)
    gradient = sign * (1 - pt) ** GAMMA * (GAMMA * pt * np.log(pt) + pt - 1)
    return gradient, p * (1 - p)


def main() -> int:
    """Train, draw, check what the text above says, and save the figure."""
    X, y = load_gmsc()
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, stratify=y, random_state=0)
    handmade = LGBMClassifier(objective=by_hand, **SETTINGS).fit(X_train, y_train)
    stock = LGBMClassifier(**SETTINGS).fit(X_train, y_train)
    focal = FocalLGBMClassifier(focal_gamma=GAMMA, **SETTINGS).fit(X_train, y_train)
    probability = {
        "by hand, sigmoid of the margin": expit(handmade.predict(X_test, raw_score=True)),
        "log-loss, LGBMClassifier": stock.predict_proba(X_test)[:, 1],
        "focal loss, FocalLGBMClassifier": focal.predict_proba(X_test)[:, 1],
    }
    figure, axes = pyplot.subplots(figsize=(7, 5), layout="constrained")
    loss = {}
    for (name, p), color in zip(probability.items(), ("#c2510c", "#8fb8d8", "#14507f"), strict=True):
        CalibrationDisplay.from_predictions(
            y_test, p, n_bins=12, strategy="quantile", name=name, ax=axes, color=color, markersize=4
        )
        loss[name] = log_loss(y_test, p)
        print(f"{name}: log-loss {loss[name]:.4f}, mean {p.mean():.4f} where {y_test.mean():.4f} default")
    axes.set(xscale="log", yscale="log", xlim=(0.002, 1), ylim=(0.002, 1), title=f"gamma = {GAMMA:g}")
    axes.set(xlabel="predicted probability", ylabel="observed rate")
    axes.legend(loc="upper left", frameon=False)

    first, second, third = loss.values()
    assert third < 1.01 * second < 0.8 * first
    finish(figure, "plot_calibration")
    return 0


if __name__ == "__main__":
    run_main(main)
