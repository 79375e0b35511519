"""Explain and export: a focal model is an ordinary LightGBM model.

Contributions of the features (TreeSHAP, by LightGBM itself) are in log-odds and add up to those of the calibrated
probability, and the model's text predicts that probability in a process that has never heard of focalboost. The data
is Give Me Some Credit.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile

import numpy as np
from datasets import load_gmsc, run_main
from gallery import finish
from matplotlib.figure import Figure

from focalboost import FocalLGBMClassifier

ELSEWHERE = """
import sys, lightgbm, numpy
rows = numpy.load("rows.npy")
numpy.save("probability.npy", lightgbm.Booster(model_file="model.txt").predict(rows))
sys.exit("focalboost" in sys.modules)
"""


def main() -> int:
    """Train, check what the text above says, and save the figure."""
    X, y = load_gmsc()
    model = FocalLGBMClassifier(n_estimators=60, num_leaves=15, n_jobs=1, verbose=-1).fit(X, y)
    some = X.iloc[:2000]
    contributions = model.predict_proba(some, pred_contrib=True)
    np.testing.assert_allclose(contributions.sum(axis=1), model.decision_function(some), rtol=1e-9, atol=1e-9)
    # The mean of the log-odds is told apart from the features, in the last column.
    print(f"{len(some)} rows: contributions add up to the log-odds; their constant is {contributions[0, -1]:.3f}")

    with tempfile.TemporaryDirectory() as folder:
        model.booster_.save_model(f"{folder}/model.txt")
        np.save(f"{folder}/rows.npy", some.to_numpy())
        subprocess.run([sys.executable, "-c", ELSEWHERE], cwd=folder, check=True)
        elsewhere = np.load(f"{folder}/probability.npy")
    np.testing.assert_allclose(elsewhere, model.predict_proba(some)[:, 1], rtol=1e-9)
    print("The saved model predicts the same probabilities without focalboost")

    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    rng = np.random.default_rng(0)
    order = np.argsort(np.abs(contributions[:, :-1]).mean(axis=0))
    for height, k in enumerate(order):
        share = some.iloc[:, k].rank(pct=True)
        jitter = height + rng.uniform(-0.3, 0.3, len(some))
        points = axes.scatter(contributions[:, k], jitter, c=share, s=3, cmap="coolwarm", rasterized=True)
    axes.set_yticks(range(len(order)), X.columns[order])
    axes.axvline(0, color="#999999", linewidth=1, zorder=0)
    axes.set(xlabel="contribution to the log-odds", title="What moves the log-odds")
    figure.colorbar(points, ax=axes, label="value, by rank")
    finish(figure, "explain")
    return 0


if __name__ == "__main__":
    run_main(main)
