"""Speed of the compiled pass: against a memory-bound pass over the same bytes, and against plain numpy.

python benchmarks/kernel.py [--pairs 15]

The memory-bound pass is a copy (`numpy.copyto`) of half as many bytes as the kernel reads and writes together, so
that it moves as many. The plain numpy formula is the one of the docstrings, with whole-array temporaries, in the dtype
of the margins.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from pairing import Ratio, compare

import focalboost
from focalboost import BinaryFocalLoss, MulticlassFocalLoss
from focalboost._kernel import instruction_set

Array = npt.NDArray[np.floating]


def numpy_binary(y: Array, z: Array, gamma: float) -> tuple[Array, Array]:
    """Gradient and upper Hessian of the binary loss, stable, in whole-array numpy."""
    s = np.where(y == 1, z, -z)
    e = np.exp(-np.abs(s))
    log1p_e = np.log1p(e)
    v = np.where(s >= 0, 1 / (1 + e), e / (1 + e))
    q = np.where(s >= 0, e / (1 + e), 1 / (1 + e))
    minus_log_v = np.where(s >= 0, log1p_e, log1p_e - s)
    minus_log_q = np.where(s >= 0, log1p_e + s, log1p_e)
    focus = np.exp(-gamma * minus_log_q)
    slope = focus * (q + gamma * v * minus_log_v)
    hessian = focus * v * ((1 + 2 * gamma) * q + gamma**2 * v * minus_log_v)
    gradient = np.where(y == 1, -slope, slope)
    return gradient.astype(np.float32), hessian.astype(np.float32)


def numpy_softmax(y: npt.NDArray[np.intp], z: Array, gamma: float) -> tuple[Array, Array]:
    """Gradient and upper Hessian of the softmax loss, in whole-array numpy."""
    rows = np.arange(len(y))
    e = np.exp(z - z.max(axis=1, keepdims=True))
    others = e.copy()
    others[rows, y] = 0
    total = e.sum(axis=1)
    rest = others.sum(axis=1)
    p = e / total[:, None]
    v, q = p[rows, y], rest / total
    ell = -np.log(v) / q
    focus = q**gamma
    slope = focus * (1 + gamma * v * ell)
    gradient = slope[:, None] * p
    gradient[rows, y] = -slope * q
    r = others / rest[:, None]
    r[rows, y] = 1
    hessian = (focus * gamma * v * q * (2 + (gamma - 1) * v * ell))[:, None] * r**2 + slope[:, None] * p * (1 - p)
    return gradient.astype(np.float32), hessian.astype(np.float32)


def copy_of(n_bytes: int) -> Callable[[], object]:
    """Return a pass that reads and writes `n_bytes` together."""
    source = np.ones(n_bytes // 8, dtype=np.float32)
    target = np.empty_like(source)
    return lambda: np.copyto(target, source)


def report(name: str, ratio: Ratio, bar: str) -> None:
    """Print one line of the table."""
    low, high = ratio.spread
    print(
        f"{name:<54} {ratio.of_medians:8.2f} {ratio.of_minima:8.2f}   {low:6.2f} .. {high:<6.2f} {bar:>8} "
        f"{np.median(ratio.subject) * 1e3:8.2f} ms"
    )


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=15, help="paired runs of each comparison (default: 15)")
    pairs = parser.parse_args().pairs
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(
        f"focalboost {focalboost.__version__} ({instruction_set}), numpy {np.__version__}, "
        f"Python {platform.python_version()}, {platform.machine()}, {cores} cores"
    )
    print(
        f"{'gamma 2, bounded Hessian, float32 output':<54} {'medians':>8} {'minima':>8}   {'quartiles':^16} {'bar':>8}"
    )

    rng = np.random.default_rng(0)
    n = 1_000_000
    y = (rng.random(n) < 0.05).astype(np.float32)
    loss = BinaryFocalLoss(2.0)
    for dtype, bar in ((np.float32, 3.0), (np.float64, 4.0)):
        z = rng.normal(-3, 3, n).astype(dtype)
        plain = compare(
            lambda z=z: numpy_binary(y, z, 2.0),
            lambda z=z: loss.gradient_hessian(y, z, dtype=np.float32, n_threads=1),
            max(5, pairs // 3),
        )
        for threads in (1, 2):
            ratio = compare(
                lambda z=z, threads=threads: loss.gradient_hessian(y, z, dtype=np.float32, n_threads=threads),
                copy_of(z.nbytes + y.nbytes + 8 * n),
                pairs,
            )
            report(f"binary, 1M {np.dtype(dtype)}, {threads} thread(s) / copy", ratio, f"<= {bar}")
        report(f"binary, 1M {np.dtype(dtype)}: plain numpy / 1 thread", plain, ">= 15")

    n, n_classes = 580_000, 7
    classes = rng.integers(0, n_classes, n)
    labels = classes.astype(np.float32)
    softmax = MulticlassFocalLoss(2.0)
    for dtype, order in ((np.float32, "C"), (np.float64, "F")):
        z = np.asarray(rng.normal(0, 2, (n, n_classes)).astype(dtype), order=order)
        for threads in (1, 2):
            ratio = compare(
                lambda z=z: numpy_softmax(classes, z, 2.0),
                lambda z=z, threads=threads: softmax.gradient_hessian(labels, z, dtype=np.float32, n_threads=threads),
                max(5, pairs // 3),
            )
            report(f"softmax K = 7, 580k {np.dtype(dtype)} {order}: plain numpy / {threads} thread(s)", ratio, ">= 10")
    return 0


if __name__ == "__main__":
    sys.exit(main())
