"""Figures, and the ways to show them: lines of a table, Markdown, JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

import numpy as np

from focalboost._kernel import instruction_set

from .pairing import Ratio

PACKAGES = (
    "focalboost",
    "numpy",
    "scipy",
    "scikit-learn",
    "lightgbm",
    "xgboost",
    "xgboost-cpu",
    "torch",
    "catboost",
    "imlightgbm",
    "bokbokbok",
    "imbalance-xgboost",
)


@dataclass(frozen=True)
class Figure:
    """One measured figure: a ratio, or a quantity with a unit."""

    part: str
    name: str
    median: float
    minimum: float
    quartiles: tuple[float, float]
    pairs: int
    unit: str = ""
    bar: str = ""  # such as "<= 1.05"
    note: str = ""

    @classmethod
    def of_ratio(cls, part: str, name: str, ratio: Ratio, bar: str = "", note: str = "") -> Figure:
        """Ratio of what the subject took to what the peer took; the note is their seconds unless given."""
        if not note:
            note = " / ".join(f"{np.median(times):.4g} s" for times in (ratio.subject, ratio.peer))
        return cls(part, name, ratio.of_medians, ratio.of_minima, ratio.spread, len(ratio.subject), "", bar, note)

    @classmethod
    def of_values(cls, part: str, name: str, values: Iterable[float], unit: str, bar: str = "") -> Figure:
        """Measure a quantity that has no peer."""
        measured = np.array(list(values))
        low, high = np.quantile(measured, [0.25, 0.75])
        quartiles = float(low), float(high)
        return cls(part, name, float(np.median(measured)), float(measured.min()), quartiles, len(measured), unit, bar)

    @property
    def met(self) -> str:
        """Whether the median keeps to the bar: yes, no, or nothing without a bar."""
        if not self.bar:
            return ""
        sign, limit = self.bar.split()
        return "yes" if (self.median <= float(limit) if sign == "<=" else self.median >= float(limit)) else "no"

    @property
    def cells(self) -> tuple[str, ...]:
        """Return the cells of its row."""
        low, high = self.quartiles
        values = [f"{value:.3g}" for value in (self.median, self.minimum, low, high)]
        unit = f" {self.unit}" if self.unit else ""
        bar = f"{self.bar}{unit}" if self.bar else ""
        return self.name, f"{values[0]}{unit}", values[1], f"{values[2]} .. {values[3]}", bar, self.met, self.note


@dataclass(frozen=True)
class Skipped:
    """What was not measured, and why."""

    part: str
    name: str
    reason: str


HEADER = ("figure", "median", "minimum", "quartiles", "bar", "met", "took")
WIDTHS = (66, 10, 8, 16, 9, 4, 0)


def environment() -> dict[str, str]:
    """Versions and the machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    machine = f"{platform.machine()} ({instruction_set}), {cores} cores"
    return {"machine": machine, "Python": platform.python_version(), **versions}


def line(cells: Iterable[str]) -> str:
    """One line of the printed table."""
    return " ".join(f"{cell:<{width}}" for cell, width in zip(cells, WIDTHS, strict=True)).rstrip()


def write(path: Path, found: Iterable[Figure | Skipped], scale: str) -> None:
    """Write all that was found as JSON."""
    found = list(found)
    content = {
        "environment": environment(),
        "scale": scale,
        "figures": [asdict(item) for item in found if isinstance(item, Figure)],
        "skipped": [asdict(item) for item in found if isinstance(item, Skipped)],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> list[Figure]:
    """Read the figures back."""
    figures = json.loads(path.read_text(encoding="utf-8"))["figures"]
    return [Figure(**{**figure, "quartiles": tuple(figure["quartiles"])}) for figure in figures]


def markdown(path: Path) -> str:
    """Return the tables of a JSON file as Markdown, one for each part; ratios only, no seconds."""
    content = json.loads(path.read_text(encoding="utf-8"))
    figures = read(path)
    lines = [", ".join(f"{name} {version}" for name, version in content["environment"].items()) + "."]
    for part in dict.fromkeys(figure.part for figure in figures):
        lines += ["", f"### {part}", "", "| " + " | ".join(HEADER[:-1]) + " |", "| --- " * (len(HEADER) - 1) + "|"]
        lines += ["| " + " | ".join(figure.cells[:-1]) + " |" for figure in figures if figure.part == part]
    if content["skipped"]:
        lines += ["", "Not measured:", ""]
        lines += [f"- {item['name']}: {item['reason']}" for item in content["skipped"]]
    return "\n".join(lines)
