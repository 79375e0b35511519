"""The pictures of the theory, drawn from the library itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy.special import expit

from focalboost import BinaryFocalLoss

GAMMAS = {0.0: "#9a9a9a", 1.0: "#8fb8d8", 2.0: "#14507f", 5.0: "#c2510c"}


def draw_all(folder: Path) -> None:
    """Write every figure into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for draw in (losses, hessians, starts, links):
        figure = draw()
        for axes in figure.axes:
            axes.grid(color="#e6e6e6", linewidth=0.8)
            axes.set_axisbelow(True)
            axes.spines[["top", "right"]].set_visible(False)
        figure.savefig(folder / f"{draw.__name__}.png", dpi=130)


def losses() -> Figure:
    """Loss against the probability of the true class, and gradient against its margin."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    margin = np.linspace(-6, 6, 400)
    ones = np.ones_like(margin)
    for gamma, color in GAMMAS.items():
        loss = BinaryFocalLoss(gamma)
        left.plot(expit(margin), loss.loss(ones, margin), color=color, label=rf"$\gamma$ = {gamma:g}")
        right.plot(margin, -loss.gradient_hessian(ones, margin)[0], color=color)
    left.set(xlabel="probability of the true class", ylabel="loss", ylim=(0, 4), title="Easy rows cost next to nothing")
    right.set(xlabel="margin of the true class", ylabel="pull (minus the gradient)", title="and pull next to nothing")
    left.legend(frameon=False)
    return figure


def hessians() -> Figure:
    """Draw the four second derivatives, for rows of label 1."""
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
        axes.set(xlabel="margin of the true class", ylabel="second derivative", title=rf"$\gamma$ = {gamma:g}")
        axes.legend(frameon=False)
    return figure


def starts() -> Figure:
    """Where boosting starts, and what a start at the log-odds does to the Hessian."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    shares = np.geomspace(0.001, 0.5, 40)
    labels = np.array([0, 1])
    for gamma, color in GAMMAS.items():
        loss = BinaryFocalLoss(gamma)
        start = np.array([loss.intercept(labels, [1 - share, share]) for share in shares])
        left.plot(shares, expit(start), color=color, label=rf"$\gamma$ = {gamma:g}")
        log_odds = np.log(shares / (1 - shares))
        sums = [
            loss.gradient_hessian(labels, np.full(2, z), [1 - share, share], hessian="exact")[1].sum()
            for z, share in zip(log_odds, shares, strict=True)
        ]
        right.plot(shares, sums / (shares * (1 - shares)), color=color)
    left.set(xscale="log", yscale="log", xlabel="share of positives", ylabel="sigmoid of the start", title="The start")
    right.axhline(0, color="#777777", linewidth=0.8)
    right.set(
        xscale="log",
        xlabel="share of positives",
        ylabel="mean Hessian, log-loss = 1",
        title="Exact Hessian at the log-odds instead",
    )
    left.legend(frameon=False)
    return figure


def links() -> Figure:
    """Probability that a margin stands for."""
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
    axes.set(xlabel="sigmoid of the margin (logit link)", ylabel="probability (focal link)", title="Calibration")
    axes.legend(frameon=False)
    return figure
