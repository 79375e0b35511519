"""Observed rates against the probabilities of each link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.calibration import calibration_curve
from sklearn.utils import check_consistent_length

from .._validation import LINKS, FloatArray, check_choice
from ..losses import BinaryFocalLoss
from ._display import Display

STRATEGIES = ("quantile", "uniform")


@dataclass
class LinkCalibrationDisplay(Display):
    """Observed rate against the probabilities that the links read from focal logits.

    What a focal loss written by hand predicts, and what is there to be read. Models of this package train in log-odds,
    whose probabilities `sklearn.calibration.CalibrationDisplay` shows. Use `from_predictions`.

    Parameters
    ----------
    curves : dict from link to a pair of ndarrays of shape (n_bins,)
        Observed rates and mean predictions, as `sklearn.calibration.calibration_curve` gives them.

    Attributes
    ----------
    ax_, figure_, lines_ : what matplotlib has drawn
    """

    curves: Mapping[str, tuple[FloatArray, FloatArray]]

    @classmethod
    def from_predictions(
        cls,
        y_true: npt.ArrayLike,
        raw_prediction: npt.ArrayLike,
        loss: BinaryFocalLoss,
        *,
        links: Sequence[str] = ("logit", "focal"),
        n_bins: int = 10,
        strategy: str = "quantile",
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Turn focal logits into probabilities with each link and draw.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            Labels 0 and 1.
        raw_prediction : array-like of shape (n_samples,)
            Focal logits, the start value included.
        loss : BinaryFocalLoss
            What the model was trained with, alpha as numbers.
        links : sequence of {"logit", "focal", "posterior"}, default=("logit", "focal")
        n_bins : int, default=10
        strategy : {"quantile", "uniform"}, default="quantile"
            As in `sklearn.calibration.calibration_curve`. Bins of equal width hold next to no rows for rare events.
        ax : matplotlib Axes, default=None
        **kwargs : passed to `matplotlib.axes.Axes.plot`

        Returns
        -------
        LinkCalibrationDisplay

        Raises
        ------
        ValueError, TypeError
            For values outside these rules.
        """
        if isinstance(links, str):
            msg = f"links must be a sequence of names, got the name {links!r}; give [{links!r}]"
            raise TypeError(msg)
        if not links:
            msg = f"links must hold at least one of {', '.join(LINKS)}, got none"
            raise ValueError(msg)
        check_choice("strategy", strategy, STRATEGIES)
        check_consistent_length(y_true, raw_prediction)
        curves = {}
        for link in links:
            probability = loss.predict_proba(raw_prediction, check_choice("links", link, LINKS))[:, 1]
            curves[link] = calibration_curve(y_true, probability, n_bins=n_bins, strategy=strategy)
        return cls(curves).plot(ax=ax, **kwargs)

    def plot(self, *, ax: Any = None, **kwargs: Any) -> Self:
        """Draw one line for each link, and the diagonal; `ax` and `kwargs` as in the methods above."""
        self._set_axes(ax)
        self.lines_: list[Any] = []
        for link, (observed, predicted) in self.curves.items():
            self.lines_ += self.ax_.plot(predicted, observed, **({"marker": "o", "label": f"{link} link"} | kwargs))
        values = np.concatenate([np.concatenate(curve) for curve in self.curves.values()])
        ends = [values[values > 0].min(), values.max()]
        self.ax_.plot(ends, ends, color="0.6", linestyle=":", label="perfectly calibrated", zorder=0)
        self.ax_.set(xlabel="predicted probability", ylabel="observed rate")
        self.ax_.legend()
        return self
