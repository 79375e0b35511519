"""The page of untuned models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product

import pandas as pd

from focalboost import BinaryFocalLoss

from ..learners import leaf_bound
from ..methods import LOG_LOSS, REFERENCE, SKLEARN_UNTUNED
from ..paired import difference
from ..runner import CRITERIA
from ..tables import BOTH, FRAMEWORKS, against, by_set, gains, label, markdown
from .common import LOG_POINTS, TITLES, TUNED, by_source, digits, ordered, sets_of, unit

GROUPS = ("large", "multiclass", "covertype", "open", "saturated")
DEFAULT_BOUND = {framework: f"{leaf_bound(framework, {'gamma': 2.0}):g}" for framework in BOTH}
DEFAULT_GAMMA = dict.fromkeys(BOTH, f"{BinaryFocalLoss().gamma:g}")
TIE = {"average_precision": 0.002, "log_loss": 0.2}
UNTUNED = (LOG_LOSS, "focal 1", "focal 2", "focal 5")
SHOWN = (
    "log-loss, bound 2",
    "balanced weights",
    "square-root weights",
    *(f"focal {gamma}" for gamma in ("0.5", "1", "2", "5", "10")),
)


def page(results: pd.DataFrame) -> str:
    """Return the page."""
    return "\n\n".join(
        [
            "# When nothing is tuned",
            "The framework's defaults, or the focal estimator's, and 100 rounds: how most models are trained. A gain "
            f"is what a method is better by than the framework's own log-loss; sets within {TIE['average_precision']} "
            f"AP or {TIE['log_loss']} log points of log-loss are tied. "
            f"{LOG_POINTS} The mean gain has a 95 % interval over sets, KEEL's "
            "counted by source, and in brackets the smallest gain that would show.",
            *(section for group in GROUPS if (section := _counts(results, group))),
            _tuning(results),
            _bounds(results),
            "### Another bound than the default",
            _other_defaults(results, "focal 2, bound {}", DEFAULT_BOUND, ("1", "2", "4")),
            "## Another gamma than the default",
            _other_defaults(results, "focal {}", DEFAULT_GAMMA, ("0.5", "1", "2", "5")),
            *_sklearn(results),
        ]
    )


def _counts(results: pd.DataFrame, group: str) -> str:
    sets = sets_of(results, group, "untuned")
    if not sets:
        return ""
    text = [f"## {TITLES[group]}"]
    for measure, framework in product(CRITERIA, BOTH):
        table = by_set(results, measure, framework, sets, "untuned")
        shown = [name for name in SHOWN if name in table]
        gain = gains(table, LOG_LOSS, measure)[shown]
        sources = by_source(gain, group)
        counts = against(gain, TIE[measure])
        counts["mean gain"] = [difference(sources[name]).text(digits(measure)) for name in counts.index]
        heading = f"{FRAMEWORKS[framework]}, {unit(measure)}"
        text.append(f"### {heading}\n\n{markdown(counts, digits(measure), 'method')}")
    return "\n\n".join(text)


def _tuning(results: pd.DataFrame) -> str:
    """How much of what tuning gains an untuned focal loss has."""
    text = [
        "## What tuning brings\n\nThe same measure of untuned models, and of the tuned log-loss on the same sets. "
        "Splits are the same, or the first of the same."
    ]
    for measure, framework in product(CRITERIA, BOTH):
        rows = {}
        for group in TUNED:
            sets = sets_of(results, group, "tuned")
            tuned = by_set(results, measure, framework, sets)
            untuned = by_set(results, measure, framework, list(tuned.index), "untuned")
            if not len(untuned):
                continue
            columns = {
                f"{name}, untuned": value for name, value in untuned.reindex(columns=list(UNTUNED)).mean().items()
            }
            rows[TITLES[group]] = columns | {f"{name}, tuned": tuned[name].mean() for name in (REFERENCE, "focal")}
        if not rows:
            continue
        table = pd.DataFrame.from_dict(rows, orient="index")
        text.append(f"### {FRAMEWORKS[framework]}, mean {label(measure)}\n\n{markdown(table, 4, 'sets')}")
    return "\n\n".join(text)


def _bounds(results: pd.DataFrame) -> str:
    """Which leaf bound is the better default."""
    text = [
        "## The default leaf bound\n\nGain over the framework's log-loss by `max_delta_step`, untuned, median over the "
        "sets; with 0 there is no bound. The default of the focal estimators is 2 in LightGBM, 4 in XGBoost."
    ]
    for measure, framework in product(CRITERIA, BOTH):
        rows = {}
        for group in GROUPS:
            table = by_set(results, measure, framework, sets_of(results, group, "untuned"), "untuned")
            if len(table):
                names = [name for name in ordered(table.columns) if ", bound" in name]
                rows[TITLES[group]] = gains(table, LOG_LOSS, measure)[names].median()
        table = pd.DataFrame(rows).T
        text.append(f"### {FRAMEWORKS[framework]}, {unit(measure)}\n\n{markdown(table, digits(measure), 'sets')}")
    return "\n\n".join(text)


def _other_defaults(results: pd.DataFrame, method: str, defaults: Mapping[str, str], others: Iterable[str]) -> str:
    """Whether another default would be better, with intervals: `method` has a gap for it, `defaults` are those now."""
    rows: dict[str, dict[str, str]] = {}
    for measure, (framework, default), other, group in product(CRITERIA, defaults.items(), others, GROUPS):
        table = by_set(results, measure, framework, sets_of(results, group, "untuned"), "untuned")
        if other != default and {method.format(other), method.format(default)} <= set(table):
            gain = by_source(gains(table, method.format(default), measure)[method.format(other)], group)
            row = f"{FRAMEWORKS[framework]}, {other} for {default}, {unit(measure)}"
            rows.setdefault(row, {})[TITLES[group]] = difference(gain).text(digits(measure))
    table = pd.DataFrame.from_dict(rows, orient="index").fillna("")
    return f"What focal loss gains with it, means over sets, KEEL's by source.\n\n{markdown(table, corner='other')}"


def _sklearn(results: pd.DataFrame) -> list[str]:
    """How scikit-learn's boosting fares, which has no leaf bound."""
    text = [
        "## scikit-learn\n\n`HistGradientBoostingClassifier` has no leaf bound; "
        "`FocalHistGradientBoostingClassifier` has an L2 of 1 by default, the parent none. Means over the splits, of "
        "the classifiers by default and with the other's L2."
    ]
    sets = [name for group in TUNED for name in sets_of(results, group, "untuned")]
    for measure in CRITERIA:
        table = by_set(results, measure, "sklearn", sets, "untuned")
        if not len(table):
            return []
        shown = table[[name for name in SKLEARN_UNTUNED if name in table]].T
        text.append(f"### scikit-learn, {label(measure)}\n\n{markdown(shown, 4, 'method')}")
    return text
