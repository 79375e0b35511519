"""Train on rare classes under every condition that has broken focal losses, and print where a model came out bad.

python -m benchmarks.stress [--quick]: gamma x share of positives x depth x learning rate x way of training x
framework. A model is bad if a prediction is not finite, or if it is constant where the framework's own is not. The
AUC on the test half stands beside that of the framework's own objective, plain and with its leaves clamped
(max_delta_step=2); mean over depths, learning rates and seeds. In full it takes about an hour on one core.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from itertools import product
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

GAMMAS = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0)
# Share of positives: rows, half of them for training, half for the test.
ROWS = {0.1: 6_000, 0.01: 20_000, 0.001: 40_000, 0.0001: 60_000, 0.00001: 200_000}
DEPTHS, RATES = (3, 10), (0.05, 0.5)
ROUNDS = 40
TOLERANCE = 0.02
ESTIMATORS = {
    "lightgbm": ("FocalLGBMClassifier", "LGBMClassifier", {"verbosity": -1, "num_leaves": 63, "n_jobs": 1}),
    "xgboost": ("FocalXGBClassifier", "XGBClassifier", {"n_jobs": 1}),
}
WAYS: dict[str, dict[str, dict[str, Any]]] = {
    "lightgbm": {
        "plain": {},
        "dart": {"boosting_type": "dart"},
        "goss": {"data_sample_strategy": "goss"},
        "subsample": {"subsample": 0.5, "subsample_freq": 1},
        "weights": {},
    },
    "xgboost": {
        "plain": {},
        "dart": {"booster": "dart", "rate_drop": 0.1},
        "subsample": {"subsample": 0.5},
        "weights": {},
    },
}


@dataclass(frozen=True)
class Case:
    """What a line of the table is about."""

    framework: str
    way: str
    share: float


@dataclass(frozen=True)
class Outcome:
    """A case and gamma, over depths, learning rates and seeds; the stock models have gamma None."""

    auc: float
    not_finite: int
    constant: int
    fits: int


@functools.cache
def overlapping(share: float, n_rows: int, seed: int) -> tuple[Any, Any, Any, Any]:
    """Two clouds that overlap, with interactions and columns of noise; half for training, half for the test."""
    rng = np.random.default_rng(seed)
    n_positive = max(2, round(share * n_rows))
    y = np.zeros(n_rows, dtype=int)
    y[:: n_rows // n_positive][:n_positive] = 1
    X = rng.normal(size=(n_rows, 8))
    X[y == 1, :3] += 0.9
    X[:, 3] *= np.where(y == 1, 1.5, 1.0)
    X[:, 4] = X[:, 5] * np.where(y == 1, 0.8, 0.1) + rng.normal(size=n_rows)
    order = rng.permutation(n_rows)
    positives = np.flatnonzero(y[order] == 1)
    # As many positives in both halves.
    test = np.zeros(n_rows, dtype=bool)
    test[positives[::2]] = True
    negatives = np.flatnonzero(y[order] == 0)
    test[negatives[::2]] = True
    X, y = X[order], y[order]
    return X[~test], y[~test], X[test], y[test]


def margins(case: Case, gamma: float | None, seed: int, params: dict[str, Any]) -> tuple[Any, Any]:
    """Return margins of the test half, and its labels; gamma None is the framework's own objective."""
    focal, stock, fixed = ESTIMATORS[case.framework]
    X, y, X_test, y_test = overlapping(case.share, ROWS[case.share], seed)
    weight = None
    if case.way == "weights":  # a ratio of a million
        weight = 10.0 ** np.random.default_rng(seed).uniform(-3, 3, len(y))
    given = fixed | WAYS[case.framework][case.way] | {"n_estimators": ROUNDS} | params
    if gamma is None:
        clf = getattr(importlib.import_module(case.framework), stock)(**given).fit(X, y, sample_weight=weight)
        raw = {"raw_score": True} if case.framework == "lightgbm" else {"output_margin": True}
        return clf.predict(X_test, **raw), y_test
    kind = getattr(importlib.import_module(f"focalboost.{case.framework}"), focal)
    return kind(**given, focal_gamma=gamma).fit(X, y, sample_weight=weight).decision_function(X_test), y_test


