"""The report, docs/evidence.md and its figures, from the stored results alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, ScalarFormatter

from . import ranks
from .methods import PEERS, SWEEP
from .problems import LARGE, MULTICLASS, OPEN_KEEL
from .runner import read, record_path
from .tables import FRAMEWORKS, MEASURES, against, by_set, chosen, family, markdown, sweep

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TUNED = ("lightgbm", "xgboost")
SWEPT = [name for name in SWEEP if name.startswith("focal") and "," not in name]
REFERENCE = "log-loss, regularised"
CONSTANT = "class shares"
TIE = {"average_precision": 0.005, "log_loss": 0.001}
NAMES = {
    "average_precision": "AP",
    "roc_auc": "ROC AUC",
    "recall_at_1_fpr": "recall at 1 % FPR",
    "f1": "F1 at .5",
    "f1_tuned": "F1, tuned",
    "balanced_accuracy": "bal. acc. at .5",
    "balanced_accuracy_tuned": "bal. acc., tuned",
    "log_loss": "log-loss",
    "log_loss_logit": "log-loss as predicted",
    "brier": "Brier",
    "calibration_error": "ECE",
}


def write(results_path: Path, folder: Path) -> Path:
    """Write the report and its figures into a folder, and return its path."""
    results = read(results_path)
    record = json.loads(record_path(results_path).read_text())
    folder.mkdir(parents=True, exist_ok=True)
    sections = [
        _head(results, record),
        _ranking(results, folder / "evidence_ranks.png"),
        _means(results),
        _against(results),
        _calibration(results, folder / "evidence_calibration.png"),
        _stability(results),
        _choices(results),
        _variants(results),
        _others(results),
        _per_set(results),
    ]
    path = folder / "evidence.md"
    path.write_text("\n\n".join(section for section in sections if section) + "\n", encoding="utf-8")
    return path


def _sets(results: pd.DataFrame, group: str) -> list[str]:
    """Return the names of the sets of a group that were tuned on, in the order of the results."""
    known = {"open": OPEN_KEEL, "large": LARGE, "multiclass": MULTICLASS}
    names = results.loc[results["stage"] == "main", "data"].unique()
    if group == "saturated":
        return [name for name in names if not any(name in others for others in known.values())]
    return [name for name in names if name in known[group]]


def _head(results: pd.DataFrame, record: dict[str, dict[str, object]]) -> str:
    tuned = results[results["stage"] == "main"]
    splits = tuned.groupby("data")["split"].nunique()
    counts = "\n".join(
        f"- {title}: {len(names)} sets, splits of each: {_range(splits[names])}, "
        f"{record['draws'][group]} configurations per method"
        + (f", about {record['caps'][group]:,} rows to train on" if group in record["caps"] else "")
        for group, title in {
            "open": "KEEL, with room to improve (average precision of an untuned LightGBM below .9)",
            "large": "two classes, large (GMSC, bank marketing, protein homology, census income)",
            "multiclass": "more than two classes (king-rook-king, FARS, Shuttle, Covertype)",
            "saturated": "KEEL, the others",
        }.items()
        if (names := _sets(results, group))
    )
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    return f"""# Does focal loss help? What was measured

This file is generated: `make study-report` writes it from the table of results in `benchmarks/study/results`, and
`make study` computes what the table lacks. What follows from it for use is in the [guide](guide.md).

{len(results):,} results. {versions}. Seed {record["seed"]}.

{counts}

**Data.** The KEEL sets with room to improve were selected by a baseline's score, and come from about seven sources:
they are neither a random sample nor independent, and p-values and critical differences, which suppose that they are,
are too optimistic. The splits are the first ones of a stratified 5-fold cross-validation. Of the large sets a third is
held out, of protein homology whole groups.

