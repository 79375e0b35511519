"""Situations of public bug reports in which a focal classifier has to do what the stock one does, or say why not."""

import functools
import inspect
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_classification
from sklearn.model_selection import GridSearchCV

import focalboost

SLOW_ROUNDS = "max_delta_step is too low for so few slow rounds"


@pytest.fixture(scope="module")
def fraud():
    return make_classification(3000, 10, n_informative=6, weights=[0.95], flip_y=0.02, random_state=1)


# ---- methods -----------------------------------------------------------------------------------------


def test_methods_take_what_the_parents_do(any_family):
    """Parameters of the same names, kinds and defaults, in the same order; ours may take more behind them."""
    compared = set()
    for name in dir(any_family.Stock):
        stock = getattr(any_family.Stock, name)
        if name.startswith("_") or not callable(stock):
            continue
        given, own = (inspect.signature(method).parameters for method in (stock, getattr(any_family.Focal, name)))
        common = [parameter for parameter in own.values() if parameter.name in given]
        described = [[(p.name, p.kind, p.default) for p in parameters] for parameters in (given.values(), common)]
        assert described[0] == described[1], name
        compared.add(name)
    assert {"fit", "predict", "predict_proba", "set_fit_request"} <= compared


# ---- names of parameters -----------------------------------------------------------------------------

MISSPELT = {
    "focal_gama": "did you mean focal_gamma",
    "focalgamma": "did you mean focal_gamma",
    "fokal_alpha": "did you mean focal_alpha",
    "focal_loss": "there are focal_gamma",
    "gamma_focal": "there are focal_gamma",
}


@pytest.mark.parametrize("name", MISSPELT)
def test_misspelt_names(family, name):
    for call in (lambda: family.Focal(**{name: 1.0}), lambda: family.Focal().set_params(**{name: 1.0})):
        with pytest.raises(TypeError, match=f"{name} is no parameter: {MISSPELT[name]}"):
            call()


def test_names_of_the_focal_loss_in_lightgbm():
    pytest.importorskip("lightgbm")
    from focalboost import FocalLGBMClassifier

    for name in ("gamma", "alpha"):
        with pytest.raises(TypeError, match=f"{name} has no effect in LightGBM.*got 0.5.* focal_{name}"):
            FocalLGBMClassifier(**{name: 0.5})


def test_names_of_the_focal_loss_in_xgboost(fraud):
    pytest.importorskip("xgboost")
    from focalboost import FocalXGBClassifier

    X, y = fraud
    for name, own in (("gamma", "min_split_loss"), ("alpha", "reg_alpha")):
        short, long = (FocalXGBClassifier(n_estimators=3, n_jobs=1, **{key: 5.0}) for key in (name, own))
        with pytest.warns(UserWarning, match=f"{name} is XGBoost's {own} here, got 5.0.* focal_{name}.* as {own} if"):
            short.fit(X, y)
        np.testing.assert_array_equal(short.predict_proba(X), long.fit(X, y).predict_proba(X))


def test_a_grid_over_a_wrong_name_ends_before_the_first_fit(family, fraud, monkeypatch):
    family.forbid_training(monkeypatch)
    names = ["focal_gama", "gamma"] if family.module.__name__ == "lightgbm" else ["focal_gama"]
    for name in names:
        with pytest.raises(TypeError, match=f"{name} .*focal_gamma"):
            GridSearchCV(family.Focal(), {name: [0.0, 1.0, 5.0]}).fit(*fraud)


@pytest.mark.parametrize("name", ["focal_gamma", "focal_gama"])
def test_names_of_the_estimators_in_native_calls(family, fraud, name):
    X, y = fraud
    data = family.module.Dataset(X, y) if family.module.__name__ == "lightgbm" else family.module.DMatrix(X, y)
    for call in (family.adapter.train, family.adapter.cv):
        with pytest.raises(TypeError, match=f"{name} is a name of the estimators.* FocalObjective"):
            call({name: 1.0}, data)


