"""What a model file alone tells: labels, gamma, prior; and estimators of what stock has saved."""

import copy
import pickle

import families
import numpy as np
import pandas as pd
import pytest
from messages import raises
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from focalboost import BinaryFocalLoss, MulticlassFocalLoss, SigmoidFocalLoss

LABELS = {
    "brackets": ["a: b]", "[c: d]"],
    "quotes": ['"yes"', "n\\o'"],
    "lines": ["one\ntwo", "\t"],
    "escapes": ["ü\n:%x", "%5D"],
    "equals": ["Tree=0", "end of parameters"],
    "unicode": ["été", "日本"],
    "empty": ["", " "],
    "dates": np.array(["2024-02-29", "2031-01-01"], dtype="M8[D]"),
    "bools": [False, True],
    "floats": [-5.0, 1e6],
    "float32": np.array([2.0, 3.0], dtype=np.float32),
    "negative": [-7, 2**40],
    "beyond float64": [2**53 + 1, 2**53 + 3],
    "uint8": np.array([3, 255], dtype=np.uint8),
}
KINDS = pytest.mark.parametrize(
    "n_classes, multiclass", [(2, "softmax"), (3, "softmax"), (3, "ovr")], ids=["binary", "softmax", "ovr"]
)
FRAMEWORK_KINDS = {"binary": BinaryFocalLoss, "softmax": MulticlassFocalLoss, "ovr": SigmoidFocalLoss}


def read(family, path):
    if family.module.__name__ == "lightgbm":
        return family.Focal.from_booster(path)
    clf = family.Focal()
    clf.load_model(path)
    return clf


@pytest.fixture
def lightgbm():
    pytest.importorskip("lightgbm")
    return families.load("lightgbm")


@pytest.fixture
def xgboost():
    pytest.importorskip("xgboost")
    return families.load("xgboost")


def path_of(family, folder):
    return folder / {"lightgbm": "model.txt", "xgboost": "model.ubj"}[family.module.__name__]


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_labels_of_every_kind_come_back(family, labels, make_data, tmp_path):
    X, codes, _ = make_data(2, 200)
    names = np.array(labels)
    clf = family.Focal(**family.fast).fit(X, names[codes])
    path = path_of(family, tmp_path)
    family.booster(clf).save_model(path)
    other = read(family, path)
    np.testing.assert_array_equal(other.classes_, clf.classes_)
    assert other.classes_.dtype == clf.classes_.dtype
    np.testing.assert_array_equal(other.predict(X), clf.predict(X))
    assert other.predict(X).dtype == clf.predict(X).dtype
    np.testing.assert_array_equal(other.predict_proba(X), clf.predict_proba(X))


def test_labels_as_objects_and_categories(family, make_data, tmp_path):
    X, codes, _ = make_data(3, 300)
    path = path_of(family, tmp_path)
    for y in (np.array(["x", "b", "c"], dtype=object)[codes], pd.Series(pd.Categorical.from_codes(codes, list("qrs")))):
        clf = family.Focal(**family.fast).fit(X, y)
        family.booster(clf).save_model(path)
        assert list(read(family, path).predict(X)) == list(clf.predict(X))


@KINDS
@pytest.mark.parametrize("prior", ["weighted", "sampled"])
@pytest.mark.parametrize("alpha", [None, "balanced"])
def test_what_was_trained_comes_back(family, n_classes, multiclass, prior, alpha, make_data, tmp_path):
    X, codes, weight = make_data(n_classes)
    y = np.array(["fraud", "ok", "unsure"])[codes]
    focal = {"focal_gamma": 1.3, "focal_alpha": alpha, "focal_prior": prior, "focal_multiclass": multiclass}
    clf = family.Focal(**family.fast, **focal).fit(X, y, sample_weight=weight)
    path = path_of(family, tmp_path)
    family.booster(clf).save_model(path)
    other = read(family, path)
    assert other.focal_loss_ == clf.focal_loss_
    kind = BinaryFocalLoss if n_classes == 2 else FRAMEWORK_KINDS[multiclass]
    assert isinstance(other.focal_loss_, kind)
    assert (other.focal_gamma, other.focal_prior) == (1.3, prior)
    assert other.focal_alpha == clf.focal_loss_.alpha
    assert other.focal_multiclass == ("ovr" if n_classes > 2 and multiclass == "ovr" else "softmax")
    assert other.n_classes_ == n_classes
    np.testing.assert_array_equal(other.decision_function(X), clf.decision_function(X))
    again = family.Focal(**family.fast, **{k: v for k, v in other.get_params().items() if k in focal})
    np.testing.assert_allclose(again.fit(X, y, sample_weight=weight).predict_proba(X), clf.predict_proba(X), rtol=1e-5)


