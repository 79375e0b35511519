"""From results to the tables of the report."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

# Which of the two choices of a method a measure is read from, and its direction.
MEASURES = {
    "average_precision": ("average_precision", True),
    "roc_auc": ("average_precision", True),
    "recall_at_1_fpr": ("average_precision", True),
    "f1": ("average_precision", True),
    "f1_tuned": ("average_precision", True),
    "balanced_accuracy": ("average_precision", True),
    "balanced_accuracy_tuned": ("average_precision", True),
    "log_loss": ("log_loss", False),
    "log_loss_logit": ("log_loss", False),
    "brier": ("log_loss", False),
    "calibration_error": ("log_loss", False),
}
FRAMEWORKS = {"lightgbm": "LightGBM", "xgboost": "XGBoost", "catboost": "CatBoost"}


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


def by_set(results: pd.DataFrame, measure: str, framework: str, sets: Iterable[str]) -> pd.DataFrame:
    """Return a measure of every method (columns) on every set (rows): the mean over the splits that all have."""
    chosen_by, _ = MEASURES[measure]
    rows = results[
        (results["stage"] == "main")
        & (results["framework"] == framework)
        & (results["chosen_by"] == chosen_by)
        & results["data"].isin(list(sets))
    ]
    table = rows.pivot_table(index=["data", "split"], columns="method", values=measure, sort=False)
    # SMOTE cannot be had everywhere, and is compared where it can.
    complete = table.drop(columns="SMOTE", errors="ignore").notna().all(axis=1)
    return table[complete].groupby("data", sort=False).mean()


def against(table: pd.DataFrame, reference: str, *, higher_is_better: bool, tie: float) -> pd.DataFrame:
    """Count sets won, tied (a difference of at most `tie`) and lost against a reference; with the median difference."""
    sign = 1 if higher_is_better else -1
    gain = sign * table.drop(columns=reference).sub(table[reference], axis=0)
    return pd.DataFrame(
        {
            "won": (gain > tie).sum(),
            "tied": (gain.abs() <= tie).sum(),
            "lost": (gain < -tie).sum(),
            "median gain": gain.median(),
            "worst": gain.min(),
            "worst set": gain.idxmin(),
            "best": gain.max(),
            "best set": gain.idxmax(),
        }
    )


def chosen(results: pd.DataFrame, method: str, key: str) -> pd.DataFrame:
    """Return how often each value of a parameter was chosen, in percent, by framework and criterion."""
    rows = results[(results["stage"] == "main") & (results["method"] == method)]
    values = rows["config"].map(lambda text: str(json.loads(text).get(key)))
    counts = rows.groupby(["framework", "chosen_by", values], sort=False).size().unstack(fill_value=0)
    share = 100 * counts.div(counts.sum(axis=1), axis=0)
    share.index = [f"{FRAMEWORKS[framework]}, by {criterion.replace('_', ' ')}" for framework, criterion in share.index]
    return share[sorted(share.columns)]


def sweep(results: pd.DataFrame, framework: str, measure: str) -> pd.DataFrame:
    """Return a measure of the untuned trainings: sets (rows) against methods (columns)."""
    rows = results[(results["stage"] == "sweep") & (results["framework"] == framework)]
    return rows.pivot_table(index="data", columns="method", values=measure, sort=False, dropna=False)
