"""Copies, parameters and representations of the estimators, and their stock forms."""

import copy
import pickle

import joblib
import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.base import clone, is_classifier

FOCAL = {
    "focal_gamma": 1.5,
    "focal_alpha": "balanced",
    "focal_prior": "sampled",
    "focal_multiclass": "ovr",
    "focal_mean_shift": False,
    "max_delta_step": 3.0,
}
KINDS = pytest.mark.parametrize(
    "n_classes, multiclass", [(2, "softmax"), (3, "softmax"), (3, "ovr")], ids=["binary", "softmax", "ovr"]
)


def by_joblib(model, folder):
    joblib.dump(model, folder / "model.joblib")
    return joblib.load(folder / "model.joblib")


COPIES = {
    "pickle": lambda model, folder: pickle.loads(pickle.dumps(model)),
    "joblib": by_joblib,
    "deepcopy": lambda model, folder: copy.deepcopy(model),
    "copy": lambda model, folder: copy.copy(model),
}


@KINDS
@pytest.mark.parametrize("name", COPIES)
@pytest.mark.parametrize("prior", ["weighted", "sampled"])
def test_a_copy_predicts_the_same(n_classes, multiclass, name, prior, make_data, tmp_path, family):
    X, y, _ = make_data(n_classes)
    settings = family.fast | {"n_estimators": 100, "learning_rate": 0.5}
    clf = family.Focal(**settings, focal_alpha="balanced", focal_prior=prior, focal_multiclass=multiclass)
    family.fit(clf, X[:300], y[:300], eval_X=X[300:], eval_y=y[300:], early_stopping=3)
    best = family.best_round(clf)
    assert 0 < best < 97
    other = COPIES[name](clf, tmp_path)
    assert type(other) is family.Focal
    np.testing.assert_array_equal(other.predict_proba(X), clf.predict_proba(X))
    np.testing.assert_array_equal(other.predict(X), clf.predict(X))
    np.testing.assert_array_equal(other.classes_, clf.classes_)
    assert family.best_round(other) == best
    assert family.history(other) == family.history(clf)
    assert str(other.get_params()) == str(clf.get_params())
    family.fit(other, X[:300], y[:300])  # and it fits again
    assert other.focal_loss_ == clf.focal_loss_


def test_clone_keeps_focal_parameters_and_others(make_data, family):
    X, y, _ = make_data(3)
    clf = family.Focal(**family.fast, **FOCAL, **family.unnamed).fit(X, y)
    params = clf.get_params()
    other = clone(clf)
    assert str(other.get_params()) == str(params)
    assert params.items() >= (family.fast | FOCAL | family.unnamed).items()
    assert not hasattr(other, "focal_loss_")
    np.testing.assert_array_equal(other.fit(X, y).predict_proba(X), clf.predict_proba(X))


def test_defaults_are_the_parents_but_for_the_bound_and_five_more(family):
    ours, stock = family.Focal().get_params(), family.Stock().get_params()
    changed = {name for name, value in ours.items() if name not in stock or str(value) != str(stock[name])}
    assert {name: ours[name] for name in changed} == {
        "focal_gamma": 2.0,
        "focal_alpha": None,
        "focal_prior": "weighted",
        "focal_multiclass": "softmax",
        "focal_mean_shift": True,
        **family.leaf_bound,
        **({"class_weight": None} if family.module.__name__ == "xgboost" else {}),
    }
    assert not stock.keys() - ours.keys()


def test_set_params_and_get_params(family):
    clf = family.Focal()
    given = FOCAL | {"max_depth": 9} | family.unnamed
    assert clf.set_params(**given) is clf
    params = clf.get_params()
    assert params.items() >= given.items()
    assert clf.focal_gamma == 1.5
    again = family.Focal(**params)
    assert str(again.get_params()) == str(params)


@KINDS
def test_set_params_acts_on_the_next_fit(n_classes, multiclass, make_data, family):
    X, y, _ = make_data(n_classes)
    new = {"focal_gamma": 0.5, "focal_mean_shift": False}
    one = family.Focal(**family.fast, focal_multiclass=multiclass).fit(X, y).set_params(**new).fit(X, y)
    two = family.Focal(**family.fast, focal_multiclass=multiclass, **new).fit(X, y)
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))


