"""A fixed set of margins over their whole range, and what focalboost makes of them.

Run as a script it writes the results to an .npz file: instruction sets are chosen at import, so that each needs a
process of its own.
"""

import sys

import numpy as np

from focalboost import BinaryFocalLoss, MulticlassFocalLoss

GAMMAS = (0.0, 0.3, 0.5, 1.0, 2.0, 2.5, 5.0, 10.0)
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
    return results


if __name__ == "__main__":
    np.savez(sys.argv[1], **evaluate())
