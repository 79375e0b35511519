"""Tuning, judging, and keeping the results: what is in the file already is not computed again."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from . import measures
from .learners import Margins, Trainer, recentre
from .methods import (
    CATBOOST,
    METHODS,
    SHARED,
    SKLEARN,
    SKLEARN_UNTUNED,
    UNTUNED_OF,
    Config,
    Space,
    configurations,
    key_of,
)
from .problems import RAREST, Problem, hold_out, load, names, split
from .records import keep_record, read, record_path
from .tables import BOTH

PACKAGES = ("focalboost", "lightgbm", "xgboost", "xgboost-cpu", "catboost", "scikit-learn", "imbalanced-learn", "numpy")
KEY = ["stage", "data", "split", "framework", "method"]
COLUMNS = [*KEY, "n_train", "n_test", "positives", "config", "rounds", "seconds", *measures.NAMES, "chosen_by"]
# Tuned: rounds are counted in steps, and a training ends once neither criterion has gained for so many rounds.
STEP, PATIENCE = 5, 30
UNTUNED_ROUNDS = 100
# What is computed one after the other, each of all splits: a run that is cut short has compared something to the end.
TIERS = (("saturated", "large", "open"), ("huge", "multiclass"), ("covertype",))
# Other frameworks, on sets that tell something of them.
CATBOOST_SETS = {"large": ("gmsc", "bank", "bio")}
SKLEARN_SETS = {"large": ("gmsc",), "huge": (RAREST,)}
SKLEARN_UNTUNED_SETS = {**SKLEARN_SETS, "multiclass": ("shuttle",), "covertype": ("covertype",)}
CRITERIA = {"average_precision": 1.0, "log_loss": -1.0}  # the sign that makes more better


@dataclass(frozen=True)
class Plan:
    """How much is computed. ``draws`` is the tuning budget: configurations tried by each method."""

    splits: Mapping[str, int] = field(
        default_factory=lambda: {"open": 10, "large": 3, "huge": 3, "multiclass": 3, "covertype": 3}
    )
    untuned_splits: Mapping[str, int] = field(
        default_factory=lambda: {"saturated": 1, "open": 4, "large": 3, "huge": 3, "multiclass": 3, "covertype": 3}
    )
    draws: Mapping[str, int] = field(
        default_factory=lambda: {"open": 6, "large": 6, "huge": 4, "multiclass": 3, "covertype": 3}
    )
    rounds: Mapping[str, int] = field(
        default_factory=lambda: {"open": 200, "large": 300, "huge": 150, "multiclass": 100, "covertype": 100}
    )
    sets: Sequence[str] | None = None
    seed: int = 0


@dataclass(frozen=True)
class Block:
    """Methods on one split of one set in one framework; what they have in common is trained once."""

    stage: str
    group: str
    data: str
    split: int
    framework: str
    methods: Mapping[str, Space] | Mapping[str, Config]

    def key(self, method: str) -> tuple[str, ...]:
        """Return what names a method's results."""
        return (self.stage, self.data, str(self.split), self.framework, method)


def blocks(plan: Plan) -> list[Block]:
    """List the work in its order."""
    work: list[Block] = []

    def add(
        stage: str,
        group: str,
        number: int,
        frameworks: Sequence[str],
        *parts: Mapping[str, Any],
        sets: Sequence[str] | None = None,
    ) -> None:
        work.extend(
            Block(stage, group, data, number, framework, part)
            for data, framework, part in product(names(group) if sets is None else sets, frameworks, parts)
        )

    for tier in TIERS:
        for number, group in product(range(max(plan.splits.values())), tier):
            if number < plan.untuned_splits.get(group, 0):
                add("untuned", group, number, BOTH, UNTUNED_OF[group])
                own = SKLEARN_UNTUNED_SETS.get(group, ())
                add("untuned", group, number, ["sklearn"], SKLEARN_UNTUNED, sets=own)
            if number < plan.splits.get(group, 0):
                add("tuned", group, number, BOTH, *_parts(METHODS[group]))
                if _found("catboost"):
                    add("tuned", group, number, ["catboost"], *_parts(CATBOOST), sets=CATBOOST_SETS.get(group, ()))
                add("tuned", group, number, ["sklearn"], *_parts(SKLEARN), sets=SKLEARN_SETS.get(group, ()))
    return [block for block in work if plan.sets is None or block.data in plan.sets]


def _parts(methods: Mapping[str, Space]) -> list[Mapping[str, Space]]:
    """Return methods one by one, but those together that differ in gamma alone: they share trainings."""
    together = {name: space for name, space in methods.items() if set(space) == {"gamma"}}
    parts: list[Mapping[str, Space]] = [{name: space} for name, space in methods.items() if name not in together]
    return [*parts, together] if together else parts


def _found(module: str) -> bool:
    """Whether a module that the study can do without is installed."""
    return importlib.util.find_spec(module) is not None


