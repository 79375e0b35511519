"""FocalLGBMClassifier at gamma 0 is LGBMClassifier, where neither leaves are bounded nor the mean shifted."""

import inspect
import warnings

import numpy as np
import pandas as pd
import pytest

lgb = pytest.importorskip("lightgbm")

from focalboost import FocalLGBMClassifier  # noqa: E402

COMMON = {"n_jobs": 1, "verbosity": -1, "deterministic": True, "force_row_wise": True, "random_state": 0}
LOG_LOSS = {"focal_gamma": 0.0, "max_delta_step": 0.0, "focal_mean_shift": False}
BINARY = ["average_precision", "binary_error", "auc", "binary_logloss"]
MULTI = ["multi_error", "auc_mu", "multi_logloss"]
SETS = ["gmsc", "breast_cancer", "covertype", "fars", "wine"]


def fit_stock(classifier, X, y, eval_X=None, eval_y=None, **more):
    """LightGBM 4.7 renamed the evaluation set."""
    if eval_X is not None:
        if "eval_X" in inspect.signature(lgb.LGBMClassifier.fit).parameters:
            more |= {"eval_X": eval_X, "eval_y": eval_y}
        elif isinstance(eval_X, tuple):
            more |= {"eval_set": list(zip(eval_X, eval_y, strict=True))}
        else:
            more |= {"eval_set": [(eval_X, eval_y)]}
    return classifier.fit(X, y, **more)


def both(X, y, params=None, focal=None, **fit):
    """Fit the parent and ours."""
    settings = COMMON | {"n_estimators": 15} | (params or {})
    stock = fit_stock(lgb.LGBMClassifier(**settings), X, y, **fit)
    return stock, FocalLGBMClassifier(**LOG_LOSS | settings, **(focal or {})).fit(X, y, **fit)


def assert_same(stock, ours, X, rtol=1e-5):
    np.testing.assert_allclose(ours.predict_proba(X), stock.predict_proba(X), rtol=rtol, atol=1e-12)
    np.testing.assert_array_equal(ours.predict(X), stock.predict(X))
    np.testing.assert_array_equal(ours.classes_, stock.classes_)
    np.testing.assert_array_equal(ours.feature_importances_, stock.feature_importances_)
    gains = [model.booster_.feature_importance("gain") for model in (ours, stock)]
    np.testing.assert_allclose(*gains, rtol=1e-3, atol=1e-6)
    assert (ours.best_iteration_ or 0) == (stock.best_iteration_ or 0)
    assert ours.n_iter_ == stock.n_iter_
    assert ours.n_features_in_ == stock.n_features_in_
    assert list(ours.feature_name_) == list(stock.feature_name_)


def assert_same_evaluation(stock, ours, rtol=1e-5):
    assert list(ours.evals_result_) == list(stock.evals_result_)
    for name, metrics in stock.evals_result_.items():
        assert list(ours.evals_result_[name]) == list(metrics)
        for metric, values in metrics.items():
            own = ours.evals_result_[name][metric]
            # Of ranks: the last digits of the scores decide what ties.
            tolerance = (
                {"atol": 1e-4} if metric in ("auc", "average_precision", "auc_mu") else {"rtol": rtol, "atol": 1e-9}
            )
            np.testing.assert_allclose(own, values, **tolerance, err_msg=metric)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "sample_weight"])
@pytest.mark.parametrize("class_weight", [None, "balanced", "dict"])
def test_predictions_importances_and_every_metric(name, weighted, class_weight, split):
    X, X_test, y, y_test = split(name)
    n_classes = int(y.max()) + 1
    rng = np.random.default_rng(0)
    more = {}
    if weighted:
        more["sample_weight"] = rng.uniform(0.2, 3, len(y))
        more["eval_sample_weight"] = [rng.uniform(0.2, 3, len(y_test))]
    if class_weight is not None:
        more["eval_class_weight"] = ["balanced"]
    if class_weight == "dict":
        class_weight = {k: 1.0 + k / 2 for k in range(n_classes)}
    stock, ours = both(
        X,
        y,
        {"class_weight": class_weight, "num_leaves": 15},
        eval_X=X_test,
        eval_y=y_test,
        eval_metric=BINARY if n_classes == 2 else MULTI,
        **more,
    )
    assert_same(stock, ours, X_test)
    assert_same_evaluation(stock, ours)


