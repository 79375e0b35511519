"""The first page: the answers, and how they were measured."""

from __future__ import annotations

from itertools import product
from typing import Any

import pandas as pd

from ..methods import LOG_LOSS, REFERENCE, SHARED
from ..paired import Difference
from ..problems import GROUPS as PROBLEMS
from ..runner import CRITERIA, PATIENCE, STEP, UNTUNED_ROUNDS
from ..tables import BOTH, FRAMEWORKS, by_set, gains, markdown
from .common import LOG_POINTS, TITLES, TUNED, digits, over_sets, set_by_set, sets_of, unit
from .untuned import GROUPS, TIE

BOUNDED = "log-loss, bound 2"


def page(results: pd.DataFrame, record: dict[str, Any]) -> str:
    """Return the page."""
    return "\n\n".join(
        [
            "# Does focal loss help? What was measured",
            "This page and those below it are generated: `make study-report` writes them from the table of results in "
            "`benchmarks/study/results`, and `make study` computes what the table lacks. What follows for use is in "
            "the [guide](../guide.md).",
            *_interim(record),
            _answers(results),
            "| question | page |\n| --- | --- |\n"
            "| Does it help when leaves, rounds and leaf bounds are tuned too? | [tuned](tuned.md) |\n"
            "| Does it help with default parameters? Which leaf bound? | [untuned](untuned.md) |\n"
            "| Does it change what is decided? | [decisions](decisions.md) |\n"
            "| Are its probabilities right? | [calibration](calibration.md) |\n"
            "| What is left of a published gain? | [a published protocol](class_balanced.md) |\n"
            "| And on each set? | [set by set](sets.md) |",
            _how(results, record),
            "```{toctree}\n:hidden:\n\ntuned\nuntuned\ndecisions\ncalibration\nclass_balanced\nsets\n```",
        ]
    )


def _interim(record: dict[str, Any]) -> list[str]:
    if record["done"] >= record["planned"]:
        return []
    return [
        f"**Interim**: {record['done']:,} of {record['planned']:,} planned results are there, those that matter most "
        "first. A set appears where all methods have been tried on it."
    ]


def _answers(results: pd.DataFrame) -> str:
    text = [
        "## In short",
        f"**Tuned.** *focal*, its gamma tuned, against *{REFERENCE}*: the mean gain over the sets with a 95 % "
        "interval, in brackets the smallest gain that would show; and on how many sets the interval of the set's own "
        f"splits leaves out 0, for it and against it. {LOG_POINTS}",
        _tuned(results),
        f"**Untuned.** Default parameters, {UNTUNED_ROUNDS} rounds, focal loss at gamma 2 against the framework's "
        "log-loss, and against the log-loss with leaves bounded at 2, as the focal estimator bounds them: sets on "
        "which it is better / tied / worse.",
        _untuned(results),
    ]
    return "\n\n".join(text)


def _tuned(results: pd.DataFrame) -> str:
    rows = {}
    everywhere = list(product(CRITERIA, TUNED))
    decisions = list(product(("cost_20", "recall_at_1_fpr"), ("large",)))  # which need many rows
    for (measure, group), framework in product([*everywhere, *decisions], BOTH):
        table = by_set(results, measure, framework, sets_of(results, group, "tuned"))
        if not {"focal", REFERENCE} <= set(table) or not len(table):
            continue
        mean = over_sets(results, measure, framework, group)["focal"]
        single = list(set_by_set(results, measure, framework, group)["focal"].values())
        rows[f"{TITLES[group]}, {FRAMEWORKS[framework]}, {unit(measure)}"] = {
            "gain": mean.text(digits(measure)),
            "sets": len(single),
            "for": _showing(single, 1),
            "against": _showing(single, -1),
        }
    return markdown(pd.DataFrame.from_dict(rows, orient="index"), corner="sets, framework, measure")


def _showing(differences: list[Difference], sign: int) -> int:
    return sum(one.shows and one.mean * sign > 0 for one in differences)


def _untuned(results: pd.DataFrame) -> str:
    rows = {}
    for measure, group, framework in product(TIE, GROUPS, BOTH):
        table = by_set(results, measure, framework, sets_of(results, group, "untuned"), "untuned")
        if not len(table):
            continue
        row = rows[f"{TITLES[group]}, {FRAMEWORKS[framework]}, {unit(measure)}"] = {}
        for reference in (LOG_LOSS, BOUNDED):
            gain, tie = gains(table, reference, measure)["focal 2"], TIE[measure]
            counts = ((gain > tie).sum(), (gain.abs() <= tie).sum(), (gain < -tie).sum())
            row[f"against *{reference}*"] = " / ".join(map(str, counts))
            row[f"median gain over *{reference}*"] = f"{gain.median():+.{digits(measure)}f}"
    return markdown(pd.DataFrame.from_dict(rows, orient="index"), corner="sets, framework, measure")


def _how(results: pd.DataFrame, record: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    groups = "\n".join(
        f"- {TITLES[group]}: {_counted(len(names), 'set')}, {_range(splits)} splits, {record['draws'][group]} "
        f"configurations for each method, of at most {record['rounds'][group]} rounds, {_range(sizes)} rows to train on"
        for group, known in PROBLEMS.items()
        for one in [results[(results["stage"] == "tuned") & results["data"].isin(known)]]
        if (names := one["data"].unique()).size
        for splits, sizes in [(one.groupby("data")["split"].nunique(), one.groupby("data")["n_train"].max())]
    )
    spaces = "; ".join(
        f"{TITLES[group]}: {', '.join(f'{name} {_values(values)}' for name, values in space.items())}"
        for group, space in SHARED.items()
    )
    hours = results["seconds"].sum() / 3600
    return f"""## How it was measured

{len(results):,} results; the final trainings alone took {hours:.1f} hours of one core. {versions}.
Seed {record["seed"]}.

{groups}

**Splits.** Of the large tables a third is held out, anew for each split, of protein homology whole groups of pairs;
all other rows train. KEEL sets are halved, five times, each half once for training. Classes of less than ten rows are
left out (one, in FARS). *covertype-rarest* is Covertype's rarest class against the other six.

**Tuning.** Every method has the same budget, and the same draws of what all search: {spaces}. Its own parameters are
drawn beside them. Two thirds of the training rows train, the rest choose: a training goes on until neither average
precision nor log-loss has gained for {PATIENCE} rounds, and the best number of rounds (in steps of {STEP}) is found for
each of the two. What is best by either is trained again on all training rows. Measures of ranking are read from the
choice by average precision, those of probability and cost from the choice by log-loss.

**Methods.** *{LOG_LOSS}* has no leaf bound, all others choose one from the list. *Undersampling* chooses how far it
thins out the frequent class. *focal* draws gamma from those of the fixed ones; *focal, alpha* a class weight besides.

**Probabilities.** Weights, sampling, bounds and gamma shift the classes' shares. All methods end alike: with the
constant in log-odds (one for each class) after which their probabilities sum to the classes' counts in the training
rows. For class weights and sampling that is the usual correction of the prior.

**Untuned** models are the frameworks' defaults, and the focal estimators' for leaf bound and mean shift."""


def _counted(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"


def _values(values: Any) -> str:
    return "/".join(f"{value:g}" for value in values)


def _range(numbers: pd.Series) -> str:
    low, high = numbers.min(), numbers.max()
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
