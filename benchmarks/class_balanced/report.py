"""The report, docs/evidence/class_balanced.md, from the stored results alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from ..study import ranks
from ..study.paired import LEVEL
from ..study.records import read, record_path
from ..study.tables import FRAMEWORKS, markdown
from .data import BINARY, MULTICLASS, UNREACHABLE
from .derivatives import TOLERANCE
from .methods import OURS, SPACES, STOCK
from .stats import gains, over_sets, signed, values
from .text import HEAD, NOTES

TASKS = {"two classes": tuple(BINARY), "more classes": tuple(MULTICLASS)}
PUBLISHED = [name for name in SPACES if name not in (STOCK, OURS)]
# The columns of the main table: a measure in a protocol.
STEPS = {
    "paper's protocol": ("f1", "paper"),
    "its models, decisions tuned": ("f1_tuned", "paper"),
    "honest training, at .5": ("f1", "honest"),
    "honest training, tuned": ("f1_tuned", "honest"),
}
FIRST, LAST = next(iter(STEPS)), list(STEPS)[-1]
NAMES = {
    "f1": "F1, plain",
    "f1_tuned": "F1, tuned",
    "f1_macro": "macro F1, plain",
    "f1_macro_tuned": "macro F1, tuned",
    "ap": "AP",
    "log_loss_plain": "log-loss, plain",
    "log_loss": "log-loss, Platt",
    "log_loss_link": "log-loss, by link",
    "ece": "ECE, Platt",
}


class Report:
    """Results, and the sections made of them."""

    def __init__(self, path: Path) -> None:
        self.results = read(path)
        self.record = json.loads(record_path(path).read_text())
        self.checks = {kind: pd.read_csv(path.with_name(f"{kind}.csv")) for kind in ("binary", "multiclass")}
        self.sets = pd.read_csv(path.with_name("sets.csv"), index_col="set")
        self.ratio = self.record["test_share"] / (1 - self.record["test_share"])

    def of(self, task: str) -> pd.DataFrame:
        """Return the results of the sets of a task."""
        return self.results[self.results["data"].isin(TASKS[task])]

    def summary(self, task: str, framework: str, step: str) -> pd.DataFrame:
        """Return gains over the sets of a task in one step from the paper's protocol to the honest one."""
        return self.gain(task, framework, *STEPS[step])

    def gain(self, task: str, framework: str, measure: str, protocol: str) -> pd.DataFrame:
        """Return gains over the sets of a task in a measure."""
        return over_sets(gains(self.of(task), measure, protocol, framework), self.ratio)

    def answer(self) -> str:
        """Return the answer in a few lines and a table."""
        rows, tables = {}, {FIRST: [], LAST: []}
        for task in TASKS:
            for framework, title in self._frameworks():
                first, last = (self.summary(task, framework, step) for step in (FIRST, LAST))
                best = first.loc[PUBLISHED, "gain"].idxmax()
                rows[f"{title}, {task}"] = {
                    "best published": best,
                    "at the paper's protocol": signed(first.loc[best]),
                    "at the honest one": signed(last.loc[best]),
                    "detectable": last.loc[best, "mde"],
                    "ours, paper's": signed(first.loc[OURS]),
                    "ours, honest": signed(last.loc[OURS]),
                }
                tables[FIRST].append(first.loc[PUBLISHED])
                tables[LAST].append(last.loc[PUBLISHED])
        tally = {step: _tally(pd.concat(tables[step])) for step in tables}
        chance = LEVEL / 2 * len(PUBLISHED) * len(rows)
        table = markdown(pd.DataFrame.from_dict(rows, orient="index"), 3, "gain in F1 over cross-entropy")
        lines = [
            f"**At the paper's protocol the published losses gain F1 beyond chance in {tally[FIRST]}; with the right "
            f"start, calibration and tuned decisions for every loss, the cross-entropy included, in {tally[LAST]}.** "
            f"The comparisons are of five losses, in two learners, for two classes and for more; chance alone gives "
            f"{chance:.1g} each way. {self._averages(tables)}",
            table,
            "\n".join([self._probabilities(), *self._derivatives_in_short()]),
        ]
        return "\n\n".join(lines)

    def _averages(self, tables: dict[str, list[pd.DataFrame]]) -> str:
        frameworks, parts = self._frameworks(), []
        for k, task in enumerate(TASKS):
            of_task = slice(k * len(frameworks), (k + 1) * len(frameworks))
            first, last = (pd.concat(tables[step][of_task])["gain"].mean() for step in (FIRST, LAST))
            lift = np.mean(
                [
                    np.subtract(*(values(self.of(task), *STEPS[step], name)[STOCK].mean() for step in (LAST, FIRST)))
                    for name, _ in frameworks
                ]
            )
            parts.append(
                f"for {task} the five gain {first:+.3f} on average at the paper's protocol and {last:+.3f} at the "
                f"honest one, which lifts the cross-entropy itself by {lift:+.3f}"
            )
        return f"F{'; '.join(parts)[1:]}."

    def _probabilities(self) -> str:
        parts = []
        for framework, title in self._frameworks():
            mean = values(self.of("two classes"), "log_loss_plain", "paper", framework).mean()
            found = []
            for measure in ("ap", "log_loss"):
                gain = self.gain("two classes", framework, measure, "honest")
                better, worse = (", ".join(gain.index[sign * gain["gain"] > gain["half"]]) for sign in (1, -1))
                found.append(f"in {NAMES[measure]} better: {better or 'none'}, worse: {worse or 'none'}")
            low, high = mean[PUBLISHED].idxmin(), mean[PUBLISHED].idxmax()
            parts.append(
                f"{title}: {mean[low]:.3f} ({low}) to {mean[high]:.3f} ({high}) for the published losses, "
                f"{mean[OURS]:.3f} for ours, {mean[STOCK]:.3f} for the cross-entropy. Than this, beyond chance, at the "
                f"honest protocol {'; '.join(found)}"
            )
        return f"- **Two classes**, mean log-loss of the plain sigmoid at the paper's protocol. {'. '.join(parts)}."

    def _frameworks(self) -> list[tuple[str, str]]:
        return [(name, title) for name, title in FRAMEWORKS.items() if name in set(self.results["framework"])]

    def _derivatives_in_short(self) -> list[str]:
        binary, several = self.checks["binary"], self.checks["multiclass"]
        agree = _agree(binary)
        worst = binary.loc[binary["gradient, label 0"].idxmax()]
        return [
            f"- **Derivatives, two classes.** {int(agree.sum())} of {len(binary)} forms agree with differences of "
            f"their formulas. Not so, for negatives: {_forms(binary, ~agree)}. The largest difference of a gradient is "
            f"{worst['gradient, label 0']:.2f} ({worst['loss']}, {worst['form']}, at p = "
            f"{worst['worst at p, label 0']:.2f}).",
            f"- **Derivatives, more classes.** {int(_sound(several).sum())} of {len(several)} forms are the "
            f"derivatives of some loss. Not so: {_forms(several, ~_sound(several))}.",
        ]

    def never_positive(self) -> str:
        """Return how often a model of two classes puts no test row right above .5, by loss."""
        columns = {}
        for framework, title in self._frameworks():
            for protocol in ("paper", "honest"):
                table = values(self.of("two classes"), "f1", protocol, framework)
                columns[f"{title}, {protocol}"] = (table == 0).sum().map("{:.0f}".format) + f" of {len(table)}"
        return markdown(pd.DataFrame(columns).loc[list(SPACES)], 3, "F1 of 0 at .5, splits")

    def gains_left(self) -> str:
        """Return the main tables."""
        text = [NOTES["left"]]
        for task in TASKS:
            for framework, title in self._frameworks():
                steps = {step: self.summary(task, framework, step) for step in STEPS}
                table = pd.DataFrame({step: rows.apply(signed, axis=1) for step, rows in steps.items()})
                table["detectable"] = steps[LAST]["mde"].map("{:.3f}".format)
                table["sets better / worse"] = [
                    f"{row.better:.0f} / {row.worse:.0f}" for row in steps[LAST].itertuples()
                ]
                n = int(steps[LAST]["sets"].max())
                text.append(f"### {title}, {task}, {n} sets\n\n{markdown(table, 3, 'loss')}")
        return "\n\n".join([*text, NOTES["never"], self.never_positive()])

    def other_measures(self) -> str:
        """Return gains in ranking and probability, and mean ranks."""
        text = [NOTES["measures"]]
        for task in TASKS:
            measures = ["f1_tuned", "ap", "log_loss", "ece"]
            if task != "two classes":
                measures.insert(1, "f1_macro_tuned")
            for framework, title in self._frameworks():
                columns, order = {}, {}
                for measure in measures:
                    rows = self.gain(task, framework, measure, "honest")
                    columns[NAMES[measure]] = rows.apply(signed, axis=1) + rows["mde"].map(" ({:.3f})".format)
                    means = values(self.of(task), measure, "honest", framework).groupby("data", sort=False).mean()
                    higher = not measure.startswith(("log_loss", "ece"))
                    order[f"{NAMES[measure]}: rank"] = ranks.mean_ranks(means, higher_is_better=higher)
                    order[f"{NAMES[measure]}: p"] = ranks.friedman(means)
                shown = pd.DataFrame({key: value for key, value in order.items() if key.endswith("rank")})
                p_values = ", ".join(f"{key[:-3]} {order[key]:.2g}" for key in order if key.endswith(": p"))
                difference = ranks.critical_difference(means.shape[1], len(means))
                text.append(
                    f"### {title}, {task}\n\n{markdown(pd.DataFrame(columns), 3, 'loss')}\n\n"
                    f"{markdown(shown.loc[list(SPACES)], 2, 'loss')}\n\nCritical difference of ranks "
                    f"{difference:.2f} (Nemenyi, 5 %, {len(means)} sets). Friedman p: {p_values}."
                )
        return "\n\n".join(text)

    def means(self) -> str:
        """Return the measures themselves."""
        text = [NOTES["means"]]
        for task in TASKS:
            for framework, title in self._frameworks():
                for protocol in ("paper", "honest"):
                    columns = {
                        NAMES[measure]: values(self.of(task), measure, protocol, framework).mean() for measure in NAMES
                    }
                    table = pd.DataFrame(columns).reindex(list(SPACES)).dropna(axis=1, how="all")
                    text.append(f"### {title}, {task}, {protocol} protocol\n\n{markdown(table, 3, 'loss')}")
        return "\n\n".join(text)

    def by_set(self) -> str:
        """Return F1 set by set."""
        text = ["## Set by set\n\nMean F1 over the splits (weighted by class where there are more than two)."]
        for framework, title in self._frameworks():
            for step in (FIRST, LAST):
                table = values(self.results, *STEPS[step], framework).groupby("data", sort=False).mean()
                text.append(f"### {title}, {step}\n\n{markdown(table[list(SPACES)], 3, 'set')}")
        return "\n\n".join(text)

    def derivatives(self) -> str:
        """Return the checks of the derivatives."""
        binary, several = self.checks["binary"], self.checks["multiclass"]
        shown = [f"{part}, label {label}" for label in (0, 1) for part in ("gradient", "Hessian")]
        table = binary.set_index(binary["loss"] + ", " + binary["form"])[shown].map("{:.1e}".format)
        table["agrees"] = np.where(_agree(binary), "yes", "no")
        wrong = binary[~_agree(binary)]
        example = wrong.set_index(wrong["loss"] + ", " + wrong["form"])[
            [f"{key}, label 0" for key in ("worst at p", "given there", "differences there")]
        ]
        consistent = several.set_index(several["loss"] + ", " + several["form"])[
            ["sum of gradients", "asymmetry", "Hessian"]
        ].map("{:.1e}".format)
        consistent["some loss has these"] = np.where(_sound(several), "yes", "no")
        same = several["modules differ"].max()
        return "\n\n".join(
            [
                NOTES["derivatives"].format(tolerance=f"{TOLERANCE:.0e}"),
                markdown(table, 3, "two classes: largest difference of"),
                "Where they do not agree, the gradient of a negative at the worst probability:",
                markdown(example, 3, "loss"),
                NOTES["several"].format(same=f"{same:.1g}"),
                markdown(consistent, 3, "more classes"),
            ]
        )

    def head(self) -> str:
        """Return title, answer, and how it was measured."""
        versions = ", ".join(f"{name} {version}" for name, version in self.record["versions"].items())
        splits = self.results.groupby("data")["split"].nunique()
        low, high = splits.min(), splits.max()
        return HEAD.format(
            answer=self.answer(),
            n_results=f"{len(self.results):,}",
            versions=versions,
            seed=self.record["seed"],
            splits=low if low == high else f"{low} to {high}",
            draws=self.record["draws"],
            rounds=", ".join(map(str, self.record["rounds"])),
            protein=f"{self.record['protein_rows']:,}",
            smallest=self.record["smallest_class"],
            n_binary=len(BINARY),
            n_multiclass=len(MULTICLASS),
            unreachable=", ".join(UNREACHABLE),
            sets=markdown(self.sets.loc[[name for name in self.sets.index if name in splits.index]], 1, "set"),
        )


