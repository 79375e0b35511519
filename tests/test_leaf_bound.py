"""The bound on leaves: `max_delta_step` of the objectives, and what the estimators make of focal_max_step."""

import importlib
import json

import families
import numpy as np
import pytest
from messages import raises
from oracles import central_difference
from sklearn.datasets import make_classification

GAMMAS = pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 10.0])
MULTICLASS = pytest.mark.parametrize("multiclass", ["softmax", "ovr"])


def labels(n_classes):
    rng = np.random.default_rng(0)
    share = [0.97, 0.03] if n_classes == 2 else [0.8, 0.15, 0.04, 0.01]
    return np.append(rng.choice(n_classes, 500, p=share), np.arange(n_classes)), rng.uniform(0.1, 3, 500 + n_classes)


def log_odds(probability):
    return np.log(probability) - np.log1p(-probability)


@GAMMAS
@pytest.mark.parametrize("alpha", [None, 0.25, "balanced"])
def test_two_classes(adapter, alpha, gamma):
    """The bound times how fast the margin moves the log-odds at the start, by finite differences of the link."""
    y, weight = labels(2)
    objective = adapter.FocalObjective(gamma, alpha, max_step=1.5)
    start = objective.intercept(y, weight)
    own = objective.resolve(y, weight)
    slope = central_difference(lambda z: log_odds(own.predict_proba(np.array([z]))[0, 1]), start)
    assert objective.max_delta_step(y, weight) * slope == pytest.approx(1.5, rel=1e-9)
    assert 1 - 1e-9 <= slope <= (1 + gamma) * (1 + 1e-9)


@GAMMAS
@MULTICLASS
@pytest.mark.parametrize("alpha", [None, "balanced"])
def test_several_classes(adapter, multiclass, alpha, gamma):
    """Of the class whose log-odds its margin moves least."""
    y, weight = labels(4)
    objective = adapter.FocalObjective(gamma, alpha, multiclass=multiclass)
    start = objective.intercept(y, weight)
    own = objective.resolve(y, weight)
    shift = np.eye(4)
    slopes = [
        central_difference(lambda z, k=k: log_odds(own.predict_proba((start + z * shift[k])[None])[0, k]), 0.0)
        for k in range(4)
    ]
    assert objective.max_delta_step(y, weight) * min(slopes) == pytest.approx(2.0, rel=1e-8)
    if gamma and multiclass == "softmax" and alpha is None:
        assert max(slopes) > 1.05 * min(slopes)


def test_columns_of_labels(adapter):
    y, weight = labels(4)
    objective = adapter.FocalObjective(3.0, multiclass="ovr")
    columns = (y[:, None] == np.arange(4)).astype(float)
    by_column = [adapter.FocalObjective(3.0).max_delta_step(column, weight) for column in columns.T]
    assert objective.max_delta_step(columns, weight) == pytest.approx(max(by_column), rel=1e-12)
    assert objective.max_delta_step(y, weight) == pytest.approx(max(by_column), rel=1e-12)


@pytest.mark.parametrize("gamma", [0.0, 100.0, 1e6])
@pytest.mark.parametrize("y", [[0] * 99 + [1], [0] * 5, [0, 1, 2, 2, 2]], ids=["rare", "absent", "three"])
def test_bound_is_a_positive_number_for_any_labels(adapter, gamma, y):
    for multiclass in ("softmax", "ovr"):
        bound = adapter.FocalObjective(gamma, multiclass=multiclass).max_delta_step(y)
        assert 0 < bound <= 2.0 * (1 + 1e-9)


def held(family, clf):
    """Return max_delta_step as the trained model holds it, in LightGBM with six digits."""
    booster = family.booster(clf)
    if hasattr(booster, "save_config"):
        config = json.loads(booster.save_config())["learner"]["gradient_booster"]
        return float(config["tree_train_param"]["max_delta_step"])
    return float(booster.model_to_string().split("[max_delta_step: ")[1].split("]")[0])


def bound_of(family, clf, y, weight=None):
    adapter = importlib.import_module(family.Focal.__module__.rpartition(".")[0])
    objective = adapter.FocalObjective(clf.focal_gamma, multiclass=clf.focal_multiclass, max_step=clf.focal_max_step)
    return objective.max_delta_step(y, weight)


