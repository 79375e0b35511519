"""`train` for any number of classes, as the frameworks' parameters say it, and what it refuses."""

import numpy as np
import pytest
from messages import raises
from scipy.special import expit

SMALL = {"lightgbm": {"verbosity": -1, "num_threads": 1, "num_leaves": 7}, "xgboost": {"nthread": 1, "max_depth": 3}}


@pytest.fixture
def lgb():
    return pytest.importorskip("lightgbm")


@pytest.fixture
def xgb():
    return pytest.importorskip("xgboost")


@pytest.fixture
def lgb_train(lgb, make_data):
    """Train LightGBM on data of so many classes, and return the booster, X and y."""
    from focalboost.lightgbm import train

    def run(n_classes, rounds=8, **params):
        X, y, _ = make_data(n_classes)
        return train(SMALL["lightgbm"] | params, lgb.Dataset(X, y), rounds), X, y

    return run


@pytest.fixture
def xgb_train(xgb, make_data):
    from focalboost.xgboost import train

    def run(n_classes, rounds=8, y=None, obj=None, **params):
        X, labels, _ = make_data(n_classes)
        y = labels if y is None else y
        data = xgb.DMatrix(X, y)
        return train(SMALL["xgboost"] | params, data, rounds, obj=obj), data, y

    return run


# ---- LightGBM ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["num_class", "num_classes"])
def test_names_of_the_number_of_classes(name, lgb_train):
    booster, X, y = lgb_train(3, **{name: 3})
    assert booster.predict(X).shape == (len(y), 3)
    np.testing.assert_array_equal(booster.predict(X), lgb_train(3, num_class=3)[0].predict(X))


@pytest.mark.parametrize("name", ["objective", "application", "app", "objective_type", "loss"])
@pytest.mark.filterwarnings("ignore:Found `.*` in params:UserWarning")
def test_names_of_the_objective(name, lgb, lgb_train):
    from focalboost.lightgbm import FocalObjective

    expected, X, _ = lgb_train(2, objective=FocalObjective(1.0))
    np.testing.assert_array_equal(lgb_train(2, **{name: FocalObjective(1.0)})[0].predict(X), expected.predict(X))


@pytest.mark.parametrize("metric", ["metric", "metrics", "metric_types"])
def test_names_of_the_metric(metric, lgb, make_data):
    from focalboost.lightgbm import train

    X, y, _ = make_data(2)
    history, data = {}, lgb.Dataset(X, y)
    valid = lgb.Dataset(X, y, reference=data)
    params = SMALL["lightgbm"] | {metric: "auc,focal"}
    train(params, data, 2, valid_sets=[valid], callbacks=[lgb.record_evaluation(history)])
    assert list(history["valid_0"]) == ["auc", "focal"]


@pytest.mark.parametrize("objective", ["binary", None])
def test_the_log_loss_it_takes_the_place_of(objective, lgb_train):
    named, X, _ = lgb_train(2, objective=objective)
    np.testing.assert_array_equal(named.predict(X), lgb_train(2)[0].predict(X))


@pytest.mark.parametrize("objective", ["ova", "multiclassova", "multiclass_ova", "ovr"])
def test_one_versus_rest_in_lightgbm(objective, lgb, lgb_train):
    from focalboost.lightgbm import FocalObjective

    booster, X, y = lgb_train(3, num_class=3, objective=objective)
    by_object = lgb_train(3, num_class=3, objective=FocalObjective(multiclass="ovr"))[0]
    np.testing.assert_array_equal(booster.predict(X), by_object.predict(X))
    np.testing.assert_allclose(booster.predict(X), expit(booster.predict(X, raw_score=True)), rtol=1e-12)
    np.testing.assert_allclose(booster.predict(X).sum(axis=0), np.bincount(y), rtol=1e-8)
    assert booster.dump_model()["objective"].startswith("multiclassova")


def test_two_classes_with_a_margin_for_each(lgb, xgb, lgb_train, xgb_train):
    """The frameworks' num_class=2: the same model but for the bound of leaves."""
    two, X, y = lgb_train(2, num_class=2)
    assert two.predict(X).shape == (len(y), 2)
    np.testing.assert_allclose(two.predict(X).sum(axis=0), np.bincount(y), rtol=1e-8)
    booster, data, y = xgb_train(2, num_class=2)
    assert booster.predict(data).shape == (len(y), 2)
    np.testing.assert_allclose(booster.predict(data).sum(axis=0), np.bincount(y), rtol=1e-5)


