"""Class weights and resampling, with what they do to the classes' shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from imblearn.over_sampling import SMOTE, SMOTENC, RandomOverSampler
from imblearn.under_sampling import RandomUnderSampler

from focalboost import effective_alpha

from .problems import Problem

KEYS = ("weight", "pos_weight", "effective", "oversample", "undersample", "smote")


@dataclass(frozen=True)
class Rows:
    """What a learner is given. ``class_weight`` says how much heavier than in the data each class weighs."""

    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray | None
    class_weight: tuple[float, ...] | None


def applicable(problem: Problem, config: Mapping[str, Any]) -> bool:
    """Whether a configuration can be had for this data: SMOTE measures distances, and knows no gaps."""
    n_features = problem.X.shape[1]
    return "smote" not in config or not (np.isnan(problem.X).any() or len(problem.categorical) == n_features)


def rebalance(problem: Problem, config: Mapping[str, Any], seed: int) -> Rows:
    """Weigh or resample the rows as the configuration says, which has at most one of KEYS."""
    counts = np.bincount(problem.y, minlength=problem.n_classes)
    if "weight" in config or "effective" in config:
        if "weight" in config:
            by_class = (counts.sum() / (len(counts) * counts)) ** config["weight"]
        else:
            by_class = np.array(effective_alpha(counts, config["effective"]))
        return Rows(problem.X, problem.y, by_class[problem.y], tuple(by_class))
    if "pos_weight" in config:  # the frameworks weigh label 1 themselves
        return Rows(problem.X, problem.y, None, (1.0, float(counts[0] / counts[1]) ** config["pos_weight"]))
    key = next((key for key in KEYS if key in config), None)
    if key is None:
        return Rows(problem.X, problem.y, None, None)
    aim = counts.min() if key == "undersample" else counts.max()
    target = np.rint(counts * (aim / counts) ** config[key]).astype(int)
    sampler = _sampler(key, problem, counts, dict(enumerate(target.tolist())), seed)
    X, y = sampler.fit_resample(problem.X, problem.y)
    return Rows(np.asarray(X), np.asarray(y), None, tuple(np.bincount(y, minlength=len(counts)) / counts))


def _sampler(key: str, problem: Problem, counts: np.ndarray, target: dict[int, int], seed: int) -> Any:
    if key == "oversample":
        return RandomOverSampler(sampling_strategy=target, random_state=seed)
    if key == "undersample":
        return RandomUnderSampler(sampling_strategy=target, random_state=seed)
    options = {"sampling_strategy": target, "random_state": seed, "k_neighbors": int(min(5, counts.min() - 1))}
    if problem.categorical:
        return SMOTENC(categorical_features=list(problem.categorical), **options)
    return SMOTE(**options)
