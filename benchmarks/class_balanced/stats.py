"""Paired differences from the stock cross-entropy: over the splits of a set, and over sets."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import t as student

from .methods import STOCK

LEVEL, POWER = 0.95, 0.8
LOWER_IS_BETTER = ("log_loss", "log_loss_plain", "log_loss_link", "ece")


def values(results: pd.DataFrame, measure: str, protocol: str, framework: str) -> pd.DataFrame:
    """Return a measure: splits of sets (rows) against methods (columns)."""
    rows = results[(results["protocol"] == protocol) & (results["framework"] == framework)]
    return rows.pivot_table(index=["data", "split"], columns="method", values=measure, sort=False)


def gains(results: pd.DataFrame, measure: str, protocol: str, framework: str) -> pd.DataFrame:
    """Return what each method is better by than the stock cross-entropy on the same split."""
    table = values(results, measure, protocol, framework)
    gain = table.drop(columns=STOCK).sub(table[STOCK], axis=0)
    return -gain if measure in LOWER_IS_BETTER else gain


def interval(differences: np.ndarray, test_per_train: float) -> tuple[float, float]:
    """Return mean and half-width of the corrected resampled t-interval (Nadeau and Bengio, Machine Learning 52, 2003).

    The splits of a set share rows: their variance is enlarged by the ratio of test to training rows.
    """
    n = len(differences)
    if n < 2:
        return float(np.mean(differences)), np.inf
    error = np.sqrt(np.var(differences, ddof=1) * (1 / n + test_per_train))
    return float(np.mean(differences)), float(student.ppf((1 + LEVEL) / 2, n - 1) * error)


def over_sets(gain: pd.DataFrame, test_per_train: float) -> pd.DataFrame:
    """Return for each method the mean gain with its interval, sets being the sample, and how many sets by themselves.

    ``mde`` is the minimal detectable effect: a true mean gain that the test of level 5 % finds with probability .8.
    """
    rows = {}
    for method in gain:
        by_set = gain[method].groupby("data", sort=False)
        means = by_set.mean()
        n = len(means)
        error = means.std(ddof=1) / np.sqrt(n)
        single = [interval(part.to_numpy(), test_per_train) for _, part in by_set]
        quantile = student.ppf((1 + LEVEL) / 2, n - 1)
        rows[method] = {
            "gain": means.mean(),
            "half": quantile * error,
            "mde": (quantile + student.ppf(POWER, n - 1)) * error,
            "better": sum(mean > half for mean, half in single),
            "worse": sum(-mean > half for mean, half in single),
            "sets": n,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def signed(row: pd.Series, digits: int = 3) -> str:
    """Return a gain and its interval as text."""
    return f"{row['gain']:+.{digits}f} ± {row['half']:.{digits}f}"
