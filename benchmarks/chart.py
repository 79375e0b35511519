"""The figures as a picture: one dot for each, on a panel for each part."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import LogFormatter

from .report import Figure

MET = {"yes": "tab:green", "no": "tab:red", "": "tab:blue"}


def draw(figures: Sequence[Figure], path: Path) -> None:
    """Save the picture: median, quartiles, and the bar, on a logarithmic axis."""
    parts = list(dict.fromkeys(figure.part for figure in figures))
    if not parts:
        return
    sizes = [sum(figure.part == part for figure in figures) for part in parts]
    canvas = Canvas(figsize=(11, 0.24 * sum(sizes) + 0.9 * len(parts)), layout="constrained")
    axes = canvas.subplots(len(parts), 1, gridspec_kw={"height_ratios": [size + 1 for size in sizes]}, squeeze=False)
    for part, ax in zip(parts, axes[:, 0], strict=True):
        # A memory figure at or below 0 has no place on the axis.
        shown = [figure for figure in figures if figure.part == part and figure.quartiles[0] > 0]
        for row, figure in enumerate(shown):
            ax.plot(figure.quartiles, (row, row), color="0.6", linewidth=3, zorder=1)
            ax.plot(figure.median, row, "o", color=MET[figure.met], zorder=2)
            if figure.bar:
                ax.plot(float(figure.bar.split()[1]), row, "|", color="black", markersize=12, zorder=3)
        ax.set_yticks(range(len(shown)), [f"{figure.name} [{figure.unit}]".removesuffix(" []") for figure in shown])
        ax.tick_params(which="both", labelsize=7)
        ax.set_ylim(len(shown) - 0.5, -0.5)
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_formatter(LogFormatter(minor_thresholds=(1.5, 0.5)))
        ax.grid(axis="x", alpha=0.3)
        ax.set_title(part, fontsize=9, loc="left")
    canvas.supxlabel("median (dot: green keeps to its bar, red does not), quartiles (grey), bar (black)", fontsize=8)
    canvas.savefig(path, dpi=120)
