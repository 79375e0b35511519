"""The estimators' leaf bounds, 100 rounds, any gamma and share: no NaN, no constant model, no worse than stock."""

import functools
import importlib

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold

from benchmarks.stress import overlapping

GAMMAS = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0)
# Share of positives: rows of training and test part together, seeds.
SHARES = {0.1: (6_000, 5), 0.01: (20_000, 5), 0.001: (14_000, 2), 0.0001: (20_000, 2)}
TOLERANCE = 0.02

pytestmark = pytest.mark.slow


class WithLightGBM:
    def __init__(self):
        self.lgb = pytest.importorskip("lightgbm")
        self.adapter = importlib.import_module("focalboost.lightgbm")
        self.params = {"verbosity": -1, "num_threads": 1, "deterministic": True, "force_row_wise": True}

    def stock(self, X, y, X_test, **more):
        booster = self.lgb.train(self.params | {"objective": "binary"} | more, self.lgb.Dataset(X, y), 100)
        return booster.predict(X_test, raw_score=True)

    def focal(self, X, y, X_test, gamma):
        params = self.params | {"objective": self.adapter.FocalObjective(gamma), "max_delta_step": 2}
        return self.adapter.train(params, self.lgb.Dataset(X, y), 100).predict(X_test, raw_score=True)


class WithXGBoost:
    def __init__(self):
        self.xgb = pytest.importorskip("xgboost")
        self.adapter = importlib.import_module("focalboost.xgboost")
        self.params = {"objective": "binary:logistic", "nthread": 1}

    def _margins(self, train, X, y, X_test, more, **keywords):
        booster = train(self.params | more, self.xgb.QuantileDMatrix(X, y, nthread=1), 100, **keywords)
        return booster.predict(self.xgb.DMatrix(X_test, nthread=1), output_margin=True)

    def stock(self, X, y, X_test, **more):
        return self._margins(self.xgb.train, X, y, X_test, more)

    def focal(self, X, y, X_test, gamma):
        bound = {"max_delta_step": 4}
        return self._margins(self.adapter.train, X, y, X_test, bound, obj=self.adapter.FocalObjective(gamma))


MAKERS = {"lightgbm": WithLightGBM, "xgboost": WithXGBoost}


@functools.cache
def stock_scores(framework, share):
    """Test AUC of the framework's own objective, plain and with a clamp of the leaves, and whether it is constant."""
    fit = MAKERS[framework]()
    n_rows, seeds = SHARES[share]
    plain, clamped, constant = [], [], []
    for seed in range(seeds):
        X, y, X_test, y_test = overlapping(share, n_rows, seed)
        one, two = fit.stock(X, y, X_test), fit.stock(X, y, X_test, max_delta_step=2)
        plain.append(roc_auc_score(y_test, one))
        clamped.append(roc_auc_score(y_test, two))
        constant.append(np.ptp(one) == 0)
    return np.mean(plain), np.mean(clamped), constant


@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("framework", MAKERS)
def test_trains_on_rare_classes(framework, share, gamma):
    fit = MAKERS[framework]()
    plain, clamped, constant = stock_scores(framework, share)
    n_rows, seeds = SHARES[share]
    scores = []
    for seed in range(seeds):
        X, y, X_test, y_test = overlapping(share, n_rows, seed)
        raw = fit.focal(X, y, X_test, gamma)
        assert np.isfinite(raw).all()
        assert constant[seed] or len(np.unique(raw)) > 1
        scores.append(roc_auc_score(y_test, raw))
    print(
        f"{framework} {y.sum()} of {len(y)} positive, gamma {gamma:g}: AUC {np.mean(scores):.4f}, "
        f"stock {plain:.4f}, with max_delta_step=2 {clamped:.4f}"
    )
    if min(y.sum(), y_test.sum()) >= 50:
        assert np.mean(scores) >= max(plain, clamped) - TOLERANCE


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0])
def test_seven_classes_the_smallest_of_ten_rows(gamma, real_data):
    lgb = pytest.importorskip("lightgbm")
    adapter = importlib.import_module("focalboost.lightgbm")
    X, y = (np.asarray(part) for part in real_data("shuttle"))
    y = np.unique(y, return_inverse=True)[1]
    rows, test = next(StratifiedKFold(4, shuffle=True, random_state=0).split(X, y))
    params = {"verbosity": -1, "num_threads": 2, "num_class": 7}
    focal = params | {"objective": adapter.FocalObjective(gamma), "max_delta_step": 2}
    probability = adapter.train(focal, lgb.Dataset(X[rows], y[rows]), 100).predict(X[test])
    stock = lgb.train(params | {"objective": "multiclass"}, lgb.Dataset(X[rows], y[rows]), 100).predict(X[test])
    score, stock_score = (balanced_accuracy_score(y[test], p.argmax(axis=1)) for p in (probability, stock))
    print(f"gamma {gamma:g}: balanced accuracy {score:.3f}, stock {stock_score:.3f}")
    assert score >= 0.95
