"""The page of tuned models."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from .. import ranks
from ..methods import LOG_LOSS, REFERENCE
from ..runner import CRITERIA
from ..tables import BOTH, FRAMEWORKS, MEASURES, by_set, chosen, family, label, markdown
from .common import LOG_POINTS, TITLES, TUNED, digits, over_sets, set_by_set, sets_of, unit

FIGURE = "ranks.png"


def page(results: pd.DataFrame, folder: Path) -> str:
    """Return the page, and draw its figure."""
    sections = [
        "# When everything is tuned",
        f"Every method has the same budget of configurations and rounds ([how](index.md#how-it-was-measured)). A gain "
        f"is what a method is better by than *{REFERENCE}*: the log-loss with the same choice of leaf bounds, L2, "
        "leaves and learning rates. Behind ±, the half width of a 95 % interval; in brackets, the smallest gain that "
        "four of five studies like this one would show, which is how much a null result can hide. Bold: the interval "
        f"leaves out 0; of forty comparisons that are in truth equal, two come out bold. {LOG_POINTS}",
        *(section for group in TUNED[:-1] if (section := _large(results, group))),
        _constant(results),
        _keel(results, folder / FIGURE),
        *(_other(results, name) for name in ABOUT),
        _choices(results),
    ]
    return "\n\n".join(section for section in sections if section)


def _large(results: pd.DataFrame, group: str) -> str:
    sets = sets_of(results, group, "tuned")
    if not sets:
        return ""
    text = [f"## {TITLES[group]}"]
    for measure, framework in product(CRITERIA, BOTH):
        found, mean = (of(results, measure, framework, group) for of in (set_by_set, over_sets))
        rows = {
            method: {data: one.text(digits(measure)) for data, one in by_set_.items()}
            | ({"mean of the sets": mean[method].text(digits(measure))} if len(sets) > 1 else {})
            for method, by_set_ in found.items()
        }
        table = pd.DataFrame.from_dict(rows, orient="index").fillna("")
        text.append(f"### {FRAMEWORKS[framework]}, {unit(measure)}\n\n{markdown(table, corner='gain of')}")
    return "\n\n".join(text)


def _constant(results: pd.DataFrame) -> str:
    """Name the models that tell no row from another: a choice that was good on the rows to choose by fell over."""
    rows = results[(results["stage"] == "tuned") & (results["roc_auc"] == 0.5)]
    if not len(rows):
        return ""
    where = "; ".join(
        f"{FRAMEWORKS[row.framework]}, {row.method} on {row.data}, split {row.split + 1}, chosen by "
        f"{row.chosen_by.replace('_', ' ')}: {row.config}"
        for row in rows.itertuples()
    )
    why = (
        "\n\nWith `scale_pos_weight` LightGBM's log-loss starts from the shares without weights. All leaves then want "
        "to go further up than a tight bound lets them, all go as far, and no split is left that gains; the focal "
        "estimators start from the weighted shares."
    )
    return (
        "## Models that are constant\n\nThese give all test rows one score; where they were chosen, they did not. They "
        f"are in the tables above. {where}.{why if 'scale_pos_weight' in set(rows['method']) else ''}"
    )


def _keel(results: pd.DataFrame, path: Path) -> str:
    sets = sets_of(results, "open", "tuned")
    if not sets:
        return ""
    figure = Figure(figsize=(13, 8), layout="constrained")
    panels = figure.subplots(2, 2)
    text = [
        f"## {TITLES['open']}",
        "Small tables, of about seven sources: ranks and gains count a source once. They were selected by a baseline's "
        "score, so they are no random sample.",
        f"![Mean ranks over the sources, with Nemenyi's critical difference]({path.name})",
    ]
    for row, measure in zip(panels, CRITERIA, strict=True):
        for axes, framework in zip(row, BOTH, strict=True):
            table = by_set(results, measure, framework, sets)
            families = table.groupby(family).mean()
            order, by_family = (
                ranks.mean_ranks(each, higher_is_better=MEASURES[measure][1]) for each in (table, families)
            )
            least = ranks.critical_difference(families.shape[1], len(families))
            title = f"{FRAMEWORKS[framework]}, {label(measure)}: mean rank over {len(families)} sources"
            ranks.draw(axes, by_family, least, title)
            gain = over_sets(results, measure, framework, "open")
            shown = pd.DataFrame(
                {
                    "rank over sources": by_family.map("{:.1f}".format),
                    "rank over sets": order.map("{:.1f}".format),
                    "mean": table.mean().map("{:.4f}".format),
                    "gain, mean of sources": {name: one.text(digits(measure)) for name, one in gain.items()},
                }
            ).reindex(by_family.index)
            text.append(
                f"### {FRAMEWORKS[framework]}, {label(measure)}\n\nFriedman p = {ranks.friedman(families):.2g} over "
                f"{len(families)} sources ({len(table)} sets), critical difference of the ranks {least:.1f}.\n\n"
                + markdown(shown.fillna(""), corner="method")
            )
    figure.savefig(path, dpi=110)
    return "\n\n".join(text)


ABOUT = {
    "catboost": "CatBoost's Logloss and its own Focal, started right and calibrated by "
    "`BinaryFocalLoss(gamma, alpha).predict_proba`, with the same budget. Categories are numbers to it here, and it "
    "has no leaf bound.",
    "sklearn": "`HistGradientBoostingClassifier` and `FocalHistGradientBoostingClassifier`, with the same budget; "
    "scikit-learn's trees have no leaf bound.",
}


def _other(results: pd.DataFrame, name: str) -> str:
    """Absolute scores beside those of the two frameworks, since each has trees of its own."""
    rows = results[(results["stage"] == "tuned") & results["data"].isin(sets_of(results, "large", "tuned"))]
    wanted = [*product(BOTH, (LOG_LOSS, REFERENCE, "focal")), *product([name], (LOG_LOSS, "focal"))]
    text = [f"## {FRAMEWORKS[name]}\n\n{ABOUT[name]}"]
    for measure in CRITERIA:
        one = rows[rows["chosen_by"] == measure].set_index(["framework", "method"])
        one = one[one.index.isin(wanted)]
        table = one.pivot_table(index=["data", "split"], columns=["framework", "method"], values=measure, sort=False)
        if not set(wanted) <= set(table.columns):
            return ""
        table = table[wanted].dropna().groupby("data", sort=False).mean()
        shown = table.set_axis([f"{FRAMEWORKS[framework]} {method}" for framework, method in wanted], axis=1).T
        text.append(f"### {FRAMEWORKS[name]}, {label(measure)}\n\n{markdown(shown, 4, 'method')}")
    return "\n\n".join(text)


def _choices(results: pd.DataFrame) -> str:
    tuned = results[results["stage"] == "tuned"]
    if "focal" not in set(tuned["method"]):
        return ""
    return (
        f"## Which gamma was chosen\n\nPercent of splits, all sets.\n\n{markdown(chosen(tuned, 'focal', 'gamma'), 0)}"
    )
