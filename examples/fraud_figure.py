"""The picture of the fraud example: precision against recall, and observed against predicted rates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from sklearn.metrics import average_precision_score, precision_recall_curve

if TYPE_CHECKING:
    from fraud_detection import Outcome
    from matplotlib.axes import Axes

STYLES = {
    "LightGBM log-loss": {"color": "#8fb8d8", "linestyle": "-"},
    "LightGBM focal": {"color": "#14507f", "linestyle": "-"},
    "XGBoost log-loss": {"color": "#f2b27a", "linestyle": "--"},
    "XGBoost focal": {"color": "#c2510c", "linestyle": "--"},
}


def reliability(y: np.ndarray, probability: np.ndarray, n_bins: int = 12) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean prediction, observed rate and its standard error in bins with the same number of expected events.

    Bins of equal width or equal size would hold next to no events where they are rare.
    """
    order = np.argsort(probability, kind="stable")
    expected = np.cumsum(probability[order])
    number = np.minimum((expected / expected[-1] * n_bins).astype(int), n_bins - 1)
    counts = np.bincount(number, minlength=n_bins)
    used = counts > 0
    counts = counts[used]
    predicted = np.bincount(number, probability[order], n_bins)[used] / counts
    observed = np.bincount(number, y[order], n_bins)[used] / counts
    return predicted, observed, np.sqrt(observed * (1 - observed) / counts)


def draw(y: np.ndarray, outcomes: dict[str, Outcome], path: Path) -> None:
    """Save the figure as a PNG file."""
    figure = Figure(figsize=(11, 4.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    _draw_precision(left, y, outcomes)
    _draw_reliability(right, y, outcomes)
    for axes in (left, right):
        axes.grid(color="#e6e6e6", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)


def _draw_precision(axes: Axes, y: np.ndarray, outcomes: dict[str, Outcome]) -> None:
    for name, out in outcomes.items():
        precision, recall, _ = precision_recall_curve(y, out.probability)
        steady = recall * y.sum() >= 25  # the curve of the first few events is noise
        label = f"{name}, AP {average_precision_score(y, out.probability):.3f}"
        axes.plot(recall[steady], precision[steady], label=label, linewidth=1.6, **STYLES[name])
    axes.axhline(y.mean(), color="#999999", linewidth=1)
    axes.annotate(f"by chance {y.mean():.1%}", (0.0, y.mean()), (2, 3), textcoords="offset points", color="#777777")
    axes.set(title="Ranking", xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, None))
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.legend(frameon=False, loc="upper right")


def _draw_reliability(axes: Axes, y: np.ndarray, outcomes: dict[str, Outcome]) -> None:
    for name, out in outcomes.items():
        predicted, observed, error = reliability(y, out.probability)
        seen = observed > 0  # a logarithm has no place for 0
        style = STYLES[name] | {"linewidth": 1.4, "elinewidth": 0.8, "markersize": 4, "marker": "o", "label": name}
        low = np.minimum(error[seen], 0.9 * observed[seen])
        axes.errorbar(predicted[seen], observed[seen], yerr=[low, error[seen]], **style)
    axes.set(xscale="log", yscale="log")
    low, high = axes.get_xlim()[0], 1.0
    axes.plot([low, high], [low, high], color="#999999", linewidth=1, zorder=0)
    axes.set(title="Calibration", xlabel="predicted probability", ylabel="observed rate", xlim=(low, high))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=None))
    axes.legend(frameon=False, loc="upper left", fontsize=9)
