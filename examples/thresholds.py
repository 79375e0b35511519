"""A threshold from costs: right at once with calibrated probabilities, far off with the plain sigmoid.

A default costs 20 times what a refused good customer costs, so the threshold is 1 / 21. Focal models are compared
through two links on the same margins: which applicants a threshold refuses depends on the link. The data is Give Me
Some Credit.
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


def mean_cost(y: np.ndarray, probability: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Return the cost per applicant of refusing those above each threshold."""
    refused = probability[None, :] >= thresholds[:, None]
    return (RATIO * ((y == 1) & ~refused) + ((y == 0) & refused)).mean(axis=1)


def main() -> int:
    """Train, check what the text above says, and save the figure."""
    X, y = load_gmsc()
    X_train, X_test, y_train, y_test = train_test_split(X, y.to_numpy(), test_size=0.4, stratify=y, random_state=0)
    model = FocalXGBClassifier(n_estimators=100, max_depth=4, learning_rate=0.1, n_jobs=1).fit(X_train, y_train)

    thresholds = np.geomspace(0.005, 0.9, 150)
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    costs = {}
    for link, color in {"focal": "#14507f", "logit": "#c2510c"}.items():
        probability = model.set_params(focal_link=link).predict_proba(X_test)[:, 1]
        curve = mean_cost(y_test, probability, thresholds)
        costs[link] = mean_cost(y_test, probability, np.array([THRESHOLD]))[0]
        axes.plot(thresholds, curve, color=color, label=f"{link} link")
        axes.plot(THRESHOLD, costs[link], "o", color=color)
        print(
            f"{link} link: cost {costs[link]:.4f} at the threshold from costs, {curve.min():.4f} at its best threshold"
        )
        best = curve.min()  # the same for both: the links rank alike
    nobody = RATIO * y_test.mean()
    print(f"refusing nobody: {nobody:.4f}, everybody: {1 - y_test.mean():.4f}")
    assert costs["focal"] < 1.02 * best
    assert costs["logit"] > 1.2 * costs["focal"]

    axes.axvline(THRESHOLD, color="#999999", linewidth=1)
    axes.annotate("threshold from costs", (THRESHOLD, 1.3), (4, 0), textcoords="offset points", color="#777777")
    axes.set(xscale="log", xlabel="threshold", ylabel="cost per applicant", title=f"A default costs {RATIO} refusals")
    axes.legend(frameon=False)
    finish(figure, "thresholds")
    return 0


if __name__ == "__main__":
    run_main(main)
