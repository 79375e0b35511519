"""Timing two things against each other on a noisy machine: in turn, and as a ratio."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Ratio:
    """Seconds of two callables that ran in turn."""

    subject: tuple[float, ...]
    peer: tuple[float, ...]

    @property
    def of_medians(self) -> float:
        """Median of the subject over median of the peer."""
        return float(np.median(self.subject) / np.median(self.peer))

    @property
    def of_minima(self) -> float:
        """Fastest of the subject over fastest of the peer."""
        return min(self.subject) / min(self.peer)

    @property
    def spread(self) -> tuple[float, float]:
        """Quartiles of the ratios pair by pair."""
        pairs = np.divide(self.subject, self.peer)
        low, high = np.quantile(pairs, [0.25, 0.75])
        return float(low), float(high)


def seconds(call: Callable[[], object]) -> float:
    """Time one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def compare(subject: Callable[[], object], peer: Callable[[], object], pairs: int, warm_up: int = 2) -> Ratio:
    """Run both in turn, A B A B ..., after a warm-up."""
    for _ in range(warm_up):
        subject()
        peer()
    times = [(seconds(subject), seconds(peer)) for _ in range(pairs)]
    return Ratio(*zip(*times, strict=True))
