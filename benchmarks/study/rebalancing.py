"""Class weights and undersampling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from imblearn.under_sampling import RandomUnderSampler

from .problems import Problem

KEYS = ("weight", "pos_weight", "undersample")  # the strength of each: 0 leaves the classes alone, 1 balances them


@dataclass(frozen=True)
class Rows:
    """What a learner is given."""

    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray | None = None
    pos_weight: float | None = None


def rebalance(problem: Problem, config: Mapping[str, Any], seed: int) -> Rows:
    """Weigh or thin out the rows as the configuration says, which has at most one of KEYS."""
    counts = np.bincount(problem.y, minlength=problem.n_classes)
    if "weight" in config:
        by_class = (counts.sum() / (len(counts) * counts)) ** config["weight"]
        return Rows(problem.X, problem.y, by_class[problem.y])
    if "pos_weight" in config:  # the frameworks weigh label 1 themselves
        return Rows(problem.X, problem.y, pos_weight=float(counts[0] / counts[1]) ** config["pos_weight"])
    if "undersample" in config:
        kept = np.rint(counts * (counts.min() / counts) ** config["undersample"]).astype(int)
        sampler = RandomUnderSampler(sampling_strategy=dict(enumerate(kept.tolist())), random_state=seed)
        return Rows(*sampler.fit_resample(problem.X, problem.y))
    return Rows(problem.X, problem.y)
