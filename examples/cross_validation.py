"""Cross-validation: choose gamma with `cv` of focalboost.lightgbm and of focalboost.xgboost.

They take the arguments of `lightgbm.cv` and `xgboost.cv`, and start each fold from its own training rows. Focal losses
of different gammas are different units; the log-loss of the probabilities compares, whatever a model was trained with.
The script checks itself: at gamma = 0 the focal loss is the log-loss, so the folds reach what the frameworks' own
objectives reach.
"""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pandas as pd
import xgboost as xgb
from datasets import load_gmsc, run_main
from sklearn.model_selection import StratifiedKFold
from tqdm import tqdm

import focalboost.lightgbm as focal_lgb
import focalboost.xgboost as focal_xgb

N_ROWS, N_ROUNDS, GAMMAS = 30_000, 100, (0.0, 1.0, 2.0)
LIGHTGBM = {
    "objective": "binary",
    "metric": "binary_logloss",
    "learning_rate": 0.1,
    "num_leaves": 15,
    "verbosity": -1,
}
XGBOOST = {"objective": "binary:logistic", "eval_metric": "logloss", "learning_rate": 0.1, "max_depth": 4}
# The bound of leaves that focalboost sets unless told otherwise, for the built-in objectives too.
LIGHTGBM["max_delta_step"], XGBOOST["max_delta_step"] = 2.0, 4.0
Folds = list[tuple[np.ndarray, np.ndarray]]


def cv_lightgbm(X: pd.DataFrame, y: np.ndarray, folds: Folds, gamma: float | None) -> np.ndarray:
    """Return the mean log-loss of the folds after every round; gamma=None is the built-in objective."""
    data = lgb.Dataset(X, y)
    if gamma is None:
        history = lgb.cv(LIGHTGBM, data, N_ROUNDS, folds=folds)
    else:
        params = LIGHTGBM | {"objective": focal_lgb.FocalObjective(gamma)}
        history = focal_lgb.cv(params, data, N_ROUNDS, folds=folds)
    return np.array(history["valid binary_logloss-mean"])


def cv_xgboost(X: pd.DataFrame, y: np.ndarray, folds: Folds, gamma: float | None) -> np.ndarray:
    """Return the mean log-loss of the folds after every round; gamma=None is the built-in objective."""
    data = xgb.DMatrix(X, y)
    if gamma is None:
        history = xgb.cv(XGBOOST, data, N_ROUNDS, folds=folds)
    else:
        history = focal_xgb.cv(XGBOOST, data, N_ROUNDS, folds=folds, obj=focal_xgb.FocalObjective(gamma))
    return history["test-logloss-mean"].to_numpy()


def main() -> int:
    """Print a row for each framework and gamma."""
    X, y = load_gmsc()
    rows = np.random.default_rng(0).permutation(len(y))[:N_ROWS]
    X, y = X.iloc[rows].reset_index(drop=True), y.to_numpy()[rows]
    folds = list(StratifiedKFold(3, shuffle=True, random_state=0).split(X, y))

    runs = {"LightGBM": cv_lightgbm, "XGBoost": cv_xgboost}
    work = [(name, gamma) for name in runs for gamma in (None, *GAMMAS)]
    history = {(name, gamma): runs[name](X, y, folds, gamma) for name, gamma in tqdm(work, unit="cv", disable=None)}
    table = pd.DataFrame(
        [
            (name, "built-in" if gamma is None else f"focal, gamma {gamma:g}", values.min(), values.argmin() + 1)
            for (name, gamma), values in history.items()
        ],
        columns=["framework", "objective", "log-loss", "at round"],
    )
    print(table.to_string(index=False, float_format="{:.5f}".format))
    for name in runs:
        np.testing.assert_allclose(history[name, 0.0], history[name, None], rtol=1e-3)
        gap = np.abs(history[name, 0.0] / history[name, None] - 1).max()
        print(f"{name}: gamma = 0 follows the built-in objective to {gap:.0e} in all {N_ROUNDS} rounds")
    return 0


if __name__ == "__main__":
    run_main(main)
