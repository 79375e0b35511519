"""Training with XGBoost: native and scikit-learn calls, start, metric, weights, cross-validation, search."""

import pickle

import numpy as np
import pytest
from scipy.special import expit, log_softmax, logit, softmax
from sklearn.base import clone
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold

xgb = pytest.importorskip("xgboost")

from focalboost.xgboost import FocalMetric, FocalObjective, base_score  # noqa: E402

KINDS = [(2, "softmax"), (3, "softmax"), (3, "ovr")]
kinds = pytest.mark.parametrize("n_classes, multiclass", KINDS, ids=["binary", "softmax", "ovr"])


def params_for(n_classes, start, **more):
    name = "binary:logistic" if n_classes == 2 else "multi:softprob"
    params = {"objective": name, "base_score": start, "max_depth": 3, "nthread": 1, "disable_default_eval_metric": True}
    return params | ({"num_class": n_classes} if n_classes > 2 else {}) | more


def train(objective, X, y, n_classes, weight=None, rounds=15, **more):
    data = xgb.QuantileDMatrix(X, y, weight=weight, nthread=1)
    start = base_score(objective, y, weight, num_class=n_classes if n_classes > 2 else None)
    return xgb.train(params_for(n_classes, start, **more), data, rounds, obj=objective)


def estimator(objective, y, weight=None, rounds=15, **more):
    start = base_score(objective, y, weight)
    return xgb.XGBClassifier(objective=objective, base_score=start, n_estimators=rounds, max_depth=3, n_jobs=1, **more)


def margins(booster, X, **more):
    return booster.predict(xgb.DMatrix(X), output_margin=True, **more)


@kinds
@pytest.mark.parametrize("weighted", [False, True])
def test_native_and_scikit_learn_calls_give_the_same_model(n_classes, multiclass, weighted, make_data):
    X, y, weight = make_data(n_classes)
    weight = weight if weighted else None
    objective = FocalObjective(2.0, multiclass=multiclass)
    booster = train(objective, X, y, n_classes, weight)
    fitted = estimator(objective, y, weight).fit(X, y, sample_weight=weight)
    one, two = margins(booster, X), fitted.predict(X, output_margin=True)
    np.testing.assert_array_equal(one, two)
    proba = fitted.predict_proba(X)
    assert proba.shape == (len(y), n_classes)
    if n_classes == 2:
        np.testing.assert_allclose(proba[:, 1], expit(one.astype(float)), rtol=2e-6)
    else:
        np.testing.assert_allclose(proba, softmax(one.astype(float), axis=1), rtol=2e-6)
    loss = FocalMetric(2.0, multiclass=multiclass)
    constant = np.zeros_like(one) + np.float32(objective.intercept(y, weight))
    assert loss(y, one, weight) < 0.9 * loss(y, constant, weight)


@kinds
def test_the_given_objective_is_the_one_that_trains(n_classes, multiclass, make_data):
    X, y, _ = make_data(n_classes)
    raw = [
        margins(train(FocalObjective(gamma, alpha, multiclass=multiclass), X, y, n_classes), X)
        for gamma in (0.0, 1.0, 2.0)
        for alpha in (None, "balanced")
    ]
    for i, one in enumerate(raw):
        assert all(np.abs(one - other).max() > 1e-3 for other in raw[:i])


@kinds
@pytest.mark.parametrize("form", ["native", "scikit-learn"])
def test_metric_is_that_of_the_margins_in_every_round(n_classes, multiclass, form, make_data, focal_by_hand):
    X, y, weight = make_data(n_classes)
    X_test, y_test, weight_test = make_data(n_classes, n=300, seed=1)
    objective = FocalObjective(1.0, multiclass=multiclass)
    metric = FocalMetric(1.0, multiclass=multiclass)
    if form == "native":
        data = xgb.QuantileDMatrix(X, y, weight=weight, nthread=1)
        valid = xgb.DMatrix(X_test, y_test, weight=weight_test)
        curves = {}
        booster = xgb.train(
            params_for(n_classes, base_score(objective, y, weight), eta=0.6),
            data,
            80,
            obj=objective,
            custom_metric=metric,
            evals=[(valid, "validation_0")],
            evals_result=curves,
            early_stopping_rounds=5,
            verbose_eval=False,
        )
    else:
        more = {"eval_metric": metric, "early_stopping_rounds": 5, "learning_rate": 0.6}
        fitted = estimator(objective, y, weight, 80, **more)
        evaluation = {"eval_set": [(X_test, y_test)], "sample_weight_eval_set": [weight_test], "verbose": False}
        fitted.fit(X, y, sample_weight=weight, **evaluation)
        booster, curves = fitted.get_booster(), fitted.evals_result()
    curve = curves["validation_0"]["focal"]
    by_hand = [
        focal_by_hand(y_test, margins(booster, X_test, iteration_range=(0, i)), 1.0, None, weight_test, multiclass)
        for i in range(1, booster.num_boosted_rounds() + 1, 4)
    ]
    # XGBoost passes the values of metrics on as text with six decimals.
    np.testing.assert_allclose(curve[::4], by_hand, rtol=0, atol=1.5e-6)
    assert booster.best_iteration == np.argmin(curve)
    assert booster.best_score == min(curve)
    assert len(curve) == booster.best_iteration + 6 < 80


