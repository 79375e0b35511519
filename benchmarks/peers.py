"""Other implementations of the focal loss, where they are installed: the call of the objective, and whole trainings."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import lightgbm as lgb
import numpy as np
import xgboost as xgb

from .frameworks import LightGBM, XGBoost, synthetic
from .pairing import Ratio, compare, in_turn
from .report import Figure, Skipped
from .scales import Scale

PART = "Peers: gamma 2"


@dataclass(frozen=True)
class Peer:
    """A package whose objective takes (margins, data)."""

    name: str
    framework: type[LightGBM | XGBoost]
    module: str
    make: Callable[[Any], Any]


PEERS = (
    Peer(
        "imlightgbm",
        LightGBM,
        "imlightgbm.objective",
        lambda module: partial(module.binary_focal_lgb_objective, gamma=2.0),
    ),
    *(
        Peer("bokbokbok", kind, "bokbokbok.loss_functions.classification", lambda module: module.WeightedFocalLoss())
        for kind in (LightGBM, XGBoost)
    ),
    Peer(
        "Imbalance-XGBoost",
        XGBoost,
        "imxgboost.focal_loss",
        lambda module: module.Focal_Binary_Loss(2.0).focal_binary_object,
    ),
)


def figures(scale: Scale) -> Iterator[Figure | Skipped]:
    """Objectives written in numpy, then CatBoost's own focal loss."""
    X, y = synthetic(scale.peer_rows)
    problems = {framework: framework(X, y) for framework in (LightGBM, XGBoost)}
    for peer in PEERS:
        name = f"{peer.name} in {peer.framework.name}, {len(y):,} rows"
        if importlib.util.find_spec(peer.module.split(".")[0]) is None:
            yield Skipped(PART, name, "not installed")
            continue
        objective = peer.make(importlib.import_module(peer.module))
        with np.errstate(all="ignore"):  # they take logarithms of 0
            yield from numpy_peer(name, problems[peer.framework], objective, scale)
    yield catboost(X, y, scale)


def numpy_peer(name: str, problem: Any, objective: Any, scale: Scale) -> Iterator[Figure | Skipped]:
    """Time the call on the same margins, and trainings that start from the same value."""
    own = problem.prepared(2.0)
    rounds = scale.rounds(scale.peer_rows)
    margin = np.random.default_rng(0).normal(-3, 2, len(problem.y)).astype(problem.margin_dtype)
    ratio = compare(lambda: objective(margin, problem.data), lambda: own(margin, problem.data), scale.pairs)
    yield Figure.of_ratio(PART, f"{name}: its objective / focalboost's", ratio)
    try:
        leaves = problem.leaves(problem.train(objective, rounds)) / problem.leaves(problem.stock(rounds))
    except (lgb.basic.LightGBMError, xgb.core.XGBoostError) as error:
        yield Skipped(PART, f"{name}: its training", str(error).splitlines()[0])
        return
    calls = {
        "peer": partial(problem.train, objective, rounds),
        "own": partial(problem.train, own, rounds),
        "stock": partial(problem.stock, rounds),
    }
    times = in_turn(calls, scale.pairs)
    note = f"{leaves:.0%} of the leaves"
    yield Figure.of_ratio(PART, f"{name}: its training / built-in", Ratio(times["peer"], times["stock"]), note=note)
    yield Figure.of_ratio(PART, f"{name}: focalboost's training / built-in", Ratio(times["own"], times["stock"]))


def catboost(X: Any, y: Any, scale: Scale) -> Figure | Skipped:
    """CatBoost has a focal loss of its own, for two classes."""
    name = f"CatBoost, {len(y):,} rows: its Focal / its Logloss"
    if importlib.util.find_spec("catboost") is None:
        return Skipped(PART, name, "not installed")
    module = importlib.import_module("catboost")
    pool = module.Pool(X, y)
    pool.quantize()

    def train(loss: str) -> Any:
        rounds = scale.rounds(len(y))
        model = module.CatBoost({"loss_function": loss, "iterations": rounds, "allow_writing_files": False})
        return model.fit(pool, verbose=False)

    ratio = compare(
        partial(train, "Focal:focal_alpha=0.5;focal_gamma=2.0"), partial(train, "Logloss"), scale.pairs, warm_up=1
    )
    return Figure.of_ratio(PART, name, ratio)
