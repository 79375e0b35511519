"""focalboost.lightgbm.train and cv, focalboost.xgboost.train and cv, against the frameworks' own calls."""

import copy

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import log_loss, roc_auc_score

lgb = pytest.importorskip("lightgbm")
xgb = pytest.importorskip("xgboost")

import focalboost.lightgbm as fl  # noqa: E402
import focalboost.xgboost as fx  # noqa: E402

QUIET = {"verbosity": -1, "num_threads": 1, "deterministic": True, "num_leaves": 7}
PLAIN = {"nthread": 1, "max_depth": 3}


def lgb_params(n_classes, **more):
    return QUIET | ({"num_class": n_classes} if n_classes > 2 else {}) | more


def xgb_params(n_classes, **more):
    return PLAIN | ({"num_class": n_classes} if n_classes > 2 else {}) | more


@pytest.mark.parametrize("n_classes", [2, 3])
def test_gamma_0_is_lightgbms_own_training(make_data, n_classes):
    X, y, weight = make_data(n_classes)
    objective = "binary" if n_classes == 2 else "multiclass"
    stock = lgb.train(lgb_params(n_classes, objective=objective), lgb.Dataset(X, y, weight=weight), 10)
    params = lgb_params(n_classes, objective=fl.FocalObjective(0.0))
    ours = fl.train(params, lgb.Dataset(X, y, weight=weight), 10, mean_shift=False)
    np.testing.assert_allclose(ours.predict(X), stock.predict(X), rtol=1e-6)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_gamma_0_is_xgboosts_own_training(make_data, n_classes):
    X, y, weight = make_data(n_classes)
    data = xgb.DMatrix(X, y, weight=weight)
    objective = "binary:logistic" if n_classes == 2 else "multi:softprob"
    # XGBoost estimates its own start in float32, or with a single step: both from ours.
    start = fx.base_score(fx.FocalObjective(0.0), data, num_class=n_classes if n_classes > 2 else 0)
    stock = xgb.train(xgb_params(n_classes, objective=objective, base_score=start), data, 10)
    ours = fx.train(xgb_params(n_classes), data, 10, obj=fx.FocalObjective(0.0), mean_shift=False)
    np.testing.assert_allclose(ours.predict(data), stock.predict(data), atol=2e-6)