# ---- LightGBM ----------------------------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("way", ["booster", "file", "text", "copy", "pickle", "subset"])
def test_from_a_copy_of_the_booster(lightgbm, way, n_classes, multiclass, make_data, tmp_path):
    X, codes, _ = make_data(n_classes)
    y = np.array(["a: b]", "[c: d]", "Tree=3"])[codes]
    clf = lightgbm.Focal(**lightgbm.fast, focal_gamma=3.0, focal_multiclass=multiclass).fit(X, y)
    booster, path = clf.booster_, tmp_path / "model.txt"
    booster.save_model(path)
    lgb = lightgbm.module
    given = {
        "booster": lambda: booster,
        "file": lambda: str(path),
        "text": lambda: lgb.Booster(model_str=booster.model_to_string()),
        "copy": lambda: copy.deepcopy(booster),
        "pickle": lambda: pickle.loads(pickle.dumps(booster)),
        "subset": lambda: lgb.Booster(model_str=booster.model_to_string(num_iteration=5)),
    }[way]()
    other = lightgbm.Focal.from_booster(given)
    check_is_fitted(other)
    rounds = {"num_iteration": 5} if way == "subset" else {}
    np.testing.assert_array_equal(other.predict_proba(X), clf.predict_proba(X, **rounds))
    np.testing.assert_array_equal(other.predict(X), clf.predict(X, **rounds))
    np.testing.assert_array_equal(other.classes_, np.unique(y))
    assert (other.focal_gamma, other.n_features_in_, other.n_classes_) == (3.0, 5, n_classes)
    assert other.objective_ == clf.objective_
    for again in (pickle.loads(pickle.dumps(other)), copy.deepcopy(other)):
        np.testing.assert_array_equal(again.predict_proba(X), other.predict_proba(X))
    assert clone(other).focal_gamma == 3.0
    assert other.score(X, y) > 0.6
    np.testing.assert_array_equal(other.to_stock().predict_proba(X), other.predict_proba(X))


@KINDS
@pytest.mark.parametrize("named", [False, True])
def test_from_a_stock_model_of_lightgbm(lightgbm, n_classes, multiclass, named, make_data, tmp_path):
    X, codes, _ = make_data(n_classes)
    objective = {"objective": "multiclassova"} if multiclass == "ovr" else {}
    stock = lightgbm.Stock(**lightgbm.fast, **objective).fit(X, codes)
    names = np.array(["b", "c", "x"])[:n_classes]
    clf = lightgbm.Focal.from_booster(stock.booster_, **({"classes": names} if named else {}))
    np.testing.assert_array_equal(clf.predict_proba(X), stock.predict_proba(X))
    np.testing.assert_array_equal(clf.predict(X), names[stock.predict(X)] if named else stock.predict(X))
    assert clf.focal_loss_.gamma == 0.0
    assert clf.focal_loss_.gamma == 0.0


def test_feature_names_and_the_best_iteration_of_lightgbm(lightgbm, make_data, tmp_path):
    X, y, _ = make_data(2)
    frame = pd.DataFrame(X, columns=list("abcde"))
    clf = lightgbm.Focal(**lightgbm.fast | {"n_estimators": 60, "learning_rate": 0.5})
    lightgbm.fit(clf, frame[:300], y[:300], eval_X=frame[300:], eval_y=y[300:], early_stopping=3)
    other = lightgbm.Focal.from_booster(clf.booster_)
    assert list(other.feature_names_in_) == list("abcde")
    assert other.best_iteration_ == clf.best_iteration_ < 57
    np.testing.assert_array_equal(other.predict_proba(frame), clf.predict_proba(frame))