@MULTICLASS
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("hessian", ["upper", "exact", "expected"])
def test_estimators_bound_the_leaves(family, hessian, n_classes, multiclass, make_data):
    X, y, weight = make_data(n_classes)
    clf = family.Focal(**family.fast, focal_hessian=hessian, focal_max_step=0.7, focal_multiclass=multiclass)
    clf.fit(X, y, sample_weight=weight)
    assert held(family, clf) == pytest.approx(bound_of(family, clf, y, weight), rel=1e-5)
    assert "max_delta_step" not in clf.get_params() or clf.get_params()["max_delta_step"] is None


def test_by_default_too(family, make_data):
    X, y, _ = make_data(2)
    clf = family.Focal(**family.fast).fit(X, y)
    assert held(family, clf) == pytest.approx(bound_of(family, clf, y), rel=1e-5)


def first_steps(family, **params):
    """Return how far one tree, at a learning rate of 1, moves the log-odds of each row; a leaf of it is pure."""
    X, y = make_classification(400, 4, weights=[0.9], class_sep=3.0, flip_y=0, random_state=0)
    fast = family.fast | {"n_estimators": 1, "learning_rate": 1.0}
    clf = family.Focal(**fast, reg_lambda=0.0, min_child_weight=1e-3, **params).fit(X, y)
    steps = np.asarray(clf.decision_function(X), dtype=float) - clf.focal_loss_.intercept(y)
    return steps * 2.0 / bound_of(family, family.Focal(focal_gamma=clf.focal_gamma, focal_max_step=2.0), y)


@GAMMAS
def test_no_leaf_steps_further_in_log_odds(family, gamma):
    bounded = first_steps(family, focal_gamma=gamma, focal_hessian="expected", focal_max_step=1.5)
    free = first_steps(family, focal_gamma=gamma, focal_hessian="expected", focal_max_step=None)
    assert np.abs(bounded).max() == pytest.approx(1.5, rel=1e-5)
    assert np.abs(free).max() > 3.0


def test_steps_of_the_first_tree_do_not_depend_on_gamma(family):
    """With the expected Hessian the first tree is that of the log-loss, in another unit."""
    log_loss, *others = (first_steps(family, focal_gamma=g, focal_hessian="expected") for g in (0.0, 1.0, 5.0))
    for steps in others:
        np.testing.assert_allclose(steps, log_loss, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("given, expected", [(0.3, 0.3), (0, None), (None, None)])
def test_the_users_own_bound_takes_its_place(family, given, expected, make_data):
    X, y, _ = make_data(2)
    clf = family.Focal(**family.fast, max_delta_step=given).fit(X, y)
    assert held(family, clf) == pytest.approx(bound_of(family, clf, y) if expected is None else expected, rel=1e-5)


@pytest.mark.parametrize("name", ["max_tree_output", "max_leaf_output"])
@pytest.mark.parametrize("given", [0.3, 0.0])
@pytest.mark.filterwarnings("ignore:Found `max_")
def test_lightgbms_other_names_of_it(name, given, make_data):
    pytest.importorskip("lightgbm")
    family = families.load("lightgbm")
    X, y, _ = make_data(2)
    clf = family.Focal(**family.fast, **{name: given}).fit(X, y)
    assert held(family, clf) == pytest.approx(given or bound_of(family, clf, y), rel=1e-5)


def test_none_and_the_bounded_hessian_set_none(family, make_data):
    X, y, _ = make_data(2)
    for params in ({"focal_max_step": None}, {"focal_hessian": "bounded", "focal_max_step": 2.0}):
        assert held(family, family.Focal(**family.fast, **params).fit(X, y)) == 0


def test_the_bounded_hessian_needs_a_number(family, make_data):
    X, y, _ = make_data(2)
    with raises(TypeError, "focal_max_step", "a finite number", "got None"):
        family.Focal(focal_hessian="bounded", focal_max_step=None).fit(X, y)


@pytest.mark.filterwarnings("ignore:.*booster=.* is deprecated")  # XGBoost 3.4
def test_a_linear_booster_has_no_leaves(capfd, make_data):
    pytest.importorskip("xgboost")
    X, y, _ = make_data(2)
    families.load("xgboost").Focal(n_estimators=2, booster="gblinear").fit(X, y)
    assert "max_delta_step" not in "".join(capfd.readouterr())