@kinds
def test_one_heavy_row_is_that_row_many_times(n_classes, multiclass, make_data):
    X, y, _ = make_data(n_classes)
    counts = np.random.default_rng(0).integers(1, 4, len(y))
    objective = FocalObjective(2.0, multiclass=multiclass)
    more = {"tree_method": "exact"}  # no bins: their limits depend on the rows
    repeated_X, repeated_y = np.repeat(X, counts, axis=0), np.repeat(y, counts)
    start = base_score(objective, y, counts)
    assert start == pytest.approx(base_score(objective, repeated_y))
    weighted = xgb.train(params_for(n_classes, start, **more), xgb.DMatrix(X, y, weight=counts), 1, obj=objective)
    repeated = xgb.train(params_for(n_classes, start, **more), xgb.DMatrix(repeated_X, repeated_y), 1, obj=objective)
    np.testing.assert_allclose(margins(weighted, X), margins(repeated, X), atol=2e-5)
    assert np.ptp(margins(weighted, X)) > 0.1


def test_vector_leaves(make_data):
    X, y, _ = make_data(3)
    objective = FocalObjective(2.0)
    booster = train(objective, X, y, 3, multi_strategy="multi_output_tree", tree_method="hist")
    assert booster.num_boosted_rounds() == 15
    assert FocalMetric(2.0)(y, margins(booster, X)) < 0.5 * FocalMetric(2.0)(y, np.zeros((len(y), 3)))


@pytest.mark.parametrize("form", ["native", "scikit-learn"])
def test_number_for_alpha_in_softmax_says_what_to_do(form, make_data):
    X, y, _ = make_data(3)
    objective, start = FocalObjective(2.0, 0.25), [0.0, 0.0, 0.0]
    fit = {
        "native": lambda: xgb.train(params_for(3, start), xgb.DMatrix(X, y), 2, obj=objective),
        "scikit-learn": lambda: xgb.XGBClassifier(objective=objective, base_score=start, n_jobs=1).fit(X, y),
    }
    with pytest.raises(ValueError, match="alpha must hold one weight per class"):
        fit[form]()
    with pytest.raises(ValueError, match="alpha must hold one weight per class"):
        base_score(objective, y)


def test_label_outside_the_classes(make_data):
    X, y, _ = make_data(3)
    with pytest.raises(ValueError, match=r"y_true must hold integers in 0..1"):
        xgb.train(params_for(2, 0.5), xgb.DMatrix(X, y), 2, obj=FocalObjective(2.0))


# ---- the start ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("gamma", [0.0, 1.0, 5.0])
@pytest.mark.parametrize("alpha", [None, 0.25, "balanced"])
def test_base_score_of_two_classes_is_a_probability(gamma, alpha, make_data):
    _, y, weight = make_data(2)
    objective = FocalObjective(gamma, alpha)
    found = base_score(objective, y, weight)
    assert type(found) is float
    assert found == pytest.approx(expit(objective.intercept(y, weight)), rel=1e-15)
    # The prior as alpha weighs it, at any gamma.
    share = np.average(y, weights=weight)
    ratio = {None: 1.0, 0.25: 1 / 3, "balanced": (1 - share) / share}[alpha]
    assert found == pytest.approx(share * ratio / (share * ratio + 1 - share), rel=1e-6)


@pytest.mark.parametrize("multiclass", ["softmax", "ovr"])
def test_base_score_of_more_classes_is_margins(multiclass, make_data):
    _, y, weight = make_data(4)
    objective = FocalObjective(1.0, multiclass=multiclass)
    found = base_score(objective, y, weight)
    assert isinstance(found, list)
    assert all(type(margin) is float for margin in found)
    start = objective.intercept(y, weight)
    np.testing.assert_allclose(found, start - start.mean() if multiclass == "softmax" else start, rtol=1e-12)
    prior = np.bincount(y, weights=weight) / weight.sum(dtype=float)
    plain = base_score(FocalObjective(0.0, multiclass=multiclass), y, weight)
    expected = np.log(prior) if multiclass == "softmax" else logit(prior)
    np.testing.assert_allclose(log_softmax(plain) if multiclass == "softmax" else plain, expected, rtol=1e-6)
    assert len(base_score(objective, y, num_class=6)) == 6


