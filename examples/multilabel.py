"""Several labels: who was late with a payment, by 30, 60 and 90 days, from one model.

`FocalXGBClassifier` takes columns of 0/1 labels, and gives a calibrated probability for each. The labels are three
columns of Give Me Some Credit, told from the other seven and not from whether a default followed.
"""

from __future__ import annotations

import numpy as np
from datasets import load_gmsc, run_main
from gallery import finish
from matplotlib.figure import Figure
from sklearn.metrics import average_precision_score, log_loss
from sklearn.model_selection import train_test_split
from xgboost import XGBClassifier

from focalboost import FocalXGBClassifier

LATE = {
    "30 days": "NumberOfTime30-59DaysPastDueNotWorse",
    "60 days": "NumberOfTime60-89DaysPastDueNotWorse",
    "90 days": "NumberOfTimes90DaysLate",
}
SETTINGS = {"n_estimators": 60, "max_depth": 4, "learning_rate": 0.15, "n_jobs": 1}


def main() -> int:
    """Train, check what the text above says, and save the figure."""
    X, _ = load_gmsc()
    labels = (X[list(LATE.values())] > 0).to_numpy(dtype=int)
    X_train, X_test, y_train, y_test = train_test_split(
        X.drop(columns=LATE.values()), labels, test_size=0.4, random_state=0
    )
    models = {"log-loss": XGBClassifier(**SETTINGS), "focal": FocalXGBClassifier(focal_gamma=2.0, **SETTINGS)}
    precision, loss = {}, {}
    for name, model in models.items():
        probability = model.fit(X_train, y_train).predict_proba(X_test)
        columns = list(zip(y_test.T, probability.T, strict=True))
        precision[name] = [average_precision_score(*column) for column in columns]
        loss[name] = [log_loss(*column) for column in columns]
    for k, label in enumerate(LATE):
        told = ", ".join(f"{name} {precision[name][k]:.4f} / {loss[name][k]:.4f}" for name in models)
        print(f"late by {label}, {labels[:, k].mean():.1%}: average precision / log-loss {told}")
    np.testing.assert_allclose(loss["focal"], loss["log-loss"], rtol=0.01)
    np.testing.assert_allclose(precision["focal"], precision["log-loss"], rtol=0.03)

    figure = Figure(figsize=(7, 3.8), layout="constrained")
    axes = figure.subplots()
    for i, (name, color) in enumerate({"log-loss": "#8fb8d8", "focal": "#14507f"}.items()):
        axes.bar(np.arange(3) + 0.34 * (i - 0.5), precision[name], 0.32, color=color, label=name)
    axes.hlines(y_test.mean(axis=0), np.arange(3) - 0.4, np.arange(3) + 0.4, color="#c2510c", label="by chance")
    axes.set_xticks(range(3), [f"late by {label}" for label in LATE])
    axes.set(ylabel="average precision", title="Three labels, one model")
    axes.legend(frameon=False)
    finish(figure, "multilabel")
    return 0


if __name__ == "__main__":
    run_main(main)
