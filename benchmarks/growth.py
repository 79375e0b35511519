"""How the time grows with the rows and with the classes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from focalboost import BinaryFocalLoss, MulticlassFocalLoss

from .frameworks import FRAMEWORKS, synthetic
from .pairing import Ratio, compare, in_turn
from .report import Figure
from .scales import Scale

PART = "Growth"


def figures(scale: Scale) -> Iterator[Figure]:
    """Five times the rows should take five times as long; as many margins in more columns as long as in one."""
    few, many = scale.growth_rows
    rng = np.random.default_rng(0)
    y = (rng.random(many) < 0.05).astype(np.float32)
    z = rng.normal(-3, 3, many).astype(np.float32)
    loss = BinaryFocalLoss(2.0)
    ratio = compare(
        lambda: loss.gradient_hessian(y, z, n_threads=1),
        lambda: loss.gradient_hessian(y[:few], z[:few], n_threads=1),
        scale.kernel_pairs,
    )
    yield Figure.of_ratio(PART, f"kernel, binary: {many:,} / {few:,} rows", ratio, "<= 5.5")

    softmax = MulticlassFocalLoss(2.0)
    for n_classes in (2, 7, 30, 100):
        n = max(1, few // n_classes)
        labels = rng.integers(0, n_classes, n).astype(np.float32)
        margins = rng.normal(0, 2, (n, n_classes)).astype(np.float32)
        ratio = compare(
            lambda labels=labels, margins=margins: softmax.gradient_hessian(labels, margins, n_threads=1),
            lambda: loss.gradient_hessian(y[:few], z[:few], n_threads=1),
            scale.kernel_pairs,
        )
        yield Figure.of_ratio(PART, f"kernel, {few:,} margins: softmax K = {n_classes} / binary", ratio)

    X, y = synthetic(many)
    for framework in FRAMEWORKS:
        small, large = framework(X[:few], y[:few]), framework(X, y)
        calls = {
            f"{loss} {size}": partial(train, *arguments)
            for size, problem in (("many", large), ("few", small))
            for loss, train, arguments in (
                ("focal", problem.train, (problem.prepared(2.0), 5)),
                ("built-in", problem.stock, (5,)),
            )
        }
        times = in_turn(calls, scale.pairs)
        for loss, bar in (("focal", "<= 5.5"), ("built-in", "")):
            ratio = Ratio(times[f"{loss} many"], times[f"{loss} few"])
            name = f"{framework.name}, {loss}, 5 rounds: {many:,} / {few:,} rows"
            yield Figure.of_ratio(PART, name, ratio, bar)
