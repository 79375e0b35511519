"""One training in either framework: same rows, same number of leaves, any objective.

Both grow 31 leaves best first and take any split that leaves 20 rows (LightGBM) or has any gain (XGBoost), so that a
loss with small Hessians gets as many leaves as one with large ones.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import lightgbm as lgb
import numpy as np
import xgboost as xgb

import focalboost.lightgbm
import focalboost.xgboost
from focalboost import BinaryFocalLoss, MulticlassFocalLoss

from .formulas import NumpyFocal

Array = np.ndarray[Any, Any]


def synthetic(n_rows: int, n_features: int = 20) -> tuple[Array, Array]:
    """Numbers, and labels of which some 10 % are positive."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_rows, n_features), dtype=np.float32)
    risk = X[:, 0] + X[:, 1] * X[:, -1] - 2.8
    return X, (rng.random(n_rows) < 1 / (1 + np.exp(-risk))).astype(np.float32)


@dataclass
class Tape:
    """What objectives returned, in the order of their calls."""

    kept: list[tuple[Array, Array]] = field(default_factory=list)
    played: int | None = None  # None while recording

    def rewind(self) -> None:
        """Play from the first call."""
        self.played = 0


class Recorder:
    """An objective that keeps what another returned, and can play it again at no cost.

    The same gradients give the same trees, so what playing takes beyond the built-in objective is the framework's own
    price of a custom one.
    """

    def __init__(self, objective: Callable[..., tuple[Array, Array]], tape: Tape) -> None:
        self.objective, self.tape = objective, tape

    def __deepcopy__(self, memo: Any) -> Self:
        """Return the same object: LightGBM copies its parameters, and would keep the records to itself."""
        return self

    def __call__(self, first: Array, second: Any) -> tuple[Array, Array]:
        """Record, or play."""
        tape = self.tape
        if tape.played is None:
            tape.kept.append(self.objective(first, second))
            return tape.kept[-1]
        tape.played += 1
        return tape.kept[tape.played - 1]


class Idle:
    """An objective that computes nothing and returns two arrays it holds: the least that a custom objective takes."""

    def __init__(self, n_rows: int) -> None:
        self.gradient = np.random.default_rng(0).standard_normal(n_rows, dtype=np.float32)
        self.hessian = np.ones_like(self.gradient)

    def __deepcopy__(self, memo: Any) -> Self:
        """Return the same object, as LightGBM copies its parameters."""
        return self

    def __call__(self, margin: Array, data: Any) -> tuple[Array, Array]:
        """Return the arrays."""
        return self.gradient, self.hessian


class ThreadSwitch:
    """An objective whose kernel gets one thread and two in turn, while the framework keeps its own."""

    def __init__(self, objective: Callable[..., tuple[Array, Array]]) -> None:
        self.objective = objective
        self.seconds: dict[int, list[float]] = {1: [], 2: []}

    def __deepcopy__(self, memo: Any) -> Self:
        """Return the same object, as LightGBM copies its parameters."""
        return self

    def __call__(self, margin: Array, data: Any) -> tuple[Array, Array]:
        """Compute twice, first with the one number of threads, then with the other; time both."""
        rounds = len(self.seconds[1])
        for threads in (1, 2) if rounds % 2 else (2, 1):
            before = os.environ.get("OMP_NUM_THREADS")
            os.environ["OMP_NUM_THREADS"] = str(threads)  # the kernel reads it in each call, the framework has read it
            start = time.perf_counter()
            result = self.objective(margin, data)
            self.seconds[threads].append(time.perf_counter() - start)
            if before is None:
                del os.environ["OMP_NUM_THREADS"]
            else:
                os.environ["OMP_NUM_THREADS"] = before
        return result


