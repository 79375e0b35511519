"""A fixed set of margins over their whole range, and what focalboost makes of them.

Run as a script it writes the results to an .npz file: instruction sets are chosen at import, so that each needs a
process of its own.
"""

import sys
from itertools import product

import numpy as np

from focalboost import BinaryFocalLoss, MulticlassFocalLoss

GAMMAS = (0.0, 0.3, 0.5, 1.0, 2.0, 2.5, 5.0, 10.0)
LOG_ODDS_GAMMAS = (
    0.0,
    0.3,
    0.5,
    1.0,
    2.0,
    2.5,
    5.0,
    10.0,
    *np.random.default_rng(7).uniform(0, 12, 2).round(3).tolist(),
)
SOFTMAX_ALPHA = 2.0 ** np.array([0, -1, 2, 1, -3] * 4)
# name: margins, output
PRECISIONS = {
    "f64": (np.float64, np.float64),
    "f32": (np.float32, np.float32),
    "f32-f64": (np.float32, np.float64),
    "f64-f32": (np.float64, np.float32),
}
HESSIANS = ("upper", "exact", "bounded", "expected")
SOFTMAX_CLASSES = (2, 3, 5, 20)
_SOFTMAX_ROWS = {2: 30, 3: 40, 5: 30, 20: 12}


def binary_margins():
    """Return z and y, every z with both labels, in float64."""
    special = np.array([0.0, 1e-300, 1e-20, 1e-8, 36.9, 37.0, 80.0, 80.1, 88.0, 232.8, 690.0, 690.1, 710.0, 745.0])
    logarithmic = np.geomspace(1e-3, 745.0, 40)
    size = np.concatenate([special, logarithmic, np.linspace(0.0, 6.0, 41), np.linspace(0.61, 0.77, 17)])
    z = np.concatenate([size, -size])
    return np.repeat(z, 2), np.tile([0, 1], len(z))


def softmax_margins(n_classes):
    """Return z and y: random rows of four scales, and rows with ties."""
    rng = np.random.default_rng(n_classes)
    n = _SOFTMAX_ROWS[n_classes]
    rows = [rng.normal(scale=scale, size=(n, n_classes)) for scale in (1, 10, 100, 300)]
    ties = np.zeros((6, n_classes))
    ties[1, 0], ties[2, -1], ties[3, 0], ties[4] = 40.0, -40.0, 1e-6, 1234.5
    ties[5, ::2] = 3.0
    z = np.concatenate([*rows, ties])
    return z, np.arange(len(z)) % n_classes


def log_odds_rows(n_classes):
    """Return f and y of some rows, f within 700 of each other; for 1 class margins of two labels."""
    rng = np.random.default_rng(n_classes)
    if n_classes == 1:
        size = np.array(
            [0.0, 1e-300, 1e-8, 0.01, 0.3, 1.0, 2.7, 5.0, 11.0, 23.0, 37.0, 52.0, 80.0, 137.0, 300.0, 660.0]
        )
        size = np.concatenate([size, rng.uniform(0, 8, 12)])
        return np.repeat(np.concatenate([size, -size]), 2), np.tile([0, 1], 2 * len(size))
    rows = [rng.normal(scale=scale, size=(1, n_classes)) for scale in (0.3, 1, 3, 8, 40, 200)]
    f = np.concatenate([*rows, np.zeros((1, n_classes)), 5.0 * np.eye(n_classes)[:1] - 400.0])
    return f, np.arange(len(f)) % n_classes


def weights(n):
    """Return sample weights whose products with the results are rounded."""
    return np.random.default_rng(0).uniform(0.1, 3, n)


def evaluate():
    """Return everything focalboost computes, by name."""
    results = {}
    problems = {"binary": (*binary_margins(), BinaryFocalLoss, None)}
    for k in SOFTMAX_CLASSES:
        problems[f"softmax-{k}"] = (*softmax_margins(k), MulticlassFocalLoss, SOFTMAX_ALPHA[:k])
    for name, (z, y, kind, alpha) in problems.items():
        for gamma in GAMMAS:
            loss = kind(gamma, alpha)
            for precision, (margins, output) in PRECISIONS.items():
                margin = z.astype(margins)
                for hessian in HESSIANS:
                    g, h = loss.gradient_hessian(y, margin, hessian=hessian, dtype=output)
                    results[f"{name}/{gamma}/{precision}/gradient-{hessian}"] = g
                    results[f"{name}/{gamma}/{precision}/{hessian}"] = h
                if margins == output:
                    results[f"{name}/{gamma}/{precision}/loss"] = loss.loss(y, margin)
                    weight = weights(len(y)).astype(margins)
                    results[f"{name}/{gamma}/{precision}/sum"] = np.array(loss(y, margin, weight, reduction="sum"))
    for k, gamma, (precision, (margins, output)) in product(
        (1, *SOFTMAX_CLASSES[:3]), LOG_ODDS_GAMMAS, PRECISIONS.items()
    ):
        f, y = log_odds_rows(k)
        loss = (BinaryFocalLoss if k == 1 else MulticlassFocalLoss)(gamma, score="log_odds")
        for hessian in ("expected", "exact"):
            g, h = loss.gradient_hessian(y, f.astype(margins), hessian=hessian, dtype=output)
            results[f"log-odds-{k}/{gamma}/{precision}/gradient-{hessian}"] = g
            results[f"log-odds-{k}/{gamma}/{precision}/{hessian}"] = h
        if margins == output:
            results[f"log-odds-{k}/{gamma}/{precision}/loss"] = loss.loss(y, f.astype(margins))
    return results


if __name__ == "__main__":
    np.savez(sys.argv[1], **evaluate())
