"""Training in each framework: from rows and a configuration to the log-odds of calibrated probabilities."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from inspect import signature
from itertools import islice
from typing import Any

import lightgbm as lgb
import numpy as np
import xgboost as xgb
from scipy.special import logit
from sklearn.ensemble import HistGradientBoostingClassifier

import focalboost.lightgbm as focal_lgb
import focalboost.xgboost as focal_xgb
from focalboost import BinaryFocalLoss, FocalHistGradientBoostingClassifier

from .problems import Problem
from .rebalancing import KEYS, Rows, rebalance

Margins = Callable[[np.ndarray, int], np.ndarray]
Watch = Callable[
    [int, np.ndarray], bool
]  # of the rounds so far and margins of the rows watched; True ends the training


def recentre(y: np.ndarray, margin: np.ndarray) -> Any:
    """Return the constant, one of each class, after which probabilities sum to the counts of these rows.

    It undoes class weights, resampling and the drift of bounded or focal training alike: every method ends with it.
    """
    return focal_lgb.FocalObjective(0.0).mean_shift(y, margin)


@dataclass(frozen=True)
class Trainer:
    """Trains on the rows of one problem; what is binned once serves all configurations that weigh rows alike."""

    framework: str
    problem: Problem
    seed: int

    def fit(
        self, config: Mapping[str, Any], n_rounds: int, valid: np.ndarray | None = None, watch: Watch | None = None
    ) -> Margins:
        """Train, and return what gives the margins of rows after a number of rounds: log-odds, or log-probabilities.

        They are not centred yet: `recentre` tells the constant.
        """
        if config.get("constant"):
            columns = () if self.num_class == 1 else (self.num_class,)
            return lambda X, rounds: np.zeros((len(X), *columns))
        return TRAINERS[self.framework](self, self._rows(config), config, n_rounds, valid, watch)

    def _rows(self, config: Mapping[str, Any]) -> Binned:
        chosen = tuple((key, config[key]) for key in KEYS if key in config)
        if chosen not in self._binned:
            self._binned.clear()  # those before are seldom asked for again, and are large
            self._binned[chosen] = Binned(rebalance(self.problem, config, self.seed), self.problem.categorical)
        return self._binned[chosen]

    @cached_property
    def _binned(self) -> dict[tuple[Any, ...], Binned]:
        return {}

    @property
    def num_class(self) -> int:
        """Number of margins in a row."""
        return self.problem.n_classes if self.problem.n_classes > 2 else 1


@dataclass(frozen=True)
class Binned:
    """Rows as the frameworks hold them."""

    rows: Rows
    categorical: tuple[int, ...]

    @cached_property
    def lightgbm(self) -> lgb.Dataset:
        """Rows for LightGBM, which keeps what it needs to train on them again."""
        rows, columns = self.rows, list(self.categorical)
        options = {"feature_pre_filter": False, "verbosity": -1, "num_threads": 1, "force_col_wise": True}
        return lgb.Dataset(
            rows.X, rows.y, weight=rows.weight, categorical_feature=columns, params=options, free_raw_data=False
        )

    @cached_property
    def xgboost(self) -> xgb.QuantileDMatrix:
        """Rows for XGBoost."""
        return xgb.QuantileDMatrix(self.rows.X, self.rows.y, weight=self.rows.weight, **self.xgboost_options)

    @property
    def xgboost_options(self) -> dict[str, Any]:
        """What all rows of these columns are read with."""
        types = ["c" if k in self.categorical else "q" for k in range(self.rows.X.shape[1])]
        return {"feature_types": types, "enable_categorical": True, "nthread": 1}


def focal_objective(framework: str, config: Mapping[str, Any]) -> Any:
    """Return the objective of a configuration with a gamma."""
    adapter = focal_xgb if framework == "xgboost" else focal_lgb
    return adapter.FocalObjective(**{key: config[key] for key in ("gamma", "alpha") if key in config})


def leaf_bound(framework: str, config: Mapping[str, Any]) -> float:
    """Return the bound of a leaf's step: as the configuration says, or as in the estimator it stands for."""
    if "bound" in config:
        return float(config["bound"])
    if "gamma" not in config:
        return 0.0
    estimator = focal_xgb.FocalXGBClassifier if framework == "xgboost" else focal_lgb.FocalLGBMClassifier
    return float(signature(estimator).parameters["max_delta_step"].default)


