"""Every parameter of XGBoost does what docs/parameters.md says of it."""

import functools

import families
import numpy as np
import pytest
from messages import raises
from parameter_tables import XGBOOST, assert_bound, assert_effect, case, cases, how, kept, names, problem

lgb = pytest.importorskip("lightgbm")
xgb = pytest.importorskip("xgboost")

import focalboost.xgboost as focal_xgb  # noqa: E402
from focalboost import FocalXGBClassifier  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:.*booster=.* is deprecated")  # dart and gblinear, by XGBoost 3.4

BASE_XGB = {"n_estimators": 5, "max_depth": 3, "n_jobs": 1, "random_state": 0, "tree_method": "hist"}
STARTS = {2: 0.4, 3: [0.1, 0.0, -0.1]}
HALF = {"subsample": 0.5}
DROPPING = {"booster": "dart", "rate_drop": 0.5, "n_estimators": 10}
LINEAR = {"booster": "gblinear", "tree_method": None, "max_depth": None}
DESCENT = LINEAR | {"updater": "coord_descent"}
CODED = {"enable_categorical": True, "feature_types": ["q"] * 5 + ["c", "q", "q"]}
UPDATE = {"tree_method": "approx", "verbosity": 0, "update": True}
REFRESH = UPDATE | {"process_type": "update", "updater": "refresh"}
SAME_XGB = {
    "disable_default_eval_metric": case(True),
    "base_score": case(STARTS, n_estimators=3),
    "booster": case("gblinear", tree_method=None, max_depth=None),
    "n_estimators": case(3),
    "learning_rate": case(0.7),
    "early_stopping_rounds": case(1, n_estimators=30, learning_rate=1.0, stopping=True),
    "callbacks": case([xgb.callback.LearningRateScheduler(lambda rounds: 0.3 / (rounds + 1))]),
    "sample_type": case("weighted", **DROPPING),
    "normalize_type": case("forest", **DROPPING),
    "rate_drop": case(0.9, **DROPPING),
    "one_drop": case(True, **DROPPING | {"rate_drop": 0.01}),
    "skip_drop": case(0.9, **DROPPING),
    "feature_selector": case("shuffle", **DESCENT),
    "top_k": case(2, **DESCENT, feature_selector="greedy"),
    "tolerance": case(0.5, **DESCENT),
    "max_row_perbatch": case(7, **LINEAR),
    "process_type": case("update", **UPDATE, along=(("updater", "refresh"),)),
    "updater": case("grow_colmaker,prune", tree_method="approx", verbosity=0),
    "refresh_leaf": case(0, **REFRESH),
    "min_split_loss": case(10.0),
    "reg_alpha": case(3.0),
    "reg_lambda": case(20.0),
    "max_depth": case(2),
    "max_leaves": case(4),
    "grow_policy": case("lossguide", max_leaves=5, max_depth=0),
    "min_child_weight": case(20.0),
    "num_parallel_tree": case(3, **HALF),
    "multi_strategy": case("multi_output_tree", classes=(3,)),
    "monotone_constraints": case((1, -1, 0, 0, 0, 0, 0, 0)),
    "interaction_constraints": case("[[0, 1], [3, 4], [2, 5]]"),
    "tree_method": case("exact"),
    "max_bin": case(8),
    "max_cached_hist_node": case(2),
    "debug_synchronize": case(True),
    "sparse_threshold": case(0.9, tree_method="approx"),
    "opt_dense_col": case(0.1, tree_method="exact"),
    "default_direction": case("left", tree_method="exact"),
    "subsample": case(0.5),
    "sampling_method": case("gradient_based", **HALF),
    "colsample_bytree": case(0.5),
    "colsample_bylevel": case(0.5),
    "colsample_bynode": case(0.5),
    "feature_weights": case([0.0, 0, 0, 1, 1, 1, 1, 1], colsample_bynode=0.5),
    "random_state": case(7, **HALF),
    "seed_per_iteration": case(True, **HALF),
    "missing": case(0.0),
    "enable_categorical": case(True),
    "feature_types": case(CODED["feature_types"], enable_categorical=True),
    "max_cat_to_onehot": case(20, **CODED),
    "max_cat_threshold": case(2, **CODED),
    "n_jobs": case(2),
    "verbosity": case(0),
    "validate_parameters": case(False),
    "importance_type": case("weight"),
}
SILENT_XGB = {
    "disable_default_eval_metric": "evals_result()",
    "max_row_perbatch": "nothing: XGBoost does not read it",
    "max_cached_hist_node": "memory",
    "debug_synchronize": "a check",
    "sparse_threshold": "memory",
    "enable_categorical": "an error for a data frame with categories",
    "n_jobs": "speed",
    "verbosity": "logging",
    "validate_parameters": "a warning of names",
    "importance_type": "feature_importances_",
}
LOG_LOSS_XGB = {"focal_gamma": 0.0, "max_delta_step": None, "focal_mean_shift": False}
ESTIMATOR_XGB = {
    "callbacks",
    "early_stopping_rounds",
    "enable_categorical",
    "feature_types",
    "feature_weights",
    "importance_type",
    "missing",
    "n_estimators",
}


@functools.cache
def first_model(k):
    """Return a model of half the rows, for an update."""
    X, y = problem(k)
    return xgb.XGBClassifier(**BASE_XGB, base_score=STARTS[k]).fit(X[:300], y[:300])


def start_of(k, params, update):
    start = {} if update else {"base_score": {2: 0.3, 3: [0.5, 0.0, -0.5]}[k]}
    return start | {name: value[k] if value is STARTS else value for name, value in params.items()}