@pytest.mark.parametrize("name", ["gmsc", "breast_cancer", "covertype", "wine"])
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "sample_weight"])
def test_early_stopping(name, weighted, split):
    X, X_test, y, y_test = split(name)
    weight = np.random.default_rng(0).uniform(0.2, 3, len(y)) if weighted else None
    # LightGBM clips probabilities at 1e-15, scikit-learn at 2e-16: weak learners keep clear of both.
    stock, ours = both(
        X,
        y,
        {"learning_rate": 0.4, "n_estimators": 100, "num_leaves": 15, "max_delta_step": 1.0},
        eval_X=X_test,
        eval_y=y_test,
        sample_weight=weight,
        callbacks=[lgb.early_stopping(3, verbose=False)],
    )
    assert 0 < stock.best_iteration_ < 100
    assert_same(stock, ours, X_test)
    assert_same_evaluation(stock, ours)
    assert ours.best_score_.keys() == stock.best_score_.keys()


@pytest.mark.parametrize("name", ["covertype", "wine"])
def test_one_versus_rest(name, split):
    X, X_test, y, y_test = split(name)
    stock = fit_stock(
        lgb.LGBMClassifier(**COMMON, n_estimators=15, objective="multiclassova"),
        X,
        y,
        eval_X=X_test,
        eval_y=y_test,
        eval_metric="multi_error",
    )
    ours = FocalLGBMClassifier(**COMMON, **LOG_LOSS, n_estimators=15, focal_multiclass="ovr")
    ours.fit(X, y, eval_X=X_test, eval_y=y_test, eval_metric="multi_error")
    assert_same(stock, ours, X_test)
    assert_same_evaluation(stock, ours)


@pytest.mark.parametrize(
    "params",
    [
        {"boosting_type": "dart"},
        {"data_sample_strategy": "goss", "learning_rate": 0.3},
        {"subsample": 0.6, "subsample_freq": 1, "colsample_bytree": 0.5},
        {"extra_trees": True},
        {"linear_tree": True},
        {"reg_alpha": 0.5, "reg_lambda": 2.0, "min_split_gain": 0.1},
        {"min_child_weight": 2.0, "max_depth": 3},
        {"max_delta_step": 0.5},
        {"path_smooth": 2.0},
        {"monotone_constraints": [1] + [0] * 29},
        {"interaction_constraints": [[0, 1, 2], list(range(3, 30))]},
        {"max_bin": 15, "importance_type": "gain"},
    ],
    ids=lambda params: next(iter(params)),
)
def test_other_parameters(params, split):
    X, X_test, y, y_test = split("breast_cancer")
    # Weights, for no two leaves to have one value but for its last digits: LightGBM's metrics of ranks would tell them
    # apart or not by the order in which it adds start and trees.
    weight = np.random.default_rng(0).uniform(0.2, 3, len(y))
    stock, ours = both(X, y, params, sample_weight=weight, eval_X=X_test, eval_y=y_test, eval_metric=BINARY)
    if params.get("importance_type") == "gain":
        np.testing.assert_allclose(ours.feature_importances_, stock.feature_importances_, rtol=1e-3, atol=1e-6)
        np.testing.assert_allclose(ours.predict_proba(X_test), stock.predict_proba(X_test), rtol=1e-5)
    else:
        assert_same(stock, ours, X_test)
    assert_same_evaluation(stock, ours)


