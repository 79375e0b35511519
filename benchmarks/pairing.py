"""Timing things against each other on a noisy machine: in turn, and as a ratio."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

Call = Callable[[], object]


@dataclass(frozen=True)
class Ratio:
    """What two things took, measured in turn: seconds, or bytes."""

    subject: tuple[float, ...]
    peer: tuple[float, ...]

    @property
    def of_medians(self) -> float:
        """Median of the subject over median of the peer."""
        return float(np.median(self.subject) / np.median(self.peer))

    @property
    def of_minima(self) -> float:
        """Least of the subject over least of the peer."""
        return min(self.subject) / min(self.peer)

    @property
    def spread(self) -> tuple[float, float]:
        """Quartiles of the ratios pair by pair."""
        low, high = np.quantile(np.divide(self.subject, self.peer), [0.25, 0.75])
        return float(low), float(high)


def seconds(call: Call) -> float:
    """Time one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def in_turn(calls: Mapping[str, Call], rounds: int, warm_up: int = 1) -> dict[str, tuple[float, ...]]:
    """Seconds of each call, all of them run in turn, A B C A B C ..., after a warm-up."""
    for _ in range(warm_up):
        for call in calls.values():
            call()
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            times[name].append(seconds(call))
    return {name: tuple(values) for name, values in times.items()}


def compare(subject: Call, peer: Call, pairs: int, warm_up: int = 2) -> Ratio:
    """Run both in turn, A B A B ..., after a warm-up."""
    times = in_turn({"subject": subject, "peer": peer}, pairs, warm_up)
    return Ratio(times["subject"], times["peer"])
