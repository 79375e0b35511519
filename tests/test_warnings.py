"""A warning names the user's own line, however deep it comes from."""

import functools
import importlib
import warnings

import numpy as np
import pytest

import focalboost


def place_of(function, match):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        function()
    (place,) = {one.filename for one in found if match in str(one.message)}
    return place


@pytest.fixture
def names(make_data):
    """Features, and two labels in letters of which the last one in sorted order is the more frequent one."""
    X, y, _ = make_data(2)
    return X, np.array(["yes", "no"])[y] if 2 * y.sum() < len(y) else np.array(["no", "yes"])[y]


def test_of_estimators(family, names):
    X, y = names
    clf = family.Focal(**family.fast, focal_alpha=0.3)
    assert place_of(lambda: clf.fit(X, y), "focal_alpha=0.3 weighs") == __file__
    slow = family.Focal(**family.quiet, n_estimators=1, max_delta_step=0.01)
    assert place_of(lambda: slow.fit(X, y), "is too low") == __file__


def test_of_lightgbms_metrics(names):
    pytest.importorskip("lightgbm")
    clf = focalboost.FocalLGBMClassifier(n_estimators=2, verbosity=-1)
    fit = functools.partial(clf.fit, *names, eval_set=[names], eval_metric="average_precision")
    assert place_of(fit, "average_precision is that of") == __file__


def test_of_xgboosts_metrics(names):
    pytest.importorskip("xgboost")
    clf = focalboost.FocalXGBClassifier(n_estimators=2, eval_metric="aucpr")
    fit = functools.partial(clf.fit, *names, eval_set=[names], verbose=False)
    assert place_of(fit, "aucpr is that of") == __file__


def test_of_lightgbms_train(make_data):
    lightgbm = pytest.importorskip("lightgbm")
    X, y, _ = make_data(2)
    params = {"objective": focal_objective("lightgbm"), "max_delta_step": 0.01, "verbosity": -1}
    train = importlib.import_module("focalboost.lightgbm").train
    assert place_of(lambda: train(params, lightgbm.Dataset(X, y), 1), "is too low") == __file__


def test_of_xgboosts_train(make_data):
    xgboost = pytest.importorskip("xgboost")
    X, y, _ = make_data(2)
    params = {"max_delta_step": 0.01, "gamma": 1.0}
    train = importlib.import_module("focalboost.xgboost").train
    for match in ("is too low", "gamma is XGBoost's"):
        assert place_of(lambda: train(params, xgboost.DMatrix(X, y), 1, obj=focal_objective("xgboost")), match) == (
            __file__
        )


def focal_objective(framework):
    return importlib.import_module(f"focalboost.{framework}").FocalObjective()
