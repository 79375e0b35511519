"""The page of probabilities along gamma."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure

from ..methods import LOG_LOSS, UNTUNED
from ..tables import BOTH, FRAMEWORKS, by_set, markdown
from .common import KNOWN, sets_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIGURE = "calibration.png"
NO_SHIFT = ", no mean shift"
SWEPT = [name for name in UNTUNED if name.startswith("focal") and "," not in name]
CONSTANT = "class shares"
BAR = 1.01


def page(results: pd.DataFrame, folder: Path) -> str:
    """Return the page, and draw its figure."""
    return "\n\n".join(
        [
            "# Are the probabilities right?",
            "Untuned models, the estimators' defaults, 100 rounds, all rows.",
            _by_gamma(results, folder / FIGURE),
            _means(results),
            _stability(results),
        ]
    )


def _by_gamma(results: pd.DataFrame, path: Path) -> str:
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    text = [
        "## Log-loss along gamma\n\nLog-loss over that of the framework's log-loss, on the large tables of two "
        f"classes. The bar that the project set itself: at most {BAR} for every gamma up to 2. Dotted: without the "
        f"mean shift.\n\n ![Log-loss by gamma, over that of the log-loss]({path.name})"
    ]
    for axes, framework in zip(panels, BOTH, strict=True):
        table = by_set(results, "log_loss", framework, sets_of(results, "large", "untuned"), "untuned")
        ratio = table.div(table[LOG_LOSS], axis=0)
        high = ratio[[name for name in SWEPT if float(name.split()[1]) <= 2]].stack()
        verdict = "met" if (high <= BAR).all() else "NOT met"
        text.append(
            f"### {FRAMEWORKS[framework]}\n\nThe bar is {verdict}: highest ratio up to gamma 2 {high.max():.4f} "
            f"({high.idxmax()[1]} on {high.idxmax()[0]}), lowest {high.min():.4f} ({high.idxmin()[1]} on "
            f"{high.idxmin()[0]}).\n\n"
            + markdown(ratio[SWEPT].assign(**{"log-loss itself": table[LOG_LOSS]}), 4, "set")
        )
        _draw(axes, ratio, FRAMEWORKS[framework])
    panels[0].set_ylabel("log-loss over that of log-loss")
    figure.savefig(path, dpi=110)
    return "\n\n".join(text)


def _draw(axes: Axes, ratio: pd.DataFrame, title: str) -> None:
    gammas = [float(name.split()[1]) for name in SWEPT]
    for k, (data, row) in enumerate(ratio.iterrows()):
        axes.plot(gammas, row[SWEPT], "o-", color=f"C{k}", label=data)
        axes.plot(gammas, row[[name + NO_SHIFT for name in SWEPT]], ":", color=f"C{k}")
    axes.axhline(1, color="0.4", linewidth=0.8)
    axes.axhspan(1, BAR, color="0.9")
    axes.set(title=title, xlabel="gamma", ylim=(min(0.97, ratio[SWEPT].min(axis=None) - 0.005), 1.1))
    axes.legend(fontsize=8)


def _means(results: pd.DataFrame) -> str:
    text = [
        "## Sums of probabilities\n\nThe mean predicted probability over the share of positives, on the test rows: "
        "what an expected loss computed from the model is off by. With the mean shift, the default, and without."
    ]
    for framework in BOTH:
        table = by_set(results, "mean_ratio", framework, sets_of(results, "large", "untuned"), "untuned")
        names = [LOG_LOSS, *(name + note for name in ("focal 1", "focal 2", "focal 5") for note in ("", NO_SHIFT))]
        text.append(f"### {FRAMEWORKS[framework]}\n\n{markdown(table[names], 3, 'set')}")
    return "\n\n".join(text)


def _stability(results: pd.DataFrame) -> str:
    text = [
        "## Does any model collapse?\n\nAll sets of all groups. Failed: a score that is no number. Doubled: a log-loss "
        "above twice that of log-loss, and more than .05 above it. Collapsed: a model of no use, with a ROC AUC below "
        ".55 where log-loss has above .65, or a doubled log-loss that is not below that of knowing the *class shares* "
        "alone."
    ]
    sets = [name for group in (*KNOWN, "saturated") for name in sets_of(results, group, "untuned")]
    for framework in BOTH:
        loss, auc = (by_set(results, measure, framework, sets, "untuned") for measure in ("log_loss", "roc_auc"))
        raw = results[(results["stage"] == "untuned") & (results["framework"] == framework)]
        failed = raw["log_loss"].isna().groupby(raw["method"]).sum()
        rows, where = {}, []
        for name in [LOG_LOSS, *SWEPT]:
            doubled = (loss[name] > 2 * loss[LOG_LOSS]) & (loss[name] > loss[LOG_LOSS] + 0.05)
            collapsed = ((auc[name] < 0.55) & (auc[LOG_LOSS] > 0.65)) | (doubled & (loss[name] >= loss[CONSTANT]))
            where += [f"{name} on {data}" for data in loss.index[doubled | collapsed]]
            rows[name] = {
                "sets": len(loss),
                "failed": int(failed[name]),
                "collapsed": int(collapsed.sum()),
                "doubled": int(doubled.sum()),
                "median log-loss / log-loss's": f"{(loss[name] / loss[LOG_LOSS]).median():.4f}",
                "AUC gain, worst": f"{(auc[name] - auc[LOG_LOSS]).min():+.3f}",
            }
        table = markdown(pd.DataFrame.from_dict(rows, orient="index"), corner="method")
        text.append(f"### {FRAMEWORKS[framework]}\n\n{table}\n\nWhere: {'; '.join(where) or 'nowhere'}.")
    return "\n\n".join(text)
