"""What the estimators refuse before any training."""

import numpy as np
import pytest
from messages import raises
from sklearn.exceptions import NotFittedError

BAD = [
    ({"objective": "regression"}, ValueError, ["objective", "'regression'"]),
    ({"objective": lambda y, z: (z, z)}, ValueError, ["objective", "None"]),
    ({"focal_gamma": -0.5}, ValueError, ["focal_gamma", "-0.5"]),
    ({"focal_gamma": float("nan")}, ValueError, ["focal_gamma", "nan"]),
    ({"focal_gamma": 100.5}, ValueError, ["focal_gamma", "[0, 40]", "100.5"]),
    ({"focal_gamma": "2"}, TypeError, ["focal_gamma", "'2'"]),
    ({"focal_gamma": None}, TypeError, ["focal_gamma", "None"]),
    ({"focal_alpha": 0.0}, ValueError, ["focal_alpha"]),
    ({"focal_alpha": 1.5}, ValueError, ["focal_alpha", "1.5"]),
    ({"focal_alpha": (1.0, 2.0, 3.0)}, ValueError, ["focal_alpha"]),
    ({"focal_alpha": (1.0, -2.0)}, ValueError, ["focal_alpha"]),
    ({"focal_alpha": "balance"}, ValueError, ["focal_alpha", "balance"]),
    ({"focal_alpha": {0: 1.0, 2: 1.0}}, ValueError, ["focal_alpha", "keys", "[0, 1]", "[0, 2]"]),
    ({"focal_prior": "posterior"}, ValueError, ["focal_prior", "'weighted', 'sampled'", "'posterior'"]),
    ({"focal_prior": None}, ValueError, ["focal_prior", "None"]),
    ({"focal_mean_shift": "yes"}, TypeError, ["focal_mean_shift", "True or False", "'yes'"]),
    ({"focal_mean_shift": 1}, TypeError, ["focal_mean_shift", "True or False", "1"]),
    ({"focal_multiclass": "ova"}, ValueError, ["focal_multiclass", "ovr", "'ova'"]),
    ({"focal_alpha": "balanced", "scale_pos_weight": 2.0}, ValueError, ["scale_pos_weight", "alpha of the focal"]),
]
BAD_MULTI = [
    ({"focal_alpha": 0.25}, ["focal_alpha", "0.25"]),
    ({"focal_alpha": (1.0, 2.0)}, ["focal_alpha"]),
]
# Of one framework.
OWN = {
    "lightgbm": [
        ({"boosting_type": "rf", "subsample": 0.5, "subsample_freq": 1}, ValueError, ["boosting", "rf", "gbdt"]),
        ({"boosting": "random_forest"}, ValueError, ["boosting", "'random_forest'", "gbdt"]),
        ({"objective": "multiclass"}, ValueError, ["objective", "'binary'", "'multiclass'"]),
        ({"objective": "cross_entropy"}, ValueError, ["objective", "'cross_entropy'"]),
        ({"application": "poisson"}, ValueError, ["objective", "'poisson'"]),
        ({"focal_alpha": 0.25, "class_weight": "balanced"}, ValueError, ["class_weight", "focal_alpha", "one of them"]),
        ({"focal_alpha": (1, 2), "is_unbalance": True}, ValueError, ["is_unbalance", "alpha of the focal"]),
        ({"scale_pos_weight": 2.0, "is_unbalance": True}, ValueError, ["scale_pos_weight", "is_unbalance", "2.0"]),
    ],
    "xgboost": [
        ({"objective": "reg:squarederror"}, ValueError, ["objective", "'binary:logistic'", "'reg:squarederror'"]),
        ({"objective": "binary:hinge"}, ValueError, ["objective", "'binary:hinge'", "focal_multiclass"]),
        ({"scale_pos_weight": -1.0}, ValueError, ["scale_pos_weight", "-1.0"]),
        ({"scale_pos_weight": 0}, ValueError, ["scale_pos_weight", "0"]),
        ({"scale_pos_weight": "many"}, TypeError, ["scale_pos_weight", "'many'"]),
        ({"scale_pos_weight": float("nan")}, ValueError, ["scale_pos_weight", "nan"]),
        ({"eval_metric": 3}, TypeError, ["eval_metric", "3"]),
        ({"eval_metric": ["auc", None]}, TypeError, ["eval_metric", "None"]),
    ],
}
OWN_MULTI = {
    "lightgbm": [
        ({"objective": "binary"}, ["objective", "'multiclass'", "'binary'"]),
        ({"objective": "multiclassova"}, ["objective", "'multiclass'", "'multiclassova'", "focal_multiclass='ovr'"]),
        ({"objective": "softmax", "focal_multiclass": "ovr"}, ["objective", "'multiclassova'", "'softmax'"]),
        ({"focal_alpha": "balanced", "class_weight": "balanced"}, ["class_weight", "focal_alpha"]),
    ],
    "xgboost": [],
}


