"""Tuning, judging, and keeping the results: what is in the file already is not computed again."""

from __future__ import annotations

import importlib.util
import json
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from . import measures
from .learners import Model, fit
from .methods import (
    CATBOOST,
    METHODS,
    MULTICLASS_METHODS,
    PEERS,
    SATURATED_METHODS,
    SWEEP,
    VARIANT_SETS,
    VARIANTS,
    Space,
    configurations,
)
from .problems import Problem, folds, hold_out, load, names
from .rebalancing import applicable

# Boosting rounds are chosen among these: each training is judged at all of them.
CHECKPOINTS = (10, 25, 50, 100)
PACKAGES = ("focalboost", "lightgbm", "xgboost", "xgboost-cpu", "catboost", "scikit-learn", "imbalanced-learn", "numpy")
GROUPS = ("open", "saturated", "large", "multiclass")
BOTH = ("lightgbm", "xgboost")
KEY = ["stage", "data", "split", "framework", "method"]
COLUMNS = [*KEY, "positives", "config", "rounds", "seconds", *measures.NAMES, "chosen_by"]


class OtherBudget(ValueError):  # noqa: N818 (a state of the results, no fault)
    """The results on file were computed with other versions, or another tuning budget."""


@dataclass(frozen=True)
class Plan:
    """How much is computed. ``draws`` is the tuning budget: configurations tried by each method."""

    splits: Mapping[str, int] = field(default_factory=lambda: {"open": 2, "saturated": 1, "large": 1, "multiclass": 1})
    draws: Mapping[str, int] = field(default_factory=lambda: {"open": 4, "saturated": 2, "large": 3, "multiclass": 3})
    caps: Mapping[str, int] = field(default_factory=lambda: {"large": 6_000, "multiclass": 4_000})
    sets: Sequence[str] | None = None
    seed: int = 0