def test_names_of_the_focal_loss_in_native_calls(family, fraud):
    X, y = fraud
    if family.module.__name__ == "lightgbm":
        with pytest.raises(TypeError, match=r"gamma has no effect.* got 2.0.* FocalObjective\(gamma"):
            family.adapter.train({"gamma": 2.0}, family.module.Dataset(X, y))
    else:
        with pytest.warns(UserWarning, match=r"gamma is XGBoost.* here, got 2.0.* FocalObjective\(gamma"):
            family.adapter.train({"gamma": 2.0, "nthread": 1}, family.module.DMatrix(X, y), 2)


def test_an_objective_that_was_not_made(family, fraud):
    X, y = fraud
    kind = family.adapter.FocalObjective
    if family.module.__name__ == "lightgbm":
        params = {"objective": kind, "verbosity": -1, "num_threads": 1}
        data = family.module.Dataset(X, y)
        native = functools.partial(family.module.train, params, data, 2)
        ours = functools.partial(family.adapter.train, params, data, 2)
    else:
        data = family.module.DMatrix(X, y)
        native = functools.partial(family.module.train, {"nthread": 1}, data, 2, obj=kind)
        ours = functools.partial(family.adapter.train, {"nthread": 1}, data, 2, obj=kind)
    with pytest.raises(TypeError, match=r"FocalObjective must be made before it is called.*\(gamma=2.0\)"):
        native()
    with pytest.raises((TypeError, ValueError), match="must be a FocalObjective"):
        ours()


# ---- class weights -----------------------------------------------------------------------------------


def test_alpha_as_a_series_by_label(family, fraud):
    X, y = fraud
    counts = pd.Series(np.where(y, "fraud", "ok")).value_counts()
    assert list(counts.index) == ["ok", "fraud"]  # not the order of the classes
    clf = family.Focal(**family.fast, focal_alpha=counts.max() / counts).fit(X, np.where(y, "fraud", "ok"))
    assert clf.focal_loss_.alpha == pytest.approx((counts["ok"] / counts["fraud"], 1.0))
    native = family.adapter.FocalObjective(2.0, pd.Series({1: 3.0, 0: 1.0}))
    assert native.alpha == (1.0, 3.0)


@pytest.mark.filterwarnings("error:.*the last label in sorted order")
def test_a_positive_label_that_sorts_first(family, fraud):
    """A number means the last label: a warning where that is the frequent one, and a dict to name the other."""
    X, y = fraud
    labels = np.where(y == 1, "fraud", "ok")
    by_name = family.Focal(**family.fast, focal_alpha={"fraud": 0.75, "ok": 0.25}).fit(X, labels)
    by_number = family.Focal(**family.fast, focal_alpha=0.75).fit(X, y)
    column = list(by_name.classes_).index("fraud")
    np.testing.assert_allclose(by_name.predict_proba(X)[:, column], by_number.predict_proba(X)[:, 1], rtol=1e-5)
    for name, value in (("focal_alpha", 0.75), ("scale_pos_weight", 3.0)):
        clf = family.Focal(**family.fast, **{name: value})
        with pytest.warns(UserWarning, match=rf"{name}={value} weighs 'ok', the last label.*\{{'fraud': "):
            clf.fit(X, labels)
    metric = "average_precision" if family.module.__name__ == "lightgbm" else "aucpr"
    with pytest.warns(UserWarning, match=f"{metric} is that of 'ok', the last label"):
        family.fit(family.Focal(**family.fast), X, labels, X, labels, eval_metric=[metric])
    family.fit(
        family.Focal(**family.fast, focal_alpha=0.75), X, np.where(y == 1, "yes", "no"), X, np.where(y, "yes", "no")
    )


def test_class_weight_is_sample_weight(family, fraud):
    X, y = fraud
    weight = np.where(y == 1, 9.0, 1.0)
    by_class = family.Focal(**family.fast, class_weight={0: 1.0, 1: 9.0}).fit(X, y)
    by_row = family.Focal(**family.fast).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(by_class.predict_proba(X), by_row.predict_proba(X), rtol=1e-6)
    half = np.where(y == 1, 3.0, 1.0)
    both = family.Focal(**family.fast, class_weight={0: 1.0, 1: 3.0}).fit(X, y, sample_weight=half)
    np.testing.assert_allclose(both.predict_proba(X), by_row.predict_proba(X), rtol=1e-6)
    balanced = family.Focal(**family.fast, class_weight="balanced").fit(X, y)
    assert balanced.predict_proba(X)[:, 1].mean() > 3 * y.mean()