def cases(shared, own):
    """Every case of every framework."""
    rows = [(name, *case) for name, part in own.items() for case in [*shared, *part]]
    return {
        "argvalues": rows,
        "ids": [f"{i}-{row[0]}-{'-'.join(row[1])}" for i, row in enumerate(rows)],
        "indirect": ["family"],
    }


@pytest.mark.parametrize("family, params, error, parts", **cases(BAD, OWN))
def test_refused_before_training(family, params, error, parts, make_data, monkeypatch):
    X, y, _ = make_data(2)
    family.forbid_training(monkeypatch)
    clf = family.Focal(**{**family.fast, **params})
    with raises(error, *parts) as info:
        clf.fit(X, y)
    assert not str(info.value).startswith("focal_focal_")
    assert not hasattr(clf, "focal_loss_")


@pytest.mark.parametrize("family, params, parts", **cases(BAD_MULTI, OWN_MULTI))
def test_refused_with_three_classes(family, params, parts, make_data, monkeypatch):
    X, y, _ = make_data(3)
    family.forbid_training(monkeypatch)
    with raises(ValueError, *parts):
        family.Focal(**family.fast, **params).fit(X, y)


@pytest.mark.parametrize(
    "n_classes, multiclass, names",
    [
        (2, "softmax", {"lightgbm": "binary", "xgboost": "binary:logistic"}),
        (3, "softmax", {"lightgbm": "multiclass", "xgboost": "multi:softprob"}),
        (3, "softmax", {"lightgbm": "softmax", "xgboost": "multi:softmax"}),
        (3, "ovr", {"lightgbm": "ova", "xgboost": None}),
    ],
)
def test_the_name_of_the_replaced_objective_is_taken(n_classes, multiclass, names, make_data, family):
    X, y, _ = make_data(n_classes)
    objective = names[family.module.__name__]
    plain = family.Focal(**family.fast, focal_multiclass=multiclass).fit(X, y)
    named = family.Focal(**family.fast, focal_multiclass=multiclass, objective=objective).fit(X, y)
    np.testing.assert_array_equal(plain.decision_function(X), named.decision_function(X))


def test_bad_sample_weights(make_data, family):
    X, y, weight = make_data(2)
    with raises(ValueError, "sample_weight"):
        family.Focal(**family.fast).fit(X, y, sample_weight=-weight)
    with raises(ValueError, "sample_weight"):
        family.Focal(**family.fast).fit(X, y, sample_weight=weight[:-1])


def test_a_failed_fit_leaves_an_estimator_that_fits(make_data, family):
    X, y, _ = make_data(2)
    clf = family.Focal(**family.fast)
    with pytest.raises(Exception, match=r"features|Length|length|samples|inconsistent|label"):
        clf.fit(X[:-1], y)
    assert clf.fit(X, y).score(X, y) > 0.6


def test_not_fitted(make_data, family):
    X, _, _ = make_data(2)
    clf = family.Focal()
    for method in (clf.predict, clf.predict_proba, clf.decision_function):
        with pytest.raises(NotFittedError):
            method(X)
