"""The published loss: loss, gradient and Hessian in its own logits.

Against the sigmoid of the true class's logit. Two things to see: the gradient of easy rows (right) fades with gamma,
and the exact Hessian of hard rows (left) is negative, which is why code that trains in these logits takes an upper
bound of it.
"""

from __future__ import annotations

from gallery import finish
from matplotlib import pyplot

from focalboost.plot import FocalLossDisplay


def main() -> None:
    """Draw four panels, check what the text above says of them, and save the figure."""
    figure, panels = pyplot.subplots(2, 2, figsize=(11, 8), layout="constrained", sharex=True)
    loss = FocalLossDisplay.from_gammas(ax=panels[0, 0])
    gradient = FocalLossDisplay.from_gammas(quantity="gradient", ax=panels[0, 1])
    exact = FocalLossDisplay.from_gammas(quantity="hessian", ax=panels[1, 0])
    upper = FocalLossDisplay.from_gammas(quantity="hessian", hessian="upper", ax=panels[1, 1])
    panels[0, 0].set(title="Loss", ylim=(0, 4))
    panels[0, 1].set(title="Gradient")
    panels[1, 0].set(title="Hessian, exact", ylim=(-0.2, 1.3))
    panels[1, 1].set(title="Hessian, upper bound", ylim=(-0.2, 1.3))
    for axes in panels.flat:
        axes.legend().set_visible(axes is panels[0, 0])
        axes.set_xlabel("sigmoid of the true class's logit" if axes in panels[1] else "")

    easy = -25  # a probability of .95
    assert abs(gradient.values[2.0][easy]) < 0.05 * abs(gradient.values[0.0][easy])
    assert (loss.values[2.0] <= loss.values[0.0]).all()
    assert all(exact.values[gamma].min() < 0 <= upper.values[gamma].min() for gamma in (0.5, 1.0, 2.0, 5.0))

    finish(figure, "plot_losses")


if __name__ == "__main__":
    main()
