"""From results to tables."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

# By which criterion the choice was made that a measure is read from, whether more is better, and its short name.
MEASURES = {
    "average_precision": ("average_precision", True, "AP"),
    "roc_auc": ("average_precision", True, "ROC AUC"),
    "f1": ("average_precision", True, "F1, tuned"),
    "balanced_accuracy": ("average_precision", True, "balanced accuracy, tuned"),
    "recall_at_0.1_fpr": ("average_precision", True, "recall at .1 % FPR"),
    "recall_at_1_fpr": ("average_precision", True, "recall at 1 % FPR"),
    "alert_precision": ("average_precision", True, "precision of the top .5 %"),
    "log_loss": ("log_loss", False, "log-loss"),
    "brier": ("log_loss", False, "Brier"),
    "calibration_error": ("log_loss", False, "ECE"),
    "cost_5": ("log_loss", False, "cost 5 : 1"),
    "cost_20": ("log_loss", False, "cost 20 : 1"),
    "cost_100": ("log_loss", False, "cost 100 : 1"),
}
FRAMEWORKS = {"lightgbm": "LightGBM", "xgboost": "XGBoost", "catboost": "CatBoost", "sklearn": "scikit-learn"}
BOTH = ("lightgbm", "xgboost")


def label(measure: str) -> str:
    """Return the short name of a measure."""
    return MEASURES[measure][2]


def markdown(frame: pd.DataFrame, digits: int = 3, corner: str = "") -> str:
    """Return a frame as a Markdown table."""

    def cell(value: object) -> str:
        if isinstance(value, float | np.floating):
            return "" if np.isnan(value) else f"{value:.{digits}f}"
        return str(value)

    lines = [[corner, *map(str, frame.columns)], ["---", *["---:"] * frame.shape[1]]]
    lines += [[str(name), *map(cell, row)] for name, row in zip(frame.index, frame.to_numpy(dtype=object), strict=True)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def family(data: str) -> str:
    """Return the source of a KEEL set: its name's first word."""
    return re.match(r"[a-z]+", data)[0]  # type: ignore[index]


def by_split(
    results: pd.DataFrame, measure: str, framework: str, sets: Iterable[str], stage: str = "tuned"
) -> pd.DataFrame:
    """Return a measure of every method (columns) on every set and split (rows) that all methods have."""
    rows = results[(results["stage"] == stage) & (results["framework"] == framework) & results["data"].isin(list(sets))]
    if stage == "tuned":
        rows = rows[rows["chosen_by"] == MEASURES[measure][0]]
    table = rows.pivot_table(index=["data", "split"], columns="method", values=measure, sort=False, dropna=False)
    return table.dropna().sort_index(key=lambda level: level if level.name == "split" else _order(level, sets))


def _order(level: pd.Index, sets: Iterable[str]) -> pd.Index:
    return level.map({name: k for k, name in enumerate(sets)})


def by_set(
    results: pd.DataFrame, measure: str, framework: str, sets: Iterable[str], stage: str = "tuned"
) -> pd.DataFrame:
    """Return a measure of every method (columns) on every set (rows): the mean over splits."""
    return by_split(results, measure, framework, sets, stage).groupby("data", sort=False).mean()


def gains(table: pd.DataFrame, reference: str, measure: str) -> pd.DataFrame:
    """Return what each method is better by than a reference: a difference, or log points where less is better.

    These are 100 times the logarithm of the ratio, so that a loss that is halved and one that is doubled weigh alike.
    """
    if MEASURES[measure][1]:
        return table.sub(table[reference], axis=0)
    return -100 * np.log(table.div(table[reference], axis=0))


def against(gain: pd.DataFrame, tie: float) -> pd.DataFrame:
    """Count sets won, tied (a gain of at most `tie` either way) and lost, for each method."""
    return pd.DataFrame(
        {
            "won": (gain > tie).sum(),
            "tied": (gain.abs() <= tie).sum(),
            "lost": (gain < -tie).sum(),
            "median gain": gain.median(),
            "worst": gain.min(),
            "best": gain.max(),
        }
    )


def chosen(results: pd.DataFrame, method: str, key: str) -> pd.DataFrame:
    """Return how often each value of a parameter was chosen, in percent, by framework and criterion."""
    rows = results[(results["stage"] == "tuned") & (results["method"] == method) & results["framework"].isin(BOTH)]
    values = rows["config"].map(lambda text: str(json.loads(text).get(key)))
    counts = rows.groupby(["framework", "chosen_by", values], sort=False).size().unstack(fill_value=0)
    share = 100 * counts.div(counts.sum(axis=1), axis=0)
    share.index = [f"{FRAMEWORKS[framework]}, by {criterion.replace('_', ' ')}" for framework, criterion in share.index]
    return share[sorted(share.columns)]
