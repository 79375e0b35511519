"""The bound on leaves: the frameworks' own `max_delta_step` is one in log-odds, at any gamma."""

import json

import families
import numpy as np
import pytest
from sklearn.datasets import make_classification

GAMMAS = pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 10.0, 40.0])
KINDS = pytest.mark.parametrize("n_classes, multiclass", [(2, "softmax"), (3, "softmax"), (3, "ovr")])


def held(family, clf):
    """Return max_delta_step as the trained model holds it, in LightGBM with six digits."""
    booster = family.booster(clf)
    if hasattr(booster, "save_config"):
        config = json.loads(booster.save_config())["learner"]["gradient_booster"]
        return float(config["tree_train_param"]["max_delta_step"])
    return float(booster.model_to_string().split("[max_delta_step: ")[1].split("]")[0])


def first_steps(family, n_classes=2, **params):
    """Return how far one tree, at a learning rate of 1, moves the log-odds of each row; leaves of it are pure."""
    more = {"weights": [0.9]} if n_classes == 2 else {"n_classes": n_classes}
    X, y = make_classification(400, 4, n_informative=3, n_redundant=0, class_sep=3.0, flip_y=0, random_state=0, **more)
    fast = family.fast | {"n_estimators": 1, "learning_rate": 1.0, "focal_mean_shift": False}
    clf = family.Focal(**fast, reg_lambda=0.0, min_child_weight=1e-3, **params).fit(X, y)
    share = np.bincount(y) / len(y)
    softmax = n_classes > 2 and params.get("focal_multiclass") != "ovr"
    start = np.log(share) if softmax else np.log(share[1:] / (1 - share[1:]))
    if n_classes > 2 and not softmax:
        start = np.log(share / (1 - share))
    steps = np.asarray(clf.decision_function(X), dtype=float) - (start if n_classes > 2 else start[0])
    if softmax and family.module.__name__ == "xgboost":  # its margins start from mean 0
        steps += np.log(share).mean()
    return steps


@GAMMAS
def test_no_leaf_steps_further_in_log_odds(family, gamma):
    bounded = first_steps(family, focal_gamma=gamma, max_delta_step=1.5)
    assert np.abs(bounded).max() == pytest.approx(1.5, rel=1e-5)
    assert np.abs(first_steps(family, focal_gamma=gamma, max_delta_step=0)).max() > 3.0


@pytest.mark.parametrize("multiclass", ["softmax", "ovr"])
@pytest.mark.parametrize("gamma", [0.0, 2.0, 10.0])
def test_nor_of_several_classes(family, gamma, multiclass):
    given = {"n_classes": 3, "focal_gamma": gamma, "focal_multiclass": multiclass}
    bounded, free = (first_steps(family, max_delta_step=bound, **given) for bound in (0.7, 0))
    assert np.abs(bounded).max() <= 0.7 * (1 + 1e-5)
    assert np.abs(free).max() > 1.0


def test_the_default_bounds(family):
    steps = np.abs(first_steps(family, focal_gamma=2.0)).max()
    assert steps == pytest.approx(family.leaf_bound["max_delta_step"], rel=1e-5)


@GAMMAS
def test_steps_of_the_first_tree_do_not_depend_on_gamma(family, gamma):
    """From the prior, where all rows have one weight, the first tree is that of the log-loss."""
    log_loss, focal = (first_steps(family, focal_gamma=g, max_delta_step=0) for g in (0.0, gamma))
    np.testing.assert_allclose(focal, log_loss, rtol=1e-4, atol=1e-5)


@KINDS
@pytest.mark.parametrize("given, expected", [(0.3, 0.3), (0, 0.0), (7.5, 7.5)])
def test_the_booster_gets_the_parameter_as_it_is(family, given, expected, n_classes, multiclass, make_data):
    X, y, _ = make_data(n_classes)
    clf = family.Focal(**family.fast, max_delta_step=given, focal_multiclass=multiclass).fit(X, y)
    assert held(family, clf) == pytest.approx(expected, rel=1e-6)
    assert clf.get_params()["max_delta_step"] == given
    assert held(family, family.Focal(**family.fast).fit(X, y)) == family.leaf_bound["max_delta_step"]


def test_none_is_no_bound_in_xgboost(make_data):
    pytest.importorskip("xgboost")
    family = families.load("xgboost")
    X, y, _ = make_data(2)
    assert held(family, family.Focal(**family.fast, max_delta_step=None).fit(X, y)) == 0


@pytest.mark.parametrize("name", ["max_tree_output", "max_leaf_output"])
@pytest.mark.parametrize("given", [0.3, 0.0])
@pytest.mark.filterwarnings("ignore:Found `max_")
def test_lightgbms_other_names_of_it(name, given, make_data):
    pytest.importorskip("lightgbm")
    family = families.load("lightgbm")
    X, y, _ = make_data(2)
    clf = family.Focal(**family.fast, **{name: given}).fit(X, y)
    assert held(family, clf) == pytest.approx(given, rel=1e-5)


@pytest.mark.filterwarnings("ignore:.*booster=.* is deprecated")  # XGBoost 3.4
def test_a_linear_booster_has_no_leaves(capfd, make_data):
    pytest.importorskip("xgboost")
    X, y, _ = make_data(2)
    families.load("xgboost").Focal(n_estimators=2, booster="gblinear").fit(X, y)
    assert "max_delta_step" not in "".join(capfd.readouterr())
