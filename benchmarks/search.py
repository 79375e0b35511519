"""A grid search over gamma against one of as many stock fits."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from lightgbm import LGBMClassifier
from sklearn.model_selection import GridSearchCV
from xgboost import XGBClassifier

from focalboost import FocalLGBMClassifier, FocalXGBClassifier
from focalboost.xgboost import FocalObjective, base_score

from .frameworks import Recorder, Tape, synthetic
from .pairing import Ratio, in_turn
from .report import Figure
from .scales import Scale

PART = "Grid search: 5 gammas x 3 folds / 5 stock settings x 3 folds"
GAMMAS = (0.0, 0.5, 1.0, 2.0, 5.0)
# As many settings that change nothing: L2 terms far below any Hessian of a leaf.
IDLE = (0.0, 1e-12, 2e-12, 3e-12, 4e-12)


def figures(scale: Scale) -> Iterator[Figure]:
    """Both frameworks; log-loss from predict_proba scores every fit."""
    X, y = synthetic(scale.grid_rows)
    same = {"n_estimators": scale.grid_trees, "min_child_weight": 0.0}
    size = f"{len(X):,} rows, {scale.grid_trees} trees"
    lightgbm = {**same, "num_leaves": 31, "verbose": -1}
    focal = Searched(FocalLGBMClassifier(**lightgbm), {"focal_gamma": GAMMAS}, X, y)
    stock = Searched(LGBMClassifier(**lightgbm), {"reg_lambda": IDLE}, X, y)
    yield from against_stock(f"LightGBM, {size}", focal, stock, scale)

    xgboost = {**same, "tree_method": "hist", "grow_policy": "lossguide", "max_leaves": 31, "max_depth": 0}
    focal = Searched(FocalXGBClassifier(**xgboost), {"focal_gamma": GAMMAS}, X, y)
    stock = Searched(XGBClassifier(**xgboost), {"reg_lambda": [1 + idle for idle in IDLE]}, X, y)
    tape = Tape()
    played = Searched(XGBClassifier(**xgboost), played_grid(tape, y), X, y, scoring=mean_margin)
    played()  # records

    def replay() -> Any:
        tape.rewind()
        return played()

    yield from against_stock(f"XGBoost, {size}", focal, stock, scale, replay)


def against_stock(
    name: str, focal: Searched, stock: Searched, scale: Scale, replay: Callable[[], Any] | None = None
) -> Iterator[Figure]:
    """One job, and two: joblib gives each of those half of the threads, if nothing takes more."""
    calls: dict[str, Callable[[], Any]] = {"focal": focal, "stock": stock}
    calls |= {"focal, two jobs": partial(focal, n_jobs=2), "stock, two jobs": partial(stock, n_jobs=2)}
    if replay is not None:
        calls["played"] = replay
    times = in_turn(calls, scale.pairs)
    yield Figure.of_ratio(PART, name, Ratio(times["focal"], times["stock"]), "<= 1.1")
    if replay is not None:
        ratio = Ratio(times["played"], times["stock"])
        yield Figure.of_ratio(PART, f"{name}: gradients at no cost (replayed)", ratio)
    for kind in ("focal", "stock"):
        ratio = Ratio(times[f"{kind}, two jobs"], times[kind])
        yield Figure.of_ratio(PART, f"{name}: {kind}, n_jobs=2 / n_jobs=1", ratio)


@dataclass(frozen=True)
class Searched:
    """A grid search to be timed."""

    model: Any
    grid: Any
    X: Any
    y: Any
    scoring: Any = "neg_log_loss"

    def __call__(self, n_jobs: int = 1) -> Any:
        """Fit the grid."""
        with warnings.catch_warnings():
            # LGBMClassifier names its features in fit and then misses the names in predict.
            warnings.filterwarnings("ignore", message="X does not have valid feature names")
            search = GridSearchCV(self.model, self.grid, scoring=self.scoring, cv=3, error_score="raise", n_jobs=n_jobs)
            return search.fit(self.X, self.y)


def played_grid(tape: Tape, y: Any) -> list[dict[str, list[Any]]]:
    """Return a grid of the gammas for XGBClassifier, whose gradients go to a tape, or come from it."""
    objectives = [FocalObjective(gamma).normalize(y) for gamma in GAMMAS]
    return [{"objective": [Recorder(one, tape)], "base_score": [base_score(one, y)]} for one in objectives]


def mean_margin(model: Any, X: Any, y: Any) -> float:
    """Return a score that costs a prediction; with a custom objective XGBClassifier has no probabilities to score."""
    return float(model.predict(X, output_margin=True).mean())
