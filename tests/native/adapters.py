"""What the tests of objectives and metrics share: an adapter and data in the layout of its framework, and problems."""

import importlib
from types import SimpleNamespace

import numpy as np
import pytest

from focalboost import BinaryFocalLoss, MulticlassFocalLoss, SigmoidFocalLoss

FRAMEWORKS = ("lightgbm", "xgboost")
KINDS = ("binary", "softmax", "ovr")


def load(name):
    """Return the adapter of a framework, and a data set and margins as the framework hands them over."""
    package = pytest.importorskip(name)
    adapter = importlib.import_module(f"focalboost.{name}")
    if name == "lightgbm":

        def data(y, weight=None, **params):
            X = np.arange(2.0 * len(y)).reshape(-1, 2)
            return package.Dataset(X, y, weight=weight, params={"verbosity": -1, **params}).construct()

        dtype, order = np.float64, "F"
    else:

        def data(y, weight=None, **params):
            return package.DMatrix(np.arange(2.0 * len(y)).reshape(-1, 2), y, weight=weight)

        dtype, order = np.float32, "C"
    return SimpleNamespace(
        name=name,
        objective=adapter.FocalObjective,
        metric=adapter.FocalMetric,
        adapter=adapter,
        data=data,
        dtype=dtype,
        order=order,
        margins=lambda z: np.array(z, dtype=dtype, order=order),
    )


def settings(kind, **more):
    return {"multiclass": "ovr" if kind == "ovr" else "softmax", **more}


def problem(kind, n=500, n_classes=3, seed=0):
    rng = np.random.default_rng(seed)
    k = 2 if kind == "binary" else n_classes
    z = rng.normal(scale=3, size=n if kind == "binary" else (n, k))
    return rng.integers(0, k, n), z, rng.uniform(0.1, 3, n).astype(np.float32)


def loss_of(kind, gamma, alpha=None, score="log_odds"):
    kinds = {"binary": BinaryFocalLoss, "softmax": MulticlassFocalLoss, "ovr": SigmoidFocalLoss}
    return kinds[kind](gamma, alpha, score=score)


def value(metric_result):
    return next(part for part in np.atleast_1d(np.array(metric_result, dtype=object)) if isinstance(part, float))
