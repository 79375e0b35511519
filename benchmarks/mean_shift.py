"""What the last shift of a fit does: sums of probabilities and log-loss, with it and without, on real data.

python -m benchmarks.mean_shift [--rounds N] [--splits N]: GMSC, protein homology (by groups) and census income, both
frameworks, gamma 0 to 5, with all rounds, with early stopping, and with balanced class weights undone. A line holds the
sum of the training probabilities over the number of positives without the shift and with it, then the same of the test
rows, then the test log-loss with the shift over that without.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from importlib.metadata import version
from itertools import product
from typing import Any

import lightgbm as lgb
import numpy as np
from sklearn.metrics import log_loss
from sklearn.model_selection import GroupShuffleSplit, train_test_split

from examples import datasets
from focalboost import FocalLGBMClassifier, FocalXGBClassifier

GAMMAS = (0.0, 1.0, 2.0, 5.0)
SETS = ("gmsc", "bio", "census")
WAYS = ("all rounds", "early stopping", "weights undone")


def parts(X: Any, y: Any, groups: Any, seed: int) -> tuple[Any, Any]:
    """Return positions of training and test rows."""
    if groups is not None:
        return next(GroupShuffleSplit(1, test_size=0.4, random_state=seed).split(X, y, groups))
    return tuple(train_test_split(np.arange(len(y)), test_size=0.4, stratify=y, random_state=seed))


def fitted(framework: str, way: str, gamma: float, shift: bool, rounds: int, data: tuple[Any, ...]) -> Any:
    """Train on the first two of four arrays; the last two are for early stopping."""
    X, y, X_valid, y_valid = data
    own = {"focal_gamma": gamma, "focal_mean_shift": shift, "n_estimators": rounds}
    if way == "weights undone":
        own |= {"focal_alpha": "balanced", "focal_prior": "sampled"}
    early = way == "early stopping"
    if framework == "LightGBM":
        clf = FocalLGBMClassifier(**own, verbosity=-1)
        stop = {"eval_X": X_valid, "eval_y": y_valid, "callbacks": [lgb.early_stopping(20, verbose=False)]}
        return clf.fit(X, y, **(stop if early else {}))
    clf = FocalXGBClassifier(**own, enable_categorical=True, early_stopping_rounds=20 if early else None)
    return clf.fit(X, y, verbose=False, **({"eval_set": [(X_valid, y_valid)]} if early else {}))


def lines(name: str, X: Any, y: Any, groups: Any, rounds: int, splits: int) -> Iterator[list[str]]:
    """Compare both models of each way, framework and gamma; means over the splits."""
    for framework, way, gamma in product(("LightGBM", "XGBoost"), WAYS, GAMMAS):
        found = []
        for seed in range(splits):
            train, test = parts(X, y, groups, seed)
            inner, valid = train[len(train) // 5 :], train[: len(train) // 5]
            rows = inner if way == "early stopping" else train
            data = X.iloc[rows], y[rows], X.iloc[valid], y[valid]
            ratios, losses = [], []
            for shift in (False, True):
                clf = fitted(framework, way, gamma, shift, rounds, data)
                sums = (
                    clf.predict_proba(X.iloc[part])[:, 1].astype(float).sum() / y[part].sum() for part in (rows, test)
                )
                ratios.extend(sums)
                losses.append(log_loss(y[test], clf.predict_proba(X.iloc[test])[:, 1].astype(float)))
            found.append([ratios[0], ratios[2], ratios[1], ratios[3], losses[1] / losses[0]])
        yield [name, framework, way, f"{gamma:g}", *(f"{value:.4f}" for value in np.mean(found, axis=0))]


def main() -> None:
    """Print the table, in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=80)
    parser.add_argument("--splits", type=int, default=2)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    args = parser.parse_args()
    print(", ".join(f"{name} {version(name)}" for name in ("focalboost", "lightgbm", "scikit-learn", "numpy")))
    columns = ["data", "framework", "way", "gamma", "train", "shifted", "test", "shifted", "log-loss ratio"]
    print(f"| {' | '.join(columns)} |\n|{' --- |' * len(columns)}")
    for name in args.sets:
        X, y = datasets.LOADERS[name]()
        groups = None
        if name == "bio" and hasattr(datasets, "bio_groups"):
            groups = datasets.bio_groups()
        for line in lines(name, X, np.asarray(y), groups, args.rounds, args.splits):
            print(f"| {' | '.join(line)} |", flush=True)


if __name__ == "__main__":
    main()
