"""scikit-learn alone: focal loss in its gradient boosting, and what a rare class needs there.

HistGradientBoostingClassifier has no bound on leaves: in a leaf that holds a rare class alone a step goes far too far,
with any loss. ``l2_regularization=1``, which FocalHistGradientBoostingClassifier has by default, prevents it. The
log-loss of rows that no tree has seen is that of calibrated probabilities at any gamma, so it compares, round by round.
The data is Statlog (Shuttle): seven classes, of 45,586 down to 10 rows, half of it to test.
"""

from __future__ import annotations

import pickle

import numpy as np
from datasets import load_shuttle, run_main
from gallery import finish
from matplotlib.figure import Figure
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import balanced_accuracy_score, log_loss
from sklearn.model_selection import train_test_split

from focalboost import FocalHistGradientBoostingClassifier

SETTINGS = {"max_iter": 30, "early_stopping": False, "random_state": 0}


def main() -> int:
    """Train, check what the text above says, and save the figure."""
    X, y = load_shuttle()
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, stratify=y, random_state=0)
    models = {
        "log-loss": HistGradientBoostingClassifier(**SETTINGS),
        "log-loss, l2_regularization = 1": HistGradientBoostingClassifier(l2_regularization=1.0, **SETTINGS),
        "focal, gamma = 2": FocalHistGradientBoostingClassifier(focal_gamma=2.0, **SETTINGS),
    }
    curves = {}
    for name, model in models.items():
        model.fit(X_train, y_train)
        curves[name] = [log_loss(y_test, probability) for probability in model.staged_predict_proba(X_test)]
        accuracy = balanced_accuracy_score(y_test, model.predict(X_test))
        print(f"{name:<32} balanced accuracy {accuracy:.3f}, log-loss {curves[name][-1]:.4f}")
    assert curves["focal, gamma = 2"][-1] < 0.1 * curves["log-loss"][-1]

    # Elsewhere, without focalboost: an ordinary model of scikit-learn's.
    focal = models["focal, gamma = 2"]
    stock = pickle.loads(pickle.dumps(focal.to_stock()))
    assert type(stock) is HistGradientBoostingClassifier
    np.testing.assert_array_equal(stock.predict_proba(X_test), focal.predict_proba(X_test))

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for (name, curve), color in zip(curves.items(), ("#8fb8d8", "#f2b27a", "#14507f"), strict=True):
        axes.plot(range(1, len(curve) + 1), curve, label=name, color=color)
    axes.set(xlabel="rounds", ylabel="log-loss of held-out rows", yscale="log", title="Seven classes of Shuttle")
    axes.legend(frameon=False)
    finish(figure, "hist_gradient_boosting")
    return 0


if __name__ == "__main__":
    run_main(main)
