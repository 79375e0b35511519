"""Copies, parameters, representations, and saved models of FocalLGBMClassifier."""

import copy
import json
import pickle

import joblib
import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.base import clone, is_classifier

lgb = pytest.importorskip("lightgbm")

from focalboost import FocalLGBMClassifier  # noqa: E402

FAST = {"n_jobs": 1, "verbosity": -1, "num_leaves": 7, "min_child_samples": 5, "n_estimators": 8}
FOCAL = {
    "focal_gamma": 1.5,
    "focal_alpha": "balanced",
    "focal_hessian": "upper",
    "focal_max_step": 3.0,
    "focal_link": "posterior",
    "focal_multiclass": "ovr",
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
@pytest.mark.parametrize("link", ["focal", "logit", "posterior"])
def test_a_copy_predicts_the_same(n_classes, multiclass, name, link, make_data, tmp_path):
    X, y, _ = make_data(n_classes)
    settings = FAST | {"n_estimators": 40, "learning_rate": 0.5}
    clf = FocalLGBMClassifier(**settings, focal_alpha="balanced", focal_link=link, focal_multiclass=multiclass)
    rest = {"eval_X": X[300:], "eval_y": y[300:], "callbacks": [lgb.early_stopping(3, verbose=False)]}
    clf.fit(X[:300], y[:300], **rest)
    assert 0 < clf.best_iteration_ < 37
    other = COPIES[name](clf, tmp_path)
    assert type(other) is FocalLGBMClassifier
    np.testing.assert_array_equal(other.predict_proba(X), clf.predict_proba(X))
    np.testing.assert_array_equal(other.predict(X), clf.predict(X))
    assert other.best_iteration_ == clf.best_iteration_
    assert other.booster_.best_iteration == clf.best_iteration_
    assert other.evals_result_ == clf.evals_result_
    assert other.get_params() == clf.get_params()
    other.fit(X[:300], y[:300])  # and it fits again
    assert other.focal_loss_ == clf.focal_loss_


def test_clone_keeps_focal_parameters_and_others(make_data):
    X, y, _ = make_data(3)
    clf = FocalLGBMClassifier(**FAST, **FOCAL, min_data_in_bin=7, path_smooth=1.0).fit(X, y)
    params = clf.get_params()
    other = clone(clf)
    assert other.get_params() == params
    assert params.items() >= (FAST | FOCAL | {"min_data_in_bin": 7, "path_smooth": 1.0}).items()
    assert not hasattr(other, "focal_loss_")
    np.testing.assert_array_equal(other.fit(X, y).predict_proba(X), clf.predict_proba(X))


def test_defaults_are_the_parents_and_six_more():
    ours, stock = FocalLGBMClassifier().get_params(), lgb.LGBMClassifier().get_params()
    assert {name: value for name, value in ours.items() if not name.startswith("focal_")} == stock
    assert {name: value for name, value in ours.items() if name.startswith("focal_")} == {
        "focal_gamma": 2.0,
        "focal_alpha": None,
        "focal_hessian": "bounded",
        "focal_max_step": 2.0,
        "focal_link": "focal",
        "focal_multiclass": "softmax",
    }


def test_set_params_and_get_params():
    clf = FocalLGBMClassifier()
    assert clf.set_params(**FOCAL, num_leaves=9, min_data_in_bin=5) is clf
    params = clf.get_params()
    assert params.items() >= (FOCAL | {"num_leaves": 9, "min_data_in_bin": 5}).items()
    assert clf.focal_gamma == 1.5
    assert clf.min_data_in_bin == 5
    again = FocalLGBMClassifier(**params)
    assert again.get_params() == params


@KINDS
def test_set_params_acts_on_the_next_fit(n_classes, multiclass, make_data):
    X, y, _ = make_data(n_classes)
    new = {"focal_gamma": 0.5, "focal_hessian": "exact"}
    one = FocalLGBMClassifier(**FAST, focal_multiclass=multiclass).fit(X, y).set_params(**new).fit(X, y)
    two = FocalLGBMClassifier(**FAST, focal_multiclass=multiclass, **new).fit(X, y)
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))


@KINDS
def test_changing_gamma_after_the_fit_does_not_change_the_model(n_classes, multiclass, make_data):
    X, y, _ = make_data(n_classes)
    clf = FocalLGBMClassifier(**FAST, focal_multiclass=multiclass).fit(X, y)
    proba = clf.predict_proba(X)
    clf.set_params(focal_gamma=0.5)
    np.testing.assert_array_equal(clf.predict_proba(X), proba)


def test_fitting_does_not_change_the_parameters(make_data):
    X, y, _ = make_data(2)
    clf = FocalLGBMClassifier(**FAST, focal_alpha=[1.0, 2.0], use_quantized_grad=True)
    before = copy.deepcopy(clf.get_params())
    clf.fit(X, y, eval_X=X, eval_y=y, eval_metric="auc").predict_proba(X)
    assert clf.get_params() == before
    assert not any(name.startswith("focal_") and not name.endswith("_") for name in vars(clf) if name not in before)


