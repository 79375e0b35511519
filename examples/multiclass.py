"""Seven classes: 45,586 down to 10 rows, and what a bounded step does for the rare ones.

The stock softmax objective takes Newton steps of 1/p in leaves that hold one rare class, and loses whole classes by it.
FocalLGBMClassifier bounds what a leaf may do to the log-odds of a class, by a default of LightGBM's own
``max_delta_step``, which does as well with the log-loss where a user knows of it. The data is Statlog (Shuttle), half
of it to test.
"""

from __future__ import annotations

import numpy as np
from datasets import load_shuttle, run_main
from gallery import finish
from lightgbm import LGBMClassifier
from matplotlib.figure import Figure
from sklearn.metrics import balanced_accuracy_score, log_loss, recall_score
from sklearn.model_selection import train_test_split

from focalboost import FocalLGBMClassifier

SETTINGS = {"n_estimators": 50, "learning_rate": 0.1, "n_jobs": 1, "verbose": -1}


def main() -> int:
    """Train, check what the text above says, and save the figure."""
    X, y = load_shuttle()
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, stratify=y, random_state=0)
    models = {
        "log-loss": LGBMClassifier(**SETTINGS),
        "log-loss, max_delta_step = 2": LGBMClassifier(max_delta_step=2, **SETTINGS),
        "focal, gamma = 1": FocalLGBMClassifier(focal_gamma=1.0, **SETTINGS),
    }
    accuracy, recalls = {}, {}
    for name, model in models.items():
        probability = model.fit(X_train, y_train).predict_proba(X_test)
        predicted = model.predict(X_test)
        accuracy[name] = balanced_accuracy_score(y_test, predicted)
        recalls[name] = recall_score(y_test, predicted, average=None, zero_division=0)
        print(f"{name:<28} balanced accuracy {accuracy[name]:.3f}, log-loss {log_loss(y_test, probability):.4f}")
    assert accuracy["focal, gamma = 1"] > accuracy["log-loss"] + 0.2

    figure = Figure(figsize=(9, 4), layout="constrained")
    axes = figure.subplots()
    order = np.argsort(-np.bincount(y_test))
    for i, (name, recall) in enumerate(recalls.items()):
        color = ("#8fb8d8", "#f2b27a", "#14507f")[i]
        axes.bar(np.arange(len(order)) + 0.27 * (i - 1), recall[order], 0.25, label=name, color=color)
    rows = np.bincount(y_test)
    axes.set_xticks(range(len(order)), [f"class {k}\n{rows[k]:,} rows" for k in order])
    axes.set(ylabel="share of the class that is found", title="Recall of each class, the rarest on the right")
    figure.legend(frameon=False, loc="outside lower center", ncols=3)
    finish(figure, "multiclass")
    return 0


if __name__ == "__main__":
    run_main(main)
