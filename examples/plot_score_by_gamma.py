"""Score against gamma: cross-validated on real data, each gamma with its best tree size.

Where the curve is flat against the spread over folds, as here, gamma is hardly worth tuning. The data is bank
marketing: 11.7 % of the people who were called took the deposit.
"""

from __future__ import annotations

from datasets import load_bank, run_main
from gallery import finish
from matplotlib import pyplot
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from focalboost import FocalLGBMClassifier
from focalboost.plot import ScoreByGammaDisplay
from focalboost.search import search_space


def main() -> int:
    """Search, draw, check what the text above says, and save the figure."""
    X, y = load_bank()
    X, y = X[::4], y[::4]
    search = GridSearchCV(
        FocalLGBMClassifier(n_estimators=50, learning_rate=0.1, n_jobs=1, verbose=-1),
        {"focal_gamma": search_space()["focal_gamma"], "num_leaves": [7, 15]},
        scoring=["average_precision", "neg_log_loss"],
        refit=False,
        cv=StratifiedKFold(4, shuffle=True, random_state=0),
    ).fit(X, y)

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    ranking = ScoreByGammaDisplay.from_estimator(search, score="average_precision", ax=left, color="#14507f")
    probability = ScoreByGammaDisplay.from_estimator(search, score="neg_log_loss", ax=right, color="#c2510c")
    left.set(title="Ranking: average precision")
    right.set(title="Probabilities: log-loss, negative")

    for display in (ranking, probability):
        gains = display.mean - display.mean[0]
        print(f"{display.score_name}: gamma 0 {display.mean[0]:.4f}, against it", end="")
        print(*(f" {gamma:g}: {gain:+.4f}" for gamma, gain in zip(display.gamma[1:], gains[1:], strict=True)), sep=",")
        assert abs(gains).max() < display.std.max()

    finish(figure, "plot_score_by_gamma")
    return 0


if __name__ == "__main__":
    run_main(main)
