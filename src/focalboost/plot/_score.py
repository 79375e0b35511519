"""A score against gamma."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from .._validation import FloatArray
from ._display import Display


@dataclass
class ScoreByGammaDisplay(Display):
    """Cross-validated score against gamma, each gamma with the best of the other parameters.

    Use `from_estimator` or `from_cv_results`. Of a halving search it shows the last round that every gamma has reached.

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
        cls, estimator: Any, *, param: str | None = None, score: str | None = None, ax: Any = None, **kwargs: Any
    ) -> Self:
        """Draw a fitted search.

        Parameters
        ----------
        estimator : a fitted `GridSearchCV` or another search with ``cv_results_``, or a pipeline that ends with one
        param : str, default=None
            Name of gamma in the search; None finds it, as ``"focal_gamma"`` or ``"model__focal_gamma"``.
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
        estimator = estimator[-1] if isinstance(estimator, Pipeline) else estimator
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
        param: str | None = None,
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
        if param is None:
            names = [key.removeprefix("param_") for key in cv_results if key.endswith("focal_gamma")]
            param = names[0] if len(names) == 1 else "focal_gamma"
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
        if "iter" in cv_results:  # of a halving search the last round that every gamma has reached: others saw less
            rounds = np.asarray(cv_results["iter"])[rows]
            every = {float(tried[row]) for row in rows}
            whole = [r for r in np.unique(rounds) if {float(tried[row]) for row in rows[rounds == r]} == every]
            rows = rows[rounds == whole[-1]]
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
