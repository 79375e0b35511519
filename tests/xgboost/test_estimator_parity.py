"""FocalXGBClassifier at gamma 0 is XGBClassifier, where neither leaves are bounded nor the mean shifted."""

import json

import numpy as np
import pandas as pd
import pytest

xgb = pytest.importorskip("xgboost")

from focalboost import FocalXGBClassifier  # noqa: E402

COMMON = {"n_jobs": 1, "random_state": 0, "n_estimators": 15}
LOG_LOSS = {"focal_gamma": 0.0, "max_delta_step": None, "focal_mean_shift": False}
BINARY = ["aucpr", "error", "error@0.3", "auc", "logloss"]
MULTI = ["merror", "aucpr", "auc", "mlogloss"]


def base_score(clf):
    """The start that the model holds."""
    held = json.loads(clf.get_booster().save_config())["learner"]["learner_model_param"]["base_score"]
    return json.loads(held)


def both(X, y, params=None, from_ours=False, **fit):
    """Fit the parent and ours; `from_ours` gives the parent our start instead of its own."""
    settings = COMMON | (params or {})
    ours = FocalXGBClassifier(**LOG_LOSS | settings).fit(X, y, verbose=False, **fit)
    if from_ours:
        settings["base_score"] = base_score(ours) if ours.n_classes_ > 2 else base_score(ours)[0]
    return xgb.XGBClassifier(**settings).fit(X, y, verbose=False, **fit), ours


def assert_same(stock, ours, X, rtol=1e-5):
    np.testing.assert_allclose(ours.predict_proba(X), stock.predict_proba(X), rtol=rtol, atol=1e-7)
    np.testing.assert_array_equal(ours.predict(X), stock.predict(X))
    np.testing.assert_array_equal(ours.classes_, stock.classes_)
    assert ours.n_features_in_ == stock.n_features_in_
    assert ours.get_booster().num_boosted_rounds() == stock.get_booster().num_boosted_rounds()
    if ours.booster != "gblinear":
        np.testing.assert_allclose(ours.feature_importances_, stock.feature_importances_, rtol=1e-3, atol=1e-6)
        scores = [model.get_booster().get_score(importance_type="weight") for model in (ours, stock)]
        assert scores[0] == scores[1]


def assert_same_evaluation(stock, ours, rtol=1e-5):
    expected, own = stock.evals_result(), ours.evals_result()
    assert list(own) == list(expected)
    for name, metrics in expected.items():
        assert list(own[name]) == list(metrics)
        for metric, values in metrics.items():
            # Of ranks: XGBoost's are of float32 probabilities, which tie where margins do not.
            tolerance = {"atol": 2e-4} if metric == "auc" else {"rtol": rtol, "atol": 1e-7}
            np.testing.assert_allclose(own[name][metric], values, **tolerance, err_msg=metric)


@pytest.mark.parametrize("name", ["gmsc", "breast_cancer", "covertype", "wine"])
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "sample_weight"])
def test_predictions_importances_and_every_metric(name, weighted, split):
    X, X_test, y, y_test = split(name)
    rng = np.random.default_rng(0)
    more = {}
    if weighted:
        more["sample_weight"] = rng.uniform(0.2, 3, len(y))
        more["sample_weight_eval_set"] = [rng.uniform(0.2, 3, len(y_test))]
    params = {"max_depth": 4, "eval_metric": BINARY if y.max() == 1 else MULTI}
    stock, ours = both(X, y, params, name == "covertype", eval_set=[(X_test, y_test)], **more)
    assert_same(stock, ours, X_test)
    assert_same_evaluation(stock, ours)


