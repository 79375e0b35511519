"""Dask: train on a cluster of two workers, and get the model of one machine.

Bins are sketched worker by worker, so single trees differ, as they do with the frameworks' own objectives; what the
models are worth does not. The data is Give Me Some Credit; needs dask and distributed.
"""

from __future__ import annotations

import warnings

import dask.dataframe as dd
from datasets import load_gmsc, run_main
from distributed import Client, LocalCluster
from gallery import finish
from matplotlib.figure import Figure
from sklearn.calibration import calibration_curve
from sklearn.metrics import average_precision_score, log_loss
from sklearn.model_selection import train_test_split

from focalboost import FocalLGBMClassifier, FocalXGBClassifier
from focalboost.dask import DaskFocalLGBMClassifier, DaskFocalXGBClassifier

PAIRS = {
    "LightGBM": (FocalLGBMClassifier, DaskFocalLGBMClassifier, {"n_estimators": 50, "num_leaves": 15, "verbose": -1}),
    "XGBoost": (FocalXGBClassifier, DaskFocalXGBClassifier, {"n_estimators": 50, "max_depth": 4}),
}


def main() -> int:
    """Train, check what the text above says, and save the figure."""
    X, y = load_gmsc()
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, stratify=y, random_state=0)
    probability = {}
    workers = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}
    with LocalCluster(**workers) as cluster, Client(cluster) as client:
        # On a real cluster the workers read files instead: dask.dataframe.read_parquet.
        whole = X_train.assign(target=y_train)
        rows = dd.from_delayed(client.scatter([whole.iloc[i::4] for i in range(4)]), meta=whole.iloc[:0])
        for name, (one, many, settings) in PAIRS.items():
            here = one(n_jobs=1, **settings).fit(X_train, y_train)
            with warnings.catch_warnings():  # LightGBM says in each fit on a cluster that it ignores n_jobs
                warnings.filterwarnings("ignore", "Parameter n_jobs will be ignored")
                there = many(client=client, **settings).fit(rows[X.columns], rows["target"]).to_local()
            probability[name, "one machine"] = here.predict_proba(X_test)[:, 1]
            probability[name, "cluster"] = there.predict_proba(X_test)[:, 1]
    losses = {key: log_loss(y_test, value) for key, value in probability.items()}
    for (name, where), value in probability.items():
        precision = average_precision_score(y_test, value)
        print(f"{name}, {where}: average precision {precision:.4f}, log-loss {losses[name, where]:.4f}")
    for name in PAIRS:
        assert abs(losses[name, "cluster"] / losses[name, "one machine"] - 1) < 0.01

    figure = Figure(figsize=(9, 4), layout="constrained")
    for axes, name in zip(figure.subplots(1, 2, sharey=True), PAIRS, strict=True):
        for where, style in {"one machine": "o-", "cluster": "s--"}.items():
            observed, predicted = calibration_curve(y_test, probability[name, where], n_bins=12, strategy="quantile")
            axes.plot(predicted, observed, style, markersize=4, label=where)
        axes.plot([0.005, 0.5], [0.005, 0.5], color="#999999", linewidth=1, zorder=0)
        axes.set(xscale="log", yscale="log", title=name, xlabel="predicted probability")
        axes.legend(frameon=False)
    figure.axes[0].set_ylabel("observed rate")
    finish(figure, "cluster")
    return 0


if __name__ == "__main__":
    run_main(main)
