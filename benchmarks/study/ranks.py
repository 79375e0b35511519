"""Mean ranks over data sets, and which of them differ (Demsar, JMLR 7, 2006)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import friedmanchisquare, rankdata, studentized_range

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def mean_ranks(scores: pd.DataFrame, *, higher_is_better: bool) -> pd.Series:
    """Return the mean rank of each column over the rows, 1 for the best, best first; ties share theirs."""
    signed = -scores if higher_is_better else scores
    ranks = pd.DataFrame(rankdata(signed.to_numpy(), axis=1), columns=scores.columns)
    return ranks.mean().sort_values(kind="stable")


def critical_difference(n_methods: int, n_sets: int, level: float = 0.05) -> float:
    """Return the least difference of mean ranks that Nemenyi's test takes for real."""
    q = studentized_range.ppf(1 - level, n_methods, np.inf) / np.sqrt(2)
    return float(q * np.sqrt(n_methods * (n_methods + 1) / (6 * n_sets)))


def friedman(scores: pd.DataFrame) -> float:
    """Return the probability of ranks so different if all methods were alike."""
    return float(friedmanchisquare(*scores.to_numpy().T).pvalue)


def groups(ranks: pd.Series, difference: float) -> list[tuple[int, int]]:
    """Return first and last position of each longest run of methods that do not differ, of two or more."""
    values = ranks.to_numpy()
    runs: list[tuple[int, int]] = []
    for first in range(len(values)):
        last = int(np.flatnonzero(values - values[first] <= difference)[-1])
        if last > first and (not runs or last > runs[-1][1]):
            runs.append((first, last))
    return runs


def draw(axes: Axes, ranks: pd.Series, difference: float, title: str) -> None:
    """Draw a critical-difference diagram: methods on an axis of ranks, bars over those that do not differ."""
    n = len(ranks)
    half = (n + 1) // 2
    low, high = int(np.floor(ranks.min())), int(np.ceil(max(ranks.max(), ranks.min() + difference)))
    width = high - low
    axes.set(xlim=(low - 0.55 * width, high + 0.55 * width), ylim=(-half - 1.0, 2.2), title=title)
    axes.axis("off")
    axes.plot([low, high], [0, 0], color="black", linewidth=1)
    for tick in range(low, high + 1):
        axes.plot([tick, tick], [0, 0.15], color="black", linewidth=0.8)
        axes.text(tick, 0.3, str(tick), ha="center", fontsize=8)
    axes.plot([low, low + difference], [1.4, 1.4], color="black", linewidth=1.5)
    axes.text(low + difference / 2, 1.55, f"critical difference {difference:.2f}", ha="center", fontsize=8)
    for position, (name, rank) in enumerate(ranks.items()):
        left = position < half
        height = -1.0 - (position if left else n - 1 - position)
        side = low - 0.02 * width if left else high + 0.02 * width
        style = {"color": "#c2510c" if str(name).startswith("focal") else "#14507f", "linewidth": 0.9}
        axes.plot([rank, rank, side], [0, height, height], **style)
        label = f"{name}  {rank:.1f}" if left else f"{rank:.1f}  {name}"
        axes.text(side, height, f" {label} ", ha="right" if left else "left", va="center", fontsize=8)
    for level, (first, last) in enumerate(groups(ranks, difference)):
        height = -0.25 - 0.16 * level
        span = [ranks.iloc[first], ranks.iloc[last]]
        axes.plot(span, [height, height], color="0.25", linewidth=2.5, solid_capstyle="round")