def test_one_label_of_lightgbm(lightgbm, make_data):
    X, *_ = make_data(2, 60)
    clf = lightgbm.Focal(**lightgbm.fast).fit(X, np.full(60, "only"))
    other = lightgbm.Focal.from_booster(clf.booster_)
    assert list(other.classes_) == ["only"]
    np.testing.assert_array_equal(other.predict_proba(X), clf.predict_proba(X))


def test_lightgbm_warns_of_nothing_in_our_files(lightgbm, make_data, tmp_path, capfd):
    X, y, _ = make_data(2)
    clf = lightgbm.Focal(n_estimators=3, num_leaves=4, n_jobs=1).fit(X, y)
    clf.booster_.save_model(tmp_path / "model.txt")
    lightgbm.module.Booster(model_file=tmp_path / "model.txt").predict(X)
    assert "focalboost" not in "".join(capfd.readouterr())


def test_what_from_booster_refuses(lightgbm, make_data, tmp_path):
    X, y, _ = make_data(3)
    lgb, read_model = lightgbm.module, lightgbm.Focal.from_booster
    small = {"verbosity": -1, "num_leaves": 4}
    clf = lightgbm.Focal(**lightgbm.fast).fit(X, y)
    for classes in (["a", "b"], list("abcd")):
        with raises(ValueError, "classes must hold 3 labels"):
            read_model(clf.booster_, classes)
    regression = lgb.train(small | {"objective": "l2"}, lgb.Dataset(X, y), 2)
    with raises(ValueError, "model must have one of the objectives", "'binary'", "'regression'"):
        read_model(regression)
    objective = lightgbm.adapter.FocalObjective().prepare(y > 1)
    custom = lgb.train(small | {"objective": objective}, lgb.Dataset(X, y > 1), 2)
    with raises(ValueError, "custom objective", "to_builtin"):
        read_model(custom)
    path = tmp_path / "cut.txt"
    path.write_bytes(clf.booster_.model_to_string().encode()[:800])
    with raises(ValueError, "whole model file", str(path)):
        read_model(path)


# ---- XGBoost -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["ubj", "json"])
@pytest.mark.parametrize("kind", ["binary", "softmax", "multilabel"])
def test_a_stock_model_of_xgboost(xgboost, kind, form, make_data, tmp_path):
    X, y, _ = make_data(2 if kind == "binary" else 3)
    labels = np.stack([y == 0, y > 0, X[:, 0] > 1], axis=1).astype(int) if kind == "multilabel" else y
    stock = xgboost.Stock(**xgboost.fast).fit(X, labels)
    stock.save_model(tmp_path / f"model.{form}")
    clf = xgboost.Focal()
    clf.load_model(tmp_path / f"model.{form}")
    np.testing.assert_array_equal(clf.predict_proba(X), stock.predict_proba(X))
    np.testing.assert_array_equal(clf.predict(X), stock.predict(X))
    loss = {"binary": BinaryFocalLoss, "softmax": MulticlassFocalLoss, "multilabel": SigmoidFocalLoss}[kind]
    assert clf.focal_loss_ == loss(0.0, score="log_odds")
    assert clf.focal_gamma == 2.0  # a new fit is one of the focal loss
    np.testing.assert_array_equal(clf.classes_, [0, 1] if kind != "softmax" else [0, 1, 2])
    clf.set_params(**xgboost.fast).fit(X, labels)
    np.testing.assert_array_equal(clf.predict_proba(X), xgboost.Focal(**xgboost.fast).fit(X, labels).predict_proba(X))


def test_a_native_model_of_xgboost(xgboost, make_data, tmp_path):
    X, y, _ = make_data(2)
    xgb = xgboost.module
    booster = xgboost.adapter.train({"nthread": 1}, xgb.DMatrix(X, y), 5)
    clf = xgboost.Focal()
    clf.load_model(bytearray(booster.save_raw()))
    np.testing.assert_array_equal(clf.predict_proba(X)[:, 1], booster.predict(xgb.DMatrix(X)))
