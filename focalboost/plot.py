"""Figures in scikit-learn's Display convention: the losses, row weights, a score against gamma, probabilities by link.

Each class is made by one of its ``from_...`` methods, which draw too; `plot` draws again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit
from sklearn.calibration import calibration_curve
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted

from ._frameworks import require
from ._validation import HESSIANS, LINKS, FloatArray, check_choice, check_gamma, check_number
from .log_odds import row_weight
from .losses import BinaryFocalLoss

require("matplotlib", "plot", (3, 8))

from matplotlib import colormaps, pyplot  # noqa: E402 (after the message of its absence)

__all__ = ["FocalLossDisplay", "LinkCalibrationDisplay", "RowWeightDisplay", "ScoreByGammaDisplay"]

QUANTITIES = ("loss", "gradient", "hessian")
STRATEGIES = ("quantile", "uniform")


class _Display:
    ax_: Any
    figure_: Any

    def _set_axes(self, ax: Any) -> None:
        self.ax_ = pyplot.subplots()[1] if ax is None else ax
        self.figure_ = self.ax_.figure


@dataclass
class FocalLossDisplay(_Display):
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
class ScoreByGammaDisplay(_Display):
    """Cross-validated score against gamma, each gamma with the best of the other parameters.

    Use `from_estimator` or `from_cv_results`.

    Parameters
    ----------
    gamma : ndarray of shape (n_gammas,), increasing
    mean, std : ndarrays of shape (n_gammas,)
        Over the folds, of the best candidate with this gamma.
    score_name : str

    Attributes
    ----------
    ax_, figure_ : what matplotlib has drawn on
    errorbar_ : matplotlib ErrorbarContainer
    """

    gamma: FloatArray
    mean: FloatArray
    std: FloatArray
    score_name: str = "score"

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, param: str = "focal_gamma", score: str | None = None, ax: Any = None, **kwargs: Any
    ) -> Self:
        """Draw a fitted search.

        Parameters
        ----------
        estimator : a fitted `GridSearchCV` or another search with ``cv_results_``
        param : str, default="focal_gamma"
            Name of gamma in the search, ``"model__focal_gamma"`` in a pipeline.
        score : str, default=None
            One of the names of a search with several scorings, which needs one.
        ax : matplotlib Axes, default=None
        **kwargs : passed to `matplotlib.axes.Axes.errorbar`

        Returns
        -------
        ScoreByGammaDisplay

        Raises
        ------
        ValueError
            If `param` or `score` are not in the search.
        """
        check_is_fitted(estimator, "cv_results_")
        name = score
        if score is None and isinstance(estimator.scoring, str):
            name = estimator.scoring
        return cls.from_cv_results(
            estimator.cv_results_, param=param, score=score, score_name=name or "score", ax=ax, **kwargs
        )

    @classmethod
    def from_cv_results(
        cls,
        cv_results: Mapping[str, Any],
        *,
        param: str = "focal_gamma",
        score: str | None = None,
        score_name: str = "score",
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the ``cv_results_`` of a search; parameters as in `from_estimator`, and `score_name` for the axis.

        Returns
        -------
        ScoreByGammaDisplay
        """
        suffix = "score" if score is None else score
        for column in (f"param_{param}", f"mean_test_{suffix}"):
            if column not in cv_results:
                known = ", ".join(key for key in cv_results if key.startswith(("param_", "mean_test_")))
                msg = f"cv_results must hold {column!r}, it has {known}; give param= and, for several scorings, score="
                raise ValueError(msg)
        tried = np.ma.getdata(cv_results[f"param_{param}"])
        given = ~np.ma.getmaskarray(cv_results[f"param_{param}"])
        mean = np.asarray(cv_results[f"mean_test_{suffix}"], dtype=np.float64)
        std = np.asarray(cv_results[f"std_test_{suffix}"], dtype=np.float64)
        rows = np.flatnonzero(given & np.isfinite(mean))
        if not len(rows):
            msg = f"cv_results must hold a finite score with {param}, got none"
            raise ValueError(msg)
        gammas = np.array([float(tried[row]) for row in rows])
        gamma = np.unique(gammas)
        best = [rows[gammas == value][mean[rows[gammas == value]].argmax()] for value in gamma]
        return cls(gamma, mean[best], std[best], score_name).plot(ax=ax, **kwargs)

    def plot(self, *, ax: Any = None, **kwargs: Any) -> Self:
        """Draw means, with a standard deviation on each side; `ax` and `kwargs` as in the methods above."""
        self._set_axes(ax)
        style = {"marker": "o", "capsize": 3} | kwargs
        self.errorbar_ = self.ax_.errorbar(self.gamma, self.mean, yerr=self.std, **style)
        self.ax_.set(xlabel="$\\gamma$", ylabel=self.score_name.replace("_", " "))
        return self


@dataclass
class RowWeightDisplay(_Display):
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


@dataclass
class LinkCalibrationDisplay(_Display):
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
