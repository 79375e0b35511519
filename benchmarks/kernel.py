"""The compiled pass alone: against a copy of the same bytes, plain numpy, and torch."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from focalboost import BinaryFocalLoss, MulticlassFocalLoss

from .formulas import numpy_binary, numpy_softmax, torch_binary
from .pairing import compare
from .report import Figure, Skipped
from .scales import Scale

PART = "Kernel: gamma 2 in log-odds, float32 output"


def figures(scale: Scale) -> Iterator[Figure | Skipped]:
    """Ratios for one margin a row, then for seven."""
    yield from binary(scale)
    yield from softmax(scale)


def binary(scale: Scale) -> Iterator[Figure | Skipped]:
    """XGBoost's margins are float32, LightGBM's float64."""
    rng = np.random.default_rng(0)
    n = scale.kernel_rows
    y = (rng.random(n) < 0.05).astype(np.float32)
    loss = BinaryFocalLoss(2.0, score="log_odds")
    for dtype, bar in ((np.float32, "<= 3"), (np.float64, "<= 4")):
        z = rng.normal(-3, 3, n).astype(dtype)

        def run(threads: int, z: np.ndarray = z) -> object:
            return loss.gradient_hessian(y, z, dtype=np.float32, n_threads=threads)

        name = f"binary, {n:,} {np.dtype(dtype)}"
        for threads in (1, 2):
            ratio = compare(
                lambda run=run, threads=threads: run(threads), copy_of(z.nbytes + y.nbytes + 8 * n), scale.kernel_pairs
            )
            yield Figure.of_ratio(PART, f"{name}: {threads} thread(s) / copy of the same bytes", ratio, bar)
        pairs = max(2, scale.kernel_pairs // 3)
        ratio = compare(lambda z=z: numpy_binary(y, z, 2.0), lambda run=run: run(1), pairs)
        yield Figure.of_ratio(PART, f"{name}: plain numpy / 1 thread", ratio, ">= 15")
        yield against_torch(f"{name}: torch autograd / 1 thread", y, z, lambda run=run: run(1), pairs)
        yield from to_focal_logits(name, loss, y, z, pairs)


def against_torch(name: str, y: np.ndarray, z: np.ndarray, run: Callable[[], object], pairs: int) -> Figure | Skipped:
    """Torch on one thread too."""
    if importlib.util.find_spec("torch") is None:
        return Skipped(PART, name, "torch is not installed")
    torch = importlib.import_module("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    label, margin = torch.from_numpy(y), torch.from_numpy(z)
    ratio = compare(lambda: torch_binary(torch, label, margin, 2.0), run, pairs)
    torch.set_num_threads(before)
    return Figure.of_ratio(PART, name, ratio)


def softmax(scale: Scale) -> Iterator[Figure]:
    """Rows in C order as XGBoost gives them, columns in Fortran order as LightGBM does."""
    rng = np.random.default_rng(0)
    n, n_classes = scale.kernel_rows * 58 // 100, 7
    classes = rng.integers(0, n_classes, n)
    labels = classes.astype(np.float32)
    loss = MulticlassFocalLoss(2.0, score="log_odds")
    for dtype, order in ((np.float32, "C"), (np.float64, "F")):
        z = np.asarray(rng.normal(0, 2, (n, n_classes)).astype(dtype), order=order)
        name, pairs = f"softmax K = 7, {n:,} {np.dtype(dtype)} {order}", max(2, scale.kernel_pairs // 3)
        for threads in (1, 2):
            ratio = compare(
                lambda z=z: numpy_softmax(classes, z, 2.0),
                lambda z=z, threads=threads: loss.gradient_hessian(labels, z, dtype=np.float32, n_threads=threads),
                pairs,
            )
            yield Figure.of_ratio(PART, f"{name}: plain numpy / {threads} thread(s)", ratio, ">= 10")
        yield from to_focal_logits(name, loss, labels, z, pairs)


def to_focal_logits(
    name: str, loss: BinaryFocalLoss | MulticlassFocalLoss, y: Any, z: Any, pairs: int
) -> Iterator[Figure]:
    """Ratios of a pass in log-odds to one on focal logits with either Hessian, both on one thread."""
    logits = replace(loss, score="focal_logit")
    for hessian in ("bounded", "expected"):
        ratio = compare(
            lambda: loss.gradient_hessian(y, z, dtype=np.float32, n_threads=1),
            lambda hessian=hessian: logits.gradient_hessian(y, z, hessian=hessian, dtype=np.float32, n_threads=1),
            pairs,
        )
        yield Figure.of_ratio(PART, f"{name}: log-odds / focal logits, {hessian} Hessian", ratio)


def copy_of(n_bytes: int) -> Callable[[], object]:
    """Return a memory-bound pass that reads and writes `n_bytes` together."""
    source = np.ones(n_bytes // 8, dtype=np.float32)
    target = np.empty_like(source)
    return lambda: np.copyto(target, source)
