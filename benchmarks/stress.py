"""Train on rare classes under every condition that has broken focal losses, and print where a model came out bad.

python -m benchmarks.stress [--quick] [--frameworks NAME]: gamma x share of positives x depth x learning rate x way of
training x framework. A model is bad if a prediction is not finite, or if it is constant where the framework's own is
not. The AUC on the test half stands beside that of the framework's own objective, plain and with its leaves clamped
(max_delta_step=2); mean over depths, learning rates and seeds. Where a single depth and learning rate is below the bar
it is trained again with more seeds. In full it takes ten minutes on one core, up to an hour on a busy machine.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
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
MORE_SEEDS = 20
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


@dataclass(frozen=True)
class Part:
    """One depth and learning rate of a case: the outcomes of stock, clamped, and each gamma."""

    case: Case
    setting: dict[str, Any]
    stock: Outcome
    clamped: Outcome
    ours: dict[float, Outcome]

    @classmethod
    def of(cls, case: Case, setting: dict[str, Any], gammas: Iterable[float], seeds: int) -> Part:
        """Train all of them."""
        stock, clamped = (outcome(case, None, [setting | clamp], seeds) for clamp in ({}, {"max_delta_step": 2}))
        return cls(case, setting, stock, clamped, {gamma: outcome(case, gamma, [setting], seeds) for gamma in gammas})

    @property
    def bar(self) -> float:
        """What is asked for: the better of the framework's own two, less the tolerance."""
        return max(self.stock.auc, self.clamped.auc) - TOLERANCE

    def missed(self) -> list[float]:
        """Return the gammas with an AUC below the bar."""
        return [gamma for gamma, own in self.ours.items() if own.auc < self.bar]

    def __str__(self) -> str:
        found = ", ".join(f"gamma {gamma:g} {own.auc:.3f}" for gamma, own in self.ours.items())
        name = f"{self.case.framework} {self.case.way} {self.case.share:g} {self.setting}"
        return f"{name}, {self.stock.fits} seeds, bar {self.bar:.3f}: {found}"


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
    parser.add_argument("--frameworks", nargs="+", choices=ESTIMATORS, default=list(ESTIMATORS), metavar="NAME")
    args = parser.parse_args()
    settings = [{"max_depth": d, "learning_rate": r} for d, r in product(DEPTHS, RATES)][-1 if args.quick else 0 :]
    warnings.filterwarnings("ignore", message="X does not have valid feature names")  # LightGBM 4.6
    print(", ".join(f"{name} {version(name)}" for name in ("focalboost", "lightgbm", "scikit-learn", "numpy")), end="")
    print(f", xgboost {importlib.import_module('xgboost').__version__}")
    columns = ["case", "fits", "stock", "clamped", *(f"{gamma:g}" for gamma in GAMMAS), "NaN", "constant (stock)"]
    print(f"| {' | '.join(columns)} |\n| --- |{' ---: |' * (len(columns) - 1)}")
    not_finite = broken = 0
    compared: list[Part] = []
    for case in cases(tuple(args.frameworks)):
        seeds = 1 if args.quick else seeds_of(case.share)
        parts = [Part.of(case, setting, GAMMAS, seeds) for setting in settings]
        if seeds_of(case.share) > 1:
            compared += parts
        stock, clamped = total([part.stock for part in parts]), total([part.clamped for part in parts])
        ours = [total([part.ours[gamma] for part in parts]) for gamma in GAMMAS]
        constant = max(own.constant for own in ours)
        cells = [f"{case.framework} {case.way} {case.share:.5f}".rstrip("0"), stock.fits]
        cells += [f"{one.auc:.3f}" for one in (stock, clamped, *ours)]
        cells += [sum(own.not_finite for own in ours), f"{constant} ({stock.constant})"]
        print(f"| {' | '.join(map(str, cells))} |", flush=True)
        not_finite += sum(own.not_finite for own in ours)
        broken += sum(own.constant > stock.constant for own in ours)
    missed = [part for part in compared if part.missed()]
    print(
        f"\nNot finite: {not_finite}. More constant models than stock: {broken}. AUC more than {TOLERANCE} below the "
        f"better of stock and clamped with the same depth and learning rate, where both halves hold 50 positives: "
        f"{sum(len(part.missed()) for part in missed)} of {len(compared) * len(GAMMAS)}."
    )
    for part in missed:
        few = replace(part, ours={gamma: part.ours[gamma] for gamma in part.missed()})
        print(few, Part.of(part.case, part.setting, part.missed(), MORE_SEEDS), sep="\n", flush=True)


if __name__ == "__main__":
    main()