def test_fitting_again_forgets_the_first_fit(make_data):
    X, y, _ = make_data(3)
    X2, y2, _ = make_data(2, 300)
    clf = FocalLGBMClassifier(**FAST).fit(X, y).fit(X2, y2)
    other = FocalLGBMClassifier(**FAST).fit(X2, y2)
    np.testing.assert_array_equal(clf.predict_proba(X2), other.predict_proba(X2))
    assert clf.n_classes_ == 2
    assert clf.objective_ == other.objective_
    assert clf.focal_loss_ == other.focal_loss_


def test_representations(make_data):
    X, y, _ = make_data(2)
    clf = FocalLGBMClassifier(focal_gamma=1.25, num_leaves=5, verbosity=-1, n_jobs=1)
    assert repr(clf).startswith("FocalLGBMClassifier(")
    assert "focal_gamma=1.25" in repr(clf)
    assert "num_leaves=5" in repr(clf)
    for model in (clf, clf.fit(X, y)):
        html = model._repr_html_()
        assert "FocalLGBMClassifier" in html
        assert "focal_gamma" in html
    assert is_classifier(clf)


@KINDS
def test_to_stock(n_classes, multiclass, make_data):
    X, y, _ = make_data(n_classes)
    labels = np.array(["b", "a", "c"])[y]
    clf = FocalLGBMClassifier(**FAST, focal_multiclass=multiclass, focal_link="logit", min_data_in_bin=4)
    # Not the training arrays themselves, for which LightGBM 4.6 stops no training.
    clf.fit(X, labels, eval_X=X[1:], eval_y=labels[1:], callbacks=[lgb.early_stopping(3, verbose=False)])
    stock = clf.to_stock()
    assert type(stock) is lgb.LGBMClassifier
    margin = clf.decision_function(X)
    np.testing.assert_array_equal(stock.predict_proba(X, raw_score=True), margin)
    if n_classes == 2:
        expected = np.stack([expit(-margin), expit(margin)], axis=1)
    else:
        expected = softmax(margin, axis=1) if multiclass == "softmax" else expit(margin)
    np.testing.assert_allclose(stock.predict_proba(X), expected, rtol=1e-9)
    np.testing.assert_array_equal(stock.predict(X), clf.predict(X))
    np.testing.assert_array_equal(stock.classes_, clf.classes_)
    np.testing.assert_array_equal(stock.feature_importances_, clf.feature_importances_)
    assert stock.best_iteration_ == clf.best_iteration_
    assert stock.objective_ == {(2, "softmax"): "binary", (3, "softmax"): "multiclass"}.get(
        (n_classes, multiclass), "multiclassova"
    )
    params = stock.get_params()
    assert params["min_data_in_bin"] == 4
    assert params["num_leaves"] == 7
    assert not any(name.startswith("focal_") for name in params)
    assert clone(stock).fit(X, labels).score(X, labels) > 0.6
    assert "focal" not in repr(stock)
    assert clf.get_params()["focal_multiclass"] == multiclass  # ours is left as it was
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(stock)).predict_proba(X), stock.predict_proba(X))


STOCK_SCRIPT = """
import pickle, sys, json
import lightgbm
import numpy as np
folder = sys.argv[1]
X = np.load(folder + "/X.npy")
try:
    import focalboost
except ImportError:
    pass
else:
    raise SystemExit("focalboost can be imported")
booster = lightgbm.Booster(model_file=folder + "/model.txt")
with open(folder + "/stock.pickle", "rb") as file:
    stock = pickle.load(file)
assert "focalboost" not in sys.modules
print(json.dumps([
    booster.predict(X).tolist(),
    booster.predict(X, raw_score=True).tolist(),
    lightgbm.Booster(model_str=open(folder + "/model.txt").read()).predict(X).tolist(),
    stock.predict_proba(X).tolist(),
    booster.dump_model()["objective"],
]))
"""


@KINDS
def test_saved_models_load_without_focalboost(n_classes, multiclass, make_data, tmp_path, without_focalboost):
    X, y, _ = make_data(n_classes)
    clf = FocalLGBMClassifier(**FAST, focal_multiclass=multiclass, focal_link="logit").fit(X, y)
    clf.booster_.save_model(tmp_path / "model.txt")
    (tmp_path / "stock.pickle").write_bytes(pickle.dumps(clf.to_stock()))
    np.save(tmp_path / "X.npy", X)
    *arrays, objective = json.loads(without_focalboost(STOCK_SCRIPT, tmp_path))
    predicted, margin, from_text, of_stock = map(np.asarray, arrays)
    np.testing.assert_allclose(margin, clf.decision_function(X), rtol=1e-6)
    own = predicted if n_classes > 2 else np.stack([1 - predicted, predicted], axis=1)
    np.testing.assert_allclose(own / own.sum(axis=1, keepdims=True), clf.predict_proba(X), rtol=1e-6)
    np.testing.assert_array_equal(from_text, predicted)
    np.testing.assert_allclose(of_stock, own, rtol=1e-6)
    assert objective.split()[0] == clf.booster_.dump_model()["objective"].split()[0]


def test_a_pickle_without_training_is_small(make_data):
    X, y, _ = make_data(2, 4000)
    clf = FocalLGBMClassifier(**FAST).fit(X, y, eval_X=X, eval_y=y)
    stock = lgb.LGBMClassifier(**FAST).fit(X, y)
    assert len(pickle.dumps(clf)) < 2 * len(pickle.dumps(stock))
