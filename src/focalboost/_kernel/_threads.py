"""How many threads a pass gets."""

from __future__ import annotations

import os

# Below this many values a pass takes less time than starting a thread saves.
MIN_VALUES_PER_THREAD = 25_000


def available_threads() -> int:
    """Return OMP_NUM_THREADS where it is set (joblib sets it in its workers), else the usable processors."""
    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if first.isdecimal() and int(first) > 0:
        return int(first)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def thread_count(n_threads: int | None, n_values: int) -> int:
    """Return the number of threads for a pass over `n_values` margins."""
    if n_threads is not None:
        return n_threads
    useful = n_values // MIN_VALUES_PER_THREAD
    return 1 if useful <= 1 else min(available_threads(), useful)