@pytest.mark.parametrize("name", ["gmsc", "breast_cancer", "covertype", "wine"])
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "sample_weight"])
def test_early_stopping(name, weighted, split):
    X, X_test, y, y_test = split(name)
    weight = np.random.default_rng(0).uniform(0.2, 3, len(y)) if weighted else None
    params = {"learning_rate": 0.5, "n_estimators": 100, "max_depth": 4, "early_stopping_rounds": 3}
    stock, ours = both(X, y, params, name == "covertype", eval_set=[(X_test, y_test)], sample_weight=weight)
    assert 0 < stock.best_iteration < 99
    assert ours.best_iteration == stock.best_iteration
    assert ours.best_score == pytest.approx(stock.best_score, rel=1e-5)
    assert_same(stock, ours, X_test)
    assert_same_evaluation(stock, ours)


@pytest.mark.parametrize("name", ["gmsc", "breast_cancer", "covertype", "wine"])
def test_the_start_is_the_parents(name, split):
    X, _, y, _ = split(name)
    for weight in (None, np.random.default_rng(0).uniform(0.2, 3, len(y))):
        stock, ours = both(X, y, {"n_estimators": 1}, sample_weight=weight)
        # For more than two classes XGBoost estimates it in float32, good to four digits.
        np.testing.assert_allclose(base_score(ours), base_score(stock), rtol=1e-4, atol=1e-5)
        share = np.bincount(y, weight) / np.bincount(y, weight).sum()
        exact = share[1:] if len(share) == 2 else np.log(share) - np.log(share).mean()
        np.testing.assert_allclose(base_score(ours), exact, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("scale", [0.5, 4.0])
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "sample_weight"])
def test_scale_pos_weight(scale, weighted, split):
    X, X_test, y, y_test = split("gmsc")
    weight = np.random.default_rng(0).uniform(0.2, 3, len(y)) if weighted else None
    # XGBoost's own start is a single Newton step with this parameter: .237 where the minimiser is .207.
    stock, ours = both(X, y, {"scale_pos_weight": scale}, True, sample_weight=weight, eval_set=[(X_test, y_test)])
    assert_same(stock, ours, X_test)
    assert_same_evaluation(stock, ours)


@pytest.mark.parametrize(
    "params",
    [
        {"booster": "dart", "rate_drop": 0.3},
        {"booster": "gblinear"},
        {"tree_method": "exact"},
        {"tree_method": "approx"},
        {"grow_policy": "lossguide", "max_leaves": 7, "max_depth": 0},
        {"subsample": 0.6, "colsample_bytree": 0.5},
        {"num_parallel_tree": 3, "subsample": 0.7, "colsample_bynode": 0.5},
        {"reg_alpha": 0.5, "reg_lambda": 2.0, "min_split_loss": 0.1},
        {"min_child_weight": 3.0, "max_depth": 2},
        {"max_delta_step": 0.5},
        {"base_score": 0.3},
        {"monotone_constraints": (1,) + (0,) * 29},
        {"max_bin": 16, "importance_type": "weight"},
        {"device": "cpu", "verbosity": 1},
    ],
    ids=lambda params: next(iter(params)),
)
@pytest.mark.filterwarnings("ignore:.*booster=.* is deprecated")  # dart and gblinear, by XGBoost 3.4
def test_other_parameters(params, split):
    X, X_test, y, y_test = split("breast_cancer")
    stock, ours = both(X, y, params, eval_set=[(X_test, y_test)])
    assert_same(stock, ours, X_test, rtol=1e-4 if params.get("booster") == "gblinear" else 1e-5)
    assert_same_evaluation(stock, ours, rtol=1e-4)


@pytest.mark.parametrize("strategy", ["one_output_per_tree", "multi_output_tree"])
@pytest.mark.parametrize("kind", ["exclusive", "multilabel"])
def test_multi_strategy(strategy, kind, split):
    X, X_test, y, y_test = split("wine")
    if kind == "multilabel":
        y, y_test = (np.stack([part == 0, part > 0, part != 1], axis=1).astype(int) for part in (y, y_test))
    params = {"multi_strategy": strategy, "tree_method": "hist", "n_estimators": 6}
    stock, ours = both(X, y, params, eval_set=[(X_test, y_test)])
    assert_same(stock, ours, X_test)
    assert_same_evaluation(stock, ours)


