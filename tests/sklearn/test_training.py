"""What FocalHistGradientBoostingClassifier trains: calibration, weights, early stopping, warm starts, labels."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss, make_scorer

from focalboost import FocalHistGradientBoostingClassifier
from focalboost.sklearn._native import TAKES_X_VAL

pytestmark = pytest.mark.usefixtures("one_thread")

FAST = {"max_iter": 10, "max_leaf_nodes": 7, "random_state": 0}
GAMMAS = pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0, 5.0])


@GAMMAS
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("prior", ["weighted", "sampled"])
@pytest.mark.parametrize("alpha", [None, "balanced"])
def test_predictions_are_right_on_average(gamma, n_classes, prior, alpha, make_data):
    X, y, weight = make_data(n_classes)
    clf = FocalHistGradientBoostingClassifier(**FAST, focal_gamma=gamma, focal_alpha=alpha, focal_prior=prior)
    proba = clf.fit(X, y, weight).predict_proba(X)
    if alpha is not None and prior == "weighted":
        share = np.bincount(y, weight)
        weight = weight * (share.sum() / share)[y]
    shares = np.bincount(y, weight) / weight.sum()
    np.testing.assert_allclose(np.average(proba, axis=0, weights=weight), shares, rtol=1e-7)


@GAMMAS
def test_probabilities_are_calibrated(gamma):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40_000, 3))
    truth = expit(1.5 * X[:, 0] - X[:, 1] - 2.5)
    y = rng.random(len(X)) < truth
    clf = FocalHistGradientBoostingClassifier(max_leaf_nodes=8, early_stopping=False, focal_gamma=gamma)
    clf.fit(X[::2], y[::2])
    proba = clf.predict_proba(X[1::2])[:, 1]
    assert log_loss(y[1::2], proba) < log_loss(y[1::2], truth[1::2]) + 0.005
    for low, high in ((0.03, 0.1), (0.1, 0.3), (0.3, 0.6), (0.6, 1.0)):
        rows = (proba >= low) & (proba < high)
        assert proba[rows].mean() == pytest.approx(y[1::2][rows].mean(), rel=0.15)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_last_stage_is_the_model(n_classes, make_data):
    X, y, _ = make_data(n_classes)
    clf = FocalHistGradientBoostingClassifier(**FAST).fit(X, y)
    np.testing.assert_array_equal(list(clf.staged_predict_proba(X))[-1], clf.predict_proba(X))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_alpha_class_weight_and_sample_weight_are_one_thing(n_classes, make_data):
    X, y, weight = make_data(n_classes)
    y = y + 3  # labels that are no positions
    values = (0.5, 3.0, 2.0)[:n_classes]
    by_label = dict(zip(range(3, 6), values, strict=False))
    settings = FAST | {"early_stopping": True}
    rows = weight.astype(float) * np.array(values)[y - 3]
    margins = [
        FocalHistGradientBoostingClassifier(**settings, **own).fit(X, y, given).decision_function(X)
        for own, given in (
            ({"focal_alpha": by_label}, weight),
            ({"focal_alpha": values}, weight),
            ({"class_weight": by_label}, weight),
            ({}, rows),
        )
    ]
    for other in margins[1:]:
        np.testing.assert_allclose(margins[0], other, rtol=1e-5, atol=1e-6)


@GAMMAS
@pytest.mark.parametrize(
    "own", [{"focal_alpha": 0.9}, {"class_weight": {0: 1.0, 1: 9.0}}], ids=["alpha", "class_weight"]
)
def test_sampled_undoes_the_weights(gamma, own, make_data):
    X, y, _ = make_data(2)
    settings = FAST | own | {"focal_gamma": gamma, "focal_mean_shift": False}
    weighted, sampled = (
        FocalHistGradientBoostingClassifier(**settings, focal_prior=prior).fit(X, y).decision_function(X)
        for prior in ("weighted", "sampled")
    )
    np.testing.assert_allclose(weighted - sampled, np.log(9), rtol=1e-9)


def test_rows_without_weight_do_not_count(make_data):
    X, y, _ = make_data(2)
    weight = np.where(np.arange(len(y)) < 400, 1.0, 0.0)
    own = {"categorical_features": [3], "min_samples_leaf": 1, "max_bins": 255}
    clf = FocalHistGradientBoostingClassifier(**FAST | own).fit(np.round(X) + 9, y, weight)
    flipped = np.where(weight == 0, 1 - y, y)
    other = FocalHistGradientBoostingClassifier(**FAST | own).fit(np.round(X) + 9, flipped, weight)
    np.testing.assert_array_equal(clf.decision_function(np.round(X) + 9), other.decision_function(np.round(X) + 9))


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("scoring", ["loss", "neg_log_loss", "scorer"])
def test_early_stopping_reads_calibrated_probabilities(n_classes, scoring, make_data):
    X, y, weight = make_data(n_classes)
    if scoring == "scorer":
        scoring = make_scorer(
            log_loss, greater_is_better=False, response_method="predict_proba", labels=range(n_classes)
        )
    settings = {"max_iter": 200, "early_stopping": True, "scoring": scoring, "n_iter_no_change": 4, "random_state": 0}
    clf = FocalHistGradientBoostingClassifier(**settings, learning_rate=0.3).fit(X, y, weight)
    assert 4 < clf.n_iter_ < 100
    history = -clf.validation_score_
    assert history.min() < 0.8 * history[0]
    # The start is the shares of the classes, at any gamma.
    parent = HistGradientBoostingClassifier(**settings | {"max_iter": 1}).fit(X, y, weight)
    assert history[0] == pytest.approx(-parent.validation_score_[0], rel=1e-12)


@pytest.mark.skipif(not TAKES_X_VAL, reason="scikit-learn 1.6 takes no rows for validation")
def test_rows_for_validation_can_be_given(make_data):
    X, codes, weight = make_data(2)
    y = np.array(["no", "yes"])[codes]
    clf = FocalHistGradientBoostingClassifier(**FAST, early_stopping=True)
    clf.fit(X[:400], y[:400], X_val=X[400:], y_val=pd.Series(y[400:]), sample_weight_val=weight[400:])
    assert len(clf.validation_score_) == len(clf.train_score_) == clf.n_iter_ + 1
    np.testing.assert_allclose(clf.predict_proba(X[:400])[:, 1].mean(), codes[:400].mean(), rtol=1e-7)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("own", [{}, {"focal_alpha": "balanced", "focal_prior": "sampled"}], ids=["plain", "sampled"])
def test_two_warm_steps_are_one_fit(n_classes, own, make_data):
    """The shift of the first is undone."""
    X, y, weight = make_data(n_classes)
    once = FocalHistGradientBoostingClassifier(**FAST, **own).fit(X, y, weight)
    steps = FocalHistGradientBoostingClassifier(**FAST | {"max_iter": 4, "warm_start": True}, **own).fit(X, y, weight)
    before = steps.decision_function(X)
    with pytest.raises(ValueError, match="max_iter"):
        steps.set_params(max_iter=2).fit(X, y, weight)
    del steps._in_fit  # the parent's, which leaves it where a fit fails
    np.testing.assert_array_equal(steps.decision_function(X), before)
    steps.set_params(max_iter=4).fit(X, y, weight)  # nothing is left to do
    np.testing.assert_array_equal(steps.decision_function(X), before)
    steps.set_params(max_iter=10).fit(X, y, weight)
    assert steps.n_iter_ == 10
    np.testing.assert_allclose(steps.decision_function(X), once.decision_function(X), rtol=1e-9, atol=1e-9)


def test_another_gamma_goes_on_from_the_log_odds(make_data):
    X, y, _ = make_data(2)
    clf = FocalHistGradientBoostingClassifier(max_iter=40, warm_start=True, focal_gamma=0.0, focal_mean_shift=False)
    before = log_loss(y, clf.fit(X, y).predict_proba(X))
    clf.set_params(max_iter=45, focal_gamma=2.0).fit(X, y)
    assert before / 2 < log_loss(y, clf.predict_proba(X)) < before


def test_one_label_alone_is_as_in_the_parent():
    X = np.arange(40.0).reshape(-1, 1)
    ours, parent = (
        kind(max_iter=3).fit(X, np.ones(40, int))
        for kind in (FocalHistGradientBoostingClassifier, HistGradientBoostingClassifier)
    )
    np.testing.assert_array_equal(ours.predict(X), parent.predict(X))
    np.testing.assert_allclose(ours.predict_proba(X), parent.predict_proba(X), atol=1e-6)


def test_constraints_hold_at_any_gamma(make_data):
    X, y, _ = make_data(2)
    clf = FocalHistGradientBoostingClassifier(**FAST, focal_gamma=2.0, monotonic_cst=[1, 0, 0, 0, 0]).fit(X, y)
    grid = np.zeros((50, 5))
    grid[:, 0] = np.linspace(-3, 3, 50)
    assert (np.diff(clf.decision_function(grid)) >= 0).all()


def test_categories_are_taken_from_the_frame(make_data):
    X, y, _ = make_data(3)
    frame = pd.DataFrame(X, columns=list("abcde"))
    frame["d"] = pd.Categorical(frame["d"].astype(int).map(str))
    clf = FocalHistGradientBoostingClassifier(**FAST, categorical_features="from_dtype").fit(frame, y)
    assert clf.is_categorical_.tolist() == [False, False, False, True, False]
    assert clf.score(frame, y) > 0.6


@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_the_default_keeps_rare_classes(gamma):
    """Without l2_regularization leaves of one rare class take steps of one over its probability, in the parent too."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6000, 4))
    y = np.where(X[:, 0] > 2.6, 2, (X[:, 1] > 0).astype(int))  # some 30 rows of class 2
    settings = {"early_stopping": False, "focal_gamma": gamma}
    own, bare = (
        log_loss(
            y[1::2], FocalHistGradientBoostingClassifier(**settings, **l2).fit(X[::2], y[::2]).predict_proba(X[1::2])
        )
        for l2 in ({}, {"l2_regularization": 0.0})
    )
    assert own < 0.05
    assert own < bare / 2
