"""What the displays share; matplotlib comes in here."""

from __future__ import annotations

from typing import Any

from .._frameworks import require

require("matplotlib", "plot", (3, 8))

from matplotlib import pyplot  # noqa: E402 (after the message of its absence)


class Display:
    ax_: Any
    figure_: Any

    def _set_axes(self, ax: Any) -> None:
        self.ax_ = pyplot.subplots()[1] if ax is None else ax
        self.figure_ = self.ax_.figure
