"""Search spaces for the focal estimators: values for scikit-learn's searches, ranges for Optuna's trials."""

from __future__ import annotations

from typing import Any, Protocol

from ._validation import check_number

__all__ = ["search_space", "suggest_params"]


class Trial(Protocol):
    """What is used of an `optuna.trial.Trial`."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """Suggest a number."""

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        """Suggest one of the choices."""


def search_space(n_classes: int = 2) -> dict[str, list[Any]]:
    """Values to search over with `GridSearchCV`, `RandomizedSearchCV` or `HalvingGridSearchCV`.

    Parameters
    ----------
    n_classes : int, default=2
        2 or more. A number for ``focal_alpha`` has a meaning for two classes only.

    Returns
    -------
    dict from parameters of `FocalLGBMClassifier` and `FocalXGBClassifier` to lists
        ``focal_gamma``, with 0 (the log-loss) among its values; ``focal_alpha``; and ``max_delta_step``, the bound of a
        leaf's step in log-odds (0: none), and ``reg_lambda``, which shortens it.

    Raises
    ------
    ValueError, TypeError
        If `n_classes` is no number >= 2.

    Examples
    --------
    >>> from focalboost.search import search_space
    >>> search_space()["focal_gamma"]
    [0.0, 0.5, 1.0, 2.0, 5.0]
    """
    return {
        "focal_gamma": [0.0, 0.5, 1.0, 2.0, 5.0],
        "focal_alpha": _alphas(n_classes),
        "max_delta_step": [0.0, 1.0, 2.0, 4.0],
        "reg_lambda": [0.0, 1.0, 10.0],
    }


def suggest_params(trial: Trial, n_classes: int = 2) -> dict[str, Any]:
    """Parameters of a focal estimator for an Optuna trial, in the ranges of `search_space`.

    Parameters
    ----------
    trial : optuna.trial.Trial
    n_classes : int, default=2
        As in `search_space`.

    Returns
    -------
    dict, to be given to `FocalLGBMClassifier` or `FocalXGBClassifier`
    """
    space = search_space(n_classes)
    gammas, steps = space["focal_gamma"], space["max_delta_step"]
    return {
        "focal_gamma": trial.suggest_float("focal_gamma", min(gammas), max(gammas)),
        "focal_alpha": trial.suggest_categorical("focal_alpha", space["focal_alpha"]),
        "max_delta_step": trial.suggest_float("max_delta_step", min(steps), max(steps)),
        "reg_lambda": trial.suggest_float("reg_lambda", 1e-3, max(space["reg_lambda"]), log=True),
    }


def _alphas(n_classes: int) -> list[float | str | None]:
    check_number("n_classes", n_classes, "a number >= 2", 2)
    return [None, 0.25, 0.5, 0.75, "balanced"] if n_classes == 2 else [None, "balanced"]
