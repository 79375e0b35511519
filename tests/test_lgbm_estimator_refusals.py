"""What FocalLGBMClassifier refuses, and label weights that it honours."""

import numpy as np
import pytest
from messages import raises

lgb = pytest.importorskip("lightgbm")

from focalboost import FocalLGBMClassifier  # noqa: E402

FAST = {"n_jobs": 1, "verbosity": -1, "num_leaves": 7, "min_child_samples": 5, "n_estimators": 8}
LOG_LOSS = {"focal_gamma": 0.0, "focal_hessian": "upper"}
BAD = [
    ({"boosting_type": "rf", "subsample": 0.5, "subsample_freq": 1}, ValueError, ["boosting_type", "rf", "gbdt"]),
    ({"boosting": "random_forest"}, ValueError, ["boosting_type", "rf"]),
    ({"objective": "regression"}, ValueError, ["objective", "'binary'", "'regression'"]),
    ({"objective": "multiclass"}, ValueError, ["objective", "'binary'", "'multiclass'"]),
    ({"objective": "cross_entropy"}, ValueError, ["objective", "'cross_entropy'"]),
    ({"application": "poisson"}, ValueError, ["objective", "application='poisson'"]),
    ({"objective": lambda y, z: (z, z)}, ValueError, ["objective", "None"]),
    ({"focal_gamma": -0.5}, ValueError, ["focal_gamma", "-0.5"]),
    ({"focal_gamma": float("nan")}, ValueError, ["focal_gamma", "nan"]),
    ({"focal_gamma": 1e7}, ValueError, ["focal_gamma"]),
    ({"focal_gamma": "2"}, TypeError, ["focal_gamma", "'2'"]),
    ({"focal_gamma": None}, TypeError, ["focal_gamma", "None"]),
    ({"focal_alpha": 0.0}, ValueError, ["focal_alpha"]),
    ({"focal_alpha": 1.5}, ValueError, ["focal_alpha", "1.5"]),
    ({"focal_alpha": (1.0, 2.0, 3.0)}, ValueError, ["focal_alpha"]),
    ({"focal_alpha": (1.0, -2.0)}, ValueError, ["focal_alpha"]),
    ({"focal_alpha": "balance"}, ValueError, ["focal_alpha", "balance"]),
    ({"focal_alpha": {0: 1.0, 2: 1.0}}, ValueError, ["focal_alpha", "keys", "[0, 1]", "[0, 2]"]),
    ({"focal_hessian": "lower"}, ValueError, ["focal_hessian", "bounded", "'lower'"]),
    ({"focal_max_step": 0.0}, ValueError, ["focal_max_step"]),
    ({"focal_max_step": float("inf")}, ValueError, ["focal_max_step"]),
    ({"focal_link": "probit"}, ValueError, ["focal_link", "posterior", "'probit'"]),
    ({"focal_multiclass": "ova"}, ValueError, ["focal_multiclass", "ovr", "'ova'"]),
    ({"focal_alpha": 0.25, "class_weight": "balanced"}, ValueError, ["class_weight", "focal_alpha", "one of them"]),
    ({"focal_alpha": "balanced", "scale_pos_weight": 2.0}, ValueError, ["scale_pos_weight", "focal_alpha"]),
    ({"focal_alpha": (1, 2), "is_unbalance": True}, ValueError, ["is_unbalance", "focal_alpha"]),
    ({"scale_pos_weight": 2.0, "is_unbalance": True}, ValueError, ["scale_pos_weight", "is_unbalance", "2.0"]),
]


@pytest.mark.parametrize("params, error, parts", BAD, ids=[f"{i}-{'-'.join(p)}" for i, (p, _, _) in enumerate(BAD)])
def test_refused_before_training(params, error, parts, make_data, monkeypatch):
    X, y, _ = make_data(2)
    monkeypatch.setattr(lgb, "train", lambda *a, **k: pytest.fail("it trained"))
    clf = FocalLGBMClassifier(**{**FAST, **params})
    with raises(error, *parts) as info:
        clf.fit(X, y)
    assert not str(info.value).startswith("focal_focal_")
    assert not hasattr(clf, "focal_loss_")


BAD_MULTI = [
    ({"scale_pos_weight": 2.0}, ["scale_pos_weight", "two classes", "3", "focal_alpha"]),
    ({"is_unbalance": True}, ["is_unbalance", "two classes", "3"]),
    ({"unbalance": True}, ["is_unbalance", "two classes", "3"]),
    ({"focal_alpha": 0.25}, ["focal_alpha", "0.25"]),
    ({"focal_alpha": (1.0, 2.0)}, ["focal_alpha"]),
    ({"objective": "binary"}, ["objective", "'multiclass'", "'binary'"]),
    ({"objective": "multiclassova"}, ["objective", "'multiclass'", "'multiclassova'", "focal_multiclass='ovr'"]),
    ({"objective": "softmax", "focal_multiclass": "ovr"}, ["objective", "'multiclassova'", "'softmax'"]),
    ({"focal_alpha": "balanced", "class_weight": "balanced"}, ["class_weight", "focal_alpha"]),
]


@pytest.mark.parametrize("params, parts", BAD_MULTI, ids=["-".join(params) for params, _ in BAD_MULTI])
def test_refused_with_three_classes(params, parts, make_data):
    X, y, _ = make_data(3)
    with raises(ValueError, *parts):
        FocalLGBMClassifier(**FAST, **params).fit(X, y)


@pytest.mark.parametrize(
    "n_classes, multiclass, name",
    [(2, "softmax", "binary"), (3, "softmax", "multiclass"), (3, "softmax", "softmax"), (3, "ovr", "ova")],
)
def test_the_name_of_the_replaced_objective_is_taken(n_classes, multiclass, name, make_data):
    X, y, _ = make_data(n_classes)
    plain = FocalLGBMClassifier(**FAST, focal_multiclass=multiclass).fit(X, y)
    named = FocalLGBMClassifier(**FAST, focal_multiclass=multiclass, objective=name).fit(X, y)
    np.testing.assert_array_equal(plain.decision_function(X), named.decision_function(X))


@pytest.mark.parametrize("names", [("eval_X",), ("eval_y",), ("eval_set", "eval_X", "eval_y")])
def test_half_an_evaluation_set_and_two_ways_of_one(names, make_data):
    X, y, _ = make_data(2, 60)
    given = {"eval_X": X, "eval_y": y, "eval_set": [(X, y)]}
    with raises(ValueError, "eval_X and eval_y must be given together"):
        FocalLGBMClassifier(**FAST).fit(X, y, **{name: given[name] for name in names})


def test_bad_sample_weights(make_data):
    X, y, weight = make_data(2)
    with raises(ValueError, "sample_weight"):
        FocalLGBMClassifier(**FAST).fit(X, y, sample_weight=-weight)
    with raises(ValueError, "sample_weight"):
        FocalLGBMClassifier(**FAST).fit(X, y, sample_weight=weight[:-1])


def test_a_failed_fit_leaves_an_estimator_that_fits(make_data):
    X, y, _ = make_data(2)
    clf = FocalLGBMClassifier(**FAST)
    with pytest.raises(ValueError, match=r"features|Length|length|samples|inconsistent"):
        clf.fit(X[:-1], y)
    assert clf.fit(X, y).score(X, y) > 0.6


def test_not_fitted(make_data):
    from sklearn.exceptions import NotFittedError

    X, _, _ = make_data(2)
    clf = FocalLGBMClassifier()
    for method in (clf.predict, clf.predict_proba, clf.decision_function):
        with pytest.raises(NotFittedError):
            method(X)


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
