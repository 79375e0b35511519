"""What the pages share: the groups of sets, and tables of paired differences."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ..methods import LOG_LOSS, REFERENCE
from ..paired import Difference, difference
from ..problems import GROUPS, LARGE
from ..tables import BOTH, MEASURES, by_split, family, gains, label

KNOWN = {"large": LARGE, **{name: GROUPS[name] for name in ("multiclass", "covertype", "open")}}
TITLES = {
    "large": "Large tables of two classes",
    "huge": "The two largest of them",
    "multiclass": "More than two classes",
    "open": "KEEL sets with room to improve",
    "saturated": "The other KEEL sets",
    "covertype": "Covertype with its seven classes",
}
TUNED = ("large", "multiclass", "covertype", "open")
LOG_POINTS = "A log point is 100 times the natural logarithm of a ratio: a percent, as long as it is small."
# Test rows to training rows of a split.
TEST_TO_TRAIN = {"large": 0.5, "multiclass": 0.5, "covertype": 0.5, "open": 1.0}


def sets_of(results: pd.DataFrame, group: str, stage: str) -> list[str]:
    """Return the names of the sets of a group that a stage has results of."""
    names = results.loc[results["stage"] == stage, "data"].unique()
    if group == "saturated":
        return sorted(name for name in names if not any(name in others for others in KNOWN.values()))
    return [name for name in KNOWN[group] if name in names]


def complete(results: pd.DataFrame, n_methods: dict[str, int]) -> pd.DataFrame:
    """Leave out the splits of sets on which not all methods of their group have been tuned yet."""
    group_of = {name: group for group, names in GROUPS.items() for name in names}
    open_to_all = (results["stage"] == "tuned") & results["framework"].isin(BOTH)
    tried = results.groupby(["stage", "data", "split", "framework"])["method"].transform("nunique")
    needed = results["data"].map(group_of).map(n_methods)
    return results[~open_to_all | (tried >= needed)]


def digits(measure: str) -> int:
    """Return how many digits a gain is shown with: differences are small, log points are not."""
    return 4 if MEASURES[measure][1] else 2


def unit(measure: str) -> str:
    """Return how a gain in a measure is counted."""
    return label(measure) if MEASURES[measure][1] else f"{label(measure)}, log points less"


def by_source(gain: Any, group: str) -> Any:
    """Return gains of sets as independent ones: the means over the sources of KEEL's, others as they are."""
    return gain.groupby(family).mean() if group in ("open", "saturated") else gain


def set_by_set(
    results: pd.DataFrame, measure: str, framework: str, group: str, reference: str = REFERENCE
) -> dict[str, dict[str, Difference]]:
    """Return each method's gain over the reference on each set of a group, from the splits of that set."""
    table = by_split(results, measure, framework, sets_of(results, group, "tuned"))
    gain = gains(table, reference, measure).drop(columns=reference)
    return {
        method: {
            str(data): difference(values, TEST_TO_TRAIN[group])
            for data, values in gain[method].groupby("data", sort=False)
        }
        for method in gain
    }


def over_sets(
    results: pd.DataFrame, measure: str, framework: str, group: str, reference: str = REFERENCE
) -> dict[str, Difference]:
    """Return each method's mean gain over the sets of a group, KEEL's counted by family."""
    table = by_split(results, measure, framework, sets_of(results, group, "tuned"))
    gain = gains(table, reference, measure).drop(columns=reference).groupby("data", sort=False).mean()
    gain = by_source(gain, group)
    return {str(method): difference(gain[method]) for method in gain}


def ordered(methods: object) -> list[str]:
    """Return methods with the log-loss first."""
    names = list(methods)  # type: ignore[call-overload]
    return sorted(names, key=lambda name: (name != LOG_LOSS, name != REFERENCE, names.index(name)))
