"""A grid search over gamma against one of as many stock fits."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import partial
from typing import Any

from lightgbm import LGBMClassifier
from sklearn.model_selection import GridSearchCV
from xgboost import XGBClassifier

from focalboost import FocalLGBMClassifier, FocalXGBClassifier
from focalboost.xgboost import FocalObjective, base_score

from .frameworks import Recorder, Tape, synthetic
from .pairing import Ratio, compare, in_turn
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
    lightgbm = {**same, "num_leaves": 31, "verbose": -1}
    ratio = compare(
        partial(search, FocalLGBMClassifier(**lightgbm), {"focal_gamma": GAMMAS}, X, y),
        partial(search, LGBMClassifier(**lightgbm), {"reg_lambda": IDLE}, X, y),
        scale.pairs,
        warm_up=1,
    )
    yield Figure.of_ratio(PART, f"LightGBM, {len(X):,} rows, {scale.grid_trees} trees", ratio, "<= 1.1")

    xgboost = {**same, "tree_method": "hist", "grow_policy": "lossguide", "max_leaves": 31, "max_depth": 0}
    tape = Tape()
    played = played_grid(tape, y)
    search(XGBClassifier(**xgboost), played, X, y, scoring=mean_margin)

    def replay() -> Any:
        tape.rewind()
        return search(XGBClassifier(**xgboost), played, X, y, scoring=mean_margin)

    times = in_turn(
        {
            "focal": partial(search, FocalXGBClassifier(**xgboost), {"focal_gamma": GAMMAS}, X, y),
            "played": replay,
            "stock": partial(search, XGBClassifier(**xgboost), {"reg_lambda": [1 + idle for idle in IDLE]}, X, y),
        },
        scale.pairs,
    )
    name = f"XGBoost, {len(X):,} rows, {scale.grid_trees} trees"
    yield Figure.of_ratio(PART, name, Ratio(times["focal"], times["stock"]), "<= 1.1")
    at_no_cost = f"{name}: gradients at no cost (replayed)"
    yield Figure.of_ratio(PART, at_no_cost, Ratio(times["played"], times["stock"]))


def played_grid(tape: Tape, y: Any) -> list[dict[str, list[Any]]]:
    """Return a grid of the gammas for XGBClassifier, whose gradients go to a tape, or come from it."""
    objectives = [FocalObjective(gamma).normalize(y) for gamma in GAMMAS]
    return [{"objective": [Recorder(one, tape)], "base_score": [base_score(one, y)]} for one in objectives]


def mean_margin(model: Any, X: Any, y: Any) -> float:
    """Return a score that costs a prediction; with a custom objective XGBClassifier has no probabilities to score."""
    return float(model.predict(X, output_margin=True).mean())


def search(model: Any, grid: Any, X: Any, y: Any, scoring: Any = "neg_log_loss") -> Any:
    """Fit the grid."""
    with warnings.catch_warnings():
        # LGBMClassifier names its features in fit and then misses the names in predict.
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        return GridSearchCV(model, grid, scoring=scoring, cv=3, error_score="raise").fit(X, y)