def test_class_weight_of_a_multilabel_target(three):
    pytest.importorskip("xgboost")
    from focalboost import FocalXGBClassifier

    X, y = three
    with pytest.raises(ValueError, match="class_weight must be None for multilabel targets, got 'balanced'"):
        FocalXGBClassifier(class_weight="balanced").fit(X, np.eye(3, dtype=int)[y][:, :2])


def test_weights_as_a_column(fraud):
    pytest.importorskip("xgboost")
    from focalboost import FocalXGBClassifier

    X, y = fraud
    weight = 1.0 + y
    flat, column, frame = (
        FocalXGBClassifier(n_estimators=3, n_jobs=1).fit(X, y, sample_weight=own).predict_proba(X)
        for own in (weight, weight[:, None], pd.DataFrame({"w": weight}))
    )
    np.testing.assert_array_equal(flat, column)
    np.testing.assert_array_equal(flat, frame)


def test_labels_as_a_frame(family, fraud):
    y = fraud[1]
    objective, frame = family.adapter.FocalObjective(), pd.DataFrame({"y": y})
    assert objective.normalize(frame) == objective.normalize(y)
    assert objective.intercept(frame, pd.DataFrame({"w": 1.0 + y})) == objective.intercept(y, 1.0 + y)
    start = family.adapter.init_score if family.module.__name__ == "lightgbm" else family.adapter.base_score
    np.testing.assert_array_equal(start(objective, frame), start(y, objective))


def test_scale_pos_weight_with_three_classes(family, three):
    X, y = three
    clf = family.Focal(**family.fast, scale_pos_weight=5.0)
    with warnings.catch_warnings(record=True) as caught:  # XGBoost has one of its own
        warnings.simplefilter("always")
        clf.fit(X, y)
    assert any("scale_pos_weight has no effect on a softmax over 3 classes, got 5.0" in str(w.message) for w in caught)
    np.testing.assert_array_equal(clf.predict_proba(X), family.Focal(**family.fast).fit(X, y).predict_proba(X))


@pytest.mark.parametrize("weights", [{"scale_pos_weight": 3.0}, {"is_unbalance": True}], ids=lambda w: next(iter(w)))
def test_label_weights_of_one_versus_rest_are_lightgbms(three, weights):
    lgb = pytest.importorskip("lightgbm")
    from focalboost import FocalLGBMClassifier

    X, y = three
    small = {"verbosity": -1, "num_leaves": 7} | weights
    plain = {"focal_gamma": 0.0, "max_delta_step": 0.0, "focal_mean_shift": False, "focal_multiclass": "ovr"}
    ours = FocalLGBMClassifier(n_jobs=1, n_estimators=8, **small, **plain).fit(X, y)
    # Both from the shares as they are weighed, where LightGBM itself starts from those that are not.
    counts = np.bincount(y)
    odds = 3.0 * counts / (len(y) - counts) if "scale_pos_weight" in weights else np.ones(3)
    start = np.tile(np.log(odds), (len(y), 1))
    params = small | {"objective": "multiclassova", "num_class": 3, "num_threads": 1}
    stock = lgb.train(params, lgb.Dataset(X, y, init_score=start), 8)
    expected = stock.predict(X, raw_score=True) + start
    np.testing.assert_allclose(ours.decision_function(X), expected, rtol=1e-6, atol=1e-9)


# ---- the leaf bound ----------------------------------------------------------------------------------


def test_few_slow_rounds_bring_a_warning(family, fraud):
    X, y = fraud
    rows = np.concatenate([np.flatnonzero(y == 0), np.flatnonzero(y == 1)[:3]])
    slow = family.Focal(**(family.fast | {"n_estimators": 100, "learning_rate": 0.01, "max_delta_step": 2.0}))
    with pytest.warns(UserWarning, match=f"{SLOW_ROUNDS}.* move the log-odds by 2 at most.* 6.8; take more rounds"):
        slow.fit(X[rows], y[rows])
    native = {"learning_rate": 0.01, "max_delta_step": 2.0}
    if family.module.__name__ == "lightgbm":
        data, more = family.module.Dataset(X[rows], y[rows]), {"verbosity": -1, "num_threads": 1}
    else:
        data, more = family.module.DMatrix(X[rows], y[rows]), {"nthread": 1}
    with pytest.warns(UserWarning, match=f"{SLOW_ROUNDS}: 100 rounds x 0.01"):
        family.adapter.train(native | more, data, 100)