@dataclass(frozen=True)
class LightGBM:
    """`lightgbm.train` on rows that are binned already."""

    X: Any
    y: Array
    n_classes: int = 2

    name: ClassVar[str] = "LightGBM"
    objective: ClassVar[type] = focalboost.lightgbm.FocalObjective
    margin_dtype: ClassVar[type] = np.float64

    def __post_init__(self) -> None:
        object.__setattr__(self, "data", lgb.Dataset(self.X, self.y).construct())

    def focal(self, gamma: float, rounds: int) -> Any:
        """Train as a user does, with the one call of focalboost."""
        return focalboost.lightgbm.train(self._params(self.objective(gamma)), self.data, rounds)

    def prepared(self, gamma: float) -> Any:
        """Return the objective that such a call trains with."""
        return self.objective(gamma).prepare(self.y, num_class=self._num_class)

    def train(self, objective: Any, rounds: int) -> Any:
        """Train with any objective in LightGBM's own call."""
        bound = {} if isinstance(objective, str) else {"max_delta_step": 2.0}
        return lgb.train(self._params(objective) | bound, self.data, rounds)

    def by_hand(self, gamma: float, rounds: int) -> Any:
        """Train with a focal loss in plain numpy, from the start of its focal logits."""
        loss = (BinaryFocalLoss if self.n_classes == 2 else MulticlassFocalLoss)(gamma)
        return self.train(NumpyFocal(gamma, loss.intercept(self.y)), rounds)

    @property
    def _num_class(self) -> int:
        return self.n_classes if self.n_classes > 2 else 1

    def _params(self, objective: Any) -> dict[str, Any]:
        return {
            "objective": objective,
            "num_leaves": 31,
            "metric": "None",
            "verbosity": -1,
            "num_class": self._num_class,
        }

    def stock(self, rounds: int) -> Any:
        """Train with the built-in log-loss."""
        return self.train("binary" if self.n_classes == 2 else "multiclass", rounds)

    @staticmethod
    def leaves(booster: Any) -> int:
        """Count the leaves of all trees."""
        return sum(
            int(row.split("=")[1]) for row in booster.model_to_string().splitlines() if "num_leaves=" in row[:11]
        )


@dataclass(frozen=True)
class XGBoost:
    """`xgboost.train` (hist) on rows that are binned already."""

    X: Any
    y: Array
    n_classes: int = 2

    name: ClassVar[str] = "XGBoost"
    objective: ClassVar[type] = focalboost.xgboost.FocalObjective
    margin_dtype: ClassVar[type] = np.float32

    def __post_init__(self) -> None:
        object.__setattr__(self, "data", xgb.QuantileDMatrix(self.X, self.y))

    def focal(self, gamma: float, rounds: int) -> Any:
        """Train as a user does, with the one call of focalboost."""
        return focalboost.xgboost.train(self._params(), self.data, rounds, obj=self.objective(gamma))

    def prepared(self, gamma: float) -> Any:
        """Return the objective that such a call trains with."""
        return self.objective(gamma).normalize(self.y, num_class=self._num_class)

    def train(self, objective: Any, rounds: int) -> Any:
        """Train with any objective in XGBoost's own call, from the start of the log-loss."""
        own = {} if objective is None else {"base_score": self._start(), "max_delta_step": 4.0}
        return xgb.train(self._params() | own, self.data, rounds, obj=objective)

    def by_hand(self, gamma: float, rounds: int) -> Any:
        """Train with a focal loss in plain numpy, from the start of its focal logits."""
        loss = (BinaryFocalLoss if self.n_classes == 2 else MulticlassFocalLoss)(gamma)
        start = loss.intercept(self.y)
        score = 1 / (1 + np.exp(-start)) if self.n_classes == 2 else (start - start.mean()).tolist()
        return xgb.train(self._params() | {"base_score": score}, self.data, rounds, obj=NumpyFocal(gamma))

    def _start(self) -> Any:
        return focalboost.xgboost.base_score(self.objective(), self.y, num_class=self._num_class)

    @property
    def _num_class(self) -> int:
        return self.n_classes if self.n_classes > 2 else 1

    def _params(self) -> dict[str, Any]:
        params = {
            "objective": "binary:logistic" if self.n_classes == 2 else "multi:softprob",
            "tree_method": "hist",
            "grow_policy": "lossguide",
            "max_leaves": 31,
            "max_depth": 0,
            "disable_default_eval_metric": True,
        }
        if self.n_classes > 2:
            params["num_class"] = self.n_classes
        return params

    def stock(self, rounds: int) -> Any:
        """Train with the built-in log-loss."""
        return self.train(None, rounds)

    @staticmethod
    def leaves(booster: Any) -> int:
        """Count the leaves of all trees."""
        return sum(tree.count("leaf=") for tree in booster.get_dump())


FRAMEWORKS = (LightGBM, XGBoost)