**Tuning.** Every method has the same budget: the same number of configurations, with the same learning rate (.05, .1,
.2), number of leaves (7, 15, 31) and caution about small leaves (the framework's default, or less) in the same draw,
and its own parameters drawn beside them. Each is trained for 100 rounds on two thirds of the training rows and judged
on the rest after {", ".join(map(str, record["checkpoints"]))} rounds; the best by average precision and the best by
log-loss are trained again on all training rows. Measures of ranking and decision are read from the first, measures of
probability from the second. "regularised" searches `max_delta_step` and `lambda_l2` besides.

**Probabilities.** Weights and resampling shift the classes' shares. Log-loss, Brier score and calibration error of each
method are those of its *corrected* probabilities, class weights undone by the usual correction of the prior; those of
focal losses of other packages are read through the link that undoes gamma. "As predicted" is the log-loss of the plain
sigmoid or softmax. F1 and balanced accuracy at .5 leave class weights in. Focal loss trains in log-odds as the
estimators do, with the leaf bound and the mean shift that are their defaults."""


def _range(numbers: pd.Series) -> str:
    low, high = numbers.min(), numbers.max()
    return str(low) if low == high else f"{low} to {high}"


def _ranking(results: pd.DataFrame, path: Path) -> str:
    figure = Figure(figsize=(13, 10), layout="constrained")
    panels = figure.subplots(2, 2)
    text = ["## Ranks over the KEEL sets with room to improve", f"![Critical differences]({path.name})"]
    for row, measure in zip(panels, ("average_precision", "log_loss"), strict=True):
        for axes, framework in zip(row, TUNED, strict=True):
            table = by_set(results, measure, framework, OPEN_KEEL).dropna(axis=1)
            order = ranks.mean_ranks(table, higher_is_better=MEASURES[measure][1])
            difference = ranks.critical_difference(table.shape[1], len(table))
            title = f"{FRAMEWORKS[framework]}, {NAMES[measure]}: mean rank over {len(table)} sets"
            ranks.draw(axes, order, difference, title)
            families = table.groupby(family).mean()
            by_family = ranks.mean_ranks(families, higher_is_better=MEASURES[measure][1])
            shown = pd.DataFrame({"mean rank": order, "over families": by_family[order.index]})
            text.append(
                f"### {FRAMEWORKS[framework]}, {NAMES[measure]}\n\n"
                f"First is **{order.index[0]}**. Friedman p = {ranks.friedman(table):.2g} over {len(table)} sets; "
                f"critical difference {difference:.2f} (Nemenyi, 5 %). {len(families)} families.\n\n"
                + markdown(shown, 2, "method")
            )
    figure.savefig(path, dpi=110)
    return "\n\n".join(text)


def _means(results: pd.DataFrame) -> str:
    text = ["## Means over the KEEL sets with room to improve"]
    for framework in TUNED:
        columns = {NAMES[measure]: by_set(results, measure, framework, OPEN_KEEL).mean() for measure in MEASURES}
        rows = results[(results["stage"] == "main") & (results["framework"] == framework)]
        columns["ms to fit"] = 1e3 * rows[rows["data"].isin(OPEN_KEEL)].groupby("method")["seconds"].median()
        table = pd.DataFrame(columns).reindex(by_set(results, "log_loss", framework, OPEN_KEEL).columns)
        text.append(f"### {FRAMEWORKS[framework]}\n\n{markdown(table, 3, 'method')}")
    text.append(
        "SMOTE: over the sets where it can be had. Time to fit: median of the final trainings, one thread, on a "
        "machine that did other work as well."
    )
    return "\n\n".join(text)


def _against(results: pd.DataFrame) -> str:
    text = [
        f"## Won and lost against log-loss, regularised\n\nThe opponent is the tuned log-loss with the same "
        f"budget and `max_delta_step` and `lambda_l2` in it. Tied: a difference of at most {TIE['average_precision']} "
        f"in AP, {TIE['log_loss']} in log-loss. KEEL sets with room to improve, and the large ones of two classes."
    ]
    for measure, tie in TIE.items():
        for framework in TUNED:
            table = by_set(results, measure, framework, [*OPEN_KEEL, *LARGE])
            counts = against(table, REFERENCE, higher_is_better=MEASURES[measure][1], tie=tie)
            text.append(f"### {FRAMEWORKS[framework]}, {NAMES[measure]}\n\n{markdown(counts, 4, 'method')}")
    return "\n\n".join(text)


def _calibration(results: pd.DataFrame, path: Path) -> str:
    swept = results[results["stage"] == "sweep"]
    complete = swept.groupby("data", sort=False)["framework"].nunique() == len(TUNED)
    names = [name for name in complete.index[complete] if name in LARGE]
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    text = [
        "## Calibration along gamma\n\nUntuned, all rows, the frameworks' defaults (100 rounds, learning rate .1, 31 "
        "leaves): log-loss over that of the framework's log-loss, on the sets of two classes "
        "with 1,000 positives or more. The bar: at most 1.01 for every gamma up to 2. Dotted: without the mean "
        f"shift.\n\n![Log-loss by gamma]({path.name})"
    ]
    for axes, framework in zip(panels, TUNED, strict=True):
        focal = sweep(results, framework, "log_loss_focal").reindex(names)
        ratio = focal.div(focal["log-loss"], axis=0)
        bar = ratio[[name for name in SWEPT if float(name.split()[1]) <= 2]]
        verdict = "met" if (bar <= 1.01).all(axis=None) else "NOT met"
        high = bar.stack()
        text.append(
            f"### {FRAMEWORKS[framework]}\n\nThe bar is {verdict}: highest ratio up to gamma 2 {high.max():.4f} "
            f"({_where(high.idxmax())}), lowest {high.min():.4f} ({_where(high.idxmin())}).\n\n"
            + markdown(
                ratio.drop(columns=["log-loss", CONSTANT]).assign(**{"log-loss itself": focal["log-loss"]}), 4, "set"
            )
        )
        if classes := [name for name in MULTICLASS if name in complete.index[complete]]:
            several = sweep(results, framework, "log_loss_focal").reindex(classes)
            text.append(
                "More than two classes, softmax, fewer rows; no bar was set here:\n\n"
                + markdown(several.drop(columns=["log-loss", CONSTANT]).div(several["log-loss"], axis=0), 4, "set")
            )
        unshifted = ratio[[name for name in SWEEP if name.endswith("no mean shift")]]
        _draw_calibration(axes, ratio[SWEPT], unshifted, FRAMEWORKS[framework])
    panels[0].set_ylabel("log-loss over that of log-loss")
    figure.savefig(path, dpi=110)
    return "\n\n".join(text)


def _where(place: tuple[str, str]) -> str:
    data, method = place
    return f"{method}, {data}"


def _draw_calibration(axes: Axes, shifted: pd.DataFrame, unshifted: pd.DataFrame, title: str) -> None:
    for k, name in enumerate(shifted.index):
        for table, style in ((shifted, {"marker": "o", "label": name}), (unshifted, {"linestyle": ":"})):
            gammas = [column.split()[1].rstrip(",") for column in table.columns]
            axes.plot(gammas, table.loc[name], color=f"C{k}", **style)
    axes.axhline(1, color="0.6", linewidth=0.8, zorder=0)
    axes.set(title=title, xlabel="gamma", yscale="log")
    axes.yaxis.set_major_formatter(ScalarFormatter())
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(color="0.92")
    axes.legend(frameon=False, fontsize=8)


def _stability(results: pd.DataFrame) -> str:
    text = [
        "## Training along gamma\n\nThe same trainings on all sets. Failed: a score that is no number. Doubled: a "
        "log-loss above twice that of log-loss, and more than .05 above it. Collapsed: a model of no "
        "use, with a ROC AUC below .55 where log-loss has above .65, or a doubled log-loss that is not below that of "
        "knowing the *class shares* alone. Mean ranks are those over the KEEL sets with room to improve. *no mean "
        "shift*: with `focal_mean_shift=False`."
    ]
    for framework in TUNED:
        precision, auc, loss = (
            sweep(results, framework, name) for name in ("average_precision", "roc_auc", "log_loss_focal")
        )
        stock_loss, stock_auc, ignorant = loss["log-loss"], auc["log-loss"], loss[CONSTANT]
        small = [name for name in loss.index if name in OPEN_KEEL]
        by_precision, by_loss = (
            ranks.mean_ranks(table.loc[small].drop(columns=CONSTANT).dropna(), higher_is_better=higher)
            for table, higher in ((precision, True), (loss, False))
        )
        rows, found = {}, {"Collapsed": [], "Doubled": []}
        for name in SWEEP:
            doubled = (loss[name] > 2 * stock_loss) & (loss[name] > stock_loss + 0.05)
            collapsed = ((auc[name] < 0.55) & (stock_auc > 0.65)) | (doubled & (loss[name] >= ignorant))
            for state, sets in zip(found, (collapsed, doubled), strict=True):
                if sets.any() and name != CONSTANT:
                    found[state].append(f"{name} on {', '.join(loss.index[sets])}")
            rows[name] = {
                "sets": str(len(loss)),
                "failed": str(int(loss[name].isna().sum())),
                "collapsed": str(int(collapsed.sum())),
                "doubled": str(int(doubled.sum())),
                "median log-loss / log-loss's": (loss[name] / stock_loss).median(),
                "AUC gain, median": (auc[name] - stock_auc).median(),
                "AUC gain, worst": (auc[name] - stock_auc).min(),
                "mean rank, AP": by_precision.get(name, float("nan")),
                "mean rank, log-loss": by_loss.get(name, float("nan")),
            }
        table = markdown(pd.DataFrame.from_dict(rows, orient="index"), 4, "method")
        difference = ranks.critical_difference(len(by_loss), len(small))
        text.append(
            f"### {FRAMEWORKS[framework]}\n\n{table}\n\nCritical difference of the mean ranks: "
            f"{difference:.2f} ({len(small)} sets).\n\n"
            + "\n\n".join(f"{state}: {'; '.join(where) or 'none'}." for state, where in found.items())
        )
    return "\n\n".join(text)


def _choices(results: pd.DataFrame) -> str:
    text = [
        "## What tuning chose\n\nPercent of the splits of the KEEL sets with room to improve. Where as many "
        "configurations are drawn as there are values (four), each value is drawn once."
    ]
    rows = results[results["data"].isin(OPEN_KEEL)]
    text += [
        f"gamma in **{method}**:\n\n{markdown(chosen(rows, method, 'gamma'), 0, 'chosen')}"
        for method in ("focal", "focal, alpha", "focal, regularised")
    ]
    return "\n\n".join(text)


def _variants(results: pd.DataFrame) -> str:
    rows = results[(results["stage"] == "variants") | ((results["stage"] == "main") & (results["method"] == "focal"))]
    names = results.loc[results["stage"] == "variants", "data"].unique()
    if not len(names):
        return ""
    text = [
        "## Defaults: max_delta_step\n\nFocal loss tuned alike, with one setting changed. The bound on leaves is 2 in "
        "LightGBM's *focal*, 4 in XGBoost's."
    ]
    for measure in ("average_precision", "log_loss"):
        kept = rows[rows["data"].isin(names) & (rows["chosen_by"] == measure)]
        for framework in TUNED:
            one = kept[kept["framework"] == framework]
            table = one.pivot_table(index=["data", "split"], columns="method", values=measure, sort=False).dropna()
            text.append(
                f"### {FRAMEWORKS[framework]}, {NAMES[measure]}\n\n"
                + markdown(table.groupby("data", sort=False).mean(), 4, "set")
            )
    return "\n\n".join(text)


def _others(results: pd.DataFrame) -> str:
    rows = results[results["stage"].isin(["main", "peers"]) & results["data"].isin(OPEN_KEEL)]
    compared = {
        "CatBoost": [*((name, method) for name in FRAMEWORKS for method in ("log-loss", "focal"))],
        **{FRAMEWORKS[name]: [(name, method) for method in ("log-loss", "focal", *PEERS[name])] for name in PEERS},
    }
    text = [
        "## CatBoost, and other packages' focal objectives\n\nCatBoost: its Logloss and its Focal. bokbokbok, "
        "imlightgbm and Imbalance-XGBoost: their objectives in the framework's own training, from a probability "
        "of .5, where they start. All with the same budget, over the splits that all of a table have."
    ]
    for title, pairs in compared.items():
        columns = {}
        for measure in ("average_precision", "log_loss", "log_loss_logit"):
            one = rows[rows["chosen_by"] == MEASURES[measure][0]].set_index(["framework", "method"])
            wanted = one[one.index.isin(pairs)]
            table = wanted.pivot_table(index=["data", "split"], columns=["framework", "method"], values=measure)
            if not set(pairs) <= set(table.columns):
                break
            table = table.dropna().groupby("data").mean()
            columns[f"mean {NAMES[measure]}"] = table.mean()
            columns[f"rank, {NAMES[measure]}"] = ranks.mean_ranks(table, higher_is_better=MEASURES[measure][1])
        else:
            shown = pd.DataFrame(columns).loc[pairs]
            shown.index = [f"{FRAMEWORKS[framework]} {method}" for framework, method in pairs]
            text.append(f"### {title}, {len(table)} sets\n\n{markdown(shown, 3, 'method')}")
    return "\n\n".join(text) if len(text) > 1 else ""


def _per_set(results: pd.DataFrame) -> str:
    text = ["## Set by set"]
    titles = {
        "large": "Large sets of two classes",
        "multiclass": "More than two classes (macro averages)",
        "open": "KEEL sets with room to improve",
        "saturated": "The other KEEL sets",
    }
    for group, title in titles.items():
        for measure in ("average_precision", "log_loss"):
            for framework in TUNED:
                table = by_set(results, measure, framework, _sets(results, group))
                if not len(table):
                    continue
                order = ranks.mean_ranks(table.dropna(axis=1), higher_is_better=MEASURES[measure][1])
                if group == "open":
                    shown, corner = table, "set"
                elif group == "saturated":
                    means = {"mean": table.mean(), "median": table.median(), "mean rank": order}
                    shown, corner = pd.DataFrame(means).loc[table.columns], "method"
                else:
                    shown, corner = table.T.assign(**{"mean rank": order}), "method"
                heading = f"{title}, {FRAMEWORKS[framework]}, {NAMES[measure]}"
                text.append(f"### {heading}\n\n{markdown(shown, 4, corner)}")
    return "\n\n".join(text)