@pytest.mark.filterwarnings("error:max_delta_step")
@pytest.mark.parametrize("more", [{"max_delta_step": 0}, {"learning_rate": 0.1}, {"n_estimators": 400}])
def test_enough_rounds_bring_none(family, fraud, more):
    X, y = fraud
    family.Focal(**(family.fast | {"n_estimators": 100, "learning_rate": 0.01, "max_delta_step": 2.0} | more)).fit(X, y)


def test_weights_that_let_no_tree_split_bring_a_warning(family, fraud):
    """As alpha = 1 / counts does with XGBoost's min_child_weight of 1: stock models are constant too."""
    X, y = fraud
    name, smallest = ("min_child_weight", 1e-3) if family.module.__name__ == "lightgbm" else ("min_child_weight", 1.0)
    alpha = 1e-3 * smallest / np.bincount(y)
    clf = family.Focal(**family.fast, focal_alpha=tuple(alpha))
    with pytest.warns(UserWarning, match=f"{name}={smallest:g} lets no tree split: .* constant; lower it"):
        clf.fit(X, y)
    assert np.ptp(clf.predict_proba(X)[:, 1]) == 0
    scaled = family.Focal(**family.fast, focal_alpha=tuple(alpha / alpha.min())).fit(X, y)
    assert np.ptp(scaled.predict_proba(X)[:, 1]) > 0.1
    if family.module.__name__ == "lightgbm":
        data, more = family.module.Dataset(X, y), {"verbosity": -1, "num_threads": 1}
        more["objective"], name = family.adapter.FocalObjective(2.0, tuple(alpha)), "min_sum_hessian_in_leaf"
        native = functools.partial(family.adapter.train, more, data, 2)
    else:
        objective = family.adapter.FocalObjective(2.0, tuple(alpha))
        native = functools.partial(family.adapter.train, {"nthread": 1}, family.module.DMatrix(X, y), 2, obj=objective)
    with pytest.warns(UserWarning, match=f"{name}={smallest:g} lets no tree split"):
        native()


# ---- what is not there -------------------------------------------------------------------------------


def test_an_unfitted_model_has_no_stock_model(family):
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError):
        family.Focal().to_stock()


def test_a_number_for_three_classes(family, three):
    with pytest.raises(ValueError, match=r"focal_alpha must hold one weight per class.* 0.25; .*two classes"):
        family.Focal(focal_alpha=0.25).fit(*three)


def test_label_weights_are_named_as_they_were_given(family, fraud):
    with pytest.raises(ValueError, match=r"scale_pos_weight must not be given with an alpha.* got 9.0 and 0.5"):
        family.Focal(scale_pos_weight=9, focal_alpha=0.5).fit(*fraud)


def test_a_data_set_without_labels(family, fraud):
    X, _ = fraud
    data = family.module.Dataset(X) if family.module.__name__ == "lightgbm" else family.module.DMatrix(X)
    with pytest.raises(ValueError, match="y_true must hold labels, got a data set without any; give it label="):
        family.adapter.FocalObjective().intercept(data)


@pytest.mark.parametrize("framework", ["lightgbm", "xgboost"])
def test_names_without_their_framework(framework):
    """As any name that a module does not have; the message of the submodule has the remedy."""
    name = {"lightgbm": "FocalLGBMClassifier", "xgboost": "FocalXGBClassifier"}[framework]
    script = f"""
import sys
sys.modules["{framework}"] = None
import inspect, focalboost
assert not hasattr(focalboost, "{name}")
assert "{name}" not in dir(focalboost) and "{name}" not in focalboost.__all__
assert "{name}" not in dict(inspect.getmembers(focalboost))
from focalboost import *
try:
    focalboost.{name}
except AttributeError as error:
    assert "pip install 'focalboost[{framework}]'" in str(error)
else:
    raise AssertionError
"""
    result = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_the_estimators_are_among_the_names(family):
    name = family.Focal.__name__
    assert name in focalboost.__all__
    assert dict(inspect.getmembers(focalboost))[name] is family.Focal
