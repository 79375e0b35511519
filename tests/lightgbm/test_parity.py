"""gamma = 0 gives the trees of LightGBM's own objectives from the same start."""

import numpy as np
import pytest

lgb = pytest.importorskip("lightgbm")

from focalboost.lightgbm import FocalObjective, to_builtin  # noqa: E402

PARAMS = {"verbosity": -1, "deterministic": True, "force_row_wise": True, "num_threads": 1}
CASES = [
    ("gmsc", "binary", "softmax", None),
    pytest.param("covertype", "multiclass", "softmax", 20_000, marks=pytest.mark.slow),
    pytest.param("covertype", "multiclassova", "ovr", 20_000, marks=pytest.mark.slow),
    pytest.param("fars", "multiclass", "softmax", 20_000, marks=pytest.mark.slow),
    pytest.param("fars", "multiclassova", "ovr", 20_000, marks=pytest.mark.slow),
]


def both(X, y, name, multiclass, weight, rounds, **more):
    """Return the stock booster and the converted one."""
    n_classes = int(y.max()) + 1
    params = PARAMS | ({"num_class": n_classes} if n_classes > 2 else {}) | more
    stock = lgb.train(params | {"objective": name}, lgb.Dataset(X, y, weight=weight), rounds)
    objective = FocalObjective(0.0, multiclass=multiclass).prepare(y, weight)
    booster = lgb.train(params | {"objective": objective}, lgb.Dataset(X, y, weight=weight), rounds)
    return stock, to_builtin(booster, objective)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("data, name, multiclass, n_rows", CASES)
def test_predictions_equal_the_built_in_objective_s(data, name, multiclass, n_rows, weighted, real_data):
    X, y = real_data(data, n_rows)
    assert y.nunique() == y.max() + 1
    weight = np.random.default_rng(0).uniform(0.2, 3.0, len(y)).astype(np.float32) if weighted else None
    stock, converted = both(X, y, name, multiclass, weight, 50)
    one, two = stock.predict(X), converted.predict(X)
    print(f"largest difference {np.abs(one - two).max():.1e}, {np.mean(one == two):.1%} of bits equal")
    np.testing.assert_allclose(two, one, rtol=1e-5)
    assert np.ptp(one) > 0.5


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name, multiclass", [("binary", ""), ("multiclass", "softmax"), ("multiclassova", "ovr")])
def test_synthetic_parity(name, multiclass, weighted, make_data):
    X, y, weight = make_data(4 if multiclass else 2, n=2000)
    stock, converted = both(X, y, name, multiclass or "softmax", weight if weighted else None, 30, learning_rate=0.2)
    np.testing.assert_allclose(converted.predict(X), stock.predict(X), rtol=1e-6)


def test_other_gammas_are_not_the_built_in_objective(make_data):
    X, y, _ = make_data(2, n=2000)
    stock = lgb.train(PARAMS | {"objective": "binary"}, lgb.Dataset(X, y), 10).predict(X)
    objective = FocalObjective(2.0).prepare(y)
    booster = lgb.train(PARAMS | {"objective": objective}, lgb.Dataset(X, y), 10)
    assert np.abs(to_builtin(booster, objective).predict(X) - stock).max() > 0.01