@KINDS
def test_changing_parameters_after_the_fit_does_not_change_the_model(n_classes, multiclass, make_data, family):
    X, y, _ = make_data(n_classes)
    clf = family.Focal(**family.fast, focal_multiclass=multiclass).fit(X, y)
    proba = clf.predict_proba(X)
    clf.set_params(focal_gamma=0.5)
    np.testing.assert_array_equal(clf.predict_proba(X), proba)
    clf.set_params(learning_rate=0.7, focal_multiclass="ovr", focal_prior="sampled")
    np.testing.assert_array_equal(clf.predict_proba(X), proba)


def test_fitting_does_not_change_the_parameters(make_data, family):
    X, y, _ = make_data(3)
    clf = family.Focal(**family.fast, focal_alpha=[1.0, 2.0, 3.0], **family.unnamed)
    before = copy.deepcopy(clf.get_params())
    family.fit(clf, X, y, eval_X=X, eval_y=y).predict_proba(X)
    assert str(clf.get_params()) == str(before)
    assert not any(name.startswith("focal_") and not name.endswith("_") for name in vars(clf) if name not in before)


def test_fitting_again_forgets_the_first_fit(make_data, family):
    X, y, _ = make_data(3)
    X2, y2, _ = make_data(2, 300)
    clf = family.fit(family.Focal(**family.fast), X, y, eval_X=X, eval_y=y).fit(X2, y2)
    other = family.Focal(**family.fast).fit(X2, y2)
    np.testing.assert_array_equal(clf.predict_proba(X2), other.predict_proba(X2))
    assert clf.n_classes_ == 2
    assert clf.focal_loss_ == other.focal_loss_
    assert not family.has_history(clf)


def test_representations(make_data, family):
    X, y, _ = make_data(2)
    clf = family.Focal(focal_gamma=1.25, max_depth=5, **family.quiet)
    assert repr(clf).startswith(f"{family.Focal.__name__}(")
    assert "focal_gamma=1.25" in repr(clf)
    assert "max_depth=5" in clf.__repr__(N_CHAR_MAX=10_000)
    for model in (clf, clf.fit(X, y)):
        html = model._repr_html_()
        assert family.Focal.__name__ in html
        assert "focal_gamma" in html
    assert is_classifier(clf)


@KINDS
def test_to_stock(n_classes, multiclass, make_data, family):
    X, y, _ = make_data(n_classes)
    labels = np.array(["b", "a", "c"])[y]
    clf = family.Focal(**family.fast, focal_multiclass=multiclass, **family.unnamed)
    # Not the training arrays themselves, for which LightGBM 4.6 stops no training.
    family.fit(clf, X, labels, eval_X=X[1:], eval_y=labels[1:], early_stopping=3)
    stock = clf.to_stock()
    assert type(stock) is family.Stock
    margin = clf.decision_function(X)
    np.testing.assert_array_equal(family.margins(stock, X), margin)
    if n_classes == 2:
        expected = np.stack([expit(-margin), expit(margin)], axis=1)
    else:
        expected = softmax(margin, axis=1) if multiclass == "softmax" else expit(margin)
    np.testing.assert_allclose(stock.predict_proba(X), expected, rtol=1e3 * family.rounding, atol=family.rounding)
    np.testing.assert_array_equal(stock.feature_importances_, clf.feature_importances_)
    assert family.best_round(stock) == family.best_round(clf)
    params = stock.get_params()
    assert params.items() >= (family.fast | family.unnamed).items()
    assert not any(name.startswith("focal_") for name in params)
    assert "focal" not in repr(stock)
    assert clf.get_params()["focal_multiclass"] == multiclass  # ours is left as it was
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(stock)).predict_proba(X), stock.predict_proba(X))


def test_a_pickle_without_training_data_is_small(make_data, family):
    X, y, _ = make_data(2, 4000)
    clf = family.fit(family.Focal(**family.fast), X, y, eval_X=X, eval_y=y)
    stock = family.Stock(**family.fast).fit(X, y)
    assert len(pickle.dumps(clf)) < 2 * len(pickle.dumps(stock))
