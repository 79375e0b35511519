"""The data of the study, as plain numbers, and how it is split."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupShuffleSplit, RepeatedStratifiedKFold, StratifiedShuffleSplit

from examples.datasets import LOADERS, keel_names, load_keel

# Average precision of an untuned LightGBM below .9: the KEEL sets that leave something to win. They were chosen by
# that score, and come from about seven sources: neither a random sample nor independent.
OPEN_KEEL = (
    "abalone19", "abalone-19_vs_10-11-12-13", "winequality-red-4", "yeast-2_vs_8", "poker-8-9_vs_5",
    "yeast-1-4-5-8_vs_7", "winequality-white-3-9_vs_5", "yeast-1-2-8-9_vs_7", "flare-F", "yeast4", "poker-8-9_vs_6",
    "winequality-white-3_vs_7", "abalone-20_vs_8-9-10", "yeast-1_vs_7", "abalone-17_vs_7-8-9-10",
    "yeast-0-3-5-9_vs_7-8", "abalone9-18", "yeast6", "yeast-0-5-6-7-9_vs_4", "yeast-0-2-5-6_vs_3-7-8-9",
    "led7digit-0-2-4-5-6-7-8-9_vs_1", "yeast5", "yeast-0-2-5-7-9_vs_3-6-8", "yeast3", "yeast-2_vs_4",
    "kddcup-land_vs_portsweep",
)  # fmt: skip
RAREST = "covertype-rarest"  # Covertype's rarest class against the other six
LARGE = ("gmsc", "bank", "bio", "census", RAREST)
# By what a training costs: each group has a budget of its own.
GROUPS = {
    "open": OPEN_KEEL,
    "large": LARGE[:3],
    "huge": LARGE[3:],
    "multiclass": ("kr-vs-k", "shuttle", "fars"),
    "covertype": ("covertype",),
}
# FARS has one such class, of 9 rows: too few to train, choose and judge by.
SMALLEST_CLASS = 10


@dataclass(frozen=True)
class Problem:
    """Features as float64 with NaN for gaps, categories as numbers from 0; labels 0..K-1."""

    name: str
    X: np.ndarray
    y: np.ndarray
    categorical: tuple[int, ...] = ()
    groups: np.ndarray | None = None  # rows that belong together are never split
    n_classes: int = 2

    def take(self, rows: np.ndarray) -> Problem:
        """Return these rows alone."""
        return replace(self, X=self.X[rows], y=self.y[rows], groups=None if self.groups is None else self.groups[rows])


def names(group: str) -> list[str]:
    """Return the sets of one of GROUPS, or of "saturated", KEEL's others."""
    if group == "saturated":
        return [name for name in keel_names() if name not in OPEN_KEEL]
    return list(GROUPS[group])


@lru_cache(maxsize=2)
def load(name: str) -> Problem:
    """Load a set by its name."""
    stem = "covertype" if name == RAREST else name
    X, y = LOADERS[stem]() if stem in LOADERS else load_keel(stem)
    labels = y.to_numpy()
    if name == RAREST:
        labels = (labels == np.bincount(labels).argmin()).astype(np.int64)
    kept = np.bincount(labels)[labels] >= SMALLEST_CLASS if labels.max() > 1 else np.ones(len(labels), dtype=bool)
    categorical = tuple(k for k, dtype in enumerate(X.dtypes) if isinstance(dtype, pd.CategoricalDtype))
    groups = X.index.to_numpy()[kept] if name == "bio" else None
    classes, labels = np.unique(labels[kept], return_inverse=True)
    return Problem(name, _numbers(X)[kept], labels, categorical, groups, len(classes))


def _numbers(X: pd.DataFrame) -> np.ndarray:
    texts = X.select_dtypes("category")
    codes = texts.apply(lambda column: column.cat.codes.astype("float64").replace(-1, np.nan))
    return X.assign(**codes).to_numpy(dtype=np.float64)


def split(problem: Problem, group: str, number: int, seed: int) -> tuple[Problem, Problem]:
    """Return the training and the test rows of a split by its number.

    Of the small sets they are the halves of five stratified 2-fold cross-validations, ten in all; of the large ones
    two thirds and one third, anew for each split.
    """
    if group not in ("open", "saturated"):
        return hold_out(problem, 1 / 3, seed + number)
    cv = RepeatedStratifiedKFold(n_splits=2, n_repeats=5, random_state=seed)
    train, test = list(cv.split(problem.X, problem.y))[number]
    return problem.take(train), problem.take(test)


def hold_out(problem: Problem, share: float, seed: int) -> tuple[Problem, Problem]:
    """Split off a share of the rows, stratified by class, or by whole groups."""
    if problem.groups is not None:
        cv = GroupShuffleSplit(1, test_size=share, random_state=seed)
    else:
        cv = StratifiedShuffleSplit(1, test_size=share, random_state=seed)
    train, test = next(cv.split(problem.X, problem.y, problem.groups))
    return problem.take(train), problem.take(test)
