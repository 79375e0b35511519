"""Model files of FocalXGBClassifier, read by it and by processes that do not know it."""

import copy
import json

import numpy as np
import pytest
from messages import raises
from scipy.special import softmax

xgb = pytest.importorskip("xgboost")

from focalboost import FocalXGBClassifier  # noqa: E402

FAST = {"n_jobs": 1, "max_depth": 3, "n_estimators": 8}
KINDS = pytest.mark.parametrize(
    "n_classes, multiclass", [(2, "softmax"), (3, "softmax"), (3, "ovr")], ids=["binary", "softmax", "ovr"]
)
FORMATS = ["ubj", "json"]


@KINDS
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("prior", ["weighted", "sampled"])
def test_a_loaded_model_predicts_the_same(n_classes, multiclass, form, prior, make_data, tmp_path):
    X, y, _ = make_data(n_classes)
    labels = np.array(["fraud", "ok", "unsure"])[y]
    focal = {"focal_gamma": 1.3, "focal_alpha": "balanced", "focal_prior": prior, "focal_multiclass": multiclass}
    clf = FocalXGBClassifier(**FAST, **focal).fit(X, labels, sample_weight=1.0 + y)
    path = tmp_path / f"model.{form}"
    clf.save_model(path)
    for given in (path, str(path), bytearray(path.read_bytes())):
        other = FocalXGBClassifier()
        other.load_model(given)
        np.testing.assert_array_equal(other.predict_proba(X), clf.predict_proba(X))
        np.testing.assert_array_equal(other.predict(X), clf.predict(X))
        np.testing.assert_array_equal(other.classes_, clf.classes_)
        assert other.classes_.dtype == clf.classes_.dtype
        assert other.focal_loss_ == clf.focal_loss_
        assert other.n_classes_ == n_classes
        params = other.get_params()
        assert params["focal_gamma"] == 1.3
        assert params["focal_prior"] == prior
        assert params["focal_alpha"] == clf.focal_loss_.alpha
        assert params["focal_multiclass"] == ("ovr" if multiclass == "ovr" else "softmax")


@pytest.mark.parametrize("labels", [[-1, 5], [False, True], [1.0, 4.0], ["ä", "日本"]], ids=str)
def test_labels_of_every_kind_come_back(labels, make_data, tmp_path):
    X, y, _ = make_data(2)
    names = np.array(labels)
    clf = FocalXGBClassifier(**FAST).fit(X, names[y])
    clf.save_model(tmp_path / "model.json")
    other = FocalXGBClassifier()
    other.load_model(tmp_path / "model.json")
    assert other.predict(X).dtype == names.dtype
    np.testing.assert_array_equal(other.predict(X), clf.predict(X))


def test_multilabel_models_come_back(make_data, tmp_path):
    X, y, _ = make_data(3)
    Y = np.stack([y == 0, y > 0], axis=1).astype(int)
    clf = FocalXGBClassifier(**FAST, focal_alpha=[0.3, 0.6]).fit(X, Y)
    clf.save_model(tmp_path / "model.ubj")
    other = FocalXGBClassifier()
    other.load_model(tmp_path / "model.ubj")
    np.testing.assert_array_equal(other.predict_proba(X), clf.predict_proba(X))
    np.testing.assert_array_equal(other.predict(X), clf.predict(X))
    assert other.focal_loss_ == clf.focal_loss_


def test_early_stopping_is_kept(make_data, tmp_path):
    X, y, _ = make_data(2)
    clf = FocalXGBClassifier(**FAST | {"n_estimators": 100, "learning_rate": 0.6}, early_stopping_rounds=3)
    clf.fit(X[:300], y[:300], eval_set=[(X[300:], y[300:])], verbose=False)
    clf.save_model(tmp_path / "model.ubj")
    other = FocalXGBClassifier()
    other.load_model(tmp_path / "model.ubj")
    assert other.best_iteration == clf.best_iteration < 96
    np.testing.assert_array_equal(other.predict_proba(X), clf.predict_proba(X))


def test_a_loaded_estimator_fits_from_the_new_start(make_data, tmp_path):
    X, y, _ = make_data(2)
    FocalXGBClassifier(**FAST).fit(X, y).save_model(tmp_path / "model.ubj")
    other = FocalXGBClassifier(**FAST)
    other.load_model(tmp_path / "model.ubj")
    other.fit(X, 1 - y)
    fresh = FocalXGBClassifier(**FAST).fit(X, 1 - y)
    np.testing.assert_array_equal(other.predict_proba(X), fresh.predict_proba(X))


