"""What is compared: each method is a search space beside the one that all share.

A configuration is a dictionary. Three parts read it: with a ``gamma`` the training has a focal objective, without one
the framework's own loss; `rebalancing` reads KEYS of its own; and the rest are parameters of trees. What it does not
say is the framework's default.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sklearn.model_selection import ParameterSampler

from focalboost.search import search_space

Config = dict[str, Any]
Space = Mapping[str, Sequence[Any]]

_SPACE = search_space()
GAMMAS = [gamma for gamma in _SPACE["focal_gamma"] if gamma > 0]
ALPHAS = _SPACE["focal_alpha"]

# What every method searches. Bound: the largest step of a leaf, `max_delta_step`; 0 is none.
_TREES: Space = {"learning_rate": [0.05, 0.1, 0.2], "l2": _SPACE["reg_lambda"], "bound": _SPACE["max_delta_step"]}
SHARED: dict[str, Space] = {
    "open": {**_TREES, "num_leaves": [7, 15, 31]},
    **{group: {**_TREES, "num_leaves": [15, 31, 63, 127]} for group in ("large", "huge")},
    "multiclass": {**_TREES, "num_leaves": [15, 31, 63]},
    "covertype": {**_TREES, "num_leaves": [31, 63, 127]},
}

LOG_LOSS, REFERENCE = "log-loss", "log-loss, bounded"
_FOCAL: dict[str, Space] = {
    **{f"focal {gamma:g}": {"gamma": [gamma]} for gamma in GAMMAS},
    "focal": {"gamma": GAMMAS},
}
BINARY: dict[str, Space] = {
    LOG_LOSS: {"bound": [0.0]},
    REFERENCE: {},
    "balanced weights": {"weight": [1.0]},
    "square-root weights": {"weight": [0.5]},
    "scale_pos_weight": {"pos_weight": [1.0]},
    "undersampling": {"undersample": [0.5, 0.75, 1.0]},
    **_FOCAL,
    "focal, alpha": {"gamma": GAMMAS, "alpha": [alpha for alpha in ALPHAS if alpha is not None]},
}
# KEEL's small sets get many splits for few methods, and Covertype's seven classes are dear.
_FEW = (REFERENCE, "balanced weights", "focal 2", "focal")
METHODS: dict[str, dict[str, Space]] = {
    "large": BINARY,
    "huge": BINARY,
    "multiclass": {name: space for name, space in BINARY.items() if name not in ("scale_pos_weight", "focal, alpha")},
    "open": {name: space for name, space in BINARY.items() if name in (LOG_LOSS, *_FEW)},
    "covertype": {name: space for name, space in BINARY.items() if name in _FEW},
}
CATBOOST: dict[str, Space] = {LOG_LOSS: {}, "focal": {"gamma": GAMMAS, "alpha": [0.25, 0.5, 0.75]}}
SKLEARN: dict[str, Space] = {LOG_LOSS: {}, "focal": {"gamma": GAMMAS}}

# Nothing tuned: the defaults of the framework, or of the focal estimator, and 100 rounds.
UNTUNED: dict[str, Config] = {
    LOG_LOSS: {},
    **{f"log-loss, bound {bound:g}": {"bound": bound} for bound in (1.0, 2.0, 4.0)},
    "balanced weights": {"weight": 1.0},
    "square-root weights": {"weight": 0.5},
    **{
        f"focal {gamma:g}{note}": {"gamma": gamma, **shift}
        for gamma in (0.5, 1.0, 2.0, 5.0, 10.0)
        for note, shift in (("", {}), (", no mean shift", {"mean_shift": False}))
    },
    **{f"focal 2, bound {bound:g}": {"gamma": 2.0, "bound": bound} for bound in (0.0, 1.0, 2.0, 4.0)},
    "class shares": {"constant": True},
}
# Of more classes, no question about the leaf bound but the first.
_CLASSES = {name: config for name, config in UNTUNED.items() if not re.search("bound [14]|focal 2, bound 2", name)}
UNTUNED_OF: dict[str, dict[str, Config]] = {
    **dict.fromkeys(("large", "huge", "open", "saturated"), UNTUNED),
    "multiclass": _CLASSES,
    "covertype": {name: _CLASSES[name] for name in (LOG_LOSS, "log-loss, bound 2", "focal 1", "focal 2")},
}
# scikit-learn's trees have no leaf bound; the estimator's default in its place is an L2 of 1.
SKLEARN_UNTUNED: dict[str, Config] = {
    LOG_LOSS: {},
    "log-loss, L2 1": {"l2": 1.0},
    **{f"focal {gamma:g}": {"gamma": gamma} for gamma in (0.5, 1.0, 2.0, 5.0)},
    "focal 2, L2 0": {"gamma": 2.0, "l2": 0.0},
}


def configurations(space: Space, shared: Space, n_draws: int, seed: int) -> list[Config]:
    """Draw configurations; those of two methods agree in what both search."""
    drawn = _draws(shared, n_draws, seed)
    own = [_draws({key: values}, n_draws, seed + k) for k, (key, values) in enumerate(sorted(space.items()), 1)]
    return [dict(pair for part in parts for pair in part.items()) for parts in zip(drawn, *own, strict=True)]


def _draws(space: Space, n_draws: int, seed: int) -> list[Config]:
    """Draw without replacement; a space that is exhausted is gone through again."""
    draws: list[Config] = []
    while len(draws) < n_draws:
        size = 1
        for values in space.values():
            size *= len(values)
        draws += list(ParameterSampler(space, min(size, n_draws - len(draws)), random_state=seed + len(draws)))
    return draws


def key_of(config: Config) -> str:
    """Return a text that is the same for equal configurations."""
    return json.dumps(config, sort_keys=True)
