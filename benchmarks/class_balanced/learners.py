"""Training LightGBM and XGBoost with any of the losses, from a given start."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import lightgbm as lgb
import numpy as np
import xgboost as xgb

from .methods import OURS, STOCK, Config, objective, right_start

Margins = Callable[[np.ndarray, int], np.ndarray]
ROUNDS = (10, 25, 50, 100)


def fit(
    framework: str, method: str, config: Config, X: np.ndarray, y: np.ndarray, *, honest: bool, seed: int
) -> Margins:
    """Train, and return the function from rows and a number of rounds to margins of shape (n, 1) or (n, classes).

    The paper's protocol starts at margins of 0, and leaves the stock objective to its own start. The honest one starts
    every loss where it is stationary.
    """
    n_classes = int(y.max()) + 1
    loss = None if method == STOCK else objective(framework, method, config, y, n_classes)
    start = np.zeros(1 if n_classes == 2 else n_classes)
    if honest:
        start = right_start(method, loss, y)
    elif method == STOCK:
        start = None
    train = _lightgbm if framework == "lightgbm" else _xgboost
    return train(config, X, y, n_classes, loss if method != OURS else _plain(loss), start, seed)


def _plain(loss: Callable) -> Callable:
    """Return our objective called with arrays, in the shape of the margins."""

    def derivatives(y: np.ndarray, margin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "training starts at margins of 0")  # as the paper does
            return tuple(np.asarray(part).reshape(margin.shape, order="F") for part in loss(y, margin))

    return derivatives


def _lightgbm(config, X, y, n_classes, loss, start, seed) -> Margins:
    columns = 1 if n_classes == 2 else n_classes
    params = {
        "objective": ("binary" if n_classes == 2 else "multiclass") if loss is None else _called(loss),
        "num_class": columns,
        "metric": "None",
        "learning_rate": config["learning_rate"],
        "num_leaves": config["num_leaves"],
        "lambda_l1": config["reg_alpha"],
        "lambda_l2": config["reg_lambda"],
        "max_delta_step": config["max_delta_step"],
        "num_threads": 1,
        "force_col_wise": True,
        "seed": seed,
        "verbosity": -1,
    }
    given = None if start is None else np.repeat(start, len(X))  # class after class
    booster = lgb.train(params, lgb.Dataset(X, y, init_score=given), ROUNDS[-1])
    offset = 0.0 if start is None else start  # LightGBM forgets a given start at prediction

    def margins(rows: np.ndarray, rounds: int) -> np.ndarray:
        return booster.predict(rows, raw_score=True, num_iteration=rounds).reshape(len(rows), columns) + offset

    return margins


def _called(loss: Callable) -> Callable:
    return lambda margin, data: loss(data.get_label().astype(np.int64), margin)


def _xgboost(config, X, y, n_classes, loss, start, seed) -> Margins:
    columns = 1 if n_classes == 2 else n_classes
    params = {
        "objective": "binary:logistic" if n_classes == 2 else "multi:softprob",
        "disable_default_eval_metric": True,
        "tree_method": "hist",
        "learning_rate": config["learning_rate"],
        "max_depth": config["max_depth"],
        "alpha": config["reg_alpha"],
        "lambda": config["reg_lambda"],
        "max_delta_step": config["max_delta_step"],
        "nthread": 1,
        "seed": seed,
    }
    if n_classes > 2:
        params["num_class"] = n_classes

    def matrix(rows: np.ndarray, labels: np.ndarray | None = None) -> xgb.DMatrix:
        given = None if start is None else np.tile(start, (len(rows), 1)).squeeze()
        return xgb.DMatrix(rows, labels, base_margin=given, nthread=1)

    booster = xgb.train(params, matrix(X, y), ROUNDS[-1], obj=None if loss is None else _called(loss))

    def margins(rows: np.ndarray, rounds: int) -> np.ndarray:
        raw = booster.predict(matrix(rows), output_margin=True, iteration_range=(0, rounds))
        return raw.reshape(len(rows), columns).astype(np.float64)

    return margins
