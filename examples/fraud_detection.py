"""Loan default: focal loss beside the ordinary log-loss, in LightGBM and XGBoost, on a rare event.

Four models learn from the same rows with the same settings: 60 % to train, 20 % to stop early by the log-loss, and 20 %
for the table and the figure. The default data is Give Me Some Credit, 150,000 loan applicants of whom 6.7 %
default; ``--csv FILE --target COLUMN`` takes any table with a two-valued column, the credit-card fraud file for one.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import xgboost as xgb
from datasets import DatasetUnavailable, load_gmsc
from fraud_figure import draw
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score, roc_curve
from sklearn.model_selection import train_test_split
from tables import UnusableTable, read_table
from tqdm import tqdm

import focalboost.lightgbm as focal_lgb
import focalboost.xgboost as focal_xgb

LEARNING_RATE, LEAVES, PATIENCE = 0.05, 31, 50


@dataclass(frozen=True)
class Parts:
    """Rows to learn from, rows to stop by, rows to judge by."""

    X_train: pd.DataFrame
    y_train: np.ndarray
    X_valid: pd.DataFrame
    y_valid: np.ndarray
    X_test: pd.DataFrame
    y_test: np.ndarray


@dataclass(frozen=True)
class Outcome:
    """What a model predicts for the test rows, and what it took."""

    probability: np.ndarray
    n_rounds: int
    seconds: float


def split(X: pd.DataFrame, y: np.ndarray, seed: int) -> Parts:
    """Split 60 / 20 / 20, with the same share of positives in each."""
    X_rest, X_test, y_rest, y_test = train_test_split(X, y, test_size=0.2, stratify=y, random_state=seed)
    X_train, X_valid, y_train, y_valid = train_test_split(
        X_rest, y_rest, test_size=0.25, stratify=y_rest, random_state=seed
    )
    return Parts(X_train, y_train, X_valid, y_valid, X_test, y_test)


def train_lightgbm(parts: Parts, focal: dict[str, Any] | None, args: argparse.Namespace, bar: tqdm) -> Outcome:
    """Train with the built-in objective (focal=None), or with a focal one."""

    def progress(env: lgb.callback.CallbackEnv) -> None:
        bar.set_postfix(loss=f"{env.evaluation_result_list[0][2]:.5f}", refresh=False)
        bar.update()

    begin = time.perf_counter()
    params = {
        "objective": "binary",
        "metric": "binary_logloss",
        "learning_rate": LEARNING_RATE,
        "num_leaves": LEAVES,
        "seed": args.seed,
        "verbosity": -1,
    }
    train = lgb.Dataset(parts.X_train, parts.y_train)
    valid = lgb.Dataset(parts.X_valid, parts.y_valid, reference=train)
    run = {"valid_sets": [valid], "callbacks": [lgb.early_stopping(PATIENCE, verbose=False), progress]}
    if focal is None:
        booster = lgb.train(params, train, args.rounds, **run)
    else:
        params["objective"] = focal_lgb.FocalObjective(**focal)
        booster = focal_lgb.train(params, train, args.rounds, **run)
    seconds = time.perf_counter() - begin
    # An ordinary model: here after a trip through its text.
    saved = lgb.Booster(model_str=booster.model_to_string(num_iteration=booster.best_iteration))
    return Outcome(saved.predict(parts.X_test), booster.best_iteration, seconds)


class Progress(xgb.callback.TrainingCallback):
    """Move the bar on."""

    def __init__(self, bar: tqdm) -> None:
        self.bar = bar

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Show the last value of the only metric; False goes on."""
        (values,) = evals_log["valid"].values()
        self.bar.set_postfix(loss=f"{values[-1]:.5f}", refresh=False)
        self.bar.update()
        return False


def train_xgboost(parts: Parts, focal: dict[str, Any] | None, args: argparse.Namespace, bar: tqdm) -> Outcome:
    """Train with the built-in objective (focal=None), or with a focal one."""
    begin = time.perf_counter()
    params = {
        "objective": "binary:logistic",
        "eval_metric": "logloss",
        "learning_rate": LEARNING_RATE,
        "tree_method": "hist",
        "grow_policy": "lossguide",
        "max_depth": 0,
        "max_leaves": LEAVES,
        "seed": args.seed,
    }
    train = xgb.QuantileDMatrix(parts.X_train, parts.y_train, enable_categorical=True)
    valid = xgb.QuantileDMatrix(parts.X_valid, parts.y_valid, enable_categorical=True, ref=train)
    run = {
        "evals": [(valid, "valid")],
        "early_stopping_rounds": PATIENCE,
        "callbacks": [Progress(bar)],
        "verbose_eval": False,
    }
    if focal is None:
        booster = xgb.train(params, train, args.rounds, **run)
    else:
        booster = focal_xgb.train(params, train, args.rounds, obj=focal_xgb.FocalObjective(**focal), **run)
    seconds = time.perf_counter() - begin

    n_rounds = booster.best_iteration + 1
    saved = xgb.Booster(model_file=booster[:n_rounds].save_raw())
    probability = saved.predict(xgb.DMatrix(parts.X_test, enable_categorical=True))
    return Outcome(probability.astype(float), n_rounds, seconds)