@pytest.mark.parametrize("name", ["scale_pos_weight", "is_unbalance", "unbalance"])
def test_weights_by_label_in_lightgbm(name, lgb_train):
    from focalboost.lightgbm import FocalObjective

    _, X, y = lgb_train(2)
    ratio = 3.0 if name == "scale_pos_weight" else np.sum(y == 0) / np.sum(y == 1)
    booster = lgb_train(2, **{name: 3.0 if name == "scale_pos_weight" else True})[0]
    pair = (1.0, ratio) if ratio > 1 else (1 / ratio, 1.0)
    expected = lgb_train(2, objective=FocalObjective(alpha=pair))[0]
    np.testing.assert_allclose(booster.predict(X), expected.predict(X), rtol=1e-9)


def test_dart_in_lightgbm_has_no_shift_here(lgb_train):
    with pytest.warns(UserWarning, match="mean_shift has no effect with boosting='dart'"):
        booster, X, y = lgb_train(2, boosting="dart")
    assert booster.predict(X).sum() == pytest.approx(y.sum(), rel=0.2)


# ---- XGBoost -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["multi:softprob", "multi:softmax", None])
def test_softmax_objectives_of_xgboost(name, xgb_train):
    given = {"num_class": 3} | ({"objective": name} if name else {})
    booster, data, y = xgb_train(3, **given)
    found = booster.predict(data)
    if name == "multi:softmax":  # which predicts class numbers
        assert found.shape == y.shape
        assert np.mean(found == y) > 0.6
    else:
        np.testing.assert_allclose(found.sum(axis=0), np.bincount(y), rtol=1e-5)


def test_columns_of_labels_in_xgboost(xgb_train):
    from focalboost.xgboost import FocalObjective

    columns = (np.random.default_rng(0).random((600, 3)) < [0.5, 0.2, 0.05]).astype(int)
    booster, data, y = xgb_train(2, y=columns, obj=FocalObjective(2.0, multiclass="ovr"))
    assert booster.predict(data).shape == (600, 3)
    np.testing.assert_allclose(booster.predict(data).sum(axis=0), columns.sum(axis=0), rtol=1e-5)
    weighed, *_ = xgb_train(2, y=y, obj=FocalObjective(2.0, multiclass="ovr"), scale_pos_weight=3.0)
    by_alpha, *_ = xgb_train(2, y=y, obj=FocalObjective(2.0, ((1.0, 3.0),) * 3, multiclass="ovr"))
    np.testing.assert_array_equal(weighed.predict(data), by_alpha.predict(data))


def test_a_base_score_of_the_users_own(xgb, make_data):
    from focalboost.xgboost import train

    X, y, _ = make_data(2)
    data = xgb.DMatrix(X, y)
    booster = train({"base_score": 0.3, "eta": 1e-9}, data, 1, mean_shift=False)
    np.testing.assert_allclose(booster.predict(data), 0.3, rtol=1e-6)


# ---- what is refused ---------------------------------------------------------------------------------

