"""Model files that were cut, and files of something else: an error, where the frameworks' readers crash or hang."""

import numpy as np
import pandas as pd
import pytest
from messages import raises


@pytest.fixture
def xgb_files(make_data, tmp_path):
    """Make a small model of XGBoost as a file."""
    pytest.importorskip("xgboost")
    from focalboost import FocalXGBClassifier

    def make(suffix, n_classes=2, **params):
        X, y, _ = make_data(n_classes)
        data = pd.DataFrame({"a": pd.Categorical((X[:, 0] > 0).astype(int)), "b": X[:, 1]})
        clf = FocalXGBClassifier(n_estimators=2, max_depth=2, n_jobs=1, enable_categorical=True, **params).fit(data, y)
        path = tmp_path / f"model.{suffix}"
        clf.save_model(path)
        return path, data, y, clf

    return make


# XGBoost 3.4 takes rate_drop without it, 3.2 does not.
@pytest.mark.filterwarnings("ignore:.*booster=dart. is deprecated:UserWarning")
@pytest.mark.parametrize("params", [{}, {"n_classes": 3}, {"booster": "dart", "rate_drop": 0.5}])
def test_every_cut_of_a_binary_file_of_xgboost(xgb_files, params):
    from focalboost.xgboost._files import check_whole

    path, *_ = xgb_files("ubj", **params)
    content = path.read_bytes()
    check_whole(content)
    check_whole(bytearray(content))
    check_whole(path)
    for length in range(1, len(content)):
        with pytest.raises(ValueError, match="end too early"):
            check_whole(content[:length])


@pytest.mark.parametrize("share", [0.0, 0.2, 0.24, 0.5, 0.69, 0.999])
@pytest.mark.parametrize("suffix", ["ubj", "json"])
def test_loading_a_cut_file_of_xgboost(xgb_files, suffix, share):
    from xgboost.core import XGBoostError

    path, X, y, clf = xgb_files(suffix)
    content = path.read_bytes()
    fresh = type(clf)()
    fresh.load_model(path)
    np.testing.assert_array_equal(fresh.predict_proba(X), clf.predict_proba(X))
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises((ValueError, XGBoostError)):
        type(clf)().load_model(path)
    with pytest.raises((ValueError, XGBoostError)):
        type(clf)(n_estimators=1, enable_categorical=True).fit(X, y, xgb_model=str(path))
    with pytest.raises((ValueError, XGBoostError)):
        type(clf)().load_model(bytearray(path.read_bytes()))


NO_MODELS = [
    b"",
    b"{",
    b"{[",
    b"{[$",
    b"{U\x01a[$l",
    b"{U\x01a[$l#",
    b"{L" + b"\xff" * 8,
    b"{" + b"[" * 5000,
    b"{" + bytes(range(256)),
]


@pytest.mark.parametrize("content", NO_MODELS, ids=range(len(NO_MODELS)))
def test_what_is_no_model_of_xgboost(content, tmp_path):
    pytest.importorskip("xgboost")
    from focalboost import FocalXGBClassifier

    path = tmp_path / "model.ubj"
    path.write_bytes(content)
    with raises(ValueError, "the model must be a whole file", str(path), "end too early"):
        FocalXGBClassifier().load_model(path)
    with raises(ValueError, "the model must be a whole file", "the bytes"):
        FocalXGBClassifier().load_model(bytearray(content))


def test_a_file_that_is_not_there(tmp_path):
    xgb = pytest.importorskip("xgboost")
    from focalboost import FocalXGBClassifier

    with pytest.raises(xgb.core.XGBoostError, match="nowhere"):
        FocalXGBClassifier().load_model(tmp_path / "nowhere.ubj")


def test_cut_files_of_lightgbm(make_data, tmp_path):
    pytest.importorskip("lightgbm")
    from focalboost import FocalLGBMClassifier

    X, y, _ = make_data(2)
    params = {"n_estimators": 2, "num_leaves": 4, "n_jobs": 1, "verbosity": -1}
    first = FocalLGBMClassifier(**params).fit(X, y)
    path = tmp_path / "model.txt"
    first.booster_.save_model(path)
    content = path.read_bytes()
    both = FocalLGBMClassifier(**params).fit(X, y, init_model=path)
    assert both.booster_.num_trees() == 4
    for length in range(0, content.index(b"\nend of parameters"), 50):
        path.write_bytes(content[:length])
        with raises(ValueError, "init_model must be a whole model file", repr(str(path)), "'end of "):
            FocalLGBMClassifier(**params).fit(X, y, init_model=str(path))
