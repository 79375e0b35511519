"""Training in each framework: from rows and a configuration to margins after any number of rounds."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from inspect import signature
from typing import Any

import lightgbm as lgb
import numpy as np
import xgboost as xgb

import focalboost.lightgbm as focal_lgb
import focalboost.xgboost as focal_xgb
from focalboost import BinaryFocalLoss
from focalboost.losses import AnyFocalLoss

from .problems import Problem
from .rebalancing import Rows, rebalance

Margins = Callable[[np.ndarray, int], np.ndarray]


@dataclass(frozen=True)
class Model:
    """A trained model. ``loss`` reads its margins; its alpha is what the classes were weighed with."""

    margins: Margins
    loss: AnyFocalLoss

    def probabilities(self, margin: np.ndarray, link: str) -> np.ndarray:
        """Return probabilities of all classes, which sum to 1 also for one-vs-rest.

        In log-odds the ``focal`` and the ``logit`` link are the same, and ``posterior`` undoes the weights.
        """
        loss = self.loss
        if loss.score == "log_odds":  # at gamma = 0 focal logits are log-odds
            loss = replace(loss, gamma=0.0, score="focal_logit")
        result = loss.predict_proba(margin, link)
        return result / result.sum(axis=1, keepdims=True)


def fit(framework: str, problem: Problem, config: Mapping[str, Any], n_rounds: int, seed: int) -> Model:
    """Train on all rows of a problem."""
    if config.get("constant"):
        return class_shares(problem)
    rows = rebalance(problem, config, seed)
    kind = focal_xgb.FocalObjective if framework == "xgboost" else focal_lgb.FocalObjective
    num_class = problem.n_classes if problem.n_classes > 2 else 1
    objective = None
    if "peer" in config:
        objective, loss = peer_objective(config["peer"], config["gamma"]), BinaryFocalLoss(config["gamma"])
    elif "gamma" in config:
        settings = {key: config[key] for key in ("gamma", "alpha", "multiclass") if key in config}
        objective = kind(**settings).normalize(rows.y, rows.weight, num_class)
        loss = objective.loss(num_class)
        # What a configuration does not say is as in the estimator.
        estimator = focal_xgb.FocalXGBClassifier if framework == "xgboost" else focal_lgb.FocalLGBMClassifier
        config = {"max_delta_step": signature(estimator).parameters["max_delta_step"].default, **config}
    else:
        loss = kind(0.0, rows.class_weight).loss(num_class)
    train = {"lightgbm": train_lightgbm, "xgboost": train_xgboost, "catboost": train_catboost}[framework]
    margins = train(problem, rows, objective, config, n_rounds, seed)
    if isinstance(objective, kind) and config.get("mean_shift", True):
        margins = shifted(margins, objective, rows)
    return Model(margins, loss)


def shifted(margins: Margins, objective: Any, rows: Rows) -> Margins:
    """Return margins that are right on average on the training rows, after any number of rounds."""

    @functools.cache
    def shift(rounds: int) -> Any:
        return objective.mean_shift(rows.y, margins(rows.X, rounds), rows.weight)

    return lambda X, rounds: margins(X, rounds) + shift(rounds)


def peer_objective(name: str, gamma: float) -> Callable[[np.ndarray, Any], tuple[np.ndarray, np.ndarray]]:
    """Return the focal objective of another package."""
    if name == "bokbokbok":
        from bokbokbok.loss_functions.classification import WeightedFocalLoss  # noqa: PLC0415 (optional)

        return WeightedFocalLoss(alpha=1.0, gamma=gamma)
    if name == "imlightgbm":
        from imlightgbm.objective import binary_focal_lgb_objective  # noqa: PLC0415 (optional)

        return partial(binary_focal_lgb_objective, gamma=gamma)
    from imxgboost.focal_loss import Focal_Binary_Loss  # noqa: PLC0415 (optional)

    return Focal_Binary_Loss(gamma).focal_binary_object


def class_shares(problem: Problem) -> Model:
    """Return the model that knows the classes' shares and nothing else."""
    loss = focal_lgb.FocalObjective(0.0).loss(problem.n_classes if problem.n_classes > 2 else 1)
    start = np.asarray(loss.intercept(problem.y))
    return Model(lambda X, rounds: np.tile(start, (len(X), *[1] * start.ndim)), loss)


