"""The losses compared, and what is searched for each: every method draws the same trees and its own parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from scipy.optimize import brentq, least_squares
from scipy.special import log_softmax

import focalboost.lightgbm as focal_lgb
import focalboost.xgboost as focal_xgb
from focalboost import BinaryFocalLoss, MulticlassFocalLoss

Config = Mapping[str, Any]
Derivatives = tuple[np.ndarray, np.ndarray]
Objective = Callable[[np.ndarray, np.ndarray], Derivatives]

STOCK, OURS = "cross-entropy", "focal, ours"
# A list holds choices, a pair the ends of a range. Those of the authors' examples, and gamma as their focusing r.
SPACES: dict[str, dict[str, Any]] = {
    STOCK: {},
    "WCE": {"r": [2.0, 3.0, 5.0]},
    "FL": {"r": [0.5, 1.0, 2.0]},
    "ASL": {"r1": [0.0, 0.1], "r2": [0.5, 1.0, 2.0], "m": (0.05, 0.2)},
    "ACE": {"m": (0.05, 0.2)},
    "AWE": {"r": [2.0, 3.0, 5.0], "m": (0.05, 0.2)},
    OURS: {"gamma": [0.5, 1.0, 2.0]},
}
# The authors' ranges, but for the learning rate: theirs reaches from .01 (.001 in XGBoost) to 1, for a hundred draws
# and a thousand rounds.
TREES: dict[str, dict[str, Any]] = {
    "lightgbm": {"num_leaves": list(range(8, 33)), "reg_alpha": (1e-4, 2.0), "reg_lambda": (1e-4, 2.0)},
    "xgboost": {"max_depth": list(range(2, 11)), "reg_alpha": (1e-4, 1.0), "reg_lambda": (1e-4, 5.0)},
}
LEARNING_RATE = (0.03, 0.3)
# The leaf bound of our estimators. In the honest protocol half of the draws have it, whatever the loss.
LEAF_BOUND = {"lightgbm": 2.0, "xgboost": 4.0}


def gbdtcbl_installed() -> bool:
    """Whether the authors' package is there."""
    return find_spec("gbdtCBL") is not None


def configurations(framework: str, method: str, n_draws: int, seed: int, *, bounded: bool) -> list[dict[str, Any]]:
    """Draw configurations: trees from one stream, the same for every method, the loss's own parameters from another.

    A parameter with choices goes through them all before one comes again.
    """
    shared, own = (np.random.default_rng([seed, stream]) for stream in (0, 1))
    draws = [{} for _ in range(n_draws)]
    rates = np.exp(shared.uniform(*np.log(LEARNING_RATE), n_draws))
    for space, rng in ((TREES[framework], shared), (SPACES[method], own)):
        for name, values in space.items():
            drawn = _spread(values, n_draws, rng) if isinstance(values, list) else rng.uniform(*values, n_draws)
            for config, value in zip(draws, drawn, strict=True):
                config[name] = int(value) if isinstance(value, int | np.integer) else float(value)
    bounds = _spread([LEAF_BOUND[framework], 0.0], n_draws, shared) if bounded else [0.0] * n_draws
    return [
        config | {"learning_rate": float(rate), "max_delta_step": float(bound)}
        for config, rate, bound in zip(draws, rates, bounds, strict=True)
    ]


def _spread(values: list[Any], n_draws: int, rng: np.random.Generator) -> list[Any]:
    return np.concatenate([rng.permutation(values) for _ in range(-(-n_draws // len(values)))])[:n_draws].tolist()


def theirs(method: str, n_classes: int, config: Config, framework: str = "xgboost") -> Any:
    """Return a loss object of gbdtCBL."""
    if n_classes == 2:
        names = {"r": "r1"} if method in ("WCE", "FL", "AWE") else {}
        own = {names.get(name, name): config[name] for name in SPACES[method]}
        return getattr(import_module("gbdtCBL.binary"), f"{method}Loss")(**own)
    prefix = {"lightgbm": "lgb", "xgboost": "xgb"}[framework]
    kind = getattr(import_module(f"gbdtCBL.{prefix}multi"), f"{prefix.upper()}{method}Multi")
    return kind(**{name: config[name] for name in SPACES[method]})


def ours(framework: str, config: Config, y: np.ndarray, n_classes: int) -> Any:
    """Return our objective in log-odds, made ready for these labels, and without a start of its own."""
    kind = focal_xgb.FocalObjective if framework == "xgboost" else focal_lgb.FocalObjective
    return kind(config["gamma"]).normalize(y, None, 1 if n_classes == 2 else n_classes)


def objective(framework: str, method: str, config: Config, y: np.ndarray, n_classes: int) -> Objective:
    """Return a function from labels and margins, one column for each class beyond two, to gradients and Hessians."""
    if method == OURS:
        return ours(framework, config, y, n_classes)
    loss = theirs(method, n_classes, config, framework)

    def derivatives(labels: np.ndarray, margin: np.ndarray) -> Derivatives:
        gradient, hessian = loss(labels, margin)
        # The one for LightGBM returns class after class in one long array.
        return tuple(part.reshape(margin.shape, order="F") for part in (gradient, hessian))

    return derivatives


def log_prior(y: np.ndarray) -> np.ndarray:
    """Return the log-odds of class 1, or the log of each class's share."""
    shares = np.log(np.bincount(y) / len(y))
    return shares[1:] - shares[:1] if len(shares) == 2 else shares


def right_start(method: str, loss: Objective | None, y: np.ndarray) -> np.ndarray:
    """Return the constant at which a loss is stationary, by its own gradients; of the cross-entropy the log-prior.

    The gradients of some of the multiclass losses vanish nowhere: these start at the log-prior too.
    """
    prior = log_prior(y)
    if method in (STOCK, OURS):  # ours trains in log-odds
        return prior
    counts, labels = np.bincount(y), np.arange(max(len(prior), 2))

    def total(z: np.ndarray) -> np.ndarray:
        margin = np.tile(z, (len(labels), 1))
        gradient = loss(labels, margin[:, 0] if len(prior) == 1 else margin)[0]
        return (counts / len(y)) @ gradient.reshape(margin.shape)

    if len(prior) == 1:
        return np.array([brentq(lambda z: total(np.array([z])).item(), -16, 16)])  # clipped further out
    found = least_squares(lambda z: np.append(total(z), (z - prior).mean()), prior)
    return found.x if np.abs(found.fun).max() < 1e-4 else prior


def exact_log_probabilities(method: str, config: Config, margin: np.ndarray) -> np.ndarray | None:
    """Return log-probabilities by the exact inverse of the loss's link; None for a loss that has none."""
    if method in (STOCK, OURS):
        return log_probabilities(margin)
    if method == "FL":
        loss = (BinaryFocalLoss if margin.shape[1] == 1 else MulticlassFocalLoss)(config["r"])
        return np.log(np.maximum(loss.predict_proba(margin.squeeze(1) if margin.shape[1] == 1 else margin), 1e-300))
    if method == "WCE" and margin.shape[1] == 1:
        return log_probabilities(margin - np.log(config["r"]))
    return None


def log_probabilities(margin: np.ndarray) -> np.ndarray:
    """Return the log of the plain sigmoid, for both classes, or of the plain softmax."""
    return log_softmax(np.column_stack([np.zeros(len(margin)), margin]) if margin.shape[1] == 1 else margin, axis=1)
