"""Margins to start from that are so far from the labels that under a bound all leaves step alike."""

import warnings

import numpy as np
import pytest

lgb = pytest.importorskip("lightgbm")

from focalboost import FocalLGBMClassifier  # noqa: E402
from focalboost.lightgbm import train  # noqa: E402

PARAMS = {"verbosity": -1, "num_threads": 1, "num_leaves": 7, "min_data_in_leaf": 5}
ROUNDS = 10
WARNING = "max_delta_step=.* is too low for the margins that training starts from"
HOW = pytest.mark.parametrize("how", ["estimator", "native"])
START = pytest.mark.parametrize("start", ["init_score", "init_model"])


@pytest.fixture(scope="module")
def rare():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 3))
    return X, (X[:, 0] + rng.normal(size=4000) > 3).astype(int)


def flat_model(X, y, margin):
    """Return an ordinary model that gives all rows one margin."""
    weight = np.where(y == 1, np.exp(margin) * np.sum(y == 0) / np.sum(y), 1.0)
    params = PARAMS | {"objective": "binary", "min_data_in_leaf": len(y)}
    return lgb.train(params, lgb.Dataset(X, y, weight=weight), 1)


def trained(how, start, X, y, margin, **more):
    """Return how many different numbers a model predicts that is trained from this margin."""
    given = {"init_model": flat_model(X, y, margin)} if start == "init_model" else {}
    score = np.full(len(y), margin) if start == "init_score" else None
    if how == "native":
        shift = {"mean_shift": more.pop("focal_mean_shift", True)}
        booster = train(PARAMS | more, lgb.Dataset(X, y, init_score=score), ROUNDS, **given, **shift)
    else:
        names = {"n_estimators": ROUNDS, **PARAMS} | more
        booster = FocalLGBMClassifier(**names).fit(X, y, init_score=score, **given).booster_
    return np.unique(booster.predict(X)).size


@HOW
@START
@pytest.mark.parametrize("mean_shift", [True, False])
def test_a_start_that_leaves_nothing_to_split_is_told(how, start, mean_shift, rare):
    X, y = rare
    with pytest.warns(UserWarning, match=WARNING):
        assert trained(how, start, X, y, 5.0, focal_mean_shift=mean_shift) == 1


@HOW
@START
def test_without_a_bound_it_trains(how, start, rare):
    X, y = rare
    assert trained(how, start, X, y, 5.0, max_delta_step=0) > 10


@HOW
@START
def test_and_from_a_start_that_is_near(how, start, rare):
    X, y = rare
    assert trained(how, start, X, y, -3.0) > 10


@HOW
def test_where_rows_are_too_few_to_split_nothing_is_said_of_the_start(how, rare):
    X, y = rare
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert trained(how, "init_score", X, y, -3.0, min_data_in_leaf=len(y)) == 1


def test_nor_where_the_last_sample_of_rows_has_no_positive():
    """No tree comes of it, and samples of three positives leave the mean far off; the start is the labels' own."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(4000, 3)), np.zeros(4000, dtype=int)
    y[np.argsort(X[:, 0])[-3:]] = 1
    sampled = {"bagging_fraction": 0.3, "bagging_freq": 1, "learning_rate": 0.5}
    names = PARAMS | sampled | {"n_estimators": 20, "random_state": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clf = FocalLGBMClassifier(**names).fit(X, y)
    assert clf.booster_.num_trees() < 20
