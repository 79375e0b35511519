"""Paired differences from the stock cross-entropy: over the splits of a set, and over sets."""

from __future__ import annotations

import pandas as pd

from ..study.paired import difference
from .methods import STOCK

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


def over_sets(gain: pd.DataFrame, test_per_train: float) -> pd.DataFrame:
    """Return for each method the mean gain with its interval, sets being the sample, and how many sets by themselves.

    ``mde`` is the minimal detectable effect: a true mean gain that the test of level 5 % finds with probability .8.
    """
    rows = {}
    for method in gain:
        by_set = gain[method].groupby("data", sort=False)
        found = difference(by_set.mean())
        single = [difference(part, test_per_train) for _, part in by_set]
        rows[method] = {
            "gain": found.mean,
            "half": found.half_width,
            "mde": found.detectable,
            "better": sum(one.shows and one.mean > 0 for one in single),
            "worse": sum(one.shows and one.mean < 0 for one in single),
            "sets": len(single),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def signed(row: pd.Series, digits: int = 3) -> str:
    """Return a gain and its interval as text."""
    return f"{row['gain']:+.{digits}f} ± {row['half']:.{digits}f}"
