"""Every parameter of LightGBM does what docs/parameters.md says of it."""

import inspect

import families
import numpy as np
import pytest
from messages import raises
from parameter_tables import (
    LIGHTGBM,
    File,
    assert_bound,
    assert_effect,
    case,
    cases,
    how,
    kept,
    lightgbm_aliases,
    names,
    problem,
    written,
)

lgb = pytest.importorskip("lightgbm")
xgb = pytest.importorskip("xgboost")

import focalboost.lightgbm as focal_lgb  # noqa: E402
from focalboost import FocalLGBMClassifier  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:.*booster=.* is deprecated")  # dart and gblinear, by XGBoost 3.4

BASE_LGB = {
    "num_iterations": 5,
    "num_leaves": 7,
    "min_data_in_leaf": 5,
    "num_threads": 1,
    "verbosity": -1,
    "deterministic": True,
    "force_row_wise": True,
    "seed": 0,
}
BAGGING = {"bagging_fraction": 0.5, "bagging_freq": 1}
CATEGORIES = {"categorical_feature": [5]}
GOSS = {"data_sample_strategy": "goss", "learning_rate": 0.5}
QUANTIZED = {"use_quantized_grad": True, "quant_train_renew_leaf": True}
MONOTONE = {"monotone_constraints": [1, -1, 0, 0, 0, 0, 0, 0]}
STOPPING = {"num_iterations": 40, "learning_rate": 0.5, "stopping": True}
FORCED_BINS = [{"feature": 4, "bin_upper_bound": [-0.3, 0.33]}, {"feature": 0, "bin_upper_bound": [-0.3, 0.1]}]
SAME_LGB = {
    "num_class": case(3, classes=(3,)),
    "class_weight": case("balanced"),
    "data_sample_strategy": case("goss", learning_rate=0.5),
    "top_rate": case(0.5, **GOSS),
    "other_rate": case(0.3, **GOSS),
    "num_iterations": case(3),
    "learning_rate": case(0.3),
    "early_stopping_round": case(1, **STOPPING),
    "early_stopping_min_delta": case(0.05, **STOPPING, early_stopping_round=2),
    "first_metric_only": case(True, **STOPPING | {"learning_rate": 1.2}, early_stopping_round=2),
    "num_leaves": case(15),
    "max_depth": case(2),
    "min_data_in_leaf": case(40),
    "min_sum_hessian_in_leaf": case(10.0),
    "min_gain_to_split": case(20.0),
    "lambda_l1": case(2.0),
    "lambda_l2": case(5.0),
    "path_smooth": case(5.0),
    "extra_trees": case(True),
    "extra_seed": case(9, extra_trees=True),
    "linear_tree": case(True),
    "linear_lambda": case(1.0, linear_tree=True),
    "monotone_constraints": case(MONOTONE["monotone_constraints"]),
    "monotone_constraints_method": case("advanced", **MONOTONE, num_leaves=15),
    "monotone_penalty": case(2.0, **MONOTONE),
    "interaction_constraints": case([[0, 1], [3, 4], [2, 5]]),
    "feature_contri": case([1, 1, 1, 0.1, 0.1, 0.1, 1, 1]),
    "forcedsplits_filename": case(File({"feature": 4, "threshold": 0.3})),
    "cegb_tradeoff": case(5.0, cegb_penalty_split=0.01),
    "cegb_penalty_split": case(0.02),
    "cegb_penalty_feature_lazy": case([0.05] * 8),
    "cegb_penalty_feature_coupled": case([20.0] * 8),
    "min_data_per_group": case(20, **CATEGORIES),
    "max_cat_threshold": case(1, **CATEGORIES),
    "cat_l2": case(100.0, **CATEGORIES),
    "cat_smooth": case(100.0, **CATEGORIES),
    "max_cat_to_onehot": case(20, **CATEGORIES),
    "quant_train_renew_leaf": case(True, use_quantized_grad=True),
    "num_grad_quant_bins": case(16, **QUANTIZED),
    "stochastic_rounding": case(False, **QUANTIZED),
    "bagging_fraction": case(0.5, bagging_freq=1),
    "bagging_freq": case(2, bagging_fraction=0.5),
    "bagging_seed": case(7, **BAGGING),
    "seed": case(7, **BAGGING),
    "feature_fraction": case(0.5),
    "feature_fraction_seed": case(7, feature_fraction=0.5),
    "feature_fraction_bynode": case(0.5),
    "max_bin": case(15),
    "max_bin_by_feature": case([15] * 8),
    "min_data_in_bin": case(50),
    "bin_construct_sample_cnt": case(100),
    "data_random_seed": case(9, bin_construct_sample_cnt=100),
    "forcedbins_filename": case(File(FORCED_BINS), max_bin=5),
    "use_missing": case(False),
    "zero_as_missing": case(True),
    "feature_pre_filter": case(False),
    "categorical_feature": case([5]),
    "is_enable_sparse": case(False),
    "enable_bundle": case(False),
    "num_threads": case(2),
    "force_col_wise": case(True, force_row_wise=False),
    "force_row_wise": case(False),
    "histogram_pool_size": case(0.001),
    "deterministic": case(False),
    "verbosity": case(-2),
    "importance_type": case("gain"),
    "tree_learner": case("data"),
}
# Of the same parameters those that do not change predictions, and what they change.
SILENT_LGB = {
    "num_class": "nothing: it follows from the labels",
    "feature_pre_filter": "which columns are kept that no split can use",
    "is_enable_sparse": "speed",
    "enable_bundle": "speed",
    "num_threads": "speed",
    "force_col_wise": "speed",
    "force_row_wise": "speed",
    "histogram_pool_size": "memory",
    "deterministic": "the last digits on several threads",
    "verbosity": "logging",
    "importance_type": "feature_importances_",
    "tree_learner": "nothing on one machine",
}
ESTIMATOR_LGB = {"class_weight", "importance_type"}
OTHERS_LGB = {
    "reg_sqrt": case(True),
    "fair_c": case(2.0),
    "poisson_max_delta_step": case(0.1),
    "tweedie_variance_power": case(1.2),
    "objective_seed": case(9),
    "lambdarank_truncation_level": case(3),
    "lambdarank_norm": case(False),
    "lambdarank_position_bias_regularization": case(0.5),
    "label_gain": case([0, 1, 5]),
    "eval_at": case([1, 2]),
    "group_column": case("3"),
}
# Of a Dataset that is a file.
FILES_LGB = {
    "header": True,
    "label_column": "2",
    "weight_column": "1",
    "ignore_column": "0",
    "two_round": True,
    "precise_float_parser": True,
}
LOG_LOSS_LGB = {"focal_gamma": 0.0, "max_delta_step": 0.0, "focal_mean_shift": False}