@pytest.mark.parametrize("objective", ["reg:squarederror", "binary:hinge", "rank:pairwise"])
def test_a_model_of_another_objective_is_refused(objective, make_data, tmp_path):
    X, y, _ = make_data(2)
    data = xgb.DMatrix(X, y, **({"qid": np.zeros(len(y))} if objective.startswith("rank") else {}))
    xgb.train({"objective": objective}, data, 2).save_model(tmp_path / "stock.ubj")
    clf = FocalXGBClassifier(**FAST).fit(X, y)
    before = clf.predict_proba(X)
    with raises(ValueError, "fname", "binary:logistic or multi:softprob", repr(objective), "xgboost.Booster"):
        clf.load_model(tmp_path / "stock.ubj")
    np.testing.assert_array_equal(clf.predict_proba(X), before)


@pytest.mark.parametrize("kind", ["truncated", "empty", "text", "missing"])
def test_files_that_hold_no_model(kind, make_data, tmp_path):
    X, y, _ = make_data(2)
    path = tmp_path / "model.ubj"
    FocalXGBClassifier(**FAST).fit(X, y).save_model(path)
    content = {"truncated": path.read_bytes()[:500], "empty": b"", "text": b"tree\nversion=v4\n"}.get(kind)
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises((xgb.core.XGBoostError, ValueError)):
        FocalXGBClassifier().load_model(path)


def test_nothing_to_save(tmp_path):
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError):
        FocalXGBClassifier().save_model(tmp_path / "model.ubj")


def test_a_booster_carries_what_the_estimator_needs(make_data, tmp_path):
    X, y, _ = make_data(3)
    clf = FocalXGBClassifier(**FAST).fit(X, y)
    for number, booster in enumerate((clf.get_booster(), copy.deepcopy(clf.get_booster()), clf.get_booster()[:4])):
        booster.save_model(tmp_path / f"{number}.ubj")
        other = FocalXGBClassifier()
        other.load_model(tmp_path / f"{number}.ubj")
        rounds = booster.num_boosted_rounds()
        np.testing.assert_array_equal(other.predict_proba(X), clf.predict_proba(X, iteration_range=(0, rounds)))


STOCK_SCRIPT = """
import json, sys
import numpy as np
import xgboost
folder = sys.argv[1]
try:
    import focalboost
except ImportError:
    pass
else:
    raise SystemExit("focalboost can be imported")
X = xgboost.DMatrix(np.load(folder + "/X.npy"))
found = []
for form in ("ubj", "json"):
    booster = xgboost.Booster(model_file=folder + "/model." + form)
    found.append([booster.predict(X, output_margin=True).tolist(), booster.predict(X).tolist()])
stock = xgboost.XGBClassifier()
stock.load_model(folder + "/model.ubj")
assert "focalboost" not in sys.modules
print(json.dumps([*found, stock.predict_proba(X.get_data().toarray()).tolist(), booster.attr("focalboost")]))
"""


@KINDS
def test_saved_models_load_without_focalboost(n_classes, multiclass, make_data, tmp_path, without_focalboost):
    X, y, _ = make_data(n_classes)
    clf = FocalXGBClassifier(**FAST, focal_multiclass=multiclass).fit(X, y)
    for form in FORMATS:
        clf.save_model(tmp_path / f"model.{form}")
    np.save(tmp_path / "X.npy", X)
    *boosters, of_stock, attribute = json.loads(without_focalboost(STOCK_SCRIPT, tmp_path))
    for found in boosters:
        margin, predicted = map(np.asarray, found)
        np.testing.assert_allclose(margin, clf.decision_function(X), rtol=1e-6)
        own = predicted if n_classes > 2 else np.stack([1 - predicted, predicted], axis=1)
        np.testing.assert_allclose(own, clf.predict_proba(X), rtol=1e-6)
        np.testing.assert_allclose(of_stock, own, rtol=1e-6, atol=1e-7)
    assert json.loads(attribute)["gamma"] == 2.0
    if n_classes > 2 and multiclass == "softmax":
        np.testing.assert_allclose(own, softmax(margin, axis=1), rtol=1e-5)
