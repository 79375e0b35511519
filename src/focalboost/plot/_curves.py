"""The losses and their row weights, as curves for several gammas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from matplotlib import colormaps
from scipy.special import expit, logit

from .._validation import HESSIANS, FloatArray, check_choice, check_gamma, check_number
from ..log_odds import row_weight
from ..losses import BinaryFocalLoss
from ._display import Display

QUANTITIES = ("loss", "gradient", "hessian")


@dataclass
class FocalLossDisplay(Display):
    """Focal loss, its gradient or its Hessian, against the probability of the true class.

    Use `from_gammas`.

    Parameters
    ----------
    probability : ndarray of shape (n_points,)
        Probability of the true class, the sigmoid of its margin.
    values : dict from gamma to ndarray of shape (n_points,)
    quantity : {"loss", "gradient", "hessian"}

    Attributes
    ----------
    ax_, figure_, lines_ : what matplotlib has drawn
    """

    probability: FloatArray
    values: Mapping[float, FloatArray]
    quantity: str

    @classmethod
    def from_gammas(
        cls,
        gammas: Sequence[float] = (0.0, 0.5, 1.0, 2.0, 5.0),
        *,
        quantity: str = "loss",
        hessian: str = "exact",
        n_points: int = 501,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Evaluate and draw.

        Parameters
        ----------
        gammas : sequence of float
            Each in [0, 1e6]. 0 is the cross entropy.
        quantity : {"loss", "gradient", "hessian"}, default="loss"
            Derivatives are with respect to the margin of the true class.
        hessian : {"exact", "upper", "bounded", "expected"}, default="exact"
            As in `focalboost.BinaryFocalLoss.gradient_hessian`.
        n_points : int, default=501
            Evenly spaced probabilities in (0, 1).
        ax : matplotlib Axes, default=None
            None makes a figure.
        **kwargs : passed to `matplotlib.axes.Axes.plot`

        Returns
        -------
        FocalLossDisplay

        Raises
        ------
        ValueError, TypeError
            For an empty `gammas`, or values outside these rules.
        """
        check_choice("quantity", quantity, QUANTITIES)
        check_choice("hessian", hessian, HESSIANS)
        _check_gammas(gammas)
        probability = np.arange(1, n_points + 1) / (n_points + 1)
        margin, ones = logit(probability), np.ones(n_points)
        values = {}
        for gamma in map(check_gamma, gammas):
            loss = BinaryFocalLoss(gamma)
            gradient, second = loss.gradient_hessian(ones, margin, hessian=hessian)
            values[gamma] = {"loss": loss.loss(ones, margin), "gradient": gradient, "hessian": second}[quantity]
        return cls(probability, values, quantity).plot(ax=ax, **kwargs)

    def plot(self, *, ax: Any = None, **kwargs: Any) -> Self:
        """Draw one line for each gamma; `ax` and `kwargs` as in the methods above."""
        self._set_axes(ax)
        self.lines_ = _lines_by_gamma(self.ax_, self.probability, self.values, kwargs)
        if min(values.min() for values in self.values.values()) < 0:
            self.ax_.axhline(0, color="0.6", linewidth=0.8, zorder=0)
        self.ax_.set(xlabel="probability of the true class", ylabel=self.quantity, xlim=(0, 1))
        self.ax_.legend()
        return self


@dataclass
class RowWeightDisplay(Display):
    """Weight of a row in the log-loss that has the gradient of the focal loss, against its probability.

    Use `from_gammas`.

    Parameters
    ----------
    probability : ndarray of shape (n_points,)
        Calibrated probability of either label: the weight is the same for both.
    values : dict from gamma to ndarray of shape (n_points,)
        Relative to that at even odds.

    Attributes
    ----------
    ax_, figure_, lines_ : what matplotlib has drawn
    """

    probability: FloatArray
    values: Mapping[float, FloatArray]

    @classmethod
    def from_gammas(
        cls,
        gammas: Sequence[float] = (0.0, 0.5, 1.0, 2.0, 5.0),
        *,
        lowest: float = 1e-4,
        n_points: int = 501,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Evaluate and draw.

        Parameters
        ----------
        gammas : sequence of float
            Each in [0, 40]. 0 is the log-loss.
        lowest : float, default=1e-4
            Where the axis begins, in (0, 0.5); it ends at ``1 - lowest``, and is even in log-odds.
        n_points : int, default=501
        ax : matplotlib Axes, default=None
            None makes a figure.
        **kwargs : passed to `matplotlib.axes.Axes.plot`

        Returns
        -------
        RowWeightDisplay

        Raises
        ------
        ValueError, TypeError
            For an empty `gammas`, or values outside these rules.
        """
        _check_gammas(gammas)
        check_number("lowest", lowest, "a number in (0, 0.5)", np.nextafter(0, 1), np.nextafter(0.5, 0))
        end = -logit(lowest)
        log_odds = np.linspace(-end, end, n_points)
        values = {float(gamma): row_weight(log_odds, gamma) / row_weight(0.0, gamma) for gamma in gammas}
        return cls(expit(log_odds), values).plot(ax=ax, **kwargs)

    def plot(self, *, ax: Any = None, **kwargs: Any) -> Self:
        """Draw one line for each gamma; `ax` and `kwargs` as in the method above."""
        self._set_axes(ax)
        self.lines_ = _lines_by_gamma(self.ax_, self.probability, self.values, kwargs)
        self.ax_.set(xlabel="probability", ylabel="weight relative to even odds", xscale="logit")
        self.ax_.set_xlim(self.probability[0], self.probability[-1])
        self.ax_.legend()
        return self


def _check_gammas(gammas: Any) -> None:
    if not isinstance(gammas, Sequence | np.ndarray) or isinstance(gammas, str):
        msg = f"gammas must be a sequence of numbers, got {gammas!r}; give [{gammas!r}]"
        raise TypeError(msg)
    if not len(gammas):
        msg = "gammas must hold at least one number, got none"
        raise ValueError(msg)


def _lines_by_gamma(ax: Any, x: FloatArray, values: Mapping[float, FloatArray], kwargs: Mapping[str, Any]) -> list[Any]:
    shades = np.linspace(0.15, 0.85, len(values))
    lines: list[Any] = []
    for (gamma, y), shade in zip(values.items(), shades, strict=True):
        style = {"color": colormaps["viridis"](shade), "label": f"$\\gamma$ = {gamma:g}", **kwargs}
        lines += ax.plot(x, y, **style)
    return lines
