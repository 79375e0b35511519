"""FocalHistGradientBoostingClassifier in pickles, copies, searches and pipelines, and its stock form elsewhere."""

import copy
import json
import pickle

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.inspection import partial_dependence
from sklearn.metrics import get_scorer
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from focalboost import FocalHistGradientBoostingClassifier

pytestmark = pytest.mark.usefixtures("one_thread")

FAST = {"max_iter": 8, "max_leaf_nodes": 7, "random_state": 0}
STOCK_SCRIPT = """
import json, pickle, sys
import numpy as np
folder = sys.argv[1]
with open(folder + "/stock.pickle", "rb") as file:
    stock = pickle.load(file)
X = np.load(folder + "/X.npy")
assert "focalboost" not in sys.modules
print(json.dumps([type(stock).__name__, stock.predict_proba(X).tolist(), stock.predict(X).tolist()]))
"""


@pytest.mark.parametrize("own", [{}, {"focal_alpha": "balanced", "focal_prior": "sampled"}], ids=["plain", "sampled"])
@pytest.mark.parametrize("n_classes", [1, 2, 3])
def test_the_stock_form_predicts_the_same_without_focalboost(n_classes, own, make_data, tmp_path, without_focalboost):
    X, y, _ = make_data(n_classes)
    own = own if n_classes > 1 else {}
    clf = FocalHistGradientBoostingClassifier(**FAST, **own, categorical_features=[3]).fit(np.abs(X), y)
    (tmp_path / "stock.pickle").write_bytes(pickle.dumps(clf.to_stock()))
    np.save(tmp_path / "X.npy", np.abs(X))
    name, proba, predicted = json.loads(without_focalboost(STOCK_SCRIPT, tmp_path))
    assert name == "HistGradientBoostingClassifier"
    np.testing.assert_array_equal(proba, clf.predict_proba(np.abs(X)))
    np.testing.assert_array_equal(predicted, clf.predict(np.abs(X)))


def test_the_stock_form_is_of_that_class_and_fits_again(make_data):
    X, codes, _ = make_data(2)
    y = np.array(["fraud", "ok"])[codes]
    stock = FocalHistGradientBoostingClassifier(**FAST, min_samples_leaf=3).fit(X, y).to_stock()
    parent = HistGradientBoostingClassifier(**FAST, min_samples_leaf=3, l2_regularization=1.0)
    assert type(stock) is HistGradientBoostingClassifier
    assert stock.get_params() == parent.get_params()
    assert not [name for name in vars(stock) if "focal" in name]
    parent.fit(X, y)
    np.testing.assert_array_equal(stock.fit(X, y).predict_proba(X), parent.predict_proba(X))


def test_the_stock_form_needs_a_fit():
    with pytest.raises(NotFittedError):
        FocalHistGradientBoostingClassifier().to_stock()


@pytest.mark.parametrize("of", [lambda clf: pickle.loads(pickle.dumps(clf)), copy.deepcopy, copy.copy])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_copies_predict_and_go_on(n_classes, of, make_data):
    X, y, _ = make_data(n_classes)
    clf = FocalHistGradientBoostingClassifier(**FAST, warm_start=True).fit(X, y)
    other = of(clf)
    np.testing.assert_array_equal(other.predict_proba(X), clf.predict_proba(X))
    assert other.focal_loss_ == clf.focal_loss_
    once = FocalHistGradientBoostingClassifier(**FAST | {"max_iter": 12}).fit(X, y)
    other.set_params(max_iter=12).fit(X, y)
    np.testing.assert_allclose(other.decision_function(X), once.decision_function(X), rtol=1e-9, atol=1e-9)


def test_a_fitted_model_holds_no_training_rows(make_data):
    X, y, _ = make_data(2, n=20_000)
    small = FocalHistGradientBoostingClassifier(**FAST).fit(X, y)
    parent = HistGradientBoostingClassifier(**FAST).fit(X, y)
    assert len(pickle.dumps(small)) < len(pickle.dumps(parent)) + 5000


def test_clone_keeps_the_parameters():
    clf = FocalHistGradientBoostingClassifier(focal_gamma=1.0, focal_alpha={0: 1.0, 1: 2.0}, max_iter=7)
    assert clone(clf).get_params() == clf.get_params()


def test_weights_are_routed(make_data):
    X, y, weight = make_data(2)
    weight = weight * np.where(y == 1, 5.0, 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        clf = FocalHistGradientBoostingClassifier(**FAST).set_fit_request(sample_weight=True)
        scoring = get_scorer("accuracy").set_score_request(sample_weight=False)
        piped = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), clf)
        weighted, plain = (
            cross_validate(piped, X, y, scoring=scoring, params=params, return_estimator=True)["estimator"][
                0
            ].predict_proba(X)
            for params in ({"sample_weight": weight}, {})
        )
    assert weighted[:, 1].mean() > plain[:, 1].mean() + 0.1


def test_partial_dependence_by_the_trees(make_data):
    X, y, _ = make_data(2)
    clf = FocalHistGradientBoostingClassifier(**FAST).fit(X, y)
    curve = partial_dependence(clf, X, [0], method="recursion")["average"]
    assert np.ptp(curve) > 0