def as_margin(predicted: np.ndarray) -> np.ndarray:
    """Return log-odds or log-probabilities of the probabilities that a framework's own objective shows its metrics."""
    tiny = np.finfo(np.float64).tiny
    predicted = np.asarray(predicted, dtype=np.float64)
    return np.log(np.maximum(predicted, tiny)) if predicted.ndim == 2 else logit(np.clip(predicted, tiny, 1 - 1e-16))


def train_lightgbm(
    trainer: Trainer, binned: Binned, config: Mapping[str, Any], n_rounds: int, valid: np.ndarray | None, watch: Any
) -> Margins:
    """Train LightGBM: with its own loss, or with a focal objective from its start."""
    num_class, rows = trainer.num_class, binned.rows
    params: dict[str, Any] = {
        "objective": "binary" if num_class == 1 else "multiclass",
        "num_class": num_class,
        "metric": "None",
        "max_delta_step": leaf_bound("lightgbm", config),
        "num_threads": 1,
        "force_col_wise": True,
        "feature_pre_filter": False,
        "seed": trainer.seed,
        "verbosity": -1,
        **{key: config[key] for key in ("learning_rate", "num_leaves") if key in config},
    }
    if "l2" in config:
        params["lambda_l2"] = config["l2"]
    if rows.pos_weight is not None:
        params["scale_pos_weight"] = rows.pos_weight
    start: Any = 0.0
    if "gamma" in config:
        params["objective"] = objective = focal_objective("lightgbm", config).prepare(rows.y, rows.weight, num_class)
        start = np.array(objective.start)
    watching: dict[str, Any] = {}
    if watch is not None:
        seen: list[np.ndarray] = []

        def keep(predicted: np.ndarray, data: lgb.Dataset) -> tuple[str, float, bool]:
            seen[:] = [predicted]
            return "seen", 0.0, False

        def ask(env: Any) -> None:
            margin = seen[0] + start if "gamma" in config else as_margin(seen[0])
            if watch(env.iteration + 1, margin):
                raise lgb.callback.EarlyStopException(env.iteration, [])

        watched = lgb.Dataset(valid, np.zeros(len(valid)), reference=binned.lightgbm)
        watching = {"valid_sets": [watched], "feval": keep, "callbacks": [ask]}
    booster = lgb.train(params, binned.lightgbm, n_rounds, **watching)
    return lambda X, rounds: booster.predict(X, raw_score=True, num_iteration=rounds) + start


class _Watching(xgb.callback.TrainingCallback):
    """Shows a watch what XGBoost's metric saw."""

    def __init__(self, watch: Watch, built_in: bool) -> None:
        self.watch, self.built_in = watch, built_in

    def keep(self, predicted: np.ndarray, data: xgb.DMatrix) -> tuple[str, float]:
        self.seen = as_margin(predicted) if self.built_in else predicted
        return "seen", 0.0

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        return self.watch(epoch + 1, self.seen)


def train_xgboost(
    trainer: Trainer, binned: Binned, config: Mapping[str, Any], n_rounds: int, valid: np.ndarray | None, watch: Any
) -> Margins:
    """Train XGBoost: with its own loss, or with a focal objective from its start."""
    num_class, rows, options = trainer.num_class, binned.rows, binned.xgboost_options
    params: dict[str, Any] = {
        "objective": "binary:logistic" if num_class == 1 else "multi:softprob",
        "disable_default_eval_metric": True,
        "tree_method": "hist",
        "max_delta_step": leaf_bound("xgboost", config),
        "nthread": 1,
        "seed": trainer.seed,
    }
    if "num_leaves" in config:
        params |= {"grow_policy": "lossguide", "max_depth": 0, "max_leaves": config["num_leaves"]}
    if "learning_rate" in config:
        params["learning_rate"] = config["learning_rate"]
    if "l2" in config:
        params["lambda"] = config["l2"]
    if num_class > 1:
        params["num_class"] = num_class
    if rows.pos_weight is not None:
        params["scale_pos_weight"] = rows.pos_weight
    objective = None
    if "gamma" in config:
        objective = focal_objective("xgboost", config).normalize(rows.y, rows.weight, num_class)
        params["base_score"] = focal_xgb.base_score(objective, rows.y, rows.weight, num_class=num_class)
    watching: dict[str, Any] = {}
    if watch is not None:
        callback = _Watching(watch, objective is None)
        watched = xgb.QuantileDMatrix(valid, np.zeros(len(valid)), ref=binned.xgboost, **options)
        watching = {"evals": [(watched, "watched")], "custom_metric": callback.keep, "callbacks": [callback]}
        watching["verbose_eval"] = False
    booster = xgb.train(params, binned.xgboost, n_rounds, obj=objective, **watching)

    def margins(X: np.ndarray, rounds: int) -> np.ndarray:
        matrix = xgb.DMatrix(X, **options)
        return booster.predict(matrix, output_margin=True, iteration_range=(0, rounds)).astype(np.float64)

    return margins


