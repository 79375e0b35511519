"""Row weights: what focal loss does is weigh the rows of the log-loss by how likely the model holds them.

In log-odds the gradient of the focal loss is that of the log-loss times a weight, which follows from the predicted
probability and not from the label. Below gamma = 1 it is all but constant. At gamma = 2 rows whose label is all but
certain count up to 1.8 times as much as doubtful ones, and not less, as the loss itself suggests.
"""

from __future__ import annotations

import numpy as np
from gallery import finish
from matplotlib import pyplot
from scipy.special import expit

from focalboost import BinaryFocalLoss
from focalboost.plot import RowWeightDisplay


def main() -> None:
    """Draw the weights, check what the text above says of them, and save the figure."""
    figure, axes = pyplot.subplots(figsize=(8, 4.6), layout="constrained")
    display = RowWeightDisplay.from_gammas(ax=axes)
    axes.set(title="Focal loss is log-loss with these row weights", ylim=(0, None))

    mild, usual = display.values[0.5], display.values[2.0]
    print(f"gamma 0.5: {mild.min():.3f} to {mild.max():.3f}; gamma 2: {usual.min():.3f} to {usual.max():.3f}")
    assert 0.9 < mild.min() < mild.max() < 1.1
    assert usual.min() > 0.999
    assert 1.8 < usual.max() < 1.85

    log_odds = np.linspace(-9, 9, 37)
    loss = BinaryFocalLoss(2.0, score="log_odds")
    weights = [
        loss.gradient_hessian(np.full(37, label), log_odds)[0] / (expit(log_odds) - label) for label in (0.0, 1.0)
    ]
    np.testing.assert_allclose(*weights, rtol=1e-9)
    print("both labels have the same weight")
    finish(figure, "plot_row_weights")


if __name__ == "__main__":
    main()
