"""Models that releases have written (tools/write_fixtures.py) load, and predict what they did then."""

import importlib
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit, softmax

FIXTURES = Path(__file__).parent / "fixtures"
RELEASES = sorted(folder.name for folder in FIXTURES.iterdir())
KINDS = ("binary", "sampled", "softmax", "ovr")
# Files come from the oldest supported versions, and the newer ones tell of it; that is what is tested here.
OLDER = [
    "ignore:numpy.core.* is deprecated:DeprecationWarning",
    "ignore:Trying to unpickle estimator:sklearn.exceptions.InconsistentVersionWarning",
    "ignore:.*If you are loading a serialized model:UserWarning",
]

pytestmark = [pytest.mark.parametrize("release", RELEASES), *map(pytest.mark.filterwarnings, OLDER)]


def expected(release):
    return json.loads((FIXTURES / release / "expected.json").read_text(encoding="utf-8"))


def assert_predicts(clf, X, then):
    np.testing.assert_allclose(clf.decision_function(X), then["margin"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(clf.predict_proba(X), then["probability"], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(clf.predict(X), then["label"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("framework", ["lightgbm", "xgboost"])
def test_pickled_estimators(framework, kind, release):
    pytest.importorskip(framework)
    values = expected(release)
    clf = pickle.loads((FIXTURES / release / f"{framework}-{kind}.pickle").read_bytes())
    assert_predicts(clf, np.array(values["X"]), values[f"{framework}-{kind}"])
    assert clf.focal_loss_.gamma == 1.5


def test_pickled_losses(release):
    from focalboost import BinaryFocalLoss, MulticlassFocalLoss, SigmoidFocalLoss

    assert pickle.loads((FIXTURES / release / "losses.pickle").read_bytes()) == [
        BinaryFocalLoss(1.5, 0.25),
        MulticlassFocalLoss(2.0, (1.0, 2.0, 0.5)),
        SigmoidFocalLoss(0.5, [(1.0, 2.0), (0.5, 0.5)]),
        BinaryFocalLoss(3.0, score="log_odds"),
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_files_of_lightgbm(kind, release):
    """The model alone, as LightGBM reads it, and the estimator of it, which knows the labels."""
    lgb = pytest.importorskip("lightgbm")
    values = expected(release)
    X, then = np.array(values["X"]), values[f"lightgbm-{kind}"]
    margin, probability = np.array(then["margin"]), np.array(then["probability"])
    path = FIXTURES / release / f"lightgbm-{kind}.txt"
    booster = lgb.Booster(model_file=path)
    np.testing.assert_allclose(booster.predict(X, raw_score=True), margin, rtol=1e-12)
    by_hand = softmax(margin, axis=1) if kind == "softmax" else expit(margin)
    np.testing.assert_allclose(booster.predict(X), by_hand, rtol=1e-12)
    np.testing.assert_allclose(booster.predict(X), probability if margin.ndim == 2 else probability[:, 1], rtol=1e-12)
    clf = importlib.import_module("focalboost.lightgbm").FocalLGBMClassifier.from_booster(path)
    assert_predicts(clf, X, then)
    assert clf.focal_prior == ("weighted" if kind in ("binary", "softmax") else "sampled")


@pytest.mark.parametrize("kind", KINDS)
def test_files_of_xgboost(kind, release):
    pytest.importorskip("xgboost")
    values = expected(release)
    clf = importlib.import_module("focalboost.xgboost").FocalXGBClassifier()
    clf.load_model(FIXTURES / release / f"xgboost-{kind}.ubj")
    assert_predicts(clf, np.array(values["X"]), values[f"xgboost-{kind}"])
    assert clf.focal_prior == ("weighted" if kind in ("binary", "softmax") else "sampled")


@pytest.mark.parametrize("framework", ["lightgbm", "xgboost"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_truncated_pickles(framework, share, release):
    pytest.importorskip(framework)
    content = (FIXTURES / release / f"{framework}-binary.pickle").read_bytes()
    with pytest.raises((pickle.UnpicklingError, EOFError)):
        pickle.loads(content[: int(share * len(content))])


def test_files_of_the_other_framework(release):
    lgb, xgb = pytest.importorskip("lightgbm"), pytest.importorskip("xgboost")
    folder = FIXTURES / release
    with pytest.raises(lgb.basic.LightGBMError, match="model format"):
        lgb.Booster(model_file=folder / "xgboost-binary.ubj")
    with pytest.raises(xgb.core.XGBoostError):
        importlib.import_module("focalboost.xgboost").FocalXGBClassifier().load_model(folder / "lightgbm-binary.txt")