def fit_xgboost(kind, k, params, stopping=False, update=False, **more):
    """Return a fitted estimator, of a start that is given, or that the model has."""
    X, y = problem(k)
    params, fit = BASE_XGB | start_of(k, params, update), {}
    if stopping:
        params["eval_metric"] = "logloss" if k == 2 else "mlogloss"
        fit["eval_set"] = [(X[300:], y[300:])]
        X, y = X[:300], y[:300]
    if update:
        fit["xgb_model"] = first_model(k)
    return kind(**params, **more).fit(X, y, verbose=False, **fit)


def train_xgboost(focal, k, params, update=False):
    """Return the booster of a native training."""
    params = BASE_XGB | start_of(k, params, update) | {"disable_default_eval_metric": True}
    if k > 2:
        params["num_class"] = k
    rounds, fit = params.pop("n_estimators"), {}
    params = {name: value for name, value in params.items() if value is not None}
    data = xgb.DMatrix(*problem(k), nthread=1)
    if update:
        fit["xgb_model"] = first_model(k).get_booster()
    if focal:
        objective, bound = focal_xgb.FocalObjective(gamma=0.0), {"max_delta_step": 0.0}
        bound = {} if params.get("booster") == "gblinear" else bound
        return focal_xgb.train(params | bound, data, rounds, obj=objective, mean_shift=False, **fit)
    return xgb.train(params | {"objective": "binary:logistic" if k == 2 else "multi:softprob"}, data, rounds, **fit)


def test_values_of_xgboost_are_those_of_same_parameters():
    assert set(SAME_XGB) == set(names(XGBOOST, "same"))
    assert set(SILENT_XGB) <= set(SAME_XGB)


@pytest.mark.parametrize("name, k, native", cases(XGBOOST, "same", SAME_XGB, ESTIMATOR_XGB), ids=how)
def test_same_in_xgboost(name, k, native):
    own = SAME_XGB[name]
    params = own.given | {name: own.value} | dict(own.along)
    X, _ = problem(k)

    def fit(stock, params):
        if native:
            return train_xgboost(not stock, k, params, own.update).predict(xgb.DMatrix(X, nthread=1)), None
        kind, more = (xgb.XGBClassifier, {}) if stock else (FocalXGBClassifier, LOG_LOSS_XGB)
        clf = fit_xgboost(kind, k, params, own.stopping, own.update, **more)
        return clf.predict_proba(X), None if params.get("booster") == "gblinear" else clf.feature_importances_

    without, _ = kept(lambda: fit(True, own.given), "xgboost", native, k, own.stopping, own.update, str(own.given))
    (stock, importances), (ours, own_importances) = fit(True, params), fit(False, params)
    assert_effect(without, stock, name, SILENT_XGB)
    np.testing.assert_allclose(ours, stock, rtol=1e-5, atol=1e-6)
    if importances is not None:
        np.testing.assert_allclose(own_importances, importances, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("short, name", [("gamma", "min_split_loss"), ("alpha", "reg_alpha")])
def test_short_names_of_xgboost_warn(short, name):
    X, y = problem(2)
    value = SAME_XGB[name].value
    stock = fit_xgboost(xgb.XGBClassifier, 2, {name: value}).predict_proba(X)
    with pytest.warns(UserWarning, match=f"{short} is XGBoost's {name} here, got {value!r}"):
        ours = fit_xgboost(FocalXGBClassifier, 2, {short: value}, **LOG_LOSS_XGB)
    np.testing.assert_allclose(ours.predict_proba(X), stock, rtol=1e-5, atol=1e-6)
    with pytest.warns(UserWarning, match=f"{short} is XGBoost's {name} here, got {value!r}"):
        focal_xgb.train({short: value, "nthread": 1}, xgb.DMatrix(X, y), 1)


def test_scale_pos_weight_of_xgboost_but_for_the_start():
    X, _ = problem(2)
    params = {"scale_pos_weight": 3.0}
    stock, plain = (fit_xgboost(xgb.XGBClassifier, 2, p).predict_proba(X) for p in (params, {}))
    ours = fit_xgboost(FocalXGBClassifier, 2, params, **LOG_LOSS_XGB).predict_proba(X)
    assert np.abs(stock - plain).max() > 1e-2
    np.testing.assert_allclose(ours, stock, rtol=1e-5, atol=1e-6)
    # XGBoost itself says so too, unless another test has made it silent.
    expected = pytest.warns(UserWarning, match="scale_pos_weight has no effect on a softmax")
    with xgb.config_context(verbosity=0), expected:
        fit_xgboost(FocalXGBClassifier, 3, params, **LOG_LOSS_XGB)


def test_class_weight_of_xgboost_weighs_rows():
    X, y = problem(3)
    weight = {0: 1.0, 1: 3.0, 2: 0.5}
    ours = fit_xgboost(FocalXGBClassifier, 3, {}, **LOG_LOSS_XGB, class_weight=weight).predict_proba(X)
    stock = xgb.XGBClassifier(**BASE_XGB, base_score=[0.5, 0.0, -0.5])
    stock.fit(X, y, sample_weight=np.array([1.0, 3.0, 0.5])[y])
    np.testing.assert_allclose(ours, stock.predict_proba(X), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("k, name, value", [(2, "num_class", 2), (3, "num_class", 4), (2, "num_target", 2)])
def test_sizes_of_xgboost_models_follow_from_the_labels(k, name, value, monkeypatch):
    families.load("xgboost").forbid_training(monkeypatch)
    X, y = problem(k)
    with raises(ValueError, f"{name} must be left out", f"got {value}"):
        FocalXGBClassifier(**{name: value}).fit(X, y)


@pytest.mark.parametrize("k", [2, 3])
def test_a_bound_of_leaves_is_the_frameworks(k):
    assert_bound(fit_xgboost, xgb.XGBClassifier, FocalXGBClassifier, k)
