"""What the property tests draw: losses with labels, margins and weights of every kind, in any memory layout."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from test_layouts import LAYOUTS

from focalboost import BinaryFocalLoss, MulticlassFocalLoss, SigmoidFocalLoss

# The same cases in every run, so that a failure is one of the change, not of the day. To look for more:
# HYPOTHESIS_PROFILE=search python -m pytest tests/losses/test_properties.py
COMMON = {"database": None, "deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("repeatable", derandomize=True, max_examples=60, **COMMON)
settings.register_profile("search", max_examples=5000, **COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

KINDS = ("binary", "softmax", "ovr", "multilabel")
LABEL_DTYPES = (bool, np.int8, np.uint8, np.int32, np.int64, np.uint64, np.float16, np.float32, np.float64)
# Few of them in log-odds, where each has its tables to be made.
GAMMAS = {
    "focal_logit": st.sampled_from([0.0, 1.0, 2.0]) | st.floats(0, 20) | st.floats(20, 1e6),
    "log_odds": st.sampled_from([0.0, 0.3, 0.5, 1.0, 2.0, 2.5, 5.0, 10.0, 20.0, 40.0]) | st.floats(0, 40),
}


@dataclass(frozen=True)
class Problem:
    """A loss and what it is called with."""

    kind: str
    loss: Any
    y: Any
    z: Any
    weight: Any

    @property
    def own(self) -> Any:
        """True where a margin is that of the row's label: it ought to grow."""
        if self.kind == "multilabel":
            return self.y == 1
        return self.y == 1 if self.z.ndim == 1 else np.arange(self.z.shape[1]) == self.y[:, None]


def margins(dtype: Any, infinite: bool) -> Any:
    """Any number of the type, and, more often, ones of a size that boosting sees."""
    width = np.dtype(dtype).itemsize * 8
    usual = st.floats(-30, 30, width=width)
    wild = st.floats(width=width, allow_nan=False, allow_infinity=infinite)
    return usual | usual | wild


def weights(dtype: Any = np.float64, largest: float = 1e20) -> Any:
    """Zeros, and ratios up to 1e40."""
    width = np.dtype(dtype).itemsize * 8
    return (
        st.just(0.0)
        | st.floats(0.125, 8, width=width)
        | st.floats(2.0**-66, 2.0**66, width=width).filter(lambda w: w <= largest)
    )


@st.composite
def problems(
    draw: Any, kinds: tuple[str, ...] = KINDS, infinite: bool = True, scores: tuple[str, ...] = ("focal_logit",)
) -> Problem:
    kind, dtype = draw(st.sampled_from(kinds)), draw(st.sampled_from([np.float32, np.float64]))
    n, k = draw(st.integers(1, 12)), draw(st.integers(2, 5))
    k = {"binary": 2, "multilabel": draw(st.integers(1, 5))}.get(kind, k)
    shape = n if kind == "binary" else (n, k)
    y = draw(
        hnp.arrays(np.int64, shape, elements=st.integers(0, 1))
        if kind == "multilabel"
        else hnp.arrays(np.int64, n, elements=st.integers(0, k - 1))
    )
    z = draw(hnp.arrays(dtype, shape, elements=margins(dtype, infinite)))
    if kind == "softmax":  # at most one +inf in a row, and one above -inf
        first = np.argmax(z, axis=1)[:, None] != np.arange(k)
        z[(z == np.inf) & first] = np.finfo(dtype).max
        z[np.isneginf(z).all(axis=1), 0] = 0
    weight = draw(st.none() | hnp.arrays(np.float64, n, elements=weights()))
    loss = {"binary": BinaryFocalLoss, "softmax": MulticlassFocalLoss}.get(kind, SigmoidFocalLoss)
    score = draw(st.sampled_from(scores))
    return Problem(kind, loss(draw(GAMMAS[score]), draw(alphas(kind, k)), score=score), y, z, weight)


def alphas(kind: str, k: int) -> Any:
    weight = st.floats(1e-3, 1e3) | st.floats(1e-15, 1e15)
    if kind == "softmax":
        return st.none() | st.lists(weight, min_size=k, max_size=k)
    if kind == "binary":
        return st.none() | st.floats(0.01, 0.99) | st.tuples(weight, weight)
    return st.none() | st.floats(0.01, 0.99) | st.lists(st.tuples(weight, weight), min_size=k, max_size=k)


def layouts() -> Any:
    return st.sampled_from(sorted(LAYOUTS)).map(LAYOUTS.__getitem__)