def estimator_names(params):
    """Return parameters under the names that LGBMClassifier has for them."""
    known, own = lightgbm_aliases(), inspect.signature(lgb.LGBMClassifier.__init__).parameters
    return {next((a for a in known.get(name, ()) if a in own), name): value for name, value in params.items()}


def fit_lightgbm(kind, k, params, stopping=False, **more):
    """Return a fitted estimator."""
    X, y = problem(k)
    params = BASE_LGB | params
    fit = {name: params.pop(name) for name in CATEGORIES if name in params}
    if stopping:
        metrics = ["binary_logloss", "auc"] if k == 2 else ["multi_logloss", "auc_mu"]
        fit |= {"eval_X": X[300:], "eval_y": y[300:], "eval_metric": metrics[::-1]}
        X, y = X[:300], y[:300]
    return families.load("lightgbm").fit(kind(**estimator_names(params), **more), X, y, **fit)


def train_lightgbm(focal, k, params, stopping=False):
    """Return the booster of a native training."""
    X, y = problem(k)
    params = BASE_LGB | ({"num_class": k} if k > 2 else {}) | params
    more = {name: params.pop(name) for name in CATEGORIES if name in params}
    rounds, valid = params.pop("num_iterations"), []
    data = lgb.Dataset(X[:300], y[:300], **more) if stopping else lgb.Dataset(X, y, **more)
    if stopping:
        params["metric"] = ["auc", "binary_logloss"] if k == 2 else ["auc_mu", "multi_logloss"]
        valid = [lgb.Dataset(X[300:], y[300:], reference=data)]
    if focal:
        params |= {"objective": focal_lgb.FocalObjective(gamma=0.0), "max_delta_step": 0.0}
        return focal_lgb.train(params, data, rounds, valid_sets=valid, mean_shift=False)
    return lgb.train(params | {"objective": "binary" if k == 2 else "multiclass"}, data, rounds, valid_sets=valid)


def test_values_of_lightgbm_are_those_of_same_parameters():
    assert {*SAME_LGB, *FILES_LGB} == set(names(LIGHTGBM, "same"))
    assert set(OTHERS_LGB) == set(names(LIGHTGBM, "no classification"))
    assert set(SILENT_LGB) <= set(SAME_LGB)