def _tally(rows: pd.DataFrame) -> str:
    above, below = (int((sign * rows["gain"] > rows["half"]).sum()) for sign in (1, -1))
    return f"{above} of {len(rows)} comparisons and lose in {below}"


def _agree(checks: pd.DataFrame) -> pd.Series:
    parts = [f"{part}, label {label}" for label in (0, 1) for part in ("gradient", "Hessian")]
    return (checks[parts] < TOLERANCE).all(axis=1)


def _sound(checks: pd.DataFrame) -> pd.Series:
    return (checks[["asymmetry", "Hessian"]] < TOLERANCE).all(axis=1)


def _forms(checks: pd.DataFrame, chosen: pd.Series) -> str:
    """Name the losses of which forms are chosen, and which forms."""
    parts = []
    shifted = checks["form"].str.contains(r"m = 0\.")
    for name, mask in chosen.groupby(checks["loss"], sort=False):
        if mask.all():
            parts.append(f"{name} in every form")
        elif mask.any():
            alike = (mask == shifted[mask.index]).all()
            parts.append(f"{name} with " + ("a shift" if alike else " or ".join(checks.loc[mask[mask].index, "form"])))
    return "; ".join(parts) or "none"


def write(results_path: Path, folder: Path) -> Path:
    """Write the report into a folder, and return its path."""
    report = Report(results_path)
    parts = (report.head, report.gains_left, report.other_measures, report.derivatives, report.means, report.by_set)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "class_balanced.md"
    path.write_text("\n\n".join(part() for part in parts) + "\n", encoding="utf-8")
    return path
