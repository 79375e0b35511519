"""The data of the study, as plain numbers, and how it is split."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pandas as pd
from datasets import LOADERS, keel_names, load_keel
from sklearn.model_selection import GroupShuffleSplit, RepeatedStratifiedKFold, StratifiedShuffleSplit

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
LARGE = ("gmsc", "bank", "bio", "census")
MULTICLASS = ("kr-vs-k", "fars", "shuttle", "covertype")
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

    @property
    def n_classes(self) -> int:
        """Number of classes K."""
        return int(self.y.max()) + 1

    def take(self, rows: np.ndarray) -> Problem:
        """Return these rows alone."""
        return replace(self, X=self.X[rows], y=self.y[rows], groups=None if self.groups is None else self.groups[rows])


def names(group: str) -> list[str]:
    """Return the sets of a group: open, saturated (the KEEL sets left over), large or multiclass."""
    if group == "saturated":
        return [name for name in keel_names() if name not in OPEN_KEEL]
    return list({"open": OPEN_KEEL, "large": LARGE, "multiclass": MULTICLASS}[group])


@lru_cache(maxsize=4)
def load(name: str) -> Problem:
    """Load a set by its name."""
    X, y = LOADERS[name]() if name in LOADERS else load_keel(name)
    labels = y.to_numpy()
    kept = np.bincount(labels)[labels] >= SMALLEST_CLASS if labels.max() > 1 else np.ones(len(labels), dtype=bool)
    categorical = tuple(k for k, dtype in enumerate(X.dtypes) if isinstance(dtype, pd.CategoricalDtype))
    groups = X.index.to_numpy()[kept] if name == "bio" else None
    return Problem(name, _numbers(X)[kept], np.unique(labels[kept], return_inverse=True)[1], categorical, groups)


def _numbers(X: pd.DataFrame) -> np.ndarray:
    texts = X.select_dtypes("category")
    codes = texts.apply(lambda column: column.cat.codes.astype("float64").replace(-1, np.nan))
    return X.assign(**codes).to_numpy(dtype=np.float64)


def folds(problem: Problem, n_splits: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield training and test rows of repeated stratified 5-fold cross-validation, `n_splits` in all."""
    cv = RepeatedStratifiedKFold(n_splits=5, n_repeats=-(-n_splits // 5), random_state=seed)
    for split, (train, test) in enumerate(cv.split(problem.X, problem.y)):
        if split == n_splits:
            return
        yield train, test


def hold_out(problem: Problem, share: float, seed: int, cap: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return training and test rows, stratified, or by group; of each about `cap`, chosen at random."""
    if problem.groups is not None:
        cv = GroupShuffleSplit(1, test_size=share, random_state=seed)
    else:
        cv = StratifiedShuffleSplit(1, test_size=share, random_state=seed)
    train, test = next(cv.split(problem.X, problem.y, problem.groups))
    return _thin(problem, train, cap, seed), _thin(problem, test, cap, seed)


def _thin(problem: Problem, rows: np.ndarray, cap: int | None, seed: int) -> np.ndarray:
    """Choose about `cap` rows, the same share of each class, but no class falls below SMALLEST_CLASS."""
    if cap is None or len(rows) <= cap:
        return rows
    shuffled = np.random.default_rng(seed).permutation(rows)
    labels = problem.y[shuffled]
    kept = [
        (members := shuffled[labels == k])[: max(SMALLEST_CLASS, round(len(members) * cap / len(rows)))]
        for k in range(problem.n_classes)
    ]
    return np.sort(np.concatenate(kept))