REFUSED_BY_LIGHTGBM = {
    "objective": ({"objective": "regression"}, ValueError, ["objective must be a FocalObjective", "'regression'"]),
    "callable objective": ({"objective": lambda z, d: (z, z)}, ValueError, ["objective must be a FocalObjective"]),
    "random forest": ({"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}, ValueError, ["boosting", "'rf'"]),
    "random forest, by alias": ({"boosting_type": "random_forest"}, ValueError, ["boosting", "'random_forest'"]),
    "callable metric": ({"metric": lambda z, d: 0}, TypeError, ["metric must hold names", "feval"]),
    "unknown metric": ({"metric": "ndcg"}, ValueError, ["metric must be one of", "'focal'", "'ndcg'"]),
    "two of the weights": ({"scale_pos_weight": 2.0, "is_unbalance": True}, ValueError, ["is_unbalance", "2.0"]),
}


@pytest.mark.parametrize("params, error, words", REFUSED_BY_LIGHTGBM.values(), ids=REFUSED_BY_LIGHTGBM)
def test_refused_by_lightgbm(params, error, words, lgb_train):
    with raises(error, *words):
        lgb_train(2, **params)


def test_weights_given_twice(lgb_train, xgb_train):
    from focalboost import lightgbm, xgboost

    for call in (
        lambda: lgb_train(2, objective=lightgbm.FocalObjective(2.0, 0.25), scale_pos_weight=2.0),
        lambda: lgb_train(2, objective=lightgbm.FocalObjective(2.0, 0.25), is_unbalance=True),
        lambda: xgb_train(2, obj=xgboost.FocalObjective(2.0, 0.25), scale_pos_weight=2.0),
    ):
        with raises(ValueError, "must not be given with an alpha", "0.25", "use one of them"):
            call()


def test_label_weights_and_softmax(lgb_train, xgb_train):
    with pytest.warns(UserWarning, match="scale_pos_weight has no effect on a softmax over 3 classes, got 2.0"):
        lgb_train(3, num_class=3, scale_pos_weight=2.0)
    with pytest.warns(UserWarning, match="scale_pos_weight has no effect on a softmax over 3 classes, got 2.0"):
        xgb_train(3, num_class=3, scale_pos_weight=2.0)


def test_focal_logits_are_refused(lgb_train, xgb_train):
    from focalboost import lightgbm, xgboost

    with raises(ValueError, "objective must train in log-odds", "focal logits", "lightgbm.train"):
        lgb_train(2, objective=lightgbm.FocalObjective(score="focal_logit"))
    with raises(TypeError, "obj must be a FocalObjective in log-odds", "xgboost.train"):
        xgb_train(2, obj=xgboost.FocalObjective(score="focal_logit"))
    with raises(TypeError, "mean_shift must be True or False", "1"):
        lightgbm.train({}, None, mean_shift=1)
    with raises(TypeError, "mean_shift must be True or False", "'no'"):
        xgboost.train({}, None, mean_shift="no")


REFUSED_BY_XGBOOST = {
    "objective": ({"objective": "reg:squarederror"}, ValueError, ["objective must be 'binary:logistic'", "'reg:squ"]),
    "softmax for two": ({"objective": "multi:softprob"}, ValueError, ["'binary:logistic' for num_class=0"]),
    "obj": ({"obj": lambda z, d: (z, z)}, TypeError, ["obj must be a FocalObjective in log-odds", "xgboost.train"]),
    "scale_pos_weight": ({"scale_pos_weight": -1}, ValueError, ["scale_pos_weight must be a finite number", "-1"]),
    "text": ({"scale_pos_weight": "many"}, TypeError, ["scale_pos_weight must be a finite number", "'many'"]),
}


@pytest.mark.parametrize("params, error, words", REFUSED_BY_XGBOOST.values(), ids=REFUSED_BY_XGBOOST)
def test_refused_by_xgboost(params, error, words, xgb_train):
    with raises(error, *words):
        xgb_train(2, **params)


def test_more_that_xgboost_refuses(xgb, xgb_train, make_data):
    from focalboost.xgboost import FocalMetric, FocalObjective, train

    with raises(ValueError, "objective must be 'multi:softprob' for num_class=3", "'binary:logistic'"):
        xgb_train(3, num_class=3, objective="binary:logistic")
    with raises(ValueError, "multiclass must be 'softmax' with num_class=3", "'ovr'", "a column of 0/1 labels"):
        xgb_train(3, num_class=3, obj=FocalObjective(multiclass="ovr"))
    first, data, _ = xgb_train(2)
    with raises(ValueError, "base_score must not be given with xgb_model", "0.3"):
        train({"base_score": 0.3}, data, 2, xgb_model=first)
    with raises(ValueError, "custom_metric must be None where 'focal' is among the metrics"):
        train({"eval_metric": "focal"}, data, 2, custom_metric=FocalMetric(2.0))
    with pytest.warns(UserWarning, match=r"custom_metric is not that of the objective.*gamma=1.0.*take .*gamma=2.0"):
        train({}, data, 1, custom_metric=FocalMetric(1.0), evals=[(data, "train")], verbose_eval=False)