@pytest.mark.parametrize("name", ["breast_cancer", "wine"])
def test_a_base_margin_is_the_parents(name, split):
    X, X_test, y, y_test = split(name)
    shape = (lambda n: (n,)) if y.max() == 1 else (lambda n: (n, int(y.max()) + 1))
    rng = np.random.default_rng(0)
    start, start_test = rng.normal(size=shape(len(y))), rng.normal(size=shape(len(y_test)))
    fit = {"base_margin": start, "eval_set": [(X_test, y_test)], "base_margin_eval_set": [start_test]}
    stock, ours = both(X, y, **fit)
    assert_same_evaluation(stock, ours)
    assert_same(stock, ours, X_test)
    expected = stock.predict_proba(X_test, base_margin=start_test)
    np.testing.assert_allclose(ours.predict_proba(X_test, base_margin=start_test), expected, rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(
        ours.predict(X_test, base_margin=start_test), stock.predict(X_test, base_margin=start_test)
    )


@pytest.mark.parametrize("given", [None, "auc", ["auc"], ["logloss", "auc"], ["auc", "logloss"], "error@0.5"], ids=str)
def test_names_and_order_of_the_metrics(given, split):
    X, X_test, y, y_test = split("breast_cancer")
    params = {"eval_metric": given, "early_stopping_rounds": 2, "n_estimators": 30, "learning_rate": 0.6}
    stock, ours = both(X, y, params, eval_set=[(X_test, y_test)])
    assert_same_evaluation(stock, ours)
    assert ours.best_iteration == stock.best_iteration


@pytest.mark.parametrize("names", [["aucpr"], ["logloss", "aucpr"]], ids=str)
def test_a_callable_comes_after_the_names(names, split):
    X, X_test, y, y_test = split("breast_cancer")

    def rounded_mean(y_true, y_score):
        return float(np.round(y_score.mean(), 5))

    params = {"eval_metric": [rounded_mean, *names], "n_estimators": 4}
    stock, ours = both(X, y, params, eval_set=[(X_test, y_test)])
    assert list(ours.evals_result()["validation_0"])[-1] == "rounded_mean"
    assert_same_evaluation(stock, ours)


def test_several_evaluation_sets_one_of_them_the_training_set(split):
    X, X_test, y, y_test = split("wine")
    stock, ours = both(X, y, {"n_estimators": 5}, eval_set=[(X, y), (X_test, y_test), (X_test[:30], y_test[:30])])
    assert list(ours.evals_result()) == ["validation_0", "validation_1", "validation_2"]
    assert_same_evaluation(stock, ours)


def test_pandas_categories_and_missing_values(split):
    X, X_test, y, y_test = split("fars")
    assert any(isinstance(kind, pd.CategoricalDtype) for kind in X.dtypes)
    rng = np.random.default_rng(0)
    X, X_test = (part.mask(rng.random(part.shape) < 0.1) for part in (X, X_test))
    # Small steps: on this set stock's own predictions move by percents when its start moves by 1e-7.
    params = {"enable_categorical": True, "n_estimators": 5, "max_depth": 3, "eval_metric": MULTI}
    stock, ours = both(X, y, params, eval_set=[(X_test, y_test)])
    assert_same(stock, ours, X_test, rtol=1e-4)
    assert_same_evaluation(stock, ours, rtol=1e-4)
    np.testing.assert_array_equal(ours.feature_names_in_, stock.feature_names_in_)


def test_apply_and_contributions(split):
    X, X_test, y, _ = split("wine")
    stock, ours = both(X, y, {"n_estimators": 4})
    np.testing.assert_array_equal(ours.apply(X_test), stock.apply(X_test))
    data = xgb.DMatrix(X_test)
    parts = [model.get_booster().predict(data, pred_contribs=True) for model in (ours, stock)]
    np.testing.assert_allclose(*parts, rtol=1e-4, atol=1e-6)
