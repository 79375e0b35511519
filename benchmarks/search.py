"""Time a grid search with two workers against one: fits in workers must not fight for the processors.

python benchmarks/search.py [--framework xgboost]. The ratio ought to be well below 1 on two idle processors, and
not above it anywhere.
"""

from __future__ import annotations

import argparse
import importlib
import os
from importlib.metadata import version

import numpy as np
from pairing import compare
from sklearn.datasets import make_classification
from sklearn.model_selection import GridSearchCV

ESTIMATORS = {"lightgbm": "FocalLGBMClassifier", "xgboost": "FocalXGBClassifier"}


def main() -> None:
    """Search with one and with two workers in turn, each fit with all threads that joblib leaves it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--framework", choices=ESTIMATORS, default="lightgbm")
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--pairs", type=int, default=5)
    arguments = parser.parse_args()
    X, y = make_classification(arguments.rows, 20, weights=[0.97], random_state=0)
    quiet = {"verbosity": -1} if arguments.framework == "lightgbm" else {}
    kind = getattr(importlib.import_module(f"focalboost.{arguments.framework}"), ESTIMATORS[arguments.framework])

    def search(n_jobs: int) -> object:
        grid = {"focal_gamma": [0.0, 1.0, 2.0]}
        estimator = kind(n_estimators=50, **quiet)
        return GridSearchCV(estimator, grid, cv=2, scoring="average_precision", n_jobs=n_jobs).fit(X, y)

    ratio = compare(lambda: search(2), lambda: search(1), arguments.pairs, warm_up=1)
    versions = ", ".join(f"{name} {version(name)}" for name in ("scikit-learn", "joblib", "numpy"))
    low, high = ratio.spread
    print(f"{arguments.framework}, {arguments.rows} rows, {os.cpu_count()} processors; {versions}")
    print(f"one worker {np.median(ratio.peer):.2f} s, two {np.median(ratio.subject):.2f} s")
    print(f"two / one: {ratio.of_medians:.2f} (quartiles {low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()