def outcome(case: Case, gamma: float | None, settings: list[dict[str, Any]], seeds: int) -> Outcome:
    """Train a case under all settings and seeds."""
    scores, not_finite, constant = [], 0, 0
    for params, seed in product(settings, range(seeds)):
        margin, y = margins(case, gamma, seed, params)
        bad = not np.isfinite(margin).all()
        not_finite += bad
        constant += bool(np.ptp(margin) == 0)
        scores.append(np.nan if bad else roc_auc_score(y, margin))
    return Outcome(float(np.mean(scores)), not_finite, constant, len(scores))


def total(outcomes: list[Outcome]) -> Outcome:
    """Put together what was trained under several settings."""
    counts = (sum(getattr(one, name) for one in outcomes) for name in ("not_finite", "constant", "fits"))
    return Outcome(float(np.mean([one.auc for one in outcomes])), *counts)


def below_bar(name: str, stock: Outcome, clamped: Outcome, ours: list[Outcome]) -> list[str]:
    """Say which gammas have an AUC more than the tolerance below the better of the other two."""
    bar = max(stock.auc, clamped.auc) - TOLERANCE
    pairs = zip(GAMMAS, ours, strict=True)
    return [f"{name}, gamma {gamma:g}: {own.auc:.3f}, bar {bar:.3f}" for gamma, own in pairs if own.auc < bar]


def cases(frameworks: tuple[str, ...] = tuple(ESTIMATORS)) -> Iterator[Case]:
    """All lines of the table."""
    for framework in frameworks:
        for way, share in product(WAYS[framework], ROWS):
            yield Case(framework, way, share)


def seeds_of(share: float) -> int:
    """Five where both halves hold 50 positives, else one: of fewer, an AUC says little."""
    return 5 if share * ROWS[share] >= 100 else 1


def main() -> None:
    """Print the table, in Markdown, and what it comes to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one seed, one depth and learning rate")
    quick = parser.parse_args().quick
    settings = [{"max_depth": d, "learning_rate": r} for d, r in product(DEPTHS, RATES)][-1 if quick else 0 :]
    warnings.filterwarnings("ignore", message="X does not have valid feature names")  # LightGBM 4.6
    print(", ".join(f"{name} {version(name)}" for name in ("focalboost", "lightgbm", "scikit-learn", "numpy")), end="")
    print(f", xgboost {importlib.import_module('xgboost').__version__}")
    columns = ["case", "fits", "stock", "clamped", *(f"{gamma:g}" for gamma in GAMMAS), "NaN", "constant (stock)"]
    print(f"| {' | '.join(columns)} |\n| --- |{' ---: |' * (len(columns) - 1)}")
    not_finite = broken = 0
    missed: list[str] = []
    compared = 0
    for case in cases():
        seeds = 1 if quick else seeds_of(case.share)
        # Of each depth and learning rate by itself, and then over all of them.
        parts = [
            (
                outcome(case, None, [given], seeds),
                outcome(case, None, [given | {"max_delta_step": 2}], seeds),
                [outcome(case, gamma, [given], seeds) for gamma in GAMMAS],
            )
            for given in settings
        ]
        if seeds_of(case.share) > 1:
            for given, part in zip(settings, parts, strict=True):
                missed += below_bar(f"{case.framework} {case.way} {case.share:g} {given}", *part)
                compared += len(GAMMAS)
        stock, clamped = (total([part[k] for part in parts]) for k in (0, 1))
        ours = [total([part[2][k] for part in parts]) for k in range(len(GAMMAS))]
        values = [f"{own.auc:.3f}" for own in ours]
        constant = max(own.constant for own in ours)
        cells = [f"{case.framework} {case.way} {case.share:.5f}".rstrip("0"), stock.fits]
        cells += [f"{stock.auc:.3f}", f"{clamped.auc:.3f}", *values]
        cells += [sum(own.not_finite for own in ours), f"{constant} ({stock.constant})"]
        print(f"| {' | '.join(map(str, cells))} |", flush=True)
        not_finite += sum(own.not_finite for own in ours)
        broken += sum(own.constant > stock.constant for own in ours)
    print(
        f"\nNot finite: {not_finite}. More constant models than stock: {broken}. AUC more than {TOLERANCE} below the "
        f"better of stock and clamped with the same depth and learning rate, where both halves hold 50 positives: "
        f"{len(missed)} of {compared}.",
        *missed,
        sep="\n",
    )


if __name__ == "__main__":
    main()
