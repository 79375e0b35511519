"""Metrics as users write them, and evaluation sets as they come: few rows, few classes, no weight."""

import functools
import inspect

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.metrics import average_precision_score, roc_auc_score


@pytest.fixture(scope="module")
def two():
    return make_classification(1500, 10, n_informative=6, weights=[0.9], flip_y=0.02, random_state=1)


def metric_of(n):
    """A metric of n arguments."""

    def of_two(y, p):
        return "m", float(np.mean(p)), True

    def of_three(y, p, w):
        return "m", float(np.average(p, weights=w)), True

    def of_four(y, p, w, group):
        assert group is None
        return "m", float(np.average(p, weights=w)), True

    return {2: of_two, 3: of_three, 4: of_four}[n]


def in_list(metric):
    """The same metric in a list of two results, with as many arguments."""
    names = ", ".join(inspect.signature(metric).parameters)
    return eval(f"lambda {names}: [metric({names}), ('other', 1.0, False)]", {"metric": metric})


@pytest.mark.parametrize("n", [2, 3, 4])
@pytest.mark.parametrize("several", [False, True])
def test_lightgbm_calls_metrics_as_stock(two, n, several):
    lgb = pytest.importorskip("lightgbm")
    from focalboost import FocalLGBMClassifier

    X, y = two
    metric = in_list(metric_of(n)) if several else metric_of(n)
    own = {"n_jobs": 1, "verbosity": -1, "n_estimators": 3}
    more = {"eval_sample_weight": [1.0 + y[:500]], "eval_metric": [metric, "auc"]}
    clf = FocalLGBMClassifier(**own, focal_gamma=0.0, max_delta_step=0.0, focal_mean_shift=False)
    clf.fit(X, y, eval_X=X[:500], eval_y=y[:500], **more)
    held = {"eval_set": [(X[:500], y[:500])]}
    if "eval_X" in inspect.signature(lgb.LGBMClassifier.fit).parameters:
        held = {"eval_X": X[:500], "eval_y": y[:500]}
    stock = lgb.LGBMClassifier(**own).fit(X, y, **held, **more)
    ours, expected = clf.evals_result_["valid_0"], stock.evals_result_["valid_0"]
    assert set(ours) == set(expected)
    for name in expected:
        np.testing.assert_allclose(ours[name], expected[name], rtol=1e-6)


@pytest.mark.parametrize("metric", [roc_auc_score, lambda y: 0.0, lambda a, b, c, d, e: 0.0])
def test_callables_that_lightgbm_cannot_call(two, metric, monkeypatch):
    lgb = pytest.importorskip("lightgbm")
    from focalboost import FocalLGBMClassifier

    monkeypatch.setattr(lgb.sklearn, "train", lambda *a, **k: pytest.fail("it trained"))
    X, y = two
    with pytest.raises(TypeError, match=r"eval_metric must take \(y_true, y_pred\).* \(name, value, higher"):
        FocalLGBMClassifier().fit(X, y, eval_X=X, eval_y=y, eval_metric=metric)


def test_a_metric_that_returns_something_else(two):
    pytest.importorskip("lightgbm")
    from focalboost import FocalLGBMClassifier

    X, y = two
    with pytest.raises(TypeError, match=r"eval_metric must return .*, got 0.5"):
        FocalLGBMClassifier(n_jobs=1, verbosity=-1).fit(X, y, eval_X=X, eval_y=y, eval_metric=lambda y, p: 0.5)


def test_a_partial_as_metric_of_xgboost(two):
    pytest.importorskip("xgboost")
    from focalboost import FocalXGBClassifier

    X, y = two
    metric = functools.partial(average_precision_score, pos_label=1)
    clf = FocalXGBClassifier(n_estimators=3, n_jobs=1, eval_metric=metric, focal_mean_shift=False)
    clf.fit(X, y, eval_set=[(X, y)], verbose=False)
    found = clf.evals_result()["validation_0"]["average_precision_score"][-1]
    assert found == pytest.approx(average_precision_score(y, clf.predict_proba(X)[:, 1]), rel=1e-6)


def evaluated(X, y, X_eval, y_eval, weight=None, metrics=()):
    """A fitted LightGBM model, and its metrics on a set."""
    from focalboost import FocalLGBMClassifier

    clf = FocalLGBMClassifier(n_jobs=1, verbosity=-1, n_estimators=4, focal_mean_shift=False)
    more = {} if weight is None else {"eval_sample_weight": [weight]}
    clf.fit(X, y, eval_X=X_eval, eval_y=y_eval, eval_metric=list(metrics), **more)
    return clf, clf.evals_result_["valid_0"]


@pytest.mark.parametrize("weighted", [False, True])
def test_auc_mu_of_a_subset_of_the_classes(three, weighted):
    """Of two classes it is the AUC of the difference of their margins."""
    pytest.importorskip("lightgbm")
    X, y = three
    rows = np.flatnonzero(y < 2)
    weight = np.random.default_rng(0).uniform(0.5, 2, len(rows)) if weighted else None
    clf, found = evaluated(X, y, X[rows], y[rows], weight, ["auc_mu"])
    margin = clf.decision_function(X[rows])
    expected = roc_auc_score(y[rows], margin[:, 1] - margin[:, 0], sample_weight=weight)
    assert found["auc_mu"][-1] == pytest.approx(expected, rel=1e-9)
    _, alone = evaluated(X, y, X[y == 0], y[y == 0], None, ["auc_mu"])
    assert np.isnan(alone["auc_mu"]).all()


def test_zero_weights_leave_rows_out_of_auc_mu(three):
    pytest.importorskip("lightgbm")
    X, y = three
    rows = y < 2
    _, some = evaluated(X, y, X, y.copy(), rows.astype(float), ["auc_mu"])
    _, expected = evaluated(X, y, X[rows], y[rows], None, ["auc_mu"])
    np.testing.assert_allclose(some["auc_mu"], expected["auc_mu"], rtol=1e-12)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_small_evaluation_sets(two, three, n_classes):
    """Of a single row, and of rows without weight, whose metrics have no value."""
    pytest.importorskip("lightgbm")
    X, y = two if n_classes == 2 else three
    names = ["auc", "average_precision", "binary_error"] if n_classes == 2 else ["auc_mu", "multi_error"]
    logloss = "binary_logloss" if n_classes == 2 else "multi_logloss"
    clf, found = evaluated(X, y, X[:1], y[:1], None, [*names, "focal"])
    assert found[logloss][-1] == pytest.approx(-np.log(clf.predict_proba(X[:1])[0, y[0]]), rel=1e-9)
    _, void = evaluated(X, y, X[:9], y[:9], np.zeros(9), [*names, "focal"])
    assert set(void) == {*names, "focal", logloss}
    assert all(np.isnan(values).all() for values in void.values())