def train_lightgbm(
    problem: Problem, rows: Rows, objective: Any, config: Mapping[str, Any], n_rounds: int, seed: int
) -> Margins:
    """Train LightGBM: with its own loss, or with a focal objective from its start."""
    n_classes = problem.n_classes
    params = {
        "objective": objective or ("binary" if n_classes == 2 else "multiclass"),
        "num_class": 1 if n_classes == 2 else n_classes,
        "metric": "None",
        "learning_rate": config["learning_rate"],
        "num_leaves": config["num_leaves"],
        "min_data_in_leaf": 20 if config["cautious"] else 5,
        "lambda_l2": config.get("l2", 0.0),
        "max_delta_step": config.get("max_delta_step", 0.0),
        "feature_pre_filter": False,
        "num_threads": 1,
        "force_col_wise": True,
        "seed": seed,
        "verbosity": -1,
    }
    if "pos_weight" in config:
        params["scale_pos_weight"] = rows.class_weight[1]
    start: Any = 0.0
    if isinstance(objective, focal_lgb.FocalObjective):
        params["objective"] = objective = objective.prepare(rows.y, rows.weight, params["num_class"])
        start = np.array(objective.start)
    columns = list(problem.categorical)
    data = lgb.Dataset(rows.X, rows.y, weight=rows.weight, categorical_feature=columns)
    booster = lgb.train(params, data, n_rounds)
    return lambda X, rounds: booster.predict(X, raw_score=True, num_iteration=rounds) + start


def train_xgboost(
    problem: Problem, rows: Rows, objective: Any, config: Mapping[str, Any], n_rounds: int, seed: int
) -> Margins:
    """Train XGBoost: with its own loss, or with a focal objective from its start."""
    n_classes = problem.n_classes
    params = {
        "objective": "binary:logistic" if n_classes == 2 else "multi:softprob",
        "disable_default_eval_metric": True,
        "learning_rate": config["learning_rate"],
        "tree_method": "hist",
        "grow_policy": "lossguide",
        "max_depth": 0,
        "max_leaves": config["num_leaves"],
        "min_child_weight": 1.0 if config["cautious"] else 0.1,
        "lambda": config.get("l2", 1.0),
        "max_delta_step": config.get("max_delta_step", 0.0),
        "nthread": 1,
        "seed": seed,
    }
    if n_classes > 2:
        params["num_class"] = n_classes
    if "pos_weight" in config:
        params["scale_pos_weight"] = rows.class_weight[1]
    if "peer" in config:
        params["base_score"] = 0.5
    elif objective is not None:
        params["base_score"] = focal_xgb.base_score(
            objective, rows.y, rows.weight, num_class=n_classes if n_classes > 2 else 1
        )
    types = ["c" if k in problem.categorical else "q" for k in range(rows.X.shape[1])]
    options = {"feature_types": types, "enable_categorical": True, "nthread": 1}
    booster = xgb.train(params, xgb.DMatrix(rows.X, rows.y, weight=rows.weight, **options), n_rounds, obj=objective)
    return lambda X, rounds: booster.predict(
        xgb.DMatrix(X, **options), output_margin=True, iteration_range=(0, rounds)
    ).astype(np.float64)


def train_catboost(
    problem: Problem, rows: Rows, objective: Any, config: Mapping[str, Any], n_rounds: int, seed: int
) -> Margins:
    """Train CatBoost, for two classes: with its Logloss, or its own Focal. Categories are numbers to it here."""
    from catboost import CatBoostClassifier  # noqa: PLC0415 (optional)

    loss = "Logloss" if objective is None else f"Focal:focal_alpha={config['alpha']};focal_gamma={config['gamma']}"
    model = CatBoostClassifier(
        loss_function=loss,
        iterations=n_rounds,
        learning_rate=config["learning_rate"],
        depth=int(np.log2(config["num_leaves"] + 1)),
        l2_leaf_reg=3.0 if config["cautious"] else 1.0,
        thread_count=1,
        random_seed=seed,
        verbose=False,
        allow_writing_files=False,
    ).fit(rows.X, rows.y)
    return lambda X, rounds: model.predict(X, prediction_type="RawFormulaVal", ntree_end=rounds)