def train_all(parts: Parts, args: argparse.Namespace) -> dict[str, Outcome]:
    """Train the four models, with a bar for each on a terminal and a line for each elsewhere."""
    # "sampled": with alpha too, probabilities are those of the data.
    focal = {"gamma": args.gamma, "alpha": args.alpha, "prior": "sampled"}
    outcomes = {}
    for framework, train in {"LightGBM": train_lightgbm, "XGBoost": train_xgboost}.items():
        for loss, settings in {"log-loss": None, "focal": focal}.items():
            name = f"{framework} {loss}"
            with tqdm(total=args.rounds, desc=f"{name:<18}", unit="round", disable=None) as bar:
                outcomes[name] = train(parts, settings, args, bar)
                bar.total = bar.n  # stopped early: the work is done
            if bar.disable:
                print(f"{name:<18} {outcomes[name].n_rounds} rounds, {outcomes[name].seconds:.1f} s", file=sys.stderr)
    return outcomes


def recall_at(fpr_limit: float, y: np.ndarray, score: np.ndarray) -> float:
    """Return the share of positives found by the lowest threshold that flags at most this share of negatives."""
    false_positives, recall, _ = roc_curve(y, score)
    return float(recall[false_positives <= fpr_limit].max())


def table(y: np.ndarray, outcomes: dict[str, Outcome]) -> pd.DataFrame:
    """Return one row for each model."""
    rows = {
        name: {
            "AP": average_precision_score(y, out.probability),
            "ROC AUC": roc_auc_score(y, out.probability),
            "log-loss": log_loss(y, out.probability),
            "Brier": brier_score_loss(y, out.probability),
            "recall at 1% FPR": recall_at(0.01, y, out.probability),
            "rounds": out.n_rounds,
            "seconds": out.seconds,
        }
        for name, out in outcomes.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def report(y: np.ndarray, outcomes: dict[str, Outcome]) -> str:
    """Return the table as text."""
    formats = dict.fromkeys(["AP", "ROC AUC", "log-loss", "Brier", "recall at 1% FPR"], "{:.4f}".format)
    return table(y, outcomes).to_string(formatters=formats | {"seconds": "{:.1f}".format})


def arguments(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--csv", type=Path, help="a table of your own, instead of Give Me Some Credit")
    parser.add_argument("--target", help="its two-valued column; the later value in sorted order is the positive")
    parser.add_argument("--gamma", type=float, default=2.0, help="focusing parameter (default: 2)")
    parser.add_argument("--alpha", type=alpha, help="weight of the positives in (0, 1), balanced, or effective")
    parser.add_argument("--rounds", type=int, default=1000, help="most boosting rounds (default: 1000)")
    parser.add_argument("--seed", type=int, default=0, help="of the split and the learners (default: 0)")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "output", help="folder of the figure")
    args = parser.parse_args(argv)
    if (args.csv is None) != (args.target is None):
        parser.error("--csv and --target go together")
    if args.rounds < 1:
        parser.error("--rounds must be at least 1")
    try:
        focal_lgb.FocalObjective(args.gamma, args.alpha)
    except ValueError as error:
        parser.error(str(error))
    return args


def alpha(text: str) -> float | str:
    """Read a number or a name."""
    return text if text in ("balanced", "effective") else float(text)


def main(argv: list[str] | None = None) -> int:
    """Run the comparison."""
    args = arguments(argv)
    try:
        X, y, summary = _load(args)
    except (DatasetUnavailable, UnusableTable) as error:
        print(f"fraud_detection: {error}", file=sys.stderr)
        return 2
    print(summary, flush=True)
    parts = split(X, y, args.seed)
    outcomes = train_all(parts, args)
    print(f"\n{len(parts.y_test):,} test rows, gamma = {args.gamma:g}, alpha = {args.alpha}")
    print(report(parts.y_test, outcomes))
    args.output.mkdir(parents=True, exist_ok=True)
    figure = args.output / "fraud_detection.png"
    draw(parts.y_test, outcomes, figure)
    print(f"Figure: {figure}")
    return 0


def _load(args: argparse.Namespace) -> tuple[pd.DataFrame, np.ndarray, str]:
    if args.csv is not None:
        return read_table(args.csv, args.target)
    try:
        X, y = load_gmsc()
    except DatasetUnavailable as error:
        msg = f"{error}\nRun it once with a connection, or give a table of your own: --csv FILE --target COLUMN"
        raise DatasetUnavailable(msg) from error
    return X, y.to_numpy(), f"Give Me Some Credit: {len(y):,} applicants, {X.shape[1]} columns, {y.mean():.2%} default"


if __name__ == "__main__":
    sys.exit(main())
