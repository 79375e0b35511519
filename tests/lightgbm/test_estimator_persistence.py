"""Saved models of FocalLGBMClassifier, and its stock form."""

import copy
import json
import pickle

import numpy as np
import pytest
from sklearn.base import clone

lgb = pytest.importorskip("lightgbm")

from focalboost import FocalLGBMClassifier  # noqa: E402

FAST = {"n_jobs": 1, "verbosity": -1, "num_leaves": 7, "min_child_samples": 5, "n_estimators": 8}
KINDS = pytest.mark.parametrize(
    "n_classes, multiclass", [(2, "softmax"), (3, "softmax"), (3, "ovr")], ids=["binary", "softmax", "ovr"]
)


@KINDS
def test_to_stock_keeps_labels_and_fits_again(n_classes, multiclass, make_data):
    X, y, _ = make_data(n_classes)
    labels = np.array(["b", "a", "c"])[y]
    clf = FocalLGBMClassifier(**FAST, focal_multiclass=multiclass).fit(X, labels)
    stock = clf.to_stock()
    np.testing.assert_array_equal(stock.predict(X), clf.predict(X))
    np.testing.assert_array_equal(stock.classes_, clf.classes_)
    assert stock.objective_ == {(2, "softmax"): "binary", (3, "softmax"): "multiclass"}.get(
        (n_classes, multiclass), "multiclassova"
    )
    assert clone(stock).fit(X, labels).score(X, labels) > 0.6


def test_the_booster_of_a_copy_keeps_the_best_iteration(make_data):
    X, y, _ = make_data(2)
    clf = FocalLGBMClassifier(**FAST | {"n_estimators": 60, "learning_rate": 0.5})
    clf.fit(X, y, eval_X=X[::2], eval_y=1 - y[::2], callbacks=[lgb.early_stopping(3, verbose=False)])
    for other in (clf, copy.copy(clf), copy.deepcopy(clf), pickle.loads(pickle.dumps(clf))):
        assert other.booster_.best_iteration == clf.best_iteration_ == 1


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
    clf = FocalLGBMClassifier(**FAST, focal_multiclass=multiclass).fit(X, y)
    clf.booster_.save_model(tmp_path / "model.txt")
    (tmp_path / "stock.pickle").write_bytes(pickle.dumps(clf.to_stock()))
    np.save(tmp_path / "X.npy", X)
    *arrays, objective = json.loads(without_focalboost(STOCK_SCRIPT, tmp_path))
    predicted, margin, from_text, of_stock = map(np.asarray, arrays)
    np.testing.assert_allclose(margin, clf.decision_function(X), rtol=1e-12)
    own = predicted if n_classes > 2 else np.stack([1 - predicted, predicted], axis=1)
    np.testing.assert_allclose(own, clf.predict_proba(X), rtol=1e-12)
    np.testing.assert_array_equal(from_text, predicted)
    np.testing.assert_allclose(of_stock, own, rtol=1e-12)
    assert objective.split()[0] == clf.booster_.dump_model()["objective"].split()[0]
