"""What the gallery scripts share: the look of a figure, and where it goes."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

OUTPUT = Path(__file__).parent / "output"


def finish(figure: Figure, name: str) -> None:
    """Add a light grid, save the figure as a PNG and say where it is."""
    for axes in figure.axes:
        axes.grid(color="0.92")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    OUTPUT.mkdir(exist_ok=True)
    path = OUTPUT / f"{name}.png"
    figure.savefig(path, dpi=110)
    print(f"Figure: {path}")