@pytest.mark.parametrize(
    "name, k, native",
    [one for one in cases(LIGHTGBM, "same", SAME_LGB, ESTIMATOR_LGB) if one[0] not in FILES_LGB]
    + cases(LIGHTGBM, "no classification", OTHERS_LGB, ESTIMATOR_LGB),
    ids=how,
)
def test_same_in_lightgbm(name, k, native, tmp_path):
    own = (SAME_LGB | OTHERS_LGB)[name]
    params = written(own.given | {name: own.value}, tmp_path)
    X, _ = problem(k)

    def fit(stock, params):
        if native:
            return train_lightgbm(not stock, k, params, own.stopping).predict(X), None
        kind, more = (lgb.LGBMClassifier, {}) if stock else (FocalLGBMClassifier, LOG_LOSS_LGB)
        clf = fit_lightgbm(kind, k, params, own.stopping, **more)
        return clf.predict_proba(X), clf.feature_importances_

    without, _ = kept(lambda: fit(True, own.given), "lightgbm", native, k, own.stopping, str(own.given))
    (stock, importances), (ours, own_importances) = fit(True, params), fit(False, params)
    assert_effect(without, stock, name, {*SILENT_LGB, *OTHERS_LGB})
    np.testing.assert_allclose(ours, stock, rtol=0, atol=1e-6)
    if not native:
        np.testing.assert_allclose(own_importances, importances, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("name", FILES_LGB)
@pytest.mark.parametrize("k", [2, 3])
def test_same_in_lightgbm_of_files(name, k, tmp_path):
    """Labels first, unless label_column tells; the third column is a weight where it is one."""
    X, y = problem(k)
    columns = [y, np.nan_to_num(X[:, 0]), np.abs(X[:, 1]) + 0.1, X[:, 3], X[:, 4]]
    if name == "label_column":
        columns = columns[1:3] + columns[:1] + columns[3:]
    path = tmp_path / "data.csv"
    head = "a,b,c,d,e" if name == "header" else ""
    np.savetxt(path, np.column_stack(columns), delimiter=",", header=head, comments="")
    params = {key: value for key, value in BASE_LGB.items() if key != "num_iterations"} | {name: FILES_LGB[name]}
    params |= {"num_class": k} if k > 2 else {}
    predicted = []
    for train, own in (
        (lgb.train, {"objective": "binary" if k == 2 else "multiclass"}),
        (focal_lgb.train, {"objective": focal_lgb.FocalObjective(gamma=0.0), "max_delta_step": 0.0}),
    ):
        more = {} if train is lgb.train else {"mean_shift": False}
        booster = train(params | own, lgb.Dataset(path, params={name: FILES_LGB[name]}), 5, **more)
        predicted.append(booster.predict(np.column_stack([columns[i] for i in range(5) if columns[i] is not y])))
    assert len(np.unique(predicted[0])) > 10
    np.testing.assert_allclose(*predicted, rtol=0, atol=1e-6)


REFUSED_LGB = {
    "boost_from_average": False,
    "sigmoid": 2.0,
    "alpha": 0.3,
    "multi_error_top_k": 2,
    "auc_mu_weights": [0.0, 1.0, 2.0, 0.0],
    "pos_bagging_fraction": 0.5,
    "neg_bagging_fraction": 0.5,
    "num_machines": 2,
    "machines": "10.0.0.1:12400",
    "bagging_by_query": True,
}


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("name", names(LIGHTGBM, "refused"))
def test_refused_in_lightgbm(name, k, monkeypatch):
    families.load("lightgbm").forbid_training(monkeypatch)
    X, y = problem(k)
    error = TypeError if name == "alpha" else ValueError
    value = REFUSED_LGB[name]
    for alias in lightgbm_aliases()[name]:
        with raises(error, alias, f"got {value!r}"):
            FocalLGBMClassifier(**{alias: value}).fit(X, y)
        with raises(error, alias, f"got {value!r}"):
            focal_lgb.train({alias: value, "num_class": k if k > 2 else 1}, lgb.Dataset(X, y))


def test_random_forests_are_refused_in_lightgbm():
    X, y = problem(2)
    with raises(ValueError, "boosting_type must not be 'rf'"):
        FocalLGBMClassifier(boosting_type="rf", **BAGGING).fit(X, y)
    with raises(ValueError, "boosting must not be 'rf'"):
        focal_lgb.train({"boosting": "rf", **BAGGING}, lgb.Dataset(X, y))


# Where LightGBM drops every tree in every round, whatever it draws.
DART = {"boosting": "dart", "uniform_drop": True, "skip_drop": 0.0, "drop_rate": 1.0}


def from_start(kind, k, params, **more):
    """Return margins of an estimator that starts from margins of the user's."""
    X, y = problem(k)
    start = np.full(len(y), 0.3) if k == 2 else np.tile([0.1, 0.2, -0.3], (len(y), 1))
    clf = kind(**estimator_names(BASE_LGB | params), **more).fit(X, y, init_score=start)
    return clf.predict_proba(X, raw_score=True)


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("more", [{}, {"xgboost_dart_mode": True}], ids=str)
def test_dart_of_lightgbm_but_for_the_start(k, more):
    params = DART | more
    stock = from_start(lgb.LGBMClassifier, k, params)
    np.testing.assert_allclose(from_start(FocalLGBMClassifier, k, params, **LOG_LOSS_LGB), stock, rtol=0, atol=1e-6)
    X, _ = problem(k)
    stock = fit_lightgbm(lgb.LGBMClassifier, k, params).predict_proba(X)
    ours = fit_lightgbm(FocalLGBMClassifier, k, params, **LOG_LOSS_LGB).predict_proba(X)
    assert np.abs(ours - stock).max() > 1e-4


@pytest.mark.parametrize("params", [{"is_unbalance": True}, {"scale_pos_weight": 3.0}], ids=str)
def test_weights_by_label_of_lightgbm_but_for_the_start(params):
    stock, plain = (from_start(lgb.LGBMClassifier, 2, p) for p in (params, {}))
    assert np.abs(stock - plain).max() > 1e-2
    np.testing.assert_allclose(from_start(FocalLGBMClassifier, 2, params, **LOG_LOSS_LGB), stock, rtol=0, atol=1e-6)
    with pytest.warns(UserWarning, match=f"{next(iter(params))} has no effect on a softmax"):
        fit_lightgbm(FocalLGBMClassifier, 3, params)


@pytest.mark.parametrize("k", [2, 3])
def test_quantized_gradients_of_lightgbm_renew_leaves(k):
    X, _ = problem(k)
    stock = [fit_lightgbm(lgb.LGBMClassifier, k, p).predict_proba(X) for p in (QUANTIZED, {"use_quantized_grad": True})]
    ours = fit_lightgbm(FocalLGBMClassifier, k, {"use_quantized_grad": True}, **LOG_LOSS_LGB).predict_proba(X)
    np.testing.assert_allclose(ours, stock[0], rtol=0, atol=1e-6)
    assert np.abs(ours - stock[1]).max() > 1e-3


def test_columns_of_lightgbm_with_an_objective_by_hand():
    """LightGBM draws the columns once more where it is given a function."""
    X, y = problem(2)
    objective = focal_lgb.FocalObjective(gamma=0.0).prepare(y)
    params = {name: value for name, value in BASE_LGB.items() if name != "num_iterations"}
    by_fraction = {}
    for fraction in (1.0, 0.5):
        own, by_hand = (
            lgb.train(params | {"objective": o, "feature_fraction": fraction}, lgb.Dataset(X, y), 5)
            for o in ("binary", objective)
        )
        margins = by_hand.predict(X, raw_score=True) + objective.start
        by_fraction[fraction] = np.abs(margins - own.predict(X, raw_score=True)).max()
    assert by_fraction[1.0] < 1e-6
    assert by_fraction[0.5] > 1e-3


PREDICTION_LGB = {
    "start_iteration_predict": {"start_iteration": 2},
    "num_iteration_predict": {"num_iteration": 2},
    "predict_raw_score": {"raw_score": True},
    "predict_leaf_index": {"pred_leaf": True},
    "predict_contrib": {"pred_contrib": True},
    "predict_disable_shape_check": {"predict_disable_shape_check": True},
    "pred_early_stop": {"pred_early_stop": True, "pred_early_stop_freq": 1, "pred_early_stop_margin": 0.5},
    "pred_early_stop_freq": {"pred_early_stop": True, "pred_early_stop_freq": 2, "pred_early_stop_margin": 0.5},
    "pred_early_stop_margin": {"pred_early_stop": True, "pred_early_stop_freq": 1, "pred_early_stop_margin": 0.2},
    "refit_decay_rate": {"decay_rate": 0.3},
}


@pytest.mark.parametrize("name", names(LIGHTGBM, "prediction"))
@pytest.mark.parametrize("k", [2, 3])
def test_prediction_of_lightgbm(name, k):
    X, y = problem(k)
    boosters = train_lightgbm(False, k, {}), train_lightgbm(True, k, {})
    options = PREDICTION_LGB[name]
    if name == "refit_decay_rate":
        refitted = [booster.refit(X[:300], y[:300], **options).predict(X) for booster in boosters]
        np.testing.assert_allclose(*refitted, rtol=0, atol=1e-6)
        return
    plain = boosters[0].predict(X)
    if name == "predict_disable_shape_check":
        X = np.column_stack([X, X[:, 0]])
    stock, ours = (booster.predict(X, **options) for booster in boosters)
    np.testing.assert_allclose(ours, stock, rtol=0, atol=1e-6)
    if name != "predict_disable_shape_check":
        assert stock.shape != plain.shape or np.abs(stock - plain).max() > 1e-3


@pytest.mark.parametrize("k", [2, 3])
def test_a_bound_of_leaves_is_the_frameworks(k):
    assert_bound(fit_lightgbm, lgb.LGBMClassifier, FocalLGBMClassifier, k)
