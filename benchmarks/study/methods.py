"""What is compared: each method is a search space beside the one that all share.

The keys of a configuration speak to three parts: those of `focalboost`'s objective (a configuration with a gamma trains
with it, one without trains with the framework's own loss), those of `rebalance`, and those of the framework.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sklearn.model_selection import ParameterSampler

from focalboost.search import search_space

Space = Mapping[str, Sequence[Any]]

_SPACE = search_space()
GAMMAS = [gamma for gamma in _SPACE["focal_gamma"] if gamma > 0]
ALPHAS = _SPACE["focal_alpha"]

# What every method of every framework searches.
SHARED: Space = {"learning_rate": [0.05, 0.1, 0.2], "num_leaves": [7, 15, 31], "cautious": [False, True]}
DEFAULTS = {"learning_rate": 0.1, "num_leaves": 31, "cautious": True}

STRENGTHS = [0.25, 0.5, 0.75, 1.0]  # 0 leaves the classes alone, 1 balances them
REGULARISERS: Space = {"max_delta_step": _SPACE["max_delta_step"], "l2": _SPACE["reg_lambda"]}

METHODS: dict[str, Space] = {
    "log-loss": {},
    "log-loss, regularised": REGULARISERS,
    "balanced weights": {"weight": [1.0]},
    "class weights": {"weight": STRENGTHS},
    "scale_pos_weight": {"pos_weight": STRENGTHS},
    "class-balanced": {"effective": [0.9, 0.99, 0.999, 0.9999]},
    "oversampling": {"oversample": STRENGTHS},
    "undersampling": {"undersample": STRENGTHS},
    "SMOTE": {"smote": STRENGTHS},
    "log-loss, bounded": {"gamma": [0.0]},
    "focal 0.5": {"gamma": [0.5]},
    "focal 1": {"gamma": [1.0]},
    "focal 2": {"gamma": [2.0]},
    "focal 5": {"gamma": [5.0]},
    "focal": {"gamma": GAMMAS},
    "focal, alpha": {"gamma": GAMMAS, "alpha": ALPHAS},
    "focal, regularised": {"gamma": GAMMAS, **REGULARISERS},
    "focal, no mean shift": {"gamma": GAMMAS, "mean_shift": [False]},
}
_ESSENTIAL = ("log-loss", "log-loss, regularised", "class weights", "oversampling", "log-loss, bounded", "focal 2")
SATURATED_METHODS: dict[str, Space] = {name: METHODS[name] for name in (*_ESSENTIAL, "focal", "focal, regularised")}
MULTICLASS_METHODS: dict[str, Space] = {
    **SATURATED_METHODS,
    "focal, alpha": {"gamma": GAMMAS, "alpha": search_space(n_classes=3)["focal_alpha"]},
    "log-loss, one-vs-rest": {"gamma": [0.0], "multiclass": ["ovr"], "max_delta_step": [0.0]},
    "focal, one-vs-rest": {"gamma": GAMMAS, "multiclass": ["ovr"]},
}
# Questions about defaults, asked of six sets.
VARIANTS: dict[str, Space] = {
    "focal, max_delta_step 1": {"gamma": GAMMAS, "max_delta_step": [1.0]},
    "focal, max_delta_step 3": {"gamma": GAMMAS, "max_delta_step": [3.0]},
    "focal, max_delta_step 8": {"gamma": GAMMAS, "max_delta_step": [8.0]},
    "focal, no max_delta_step": {"gamma": GAMMAS, "max_delta_step": [0.0]},
}
VARIANT_SETS = ("yeast4", "abalone9-18", "winequality-red-4", "yeast-1_vs_7", "gmsc", "bank")
# Untuned, at the frameworks' own defaults: how the probabilities and the training hold along gamma.
SWEEP: dict[str, Space] = {
    "log-loss": {},
    "log-loss, max_delta_step 2": {"max_delta_step": [2.0]},
    **{f"focal {gamma:g}": {"gamma": [gamma]} for gamma in (0.0, 0.5, 1.0, 2.0, 5.0, 10.0)},
    **{f"focal {gamma:g}, no mean shift": {"gamma": [gamma], "mean_shift": [False]} for gamma in (1.0, 2.0, 5.0)},
    "class shares": {"constant": [True]},
}
# The focal objectives of other packages, which start at a probability of .5.
PEERS: dict[str, dict[str, Space]] = {
    "lightgbm": {name: {"gamma": GAMMAS, "peer": [name]} for name in ("bokbokbok", "imlightgbm")},
    "xgboost": {name: {"gamma": GAMMAS, "peer": [name]} for name in ("bokbokbok", "Imbalance-XGBoost")},
}
CATBOOST: dict[str, Space] = {"log-loss": {}, "focal": {"gamma": GAMMAS, "alpha": [0.25, 0.5, 0.75]}}


def configurations(space: Space, n_draws: int, seed: int) -> list[dict[str, Any]]:
    """Draw configurations; those of two methods agree in what both search. With 0 draws: the defaults, alone."""
    if n_draws == 0:
        return [DEFAULTS | {key: values[0] for key, values in space.items()}]
    shared = _draws(SHARED, n_draws, seed)
    own = [_draws({key: values}, n_draws, seed + k) for k, (key, values) in enumerate(sorted(space.items()), 1)]
    return [dict(pair for part in parts for pair in part.items()) for parts in zip(shared, *own, strict=True)]


def _draws(space: Space, n_draws: int, seed: int) -> list[dict[str, Any]]:
    """Draw without replacement; a space that is exhausted is gone through again."""
    draws: list[dict[str, Any]] = []
    while len(draws) < n_draws:
        size = 1
        for values in space.values():
            size *= len(values)
        draws += list(ParameterSampler(space, min(size, n_draws - len(draws)), random_state=seed + len(draws)))
    return draws
