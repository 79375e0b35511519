"""`focal_prior`: whose probabilities a model predicts, those of the weighed problem or those of the data as sampled."""

import numpy as np
import pytest
from messages import raises
from scipy.special import expit, log_softmax, logit
from sklearn.metrics import log_loss, roc_auc_score

# What weighs the labels 0 and 1, by each parameter; None is n_0 / n_1.
WAYS = {
    "focal_alpha, a number": ({"focal_alpha": 0.9}, 9.0),
    "focal_alpha, a pair": ({"focal_alpha": (2.0, 5.0)}, 2.5),
    "focal_alpha, by name": ({"focal_alpha": "balanced"}, None),
    "scale_pos_weight": ({"scale_pos_weight": 6.0}, 6.0),
    "class_weight": ({"class_weight": {0: 0.5, 1: 3.0}}, 6.0),
    "class_weight, by name": ({"class_weight": "balanced"}, None),
    "is_unbalance": ({"is_unbalance": True}, None),
}
LIGHTGBMS = {"class_weight", "is_unbalance"}
GAMMAS = pytest.mark.parametrize("gamma", [0.0, 2.0, 5.0])


@pytest.fixture(params=WAYS)
def way(request, family):
    params, ratio = WAYS[request.param]
    if family.module.__name__ == "xgboost" and params.keys() & LIGHTGBMS:
        pytest.skip("XGBoost has no such parameter")
    return params, ratio


def rare(seed=0, n=2000):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    return X, (X[:, 0] + rng.gumbel(size=n) > 3.5).astype(int)


def pair_of(family, ratio, y, **params):
    """Fit with both priors, without the mean shift, and return the ratio of the weights too."""
    X, _ = rare()
    ratio = np.sum(y == 0) / np.sum(y == 1) if ratio is None else ratio
    settings = family.fast | {"n_estimators": 20, "focal_mean_shift": False} | params
    return *(family.Focal(**settings, focal_prior=prior).fit(X, y) for prior in ("weighted", "sampled")), ratio


@GAMMAS
def test_margins_differ_by_the_log_of_the_ratio(family, way, gamma):
    """At any gamma: both train the same loss, from the same place."""
    X, y = rare()
    weighted, sampled, ratio = pair_of(family, way[1], y, **way[0], focal_gamma=gamma)
    one, two = (np.asarray(clf.decision_function(X), dtype=float) for clf in (weighted, sampled))
    np.testing.assert_allclose(one - two, np.log(ratio), atol=1e-4 if family.module.__name__ == "xgboost" else 1e-6)
    np.testing.assert_allclose(sampled.predict_proba(X)[:, 1], expit(two), rtol=1e-5)


@GAMMAS
def test_the_start_is_the_rate(family, way, gamma):
    X, y = rare()
    weighted, sampled, ratio = pair_of(family, way[1], y, **way[0], focal_gamma=gamma, learning_rate=1e-12)
    assert sampled.predict_proba(X)[:, 1] == pytest.approx(y.mean(), rel=1e-5)
    assert weighted.predict_proba(X)[:, 1] == pytest.approx(expit(logit(y.mean()) + np.log(ratio)), rel=1e-5)


@GAMMAS
def test_mean_probability_is_the_rate(family, way, gamma):
    X, y = rare()
    fast = family.fast | {"n_estimators": 20}
    clf = family.Focal(**fast, focal_gamma=gamma, focal_prior="sampled", **way[0]).fit(X, y)
    assert clf.predict_proba(X)[:, 1].mean() == pytest.approx(y.mean(), rel=1e-4)
    X_test, y_test = rare(1, 20_000)
    assert clf.predict_proba(X_test)[:, 1].mean() == pytest.approx(y_test.mean(), rel=0.15)


def test_it_is_the_log_loss_of_the_data_that_gets_better(family, way):
    X_test, y_test = rare(1, 20_000)
    weighted, sampled, _ = pair_of(family, way[1], rare()[1], **way[0])
    plain = family.Focal(**family.fast | {"n_estimators": 20}).fit(*rare())
    losses = [log_loss(y_test, clf.predict_proba(X_test)) for clf in (plain, sampled, weighted)]
    assert losses[1] < 1.05 * losses[0]
    assert losses[2] > 1.1 * losses[0]


