"""The last step of a fit: predictions that are right on average on the training rows."""

import families
import numpy as np
import pytest
from scipy.optimize import brentq, root
from scipy.special import expit, log_softmax, softmax
from sklearn.metrics import log_loss

SHARES = pytest.mark.parametrize("share", [0.005, 0.01, 0.067])
GAMMAS = pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0, 5.0])
KINDS = pytest.mark.parametrize("n_classes, multiclass", [(3, "softmax"), (3, "ovr"), (5, "softmax")])


def rare(share, n=4000, seed=0):
    """Features with signal, labels of which so many are 1, and weights."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 5)).round(2)
    score = X[:, 0] + X[:, 1] * X[:, 2] + rng.gumbel(size=n)
    return X, (score > np.quantile(score, 1 - share)).astype(int), rng.uniform(0.2, 3, n).astype(np.float32)


def fast(family, **more):
    return family.fast | {"n_estimators": 40} | more


def assert_right(family, y, proba, weight=None):
    """The sums of what is predicted and what is there, to the digits of the framework."""
    weight = np.ones(len(y)) if weight is None else np.asarray(weight, dtype=float)
    found, there = weight @ proba, np.bincount(y, weight, proba.shape[1])
    np.testing.assert_allclose(found / there, 1, atol=1e-4 if family.module.__name__ == "xgboost" else 1e-8)


@SHARES
@GAMMAS
def test_sums_of_training_predictions(family, share, gamma):
    X, y, weight = rare(share)
    clf = family.Focal(**fast(family), focal_gamma=gamma).fit(X, y)
    assert 0.99 < clf.predict_proba(X)[:, 1].sum() / y.sum() < 1.01
    assert_right(family, y, clf.predict_proba(X))
    clf.fit(X, y, sample_weight=weight)
    assert_right(family, y, clf.predict_proba(X), weight)


def test_without_it_the_sums_drift(family):
    X, y, _ = rare(0.005)
    params = fast(family) | {"focal_gamma": 5.0, "focal_mean_shift": False}
    assert family.Focal(**params).fit(X, y).predict_proba(X)[:, 1].sum() / y.sum() < 0.95


@SHARES
@GAMMAS
def test_it_is_the_constant_that_scipy_finds(family, share, gamma):
    X, y, weight = rare(share)
    plain, shifted = (
        family.Focal(**fast(family), focal_gamma=gamma, focal_mean_shift=flag).fit(X, y, sample_weight=weight)
        for flag in (False, True)
    )
    before, after = (np.asarray(clf.decision_function(X), dtype=float) for clf in (plain, shifted))
    excess = lambda d: weight @ (expit(before + d) - y)  # noqa: E731
    np.testing.assert_allclose(after - before, brentq(excess, -10, 10), atol=5e-6)
    objective = family.adapter.FocalObjective(gamma)
    assert objective.mean_shift(y, before, weight) == pytest.approx(brentq(excess, -10, 10, xtol=1e-13), abs=1e-9)


def test_the_shift_of_each_class_of_a_softmax_is_the_one_that_scipy_finds(family, make_data):
    X, y, weight = make_data(4)
    clf = family.Focal(**fast(family), focal_gamma=5.0, focal_mean_shift=False).fit(X, y, sample_weight=weight)
    margin = np.asarray(clf.decision_function(X), dtype=float)
    there = np.bincount(y, weight)

    def excess(shift):
        sums = weight.astype(float) @ softmax(margin + np.append(shift, 0.0), axis=1)
        return (sums - there)[:3]

    found = root(excess, np.zeros(3), tol=1e-13)
    assert found.success
    expected = np.append(found.x, 0.0)
    shift = family.adapter.FocalObjective(5.0).mean_shift(y, margin, weight)
    np.testing.assert_allclose(shift, expected - expected.mean(), atol=1e-8)
    after = family.Focal(**fast(family), focal_gamma=5.0).fit(X, y, sample_weight=weight).decision_function(X)
    np.testing.assert_allclose(log_softmax(after, axis=1), log_softmax(margin + shift, axis=1), atol=1e-5)


@KINDS
@pytest.mark.parametrize("gamma", [0.0, 2.0, 5.0])
def test_each_class_is_right(family, n_classes, multiclass, gamma, make_data):
    X, y, weight = make_data(n_classes)
    clf = family.Focal(**fast(family), focal_gamma=gamma, focal_multiclass=multiclass)
    assert_right(family, y, clf.fit(X, y, sample_weight=weight).predict_proba(X), weight)
    if multiclass == "softmax":
        np.testing.assert_allclose(clf.predict_proba(X).sum(axis=1), 1, rtol=1e-6)


@SHARES
def test_with_early_stopping(family, share):
    X, y, _ = rare(share)
    X_test, y_test, _ = rare(share, seed=1)
    clf = family.Focal(**fast(family, n_estimators=200, learning_rate=0.4), focal_gamma=2.0)
    family.fit(clf, X, y, eval_X=X_test, eval_y=y_test, early_stopping=5)
    assert 0 < family.best_round(clf) < 195
    assert_right(family, y, clf.predict_proba(X))


def test_the_booster_at_its_best_round_is_right_after_early_stopping(family):
    """Where the training went on beyond it."""
    X, y, _ = rare(0.02)
    clf = family.Focal(**fast(family, n_estimators=60, learning_rate=0.4), focal_gamma=5.0)
    family.fit(clf, X, y, eval_X=X[::2], eval_y=1 - y[::2], early_stopping=60)
    assert family.best_round(clf) == 1
    assert_right(family, y, clf.predict_proba(X))


WEIGHED = {  # what a row of label 0 and 1 weighs
    "alpha": ({"focal_alpha": 0.9}, (0.1, 0.9)),
    "pair": ({"focal_alpha": (1.0, 7.0)}, (1.0, 7.0)),
    "scale_pos_weight": ({"scale_pos_weight": 5.0}, (1.0, 5.0)),
    "class_weight": ({"class_weight": {0: 0.5, 1: 4.0}}, (0.5, 4.0)),
    "is_unbalance": ({"is_unbalance": True}, (1.0, 19.0)),
}


@pytest.mark.parametrize("prior", ["weighted", "sampled"])
@pytest.mark.parametrize("params, pair", WEIGHED.values(), ids=WEIGHED)
def test_with_weights_by_class(family, params, pair, prior):
    """Right on average over the rows as weighed, or as sampled, as the prior says."""
    if family.module.__name__ == "xgboost" and params.keys() & {"class_weight", "is_unbalance"}:
        pytest.skip("XGBoost has no such parameter")
    X, y, weight = rare(0.05)
    clf = family.Focal(**fast(family), focal_gamma=2.0, focal_prior=prior, **params)
    rows = weight * np.array(pair)[y] if prior == "weighted" else weight
    assert_right(family, y, clf.fit(X, y, sample_weight=weight).predict_proba(X), rows)


@pytest.mark.parametrize("prior", ["weighted", "sampled"])
def test_with_class_weights_in_a_softmax(family, prior, make_data):
    X, y, weight = make_data(3)
    alpha = np.array([0.5, 2.0, 6.0])
    ways = [{"focal_alpha": alpha.tolist()}]
    if family.module.__name__ == "lightgbm":
        ways.append({"class_weight": dict(enumerate(alpha))})
    for params in ways:
        clf = family.Focal(**fast(family), focal_prior=prior, **params).fit(X, y, sample_weight=weight)
        assert_right(family, y, clf.predict_proba(X), weight * alpha[y] if prior == "weighted" else weight)


@pytest.mark.filterwarnings("ignore:.*booster=.dart. is deprecated:UserWarning")  # by XGBoost 3.4
def test_with_dart(family):
    X, y, _ = rare(0.02)
    params = {"lightgbm": {"boosting_type": "dart"}, "xgboost": {"booster": "dart", "rate_drop": 0.3}}
    clf = family.Focal(**fast(family), focal_gamma=5.0, **params[family.module.__name__]).fit(X, y)
    assert_right(family, y, clf.predict_proba(X))


def test_from_a_start_of_the_users_own():
    """Right on average with the start, which the model does not hold."""
    pytest.importorskip("lightgbm")
    family = families.load("lightgbm")
    X, y, _ = rare(0.01)
    start = np.random.default_rng(0).normal(-3, 1, len(y))
    clf = family.Focal(**fast(family), focal_gamma=5.0).fit(X, y, init_score=start)
    assert expit(clf.decision_function(X) + start).sum() == pytest.approx(y.sum(), rel=1e-9)
    X, codes = np.repeat(X[:900], 2, axis=0), np.arange(1800) % 3
    starts = np.random.default_rng(0).normal(-3, 1, (1800, 3))
    clf = family.Focal(**fast(family), focal_gamma=5.0).fit(X, codes, init_score=starts)
    sums = softmax(clf.decision_function(X) + starts, axis=1).sum(axis=0)
    np.testing.assert_allclose(sums, np.bincount(codes), rtol=1e-8)


def test_log_loss_on_other_rows_gets_no_worse(family):
    for share, gamma in ((0.005, 5.0), (0.01, 2.0), (0.067, 5.0)):
        X, y, _ = rare(share, 20_000)
        X_test, y_test, _ = rare(share, 20_000, seed=1)
        plain, shifted = (
            log_loss(
                y_test,
                family.Focal(**fast(family), focal_gamma=gamma, focal_mean_shift=flag).fit(X, y).predict_proba(X_test),
            )
            for flag in (False, True)
        )
        assert shifted < 1.002 * plain


@pytest.mark.parametrize("kind", ["binary", "softmax"])
def test_a_label_without_weight_has_no_shift(family, kind):
    """No constant would be right."""
    objective = family.adapter.FocalObjective()
    z = np.random.default_rng(0).normal(size=20 if kind == "binary" else (20, 3))
    shift = objective.mean_shift(np.zeros(20), z)
    np.testing.assert_array_equal(shift, np.zeros(() if kind == "binary" else 3))


@GAMMAS
def test_native_training(family, gamma):
    X, y, weight = rare(0.02)
    adapter, framework = family.adapter, family.module
    if framework.__name__ == "lightgbm":
        data = framework.Dataset(X, y, weight=weight)
        params = {"objective": adapter.FocalObjective(gamma), "verbosity": -1, "num_threads": 1, "max_delta_step": 2}
        models = [adapter.train(params, data, 40, mean_shift=flag) for flag in (True, False)]
        margins = [model.predict(X, raw_score=True) for model in models]
    else:
        data = framework.DMatrix(X, y, weight=weight)
        params = {"nthread": 1, "max_delta_step": 4}
        obj = adapter.FocalObjective(gamma)
        models = [adapter.train(params, data, 40, obj=obj, mean_shift=flag) for flag in (True, False)]
        margins = [model.predict(data, output_margin=True).astype(float) for model in models]
    found = models[0].predict(X if framework.__name__ == "lightgbm" else data)
    np.testing.assert_allclose(weight @ found / (weight @ y), 1, atol=1e-4)
    assert np.ptp(margins[0] - margins[1]) < 1e-5


@pytest.mark.parametrize("alpha", [None, (1.0, 2.0, 30.0, 100.0)])
def test_classes_of_a_few_rows_among_many(alpha):
    """The sums of all classes come right, those of five rows in 60,000 too."""
    pytest.importorskip("lightgbm")
    from focalboost.lightgbm import FocalObjective

    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(4), [50_000, 9_980, 15, 5])
    margin = rng.normal(0, 1, (len(y), 4)) + 6.0 * np.eye(4)[y] + np.log([0.8, 0.2, 1e-3, 1e-4])
    shift = FocalObjective(2.0, alpha).mean_shift(y, margin)
    moved = np.exp(margin + shift)
    weight = np.ones(4) if alpha is None else np.array(alpha)
    sums = weight[y] @ (moved / moved.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(sums, weight * np.bincount(y), rtol=1e-8)


def test_a_label_whose_weight_rounds_to_all_of_it(adapter):
    """A share of 1 - 1e-17 is 1 in double, and its log-odds are finite all the same."""
    y = np.array([0] + [2] * 10)
    objective = adapter.FocalObjective(0.0, ((1.0, 1.0), (1.0, 1.0), (0.5, 4.5e14)), multiclass="ovr")
    shift = objective.mean_shift(y, np.zeros((len(y), 3)))
    assert np.isfinite(shift).all()
    assert 20 < shift[2] < 60