def train_catboost(
    trainer: Trainer, binned: Binned, config: Mapping[str, Any], n_rounds: int, valid: np.ndarray | None, watch: Any
) -> Margins:
    """Train CatBoost, for two classes: with its Logloss, or its own Focal from the right start.

    Categories are numbers to it here. Margins of its Focal are focal logits, which BinaryFocalLoss calibrates.
    """
    from catboost import CatBoostClassifier, Pool  # noqa: PLC0415 (optional)

    rows, loss = binned.rows, "Logloss"
    link, start = None, 0.0
    if "gamma" in config:
        loss = f"Focal:focal_alpha={config['alpha']};focal_gamma={config['gamma']}"
        link = BinaryFocalLoss(config["gamma"], config["alpha"])
        start = float(link.intercept(rows.y))
    model = CatBoostClassifier(
        loss_function=loss,
        iterations=n_rounds,
        thread_count=1,
        random_seed=trainer.seed,
        verbose=False,
        allow_writing_files=False,
        **({"learning_rate": config["learning_rate"]} if "learning_rate" in config else {}),
        **({"depth": int(np.log2(config["num_leaves"] + 1))} if "num_leaves" in config else {}),
        **({"l2_leaf_reg": max(config["l2"], 0.1)} if "l2" in config else {}),
    ).fit(Pool(rows.X, rows.y, baseline=np.full(len(rows.y), start)))

    def read(margin: np.ndarray) -> np.ndarray:
        margin = np.asarray(margin) + start
        return margin if link is None else as_margin(link.predict_proba(margin)[:, 1])

    if watch is not None:
        staged = model.staged_predict(valid, prediction_type="RawFormulaVal")
        for rounds, margin in enumerate(staged, 1):
            if watch(rounds, read(margin)):
                break
    return lambda X, rounds: read(model.predict(X, prediction_type="RawFormulaVal", ntree_end=rounds))


def train_sklearn(
    trainer: Trainer, binned: Binned, config: Mapping[str, Any], n_rounds: int, valid: np.ndarray | None, watch: Any
) -> Margins:
    """Train scikit-learn's histogram boosting, which has no bound on leaves."""
    rows, names = binned.rows, {"learning_rate": "learning_rate", "num_leaves": "max_leaf_nodes"}
    params: dict[str, Any] = {names[key]: config[key] for key in names if key in config}
    params |= {"max_iter": n_rounds, "early_stopping": False, "random_state": trainer.seed}
    params["categorical_features"] = list(binned.categorical) or None
    if "l2" in config:
        params["l2_regularization"] = config["l2"]
    if "gamma" in config:
        model = FocalHistGradientBoostingClassifier(focal_gamma=config["gamma"], focal_mean_shift=False, **params)
    else:
        model = HistGradientBoostingClassifier(**params)
    model.fit(rows.X, rows.y, rows.weight)
    if watch is not None:
        for rounds, margin in enumerate(model.staged_decision_function(valid), 1):
            if watch(rounds, margin):
                break
    return lambda X, rounds: next(islice(model.staged_decision_function(X), rounds - 1, None))


TRAINERS: dict[str, Callable[..., Margins]] = {
    "lightgbm": train_lightgbm,
    "xgboost": train_xgboost,
    "catboost": train_catboost,
    "sklearn": train_sklearn,
}