def test_metrics_in_training_are_those_of_the_prior(family, way):
    X, y = rare()
    X_test, y_test = rare(1)
    names = {"lightgbm": ("binary_logloss", "auc"), "xgboost": ("logloss", "auc")}[family.module.__name__]
    for prior in ("weighted", "sampled"):
        clf = family.Focal(**family.fast, focal_prior=prior, focal_mean_shift=False, **way[0])
        family.fit(clf, X, y, eval_X=X_test, eval_y=y_test, eval_metric=list(names))
        history = family.history(clf)
        proba = clf.predict_proba(X_test)
        assert history[names[0]][-1] == pytest.approx(log_loss(y_test, proba), rel=1e-5)
        assert history[names[1]][-1] == pytest.approx(roc_auc_score(y_test, proba[:, 1]), abs=1e-5)


def test_the_sample_weights_stay(family):
    """They are no choice of the classes' weights: the rows are the data."""
    X, y = rare()
    rows = np.where(y == 1, 4.0, 1.0)
    settings = family.fast | {"n_estimators": 20, "focal_mean_shift": False}
    one, two = (
        family.Focal(**settings, focal_prior=prior).fit(X, y, sample_weight=rows) for prior in ("weighted", "sampled")
    )
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))


@pytest.mark.parametrize("multiclass", ["softmax", "ovr"])
@GAMMAS
def test_several_classes(family, multiclass, gamma, make_data):
    X, y, weight = make_data(3)
    alpha = [0.2, 2.0, 6.0] if multiclass == "softmax" else [0.2, 0.5, 0.9]
    settings = family.fast | {"focal_mean_shift": False, "focal_multiclass": multiclass, "focal_gamma": gamma}
    one, two = (
        np.asarray(
            family.Focal(**settings, focal_alpha=alpha, focal_prior=prior)
            .fit(X, y, sample_weight=weight)
            .decision_function(X),
            dtype=float,
        )
        for prior in ("weighted", "sampled")
    )
    if multiclass == "softmax":
        one, two = log_softmax(one, axis=1), log_softmax(two + np.log(alpha), axis=1)
    else:
        two = two + logit(alpha)
    np.testing.assert_allclose(one, two, atol=1e-4 if family.module.__name__ == "xgboost" else 1e-6)


def test_class_weight_of_several_classes(make_data):
    pytest.importorskip("lightgbm")
    from focalboost import FocalLGBMClassifier

    X, y, weight = make_data(3)
    settings = {"n_jobs": 1, "verbosity": -1, "n_estimators": 8, "num_leaves": 7, "focal_mean_shift": False}
    by_class = {0: 0.2, 1: 2.0, 2: 6.0}
    one, two = (
        FocalLGBMClassifier(**settings, class_weight=by_class, focal_prior=prior)
        .fit(X, y, sample_weight=weight)
        .decision_function(X)
        for prior in ("weighted", "sampled")
    )
    np.testing.assert_allclose(
        log_softmax(one, axis=1), log_softmax(two + np.log(list(by_class.values())), axis=1), atol=1e-6
    )
    with raises(ValueError, "class_weight must be None", "one-vs-rest", "alpha"):
        clf = FocalLGBMClassifier(**settings, class_weight=by_class, focal_prior="sampled", focal_multiclass="ovr")
        clf.fit(X, y)


def test_multilabel_targets(make_data):
    pytest.importorskip("xgboost")
    from focalboost import FocalXGBClassifier

    X, y, _ = make_data(3)
    Y = np.stack([y == 0, y > 0, X[:, 0] > 1], axis=1).astype(int)
    settings = {"n_jobs": 1, "n_estimators": 8, "max_depth": 3, "focal_mean_shift": False}
    for params, shift in (
        ({"focal_alpha": [0.2, 0.5, 0.9]}, logit([0.2, 0.5, 0.9])),
        ({"scale_pos_weight": 4}, np.log(4)),
    ):
        one, two = (
            FocalXGBClassifier(**settings, **params, focal_prior=prior).fit(X, Y).decision_function(X).astype(float)
            for prior in ("weighted", "sampled")
        )
        np.testing.assert_allclose(one, two + shift, atol=1e-5)
