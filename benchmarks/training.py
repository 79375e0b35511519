"""Whole trainings: focal loss and a plain numpy focal loss against the built-in log-loss of the same framework."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from examples import datasets
from focalboost import FocalHistGradientBoostingClassifier

from .frameworks import FRAMEWORKS, Recorder, Tape, ThreadSwitch, synthetic
from .pairing import Ratio, in_turn
from .report import Figure, Skipped
from .scales import MILLION, Scale

PART = "Training: focal loss / built-in log-loss, 31 leaves"
BARS = {"LightGBM": "<= 0.97", "XGBoost": "<= 1.07"}


def figures(scale: Scale) -> Iterator[Figure | Skipped]:
    """Binary by number of rows, then softmax of seven classes."""
    for n_rows in scale.training_rows:
        X, y = synthetic(n_rows)
        for framework in FRAMEWORKS:
            yield from ratios(framework(X, y), scale, f"{n_rows:,} x {X.shape[1]}", BARS[framework.name])
        if n_rows <= MILLION:
            yield from scikit_learn(X, y, scale)
    yield from softmax(scale)


def scikit_learn(X: Any, y: Any, scale: Scale) -> Iterator[Figure]:
    """Fits of FocalHistGradientBoostingClassifier to those of its parent, with the same L2: there is no other call."""
    rounds = scale.rounds(len(y))
    settings = {"max_iter": rounds, "max_leaf_nodes": 31, "early_stopping": False, "l2_regularization": 1.0}
    calls = {"stock": partial(HistGradientBoostingClassifier(**settings).fit, X, y)}
    for gamma in (0.0, 2.0):
        focal = FocalHistGradientBoostingClassifier(focal_gamma=gamma, **settings)
        calls[f"gamma {gamma:g}"] = partial(focal.fit, X, y)
    times = in_turn(calls, scale.pairs)
    stock = times.pop("stock")
    for name, seconds in times.items():
        bar = "<= 1.03" if name == "gamma 2" else ""
        data = f"{len(y):,} x {X.shape[1]}"
        yield Figure.of_ratio(PART, f"scikit-learn, {data}, with binning: {name}", Ratio(seconds, stock), bar)


def softmax(scale: Scale) -> Iterator[Figure | Skipped]:
    """Covertype, of real data with several classes the largest there is to be had."""
    try:
        X, labels = datasets.load_covertype()
    except datasets.DatasetUnavailable as error:
        yield Skipped(PART, "Covertype, softmax K = 7", str(error))
        return
    rows = np.sort(np.random.default_rng(0).permutation(len(X))[: scale.covertype_rows])
    X, y = X.to_numpy(np.float32)[rows], labels.to_numpy(np.float32)[rows]
    for framework in FRAMEWORKS:
        problem = framework(X, y, n_classes=7)
        yield from ratios(problem, scale, f"Covertype {len(X):,} x 54, softmax K = 7", "<= 1.05", rounds_of=7 * len(X))


def ratios(problem: Any, scale: Scale, data: str, bar: str, rounds_of: int | None = None) -> Iterator[Figure]:
    """Ratios to the built-in objective; the bar is for gamma 2."""
    rounds = scale.rounds(rounds_of or len(problem.y))
    tape = Tape()
    recorder = Recorder(problem.prepared(2.0), tape)
    focal_leaves = problem.leaves(problem.train(recorder, rounds))
    share = focal_leaves / problem.leaves(problem.stock(rounds))

    def replay() -> Any:
        tape.rewind()
        return problem.train(recorder, rounds)

    calls = {"stock": partial(problem.stock, rounds)}
    for gamma in (0.0, 2.0, 2.5):
        calls[f"gamma {gamma:g}"] = partial(problem.focal, gamma, rounds)
    calls["gamma 2, the objective alone"] = partial(problem.train, problem.prepared(2.0), rounds)
    calls["gamma 2 at no cost (replayed)"] = replay
    calls["gamma 2 in plain numpy"] = partial(problem.by_hand, 2.0, rounds)
    times = in_turn(calls, scale.pairs)
    stock = times.pop("stock")
    for name, seconds in times.items():
        figure = Figure.of_ratio(PART, f"{problem.name}, {data}: {name}", Ratio(seconds, stock))
        if name == "gamma 2":
            figure = replace(figure, bar=bar, note=f"{figure.note}, {share:.1%} of the leaves")
        yield figure
    yield threads(problem, data, rounds, scale.pairs)


def threads(problem: Any, data: str, rounds: int, pairs: int) -> Figure:
    """Seconds of the kernel inside the framework's loop with two threads, to those with one."""
    switch = ThreadSwitch(problem.prepared(2.0))
    problem.train(switch, max(rounds, pairs))
    ratio = Ratio(tuple(switch.seconds[2]), tuple(switch.seconds[1]))
    return Figure.of_ratio(PART, f"{problem.name}, {data}: kernel in the loop, 2 threads / 1", ratio, "<= 1")