@pytest.mark.parametrize("name", ["breast_cancer", "wine"])
def test_a_start_given_by_the_user_is_the_parents(name, split):
    X, X_test, y, y_test = split(name)
    n_classes = int(y.max()) + 1
    shape = (lambda n: (n,)) if n_classes == 2 else (lambda n: (n, n_classes))
    rng = np.random.default_rng(0)
    start, start_test = rng.normal(size=shape(len(y))), rng.normal(size=shape(len(y_test)))
    fit = {"init_score": start, "eval_X": X_test, "eval_y": y_test, "eval_init_score": [start_test]}
    stock, ours = both(X, y, **fit)
    raw = [model.predict_proba(X_test, raw_score=True) for model in (ours, stock)]
    np.testing.assert_allclose(*raw, rtol=1e-5, atol=1e-9)
    assert_same_evaluation(stock, ours)


def test_a_start_of_the_evaluation_set_alone_is_the_parents(split):
    X, X_test, y, y_test = split("breast_cancer")
    start_test = np.random.default_rng(0).normal(size=len(y_test))
    stock, ours = both(X, y, eval_X=X_test, eval_y=y_test, eval_init_score=[start_test])
    assert_same(stock, ours, X_test)
    assert_same_evaluation(stock, ours)


@pytest.mark.parametrize(
    "params", [{}, {"metric": "auc"}, {"metric": ["auc", "binary_error"]}, {"metric": "None"}], ids=str
)
@pytest.mark.parametrize("eval_metric", [None, "average_precision", ["average_precision", "binary_logloss"]])
def test_names_and_order_of_the_metrics(params, eval_metric, split):
    X, X_test, y, y_test = split("breast_cancer")
    stock, ours = both(X, y, params | {"n_estimators": 3}, eval_X=X_test, eval_y=y_test, eval_metric=eval_metric)
    assert_same_evaluation(stock, ours)


def test_a_metric_given_twice_stands_where_the_parameter_has_it(split):
    X, X_test, y, y_test = split("breast_cancer")
    fit = {"eval_X": X_test, "eval_y": y_test, "eval_metric": ["auc", "binary_logloss"]}
    stock, ours = both(X, y, {"metric": "auc", "n_estimators": 3}, **fit)
    assert list(stock.evals_result_["valid_0"]) == ["binary_logloss", "auc"]
    assert_same_evaluation(stock, ours)


def test_metrics_separated_by_commas(split):
    X, X_test, y, y_test = split("breast_cancer")
    stock, ours = both(X, y, {"metric": "auc,binary_error", "n_estimators": 3}, eval_X=X_test, eval_y=y_test)
    assert_same_evaluation(stock, ours)


def test_several_evaluation_sets_and_their_names(split):
    X, X_test, y, y_test = split("wine")
    fit = {"eval_X": (X_test, X_test[:30]), "eval_y": (y_test, y_test[:30]), "eval_names": ["all", "part"]}
    stock, ours = both(X, y, {"n_estimators": 5}, **fit)
    assert list(ours.evals_result_) == ["all", "part"]
    assert_same_evaluation(stock, ours)


def test_the_training_set_as_evaluation_set_keeps_its_name(split):
    X, X_test, y, y_test = split("breast_cancer")
    stock, ours = both(X, y, {"n_estimators": 5}, eval_X=(X, X_test), eval_y=(y, y_test))
    assert_same_evaluation(stock, ours)


def test_eval_set_is_still_taken(split):
    X, X_test, y, y_test = split("breast_cancer")
    settings = COMMON | {"n_estimators": 5}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # LightGBM 4.7 deprecates it
        old = FocalLGBMClassifier(**settings).fit(X, y, eval_set=[(X_test, y_test)])
    new = FocalLGBMClassifier(**settings).fit(X, y, eval_X=X_test, eval_y=y_test)
    assert old.evals_result_ == new.evals_result_


def test_pandas_categories_and_missing_values(split):
    X, X_test, y, y_test = split("fars")
    assert any(isinstance(kind, pd.CategoricalDtype) for kind in X.dtypes)
    rng = np.random.default_rng(0)
    X, X_test = (part.mask(rng.random(part.shape) < 0.1) for part in (X, X_test))
    stock, ours = both(X, y, eval_X=X_test, eval_y=y_test, eval_metric=MULTI)
    assert_same(stock, ours, X_test)
    assert_same_evaluation(stock, ours)
    np.testing.assert_array_equal(ours.feature_names_in_, stock.feature_names_in_)
