"""The pictures of the theory, drawn from the library itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy.special import expit, logit

from focalboost import BinaryFocalLoss
from focalboost.log_odds import row_weight

GAMMAS = {0.0: "#9a9a9a", 1.0: "#8fb8d8", 2.0: "#14507f", 5.0: "#c2510c"}


def draw_all(folder: Path) -> None:
    """Write every figure into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for draw in (row_weights, hessians, links):
        figure = draw()
        for axes in figure.axes:
            axes.grid(color="#e6e6e6", linewidth=0.8)
            axes.set_axisbelow(True)
            axes.spines[["top", "right"]].set_visible(False)
        figure.savefig(folder / f"{draw.__name__}.png", dpi=130)


def row_weights() -> Figure:
    """Weight of a row in the log-loss, against its calibrated probability."""
    figure = Figure(figsize=(7, 5), layout="constrained")
    axes = figure.subplots()
    log_odds = np.linspace(-logit(0.9999), logit(0.9999), 401)
    for gamma, color in GAMMAS.items():
        weight = row_weight(log_odds, gamma) / row_weight(0.0, gamma)
        axes.plot(expit(log_odds), weight, color=color, label=rf"$\gamma$ = {gamma:g}")
    axes.set(xscale="logit", xlim=(0.0001, 0.9999), ylim=(0, None))
    axes.set(xlabel="calibrated probability", ylabel="weight, 1 at even odds", title="Weight of a row in the log-loss")
    axes.legend(frameon=False, loc="upper center")
    return figure


def hessians() -> Figure:
    """Draw the four second derivatives by the focal logit, for rows of label 1."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    margin = np.linspace(-8, 4, 400)
    ones = np.ones_like(margin)
    styles = {"exact": ("#c2510c", "-"), "upper": ("#8fb8d8", "-"), "bounded": ("#14507f", "--")}
    styles["expected"] = ("#3c8d40", "-")
    for axes, gamma in zip(figure.subplots(1, 2), (1.0, 2.0), strict=True):
        for kind, (color, style) in styles.items():
            hessian = BinaryFocalLoss(gamma).gradient_hessian(ones, margin, hessian=kind)[1]
            axes.plot(margin, hessian, color=color, linestyle=style, label=kind)
        axes.axhline(0, color="#777777", linewidth=0.8)
        axes.set(xlabel="focal logit of the true class", ylabel="second derivative", title=rf"$\gamma$ = {gamma:g}")
        axes.legend(frameon=False)
    return figure


def links() -> Figure:
    """Probability that a focal logit stands for."""
    figure = Figure(figsize=(5.4, 3.4), layout="constrained")
    axes = figure.subplots()
    margin = np.linspace(-4, 4, 400)
    for gamma, color in GAMMAS.items():
        axes.plot(
            expit(margin),
            BinaryFocalLoss(gamma).predict_proba(margin)[:, 1],
            color=color,
            label=rf"$\gamma$ = {gamma:g}",
        )
    axes.set(xlabel="sigmoid of the focal logit", ylabel="probability", title="Probability of a focal logit")
    axes.legend(frameon=False)
    return figure