@dataclass(frozen=True)
class Block:
    """One split of one set in one framework, and the methods to be tried there."""

    stage: str
    group: str
    data: str
    split: int
    framework: str
    methods: Mapping[str, Space]
    draws: int
    cap: int | None

    def rows(self, problem: Problem, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Return training and test rows: a fold of the small sets, a third of the large ones held out."""
        if self.group in ("open", "saturated"):
            return list(folds(problem, self.split + 1, seed))[self.split]
        return hold_out(problem, 1 / 3, seed + self.split, self.cap)


def blocks(plan: Plan) -> list[Block]:
    """List the work, what matters most first: a run that is cut short has compared all sets of a group alike."""
    work = []

    def add(
        stage: str, group: str, methods: Mapping[str, Space], splits: Sequence[int], frameworks: Sequence[str] = BOTH
    ) -> None:
        sets = [name for name in names(group) if stage != "variants" or name in VARIANT_SETS]
        draws = 0 if stage == "sweep" else plan.draws[group]
        cap = None if stage == "sweep" and group == "large" else plan.caps.get(group)
        work.extend(
            Block(stage, group, data, split, framework, methods, draws, cap)
            for split, data, framework in product(splits, sets, frameworks)
        )

    splits = {group: range(number) for group, number in plan.splits.items()}
    add("main", "open", METHODS, splits["open"][:1])
    for group in ("large", "open", "multiclass"):
        add("sweep", group, SWEEP, [0])
    add("main", "large", METHODS, splits["large"])
    add("main", "open", METHODS, splits["open"][1:2])
    add("main", "multiclass", MULTICLASS_METHODS, splits["multiclass"])
    add("variants", "open", VARIANTS, splits["open"][:2])
    add("variants", "large", VARIANTS, splits["large"])
    if _found("catboost"):
        add("main", "open", CATBOOST, splits["open"][:2], ("catboost",))
    if all(map(_found, ("bokbokbok", "imlightgbm", "imxgboost"))):
        for framework in BOTH:
            add("peers", "open", PEERS[framework], splits["open"][:2], (framework,))
    add("sweep", "saturated", SWEEP, [0])
    add("main", "saturated", SATURATED_METHODS, splits["saturated"])
    add("main", "open", METHODS, splits["open"][2:])
    return [block for block in work if plan.sets is None or block.data in plan.sets]


def _found(module: str) -> bool:
    """Whether a module that the study can do without is installed."""
    return importlib.util.find_spec(module) is not None


def run(plan: Plan, path: Path) -> None:
    """Compute what the file lacks, and append it block by block."""
    _keep_record(plan, record_path(path))
    done = set()
    if path.exists():
        done = {tuple(row) for row in read(path)[KEY].astype(str).itertuples(index=False)}
    with tqdm(blocks(plan), unit="block", disable=None) as bar:
        for block in bar:
            bar.set_description(f"{block.stage} {block.data} {block.framework}")
            left = {
                name: space
                for name, space in block.methods.items()
                if (block.stage, block.data, str(block.split), block.framework, name) not in done
            }
            if left:
                rows = pd.DataFrame(_block_rows(block, left, plan.seed), columns=COLUMNS)
                rows.to_csv(path, mode="a", header=not path.exists(), index=False, float_format="%.5g")


def read(path: Path) -> pd.DataFrame:
    """Read results."""
    return pd.read_csv(path)


def record_path(path: Path) -> Path:
    """Return where the versions and the budget behind a table of results are kept."""
    return path.with_name(path.name.split(".")[0] + ".json")


def _block_rows(block: Block, methods: Mapping[str, Space], seed: int) -> Iterator[dict[str, Any]]:
    problem = load(block.data)
    train, test = (problem.take(rows) for rows in block.rows(problem, seed))
    for name, space in methods.items():
        key = dict(zip(KEY, (block.stage, block.data, block.split, block.framework, name), strict=True))
        configs = configurations(space, block.draws, seed + block.split)
        if not applicable(problem, configs[0]):
            continue
        for row in evaluate(train, test, block.framework, configs, seed + block.split):
            yield {**key, "positives": int((train.y == problem.n_classes - 1).sum()), **row}


def evaluate(
    train: Problem, test: Problem, framework: str, configs: Sequence[Mapping[str, Any]], seed: int
) -> Iterator[dict[str, Any]]:
    """Choose a configuration and a number of rounds, train on all training rows, judge on the test rows.

    Choosing is done by average precision and by log-loss (posterior link) on a third of the training rows, and both
    choices are judged; a lone configuration is trained for all rounds without choosing.
    """
    if len(configs) == 1:
        yield _judge(train, test, framework, configs[0], CHECKPOINTS[-1], {}, seed) | {"chosen_by": "default"}
        return
    inner, valid = (train.take(rows) for rows in hold_out(train, 1 / 3, seed))
    trials = []
    for config in configs:
        model = fit(framework, inner, config, CHECKPOINTS[-1], seed)
        trials += [Trial(config, rounds, model, valid) for rounds in CHECKPOINTS]
    judged: dict[int, dict[str, Any]] = {}
    for criterion, sign in (("average_precision", 1), ("log_loss", -1)):
        best = max(range(len(trials)), key=lambda k: sign * trials[k].criteria[criterion])
        if best not in judged:
            trial = trials[best]
            judged[best] = _judge(train, test, framework, trial.config, trial.rounds, trial.thresholds(), seed)
        yield judged[best] | {"chosen_by": criterion}


class Trial:
    """A configuration after some rounds, on the rows to choose by."""

    def __init__(self, config: Mapping[str, Any], rounds: int, model: Model, valid: Problem) -> None:
        self.config, self.rounds, self.valid = config, rounds, valid
        margin = model.margins(valid.X, rounds)
        self.failed = not np.isfinite(margin).all()
        if self.failed:
            self.criteria = {"average_precision": -np.inf, "log_loss": np.inf}
        else:
            self.weighed = model.probabilities(margin, "focal")
            self.criteria = measures.criteria(valid.y, model.probabilities(margin, "posterior"))

    def thresholds(self) -> dict[str, float]:
        """Return tuned thresholds, for two classes."""
        binary = not self.failed and self.weighed.shape[1] == 2
        return measures.thresholds(self.valid.y, self.weighed[:, 1]) if binary else {}


def _judge(
    train: Problem,
    test: Problem,
    framework: str,
    config: Mapping[str, Any],
    rounds: int,
    tuned: dict[str, float],
    seed: int,
) -> dict[str, Any]:
    begin = time.perf_counter()
    model = fit(framework, train, config, rounds, seed)
    seconds = time.perf_counter() - begin
    margin = model.margins(test.X, rounds)
    if not np.isfinite(margin).all():
        values = {}  # no number, no score: the table keeps the gap
    elif train.n_classes == 2:
        values = measures.binary(test.y, margin, model, tuned)
    else:
        values = measures.multiclass(test.y, margin, model)
    return {"config": json.dumps(config), "rounds": rounds, "seconds": seconds, **values}


def _keep_record(plan: Plan, path: Path) -> None:
    """Write down versions and plan beside the results, and refuse to mix results of two."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except ModuleNotFoundError:
            continue
    record = {"versions": versions, "draws": plan.draws, "caps": plan.caps, "seed": plan.seed}
    record["checkpoints"] = list(CHECKPOINTS)
    if path.exists() and (kept := json.loads(path.read_text())) != json.loads(json.dumps(record)):
        differing = [key for key in record if kept.get(key) != json.loads(json.dumps(record[key]))]
        msg = f"{path} was begun with other {', '.join(differing)}: give another --output, or remove it and its table"
        raise OtherBudget(msg)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n")