@pytest.mark.parametrize("weighted", [False, True])
@kinds
def test_base_score_takes_what_is_at_hand(n_classes, multiclass, weighted, make_data):
    X, y, weight = make_data(n_classes)
    weight = weight if weighted else None
    objective = FocalObjective(1.0, "balanced", multiclass=multiclass)
    expected = base_score(objective, y, weight)
    data = xgb.DMatrix(X, y, weight=weight)
    for found in (base_score(y, objective, weight), base_score(objective, data), base_score(data, objective)):
        assert found == expected
    with pytest.raises(
        TypeError, match=r"objective must be a FocalObjective, as in FocalObjective\(gamma=2.0\), got 2.0"
    ):
        base_score(2.0, y)
    with pytest.raises(ValueError, match="y_true must hold labels, got a data set without any"):
        base_score(objective, xgb.DMatrix(X))


def test_base_score_of_columns_is_a_probability_for_each():
    rng = np.random.default_rng(0)
    Y, weight = (rng.random((200, 3)) < [0.5, 0.1, 0.02]).astype(int), rng.uniform(0.2, 3, 200)
    found = base_score(FocalObjective(2.0, multiclass="ovr"), Y, weight)
    assert found == pytest.approx(np.average(Y, axis=0, weights=weight), rel=1e-12)
    weighed = base_score(FocalObjective(2.0, 0.2, multiclass="ovr"), Y, weight)
    assert weighed == pytest.approx(expit(logit(found) + np.log(0.2 / 0.8)), rel=1e-12)


@kinds
@pytest.mark.parametrize("rounds", [0, 1])
def test_boosting_begins_at_the_start(n_classes, multiclass, rounds, make_data):
    X, y, weight = make_data(n_classes)
    objective = FocalObjective(2.0, multiclass=multiclass)
    booster = train(objective, X, y, n_classes, weight, rounds, eta=1e-9)
    start = objective.intercept(y, weight)
    start = start - start.mean() if n_classes > 2 and multiclass == "softmax" else start
    expected = np.zeros_like(margins(booster, X)) + start
    np.testing.assert_allclose(margins(booster, X), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("share", [1e-9, 1 - 1e-9, 1e-40, 1 - 1e-16, 0.0, 1.0])
@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_extreme_priors_are_accepted(share, gamma, make_data):
    X, y, _ = make_data(2)
    # The start of rows that nearly all weigh nothing.
    objective = FocalObjective(gamma)
    start = base_score(objective, [0, 1], [1 - share, share])
    assert 0 < start < 1
    booster = xgb.train(params_for(2, start), xgb.DMatrix(X, y), 2, obj=objective)
    assert np.isfinite(margins(booster, X)).all()
    empty = xgb.train(params_for(2, start), xgb.DMatrix(X, y), 0, obj=objective)
    # XGBoost starts no lower than the log-odds of 1e-6, nor higher than those of 1 - 1e-6, a float32.
    expected = np.clip(objective.intercept([0, 1], [1 - share, share]), -13.81551, 13.745160)
    np.testing.assert_allclose(margins(empty, X), expected, rtol=1e-3 if share > 0.5 else 1e-5)


# ---- search ---------------------------------------------------------------------


@pytest.mark.parametrize("scoring, score", [("roc_auc", roc_auc_score), ("average_precision", average_precision_score)])
def test_grid_search_over_objectives(scoring, score, make_data):
    X, y, _ = make_data(2, n=1500)
    objectives = [FocalObjective(gamma=gamma) for gamma in (0, 1, 2, 5)]
    model = xgb.XGBClassifier(n_jobs=1, n_estimators=20, base_score=0.3)
    search = GridSearchCV(model, {"objective": objectives}, scoring=scoring, n_jobs=2, cv=3, error_score="raise")
    search.fit(X, y)
    scores = search.cv_results_["mean_test_score"]
    assert len(set(scores)) == 4
    assert search.best_params_["objective"] in objectives
    for objective, found in zip(objectives, scores, strict=True):
        by_hand = []
        for rows, test in StratifiedKFold(3).split(X, y):
            data = xgb.QuantileDMatrix(X[rows], y[rows], nthread=1)
            params = {"objective": "binary:logistic", "base_score": 0.3, "nthread": 1}
            booster = xgb.train(params, data, 20, obj=objective)
            by_hand.append(score(y[test], booster.predict(xgb.DMatrix(X[test]))))
        assert found == pytest.approx(np.mean(by_hand), rel=1e-9)
    best = search.best_estimator_
    again = pickle.loads(pickle.dumps(best))
    np.testing.assert_array_equal(again.predict_proba(X), best.predict_proba(X))
    assert clone(model.set_params(objective=objectives[2])).objective == objectives[2]
