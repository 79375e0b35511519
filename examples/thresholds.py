"""Thresholds from costs: right at once with calibrated probabilities, with class weights too.

A default costs 20 times what a refused good customer costs, so the threshold is 1 / 21. Class weights move the
probabilities to the odds of the weighted problem, and the threshold from costs then refuses too many;
``focal_prior="sampled"`` undoes them. The data is Give Me Some Credit.
"""

from __future__ import annotations

import numpy as np
from datasets import load_gmsc, run_main
from gallery import finish
from matplotlib.figure import Figure
from sklearn.model_selection import train_test_split

from focalboost import FocalXGBClassifier

RATIO = 20
THRESHOLD = 1 / (1 + RATIO)
SETTINGS = {"n_estimators": 100, "max_depth": 4, "learning_rate": 0.1, "n_jobs": 1}
MODELS = {
    "no weights": {},
    "balanced": {"focal_alpha": "balanced"},
    "balanced, prior as sampled": {"focal_alpha": "balanced", "focal_prior": "sampled"},
}


def mean_cost(y: np.ndarray, probability: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Return the cost per applicant of refusing those above each threshold."""
    refused = probability[None, :] >= thresholds[:, None]
    return (RATIO * ((y == 1) & ~refused) + ((y == 0) & refused)).mean(axis=1)


def main() -> int:
    """Train, check what the text above says, and save the figure."""
    X, y = load_gmsc()
    X_train, X_test, y_train, y_test = train_test_split(X, y.to_numpy(), test_size=0.4, stratify=y, random_state=0)

    thresholds = np.geomspace(0.005, 0.95, 150)
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    costs, lowest = {}, {}
    for (name, params), color in zip(MODELS.items(), ("#14507f", "#c2510c", "#8fb8d8"), strict=True):
        model = FocalXGBClassifier(**SETTINGS, **params).fit(X_train, y_train)
        probability = model.predict_proba(X_test)[:, 1]
        curve = mean_cost(y_test, probability, thresholds)
        costs[name] = mean_cost(y_test, probability, np.array([THRESHOLD]))[0]
        lowest[name] = curve.min()
        axes.plot(thresholds, curve, color=color, label=name)
        axes.plot(THRESHOLD, costs[name], "o", color=color)
        print(f"{name}: cost {costs[name]:.4f} at the threshold from costs, {lowest[name]:.4f} at its best threshold")
    print(f"refusing nobody: {RATIO * y_test.mean():.4f}, everybody: {1 - y_test.mean():.4f}")
    plain = costs["no weights"]
    assert plain < 1.02 * lowest["no weights"]
    assert costs["balanced, prior as sampled"] < 1.02 * plain
    assert costs["balanced"] > 1.2 * plain

    axes.axvline(THRESHOLD, color="#999999", linewidth=1)
    axes.annotate("threshold from costs", (THRESHOLD, 1.3), (4, 0), textcoords="offset points", color="#777777")
    axes.set(xscale="log", xlabel="threshold", ylabel="cost per applicant", title=f"A default costs {RATIO} refusals")
    axes.legend(frameon=False)
    finish(figure, "thresholds")
    return 0


if __name__ == "__main__":
    run_main(main)