@pytest.mark.parametrize("alias", ["num_class", "num_classes"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_lightgbm_with_a_margin_for_each_class(make_data, alias, n_classes):
    X, y, _ = make_data(n_classes)
    booster = fl.train(QUIET | {"objective": "softmax", alias: n_classes}, lgb.Dataset(X, y), 5)
    predicted = booster.predict(X)
    assert predicted.shape == (len(y), n_classes)
    np.testing.assert_allclose(predicted.sum(axis=0), np.bincount(y), rtol=1e-6)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_xgboost_with_a_margin_for_each_class(make_data, n_classes):
    X, y, _ = make_data(n_classes)
    data = xgb.DMatrix(X, y)
    booster = fx.train(PLAIN | {"objective": "multi:softprob", "num_class": n_classes}, data, 5)
    predicted = booster.predict(data)
    assert predicted.shape == (len(y), n_classes)
    np.testing.assert_allclose(predicted.sum(axis=0), np.bincount(y), rtol=1e-4)


def test_one_versus_rest(make_data):
    X, y, _ = make_data(3)
    booster = fl.train(QUIET | {"objective": "ova", "num_class": 3}, lgb.Dataset(X, y), 5)
    np.testing.assert_allclose(booster.predict(X), expit(booster.predict(X, raw_score=True)), rtol=1e-12)
    np.testing.assert_allclose(booster.predict(X).sum(axis=0), np.bincount(y), rtol=1e-6)
    data = xgb.DMatrix(X, np.eye(3)[y])
    booster = fx.train(PLAIN, data, 5, obj=fx.FocalObjective(multiclass="ovr"))
    np.testing.assert_allclose(booster.predict(data).sum(axis=0), np.bincount(y), rtol=1e-4)


def test_lightgbm_metrics_early_stopping_and_feval(make_data):
    X, y, _ = make_data(2, n=1500)
    seen = []

    def own(predicted, data):
        seen.append(predicted)
        return "own", float(np.mean((predicted - data.get_label()) ** 2)), False

    train, valid = lgb.Dataset(X[:1000], y[:1000]), lgb.Dataset(X[1000:], y[1000:])
    found: dict = {}
    booster = fl.train(
        QUIET | {"objective": fl.FocalObjective(2.0), "metric": ["binary_logloss", "auc", "focal"]},
        train,
        60,
        valid_sets=[valid],
        feval=own,
        callbacks=[lgb.early_stopping(5, verbose=False), lgb.record_evaluation(found)],
        mean_shift=False,
    )
    best = booster.best_iteration
    assert 0 < best < booster.num_trees()
    history = found["valid_0"]
    assert list(history) == ["binary_logloss", "auc", "focal", "own"]
    predicted = booster.predict(X[1000:])
    assert history["binary_logloss"][best - 1] == pytest.approx(log_loss(y[1000:], predicted), rel=1e-9)
    assert history["auc"][best - 1] == pytest.approx(roc_auc_score(y[1000:], predicted), rel=1e-9)
    assert history["own"][best - 1] == pytest.approx(np.mean((predicted - y[1000:]) ** 2), rel=1e-9)
    assert all(((p > 0) & (p < 1)).all() for p in seen)


def test_xgboost_metrics_and_early_stopping(make_data):
    X, y, _ = make_data(2, n=1500)
    train, valid = xgb.DMatrix(X[:1000], y[:1000]), xgb.DMatrix(X[1000:], y[1000:])
    found: dict = {}
    booster = fx.train(
        PLAIN | {"eval_metric": ["auc", "focal", "logloss"]},
        train,
        60,
        evals=[(valid, "valid")],
        early_stopping_rounds=5,
        evals_result=found,
        verbose_eval=False,
        mean_shift=False,
    )
    best = booster.best_iteration
    predicted = booster.predict(valid, iteration_range=(0, best + 1))
    assert list(found["valid"]) == ["auc", "focal", "logloss"]
    assert best == int(np.argmin(found["valid"]["logloss"]))
    assert found["valid"]["logloss"][best] == pytest.approx(log_loss(y[1000:], predicted.astype(float)), rel=1e-5)
    assert found["valid"]["auc"][best] == pytest.approx(roc_auc_score(y[1000:], predicted), rel=1e-5)


def test_what_the_user_gave_is_left_as_it_was(make_data):
    X, y, weight = make_data(2)
    params = QUIET | {"objective": fl.FocalObjective(1.0)}
    kept, data = copy.deepcopy(params), lgb.Dataset(X, y, weight=weight, free_raw_data=False)
    first = fl.train(params, data, 5).predict(X)
    assert params == kept
    assert data.get_init_score() is None
    stock = lgb.train(QUIET | {"objective": "binary"}, data, 5).predict(X)
    fresh = lgb.train(QUIET | {"objective": "binary"}, lgb.Dataset(X, y, weight=weight), 5).predict(X)
    np.testing.assert_array_equal(stock, fresh)
    np.testing.assert_array_equal(fl.train(params, data, 5).predict(X), first)
    given = {**PLAIN, "scale_pos_weight": 3.0}
    matrix = xgb.DMatrix(X, y)
    predicted = fx.train(given, matrix, 5).predict(matrix)
    assert given == {**PLAIN, "scale_pos_weight": 3.0}
    np.testing.assert_allclose(predicted, fx.train(given, matrix, 5).predict(xgb.DMatrix(X)), rtol=1e-6)


@pytest.mark.parametrize("scale", [3.0, 0.25])
def test_scale_pos_weight_weighs_as_in_the_frameworks(make_data, scale):
    X, y, _ = make_data(2)
    # LightGBM starts from the rate without the weight: the same start here.
    start = fl.FocalObjective(0.0, (1.0, scale)).intercept(y)
    data = lgb.Dataset(X, y, init_score=np.full(len(y), start))
    stock = lgb.train(QUIET | {"objective": "binary", "scale_pos_weight": scale}, data, 10)
    params = QUIET | {"objective": fl.FocalObjective(0.0), "scale_pos_weight": scale}
    ours = fl.train(params, lgb.Dataset(X, y), 10, mean_shift=False)
    np.testing.assert_allclose(ours.predict(X, raw_score=True), stock.predict(X, raw_score=True) + start, rtol=1e-6)
    matrix = xgb.DMatrix(X, y)
    score = fx.base_score(fx.FocalObjective(0.0, (1.0, scale)), matrix)
    params = PLAIN | {"scale_pos_weight": scale}
    stock = xgb.train(params | {"objective": "binary:logistic", "base_score": score}, matrix, 10)
    ours = fx.train(params, matrix, 10, obj=fx.FocalObjective(0.0), mean_shift=False)
    np.testing.assert_allclose(ours.predict(matrix), stock.predict(matrix), atol=2e-6)


def test_lightgbm_cv_starts_each_fold_from_its_rows(make_data):
    X, y, _ = make_data(2)
    folds = [(np.arange(200), np.arange(200, 600)), (np.arange(200, 600), np.arange(200))]
    params = QUIET | {"objective": fl.FocalObjective(2.0)}
    found = fl.cv(params, lgb.Dataset(X, y), 8, folds=folds, return_cvbooster=True)
    losses = [
        log_loss(y[test], booster.predict(X[test]))
        for (_, test), booster in zip(folds, found["cvbooster"].boosters, strict=True)
    ]
    assert found["valid binary_logloss-mean"][-1] == pytest.approx(np.mean(losses), rel=1e-9)
    still = fl.cv(params | {"learning_rate": 1e-9}, lgb.Dataset(X, y), 1, folds=folds, return_cvbooster=True)
    for (train, _), booster in zip(folds, still["cvbooster"].boosters, strict=True):
        np.testing.assert_allclose(booster.predict(X), y[train].mean(), rtol=1e-6)


def test_xgboost_cv_starts_each_fold_from_its_rows(make_data):
    X, y, _ = make_data(2)
    folds = [(np.arange(300), np.arange(300, 600)), (np.arange(300, 600), np.arange(300))]
    found = fx.cv(PLAIN, xgb.DMatrix(X, y), 8, folds=folds, metrics=["logloss"], as_pandas=False)
    losses = []
    for train, test in folds:
        booster = fx.train(PLAIN, xgb.DMatrix(X[train], y[train]), 8, mean_shift=False)
        losses.append(log_loss(y[test], booster.predict(xgb.DMatrix(X[test])).astype(float)))
    assert found["test-logloss-mean"][-1] == pytest.approx(np.mean(losses), rel=2e-2)


def test_a_start_at_even_odds_is_warned_of(make_data):
    X, y, _ = make_data(2, n=2000)
    y = y * (np.arange(2000) % 9 == 0)
    with pytest.warns(UserWarning, match=r"margins of 0, even odds.*prepare"):
        lgb.train(QUIET | {"objective": fl.FocalObjective(2.0)}, lgb.Dataset(X, y), 1)
    with pytest.warns(UserWarning, match=r"margins of 0, even odds.*base_score"):
        xgb.train({"objective": "binary:logistic"}, xgb.DMatrix(X, y), 1, obj=fx.FocalObjective(2.0))


def test_another_metric_is_warned_of(make_data):
    X, y, _ = make_data(2)
    data = xgb.DMatrix(X, y)
    with pytest.warns(UserWarning, match="custom_metric is not that of the objective"):
        fx.train(PLAIN, data, 1, obj=fx.FocalObjective(1.0), custom_metric=fx.FocalMetric(2.0))


@pytest.mark.parametrize(
    "params, error, message",
    [
        ({"objective": "regression"}, ValueError, "objective must be a FocalObjective, or the log-loss"),
        ({"objective": fl.FocalObjective(score="focal_logit")}, ValueError, "objective must train in log-odds"),
        ({"boosting": "rf"}, ValueError, "boosting must not be 'rf'"),
        ({"metric": [len]}, TypeError, "metric must hold names"),
        ({"metric": "rmse"}, ValueError, "eval_metric must be one of"),
        ({"objective": fl.FocalObjective(alpha=0.3), "scale_pos_weight": 2.0}, ValueError, "use alpha"),
    ],
)
def test_lightgbm_refuses(make_data, params, error, message):
    X, y, _ = make_data(2)
    with pytest.raises(error, match=message):
        fl.train(QUIET | params, lgb.Dataset(X, y), 1)


@pytest.mark.parametrize(
    "params, obj, error, message",
    [
        ({"objective": "reg:squarederror"}, None, ValueError, "objective must be 'binary:logistic'"),
        ({"objective": "multi:softprob"}, None, ValueError, "objective must be 'binary:logistic'"),
        ({}, len, TypeError, "obj must be a FocalObjective in log-odds"),
        ({}, fx.FocalObjective(score="focal_logit"), TypeError, "obj must be a FocalObjective in log-odds"),
        ({"scale_pos_weight": 2.0}, fx.FocalObjective(alpha=0.3), ValueError, "use alpha"),
        ({"scale_pos_weight": -1.0}, None, ValueError, "scale_pos_weight must be a finite number"),
        ({"num_class": 3}, fx.FocalObjective(multiclass="ovr"), ValueError, "multiclass must be 'softmax'"),
    ],
)
def test_xgboost_refuses(make_data, params, obj, error, message):
    X, y, _ = make_data(2)
    with pytest.raises(error, match=message):
        fx.train(PLAIN | params, xgb.DMatrix(X, y), 1, obj=obj)