def run(plan: Plan, path: Path, jobs: int = 1) -> None:
    """Compute what the file lacks, and append it block by block."""
    budget = {"draws": plan.draws, "rounds": plan.rounds, "patience": PATIENCE, "seed": plan.seed}
    everything = blocks(plan)
    planned = {
        "planned": sum(len(block.methods) for block in everything),
        "methods": {group: len(methods) for group, methods in METHODS.items()},
    }
    keep_record(record_path(path), PACKAGES, budget, planned)
    done = set()
    if path.exists():
        done = {tuple(row) for row in read(path)[KEY].astype(str).itertuples(index=False)}
    work = [block for block in everything if not done.issuperset(map(block.key, block.methods))]
    bar = tqdm(total=len(work), unit="block", disable=None)

    def keep(block: Block, rows: list[dict[str, Any]]) -> None:
        table = pd.DataFrame(rows, columns=COLUMNS)
        table = table[[block.key(method) not in done for method in table["method"]]]
        table.to_csv(path, mode="a", header=not path.exists(), index=False, float_format="%.5g")
        bar.set_description(f"{block.stage} {block.data} {block.framework}")
        bar.update()

    with bar:
        if jobs == 1:
            for block in work:
                keep(block, results_of(block, plan))
            return
        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
            running = {pool.submit(results_of, block, plan): block for block in work}
            for future in as_completed(running):
                keep(running[future], future.result())


def results_of(block: Block, plan: Plan) -> list[dict[str, Any]]:
    """Compute the results of a block."""
    seed = plan.seed + block.split
    train, test = split(load(block.data), block.group, block.split, plan.seed)
    sizes = {"n_train": len(train.y), "n_test": len(test.y), "positives": int((train.y == train.n_classes - 1).sum())}
    judge = Judge(Trainer(block.framework, train, seed), test)
    if block.stage == "untuned":
        by_default = {"chosen_by": "default"}
        found = ((name, judge(config, UNTUNED_ROUNDS, {}) | by_default) for name, config in block.methods.items())
    else:
        found = tuned(block, judge, plan, seed)
    return [dict(zip(KEY, block.key(name), strict=True)) | sizes | row for name, row in found]


class Judge:
    """Trains on all training rows, and judges on the test rows; the same configuration once."""

    def __init__(self, trainer: Trainer, test: Problem) -> None:
        self.trainer, self.test = trainer, test
        self._kept: dict[tuple[str, int], dict[str, Any]] = {}
        self._last: tuple[str, np.ndarray, np.ndarray, float] = ("", np.empty(0), np.empty(0), 0.0)

    def __call__(self, config: Config, rounds: int, thresholds: dict[str, float]) -> dict[str, Any]:
        """Return the row of a configuration: its measures, and what it took."""
        key = (key_of(config), rounds)
        if key not in self._kept:
            self._kept[key] = self._judged(config, rounds, thresholds)
        return self._kept[key]

    def _judged(self, config: Config, rounds: int, thresholds: dict[str, float]) -> dict[str, Any]:
        margin, of_training, seconds = self._margins(config, rounds)
        values: dict[str, float] = {}
        if np.isfinite(margin).all():  # no number, no score: the table keeps the gap
            if config.get("mean_shift", True):
                margin = margin + recentre(self.trainer.problem.y, of_training)
            y = self.test.y
            values = measures.binary(y, margin, thresholds) if margin.ndim == 1 else measures.multiclass(y, margin)
        return {"config": key_of(config), "rounds": rounds, "seconds": seconds, **values}

    def _margins(self, config: Config, rounds: int) -> tuple[np.ndarray, np.ndarray, float]:
        """Return margins of the test and of the training rows, and the seconds of the training."""
        config = {name: value for name, value in config.items() if name != "mean_shift"}
        key = f"{key_of(config)} {rounds}"
        if self._last[0] != key:
            begin = time.perf_counter()
            margins = self.trainer.fit(config, rounds)
            seconds = time.perf_counter() - begin
            self._last = (key, margins(self.test.X, rounds), margins(self.trainer.problem.X, rounds), seconds)
        return self._last[1:]


class History:
    """Watches a training on the rows to choose by: the best round by each criterion, and when to stop."""

    def __init__(self, y: np.ndarray) -> None:
        self.y = y
        self.best = dict.fromkeys(CRITERIA, (-np.inf, STEP))  # value, signed, and rounds

    def __call__(self, rounds: int, margin: np.ndarray) -> bool:
        """Take note of a round, and say whether to stop."""
        if rounds % STEP:
            return False
        if not np.isfinite(margin).all():
            return True
        values = measures.criteria(self.y, margin + recentre(self.y, margin))
        for name, sign in CRITERIA.items():
            if sign * values[name] > self.best[name][0]:
                self.best[name] = (sign * values[name], rounds)
        return rounds - max(at for _, at in self.best.values()) >= PATIENCE


def tuned(block: Block, judge: Judge, plan: Plan, seed: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Choose configuration and rounds of each method by each criterion, and judge the choices.

    Every configuration is trained on two thirds of the training rows and watched on the rest.
    """
    inner, valid = hold_out(judge.trainer.problem, 1 / 3, seed)
    trainer = Trainer(block.framework, inner, seed)
    kept: dict[str, tuple[History, Margins]] = {}
    for name, space in block.methods.items():
        configs = configurations(space, SHARED[block.group], plan.draws[block.group], seed)
        for config in configs:
            if key_of(config) not in kept:
                history = History(valid.y)
                margins = trainer.fit(config, plan.rounds[block.group], valid.X, history)
                kept[key_of(config)] = history, margins
        for criterion in CRITERIA:
            config = max(configs, key=lambda each: kept[key_of(each)][0].best[criterion][0])
            history, margins = kept[key_of(config)]
            rounds = history.best[criterion][1]
            yield name, judge(config, rounds, _thresholds(valid, margins(valid.X, rounds))) | {"chosen_by": criterion}


def _thresholds(valid: Problem, margin: np.ndarray) -> dict[str, float]:
    """Return tuned thresholds, for two classes."""
    if margin.ndim == 2 or not np.isfinite(margin).all():
        return {}
    return measures.thresholds(valid.y, measures.probabilities(margin + recentre(valid.y, margin))[:, 1])
