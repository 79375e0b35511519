"""Class and label weights of FocalLGBMClassifier."""

import numpy as np
import pytest

lgb = pytest.importorskip("lightgbm")

from focalboost import FocalLGBMClassifier  # noqa: E402

FAST = {"n_jobs": 1, "verbosity": -1, "num_leaves": 7, "min_child_samples": 5, "n_estimators": 8}
LOG_LOSS = {"focal_gamma": 0.0, "max_delta_step": 0.0, "focal_mean_shift": False}


@pytest.mark.parametrize("gamma", [0.0, 2.0])
@pytest.mark.parametrize("name", ["scale_pos_weight", "is_unbalance", "unbalance"])
def test_label_weights_are_sample_weights(gamma, name, make_data):
    X, y, _ = make_data(2)
    y = np.where(y == 1, np.arange(len(y)) % 2, y)  # rarer
    counts = np.bincount(y)
    factor = 3.0 if name == "scale_pos_weight" else counts[0] / counts[1]
    settings = FAST | {"focal_gamma": gamma, "min_child_weight": 0.0}
    clf = FocalLGBMClassifier(**settings, **{name: factor if name == "scale_pos_weight" else True}).fit(X, y)
    other = FocalLGBMClassifier(**settings).fit(X, y, sample_weight=np.where(y == 1, factor, 1.0))
    plain = FocalLGBMClassifier(**settings).fit(X, y)
    np.testing.assert_allclose(clf.decision_function(X), other.decision_function(X), rtol=1e-5, atol=1e-6)
    assert (clf.decision_function(X) - plain.decision_function(X)).mean() > 0.1


@pytest.mark.parametrize("common", [0, 1])
@pytest.mark.parametrize("params", [{"scale_pos_weight": 3.0}, {"is_unbalance": True}], ids=lambda p: next(iter(p)))
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "sample_weight"])
def test_label_weights_give_the_parents_trees_from_the_same_start(common, params, weighted, make_data):
    X, y, weight = make_data(2)
    y = np.where(y == 1, np.arange(len(y)) % 2, y)
    y = y if common == 0 else 1 - y
    weight = weight if weighted else None
    ours = FocalLGBMClassifier(**FAST, **LOG_LOSS, **params).fit(X, y, sample_weight=weight)
    start = FocalLGBMClassifier(**FAST | {"learning_rate": 1e-14}, **LOG_LOSS, **params)
    start = start.fit(X, y, sample_weight=weight).decision_function(X)
    stock = lgb.LGBMClassifier(**FAST, **params).fit(X, y, sample_weight=weight, init_score=start)
    np.testing.assert_allclose(
        ours.decision_function(X), stock.predict_proba(X, raw_score=True) + start, rtol=1e-5, atol=1e-6
    )
    np.testing.assert_array_equal(ours.feature_importances_, stock.feature_importances_)


def test_class_weight_is_honoured_once(make_data):
    X, y, weight = make_data(3)
    by_class = {0: 1.0, 1: 4.0, 2: 0.5}
    one = FocalLGBMClassifier(**FAST, class_weight=by_class).fit(X, y, sample_weight=weight)
    rows = weight * np.array([1.0, 4.0, 0.5])[y]
    two = FocalLGBMClassifier(**FAST).fit(X, y, sample_weight=rows)
    np.testing.assert_allclose(one.decision_function(X), two.decision_function(X), rtol=1e-5, atol=1e-6)


def test_class_weight_by_original_labels(make_data):
    X, codes, _ = make_data(2)
    y = np.array(["fraud", "ok"])[codes]
    one = FocalLGBMClassifier(**FAST, class_weight={"fraud": 2.0, "ok": 5.0}).fit(X, y)
    two = FocalLGBMClassifier(**FAST, class_weight={0: 2.0, 1: 5.0}).fit(X, codes)
    np.testing.assert_array_equal(one.decision_function(X), two.decision_function(X))
