"""Training with LightGBM: native and scikit-learn calls, metric, weights, cross-validation, search."""

import functools
import inspect
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold

lgb = pytest.importorskip("lightgbm")

from focalboost.lightgbm import FocalMetric, FocalObjective  # noqa: E402

PARAMS = {
    "verbosity": -1,
    "num_threads": 1,
    "num_leaves": 7,
    "min_child_samples": 5,
    "deterministic": True,
    "force_row_wise": True,
    "metric": "None",
}
KINDS = [(2, "softmax"), (3, "softmax"), (3, "ovr")]
kinds = pytest.mark.parametrize("n_classes, multiclass", KINDS, ids=["binary", "softmax", "ovr"])


def params_for(objective, n_classes, **more):
    return PARAMS | {"objective": objective} | ({"num_class": n_classes} if n_classes > 2 else {}) | more


def train(objective, X, y, n_classes, weight=None, rounds=15, prepare=True, **more):
    """Return the margins' booster of the objective from its start, by hand."""
    objective = objective.prepare(y, weight) if prepare else objective
    return lgb.train(params_for(objective, n_classes, **more), lgb.Dataset(X, y, weight=weight), rounds)


def fit_with_evaluation(classifier, X, y, X_test, y_test, *, weight, **more):
    """LightGBM 4.7 renamed the evaluation set."""
    if "eval_X" in inspect.signature(lgb.LGBMClassifier.fit).parameters:
        evaluation = {"eval_X": X_test, "eval_y": y_test}
    else:
        evaluation = {"eval_set": [(X_test, y_test)]}
    return classifier.fit(X, y, eval_sample_weight=[weight], **evaluation, **more)


def estimator(objective, rounds=15, **more):
    names = {name: value for name, value in PARAMS.items() if name not in ("num_threads", "metric", "verbosity")}
    return lgb.LGBMClassifier(objective=objective, n_estimators=rounds, n_jobs=1, verbosity=-1, **names, **more)


@kinds
@pytest.mark.parametrize("weighted", [False, True])
def test_native_and_scikit_learn_calls_give_the_same_model(n_classes, multiclass, weighted, make_data):
    X, y, weight = make_data(n_classes)
    weight = weight if weighted else None
    objective = FocalObjective(2.0, multiclass=multiclass).prepare(y, weight)
    booster = train(objective, X, y, n_classes, weight, prepare=False)
    fitted = estimator(objective).fit(X, y, sample_weight=weight)
    assert fitted.objective_ == objective
    np.testing.assert_array_equal(booster.predict(X, raw_score=True), fitted.booster_.predict(X, raw_score=True))
    # The model has learnt: better than its start.
    raw = booster.predict(X, raw_score=True) + objective.intercept(y, weight)
    loss = FocalMetric(2.0, multiclass=multiclass)
    assert loss(y, raw, weight)[1] < 0.9 * loss(y, np.zeros_like(raw) + objective.intercept(y, weight), weight)[1]


@kinds
def test_the_given_objective_is_the_one_that_trains(n_classes, multiclass, make_data):
    X, y, _ = make_data(n_classes)
    raw = [
        train(FocalObjective(gamma, alpha, multiclass=multiclass), X, y, n_classes).predict(X, raw_score=True)
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
    objective = FocalObjective(1.0, multiclass=multiclass).prepare(y, weight)
    metric = FocalMetric.of(objective)
    curves = {}
    callbacks = [lgb.early_stopping(5, verbose=False), lgb.record_evaluation(curves)]
    more = {"learning_rate": 0.4}
    if form == "native":
        data = lgb.Dataset(X, y, weight=weight)
        valid = lgb.Dataset(X_test, y_test, weight=weight_test, reference=data)
        params = params_for(objective, n_classes, **more)
        booster = lgb.train(params, data, 80, valid_sets=[valid], feval=metric, callbacks=callbacks)
    else:
        fitted = fit_with_evaluation(
            estimator(objective, 80, metric="None", **more),
            X,
            y,
            X_test,
            y_test,
            weight=weight_test,
            sample_weight=weight,
            eval_metric=metric,
            callbacks=callbacks,
        )
        booster = fitted.booster_
    (curve,) = curves.values()
    by_hand = []
    for i in range(1, booster.current_iteration() + 1, 3):  # LightGBM drops the trees after the best
        raw = booster.predict(X_test, raw_score=True, num_iteration=i) + objective.intercept(y, weight)
        by_hand.append(focal_by_hand(y_test, raw, 1.0, None, weight_test, multiclass))
    assert list(curve) == ["focal"]
    np.testing.assert_allclose(curve["focal"][: booster.current_iteration() : 3], by_hand, rtol=1e-11)
    assert booster.best_iteration == np.argmin(curve["focal"]) + 1 == booster.current_iteration()
    assert booster.best_iteration + 5 == len(curve["focal"]) < 80
    assert booster.best_score["valid_0"]["focal"] == min(curve["focal"])


@kinds
def test_class_weight_reaches_the_gradient(n_classes, multiclass, make_data):
    X, y, weight = make_data(n_classes)
    objective = FocalObjective(2.0, multiclass=multiclass)
    class_weight = {k: 1 + 4 * k for k in range(n_classes)}
    objective = objective.prepare(y, weight * (1 + 4 * y))
    by_class = estimator(objective, class_weight=class_weight).fit(X, y, sample_weight=weight)
    by_row = estimator(objective).fit(X, y, sample_weight=weight * (1 + 4 * y))
    plain = estimator(objective).fit(X, y, sample_weight=weight)
    raw = [model.booster_.predict(X, raw_score=True) for model in (by_class, by_row, plain)]
    np.testing.assert_allclose(raw[0], raw[1], rtol=1e-5, atol=1e-6)
    assert np.abs(raw[0] - raw[2]).max() > 0.1


@kinds
def test_one_heavy_row_is_that_row_many_times(n_classes, multiclass, make_data):
    X, y, _ = make_data(n_classes)
    counts = 2 ** np.random.default_rng(0).integers(0, 3, len(y))  # products are exact: many splits tie
    objective = FocalObjective(2.0, multiclass=multiclass)
    # Bins and leaf sizes count rows, not weights; and after some rounds splits come that are as good as each other.
    more = {"min_child_samples": 1, "min_child_weight": 0.5, "min_data_in_bin": 1, "max_bin": 1000, "rounds": 1}
    weighted = train(objective, X, y, n_classes, counts, **more)
    repeated = train(objective, np.repeat(X, counts, axis=0), np.repeat(y, counts), n_classes, **more)
    one, two = (booster.predict(X, raw_score=True) for booster in (weighted, repeated))
    np.testing.assert_allclose(one, two, atol=2e-8)
    assert np.ptp(one) > 0.05


@pytest.mark.parametrize("form", ["native", "scikit-learn"])
def test_number_for_alpha_in_softmax_says_what_to_do(form, make_data):
    X, y, _ = make_data(3)
    objective = FocalObjective(2.0, 0.25)
    fit = {
        "native": lambda: train(objective, X, y, 3, prepare=False),
        "scikit-learn": lambda: estimator(objective).fit(X, y),
    }
    with pytest.raises(ValueError, match="alpha must hold one weight per class"):
        fit[form]()


def test_label_outside_the_classes(make_data):
    X, y, _ = make_data(3)
    with pytest.raises(ValueError, match=r"y_true must hold integers in 0..1"):
        train(FocalObjective(2.0), X, y, 2, prepare=False)


def test_labels_of_any_type_in_the_classifier(make_data):
    X, y, _ = make_data(2)
    names = np.array(["fraud", "ok"])
    objective = FocalObjective(2.0)
    one, two = estimator(objective).fit(X, names[y]), estimator(objective).fit(X, y)
    np.testing.assert_array_equal(one.booster_.predict(X, raw_score=True), two.booster_.predict(X, raw_score=True))
    assert list(one.classes_) == ["fraud", "ok"]


def score_raw(score, model, X, y):
    return score(y, model.predict(X, raw_score=True))


@pytest.mark.parametrize("scoring, score", [("roc_auc", roc_auc_score), ("average_precision", average_precision_score)])
def test_grid_search_over_objectives(scoring, score, make_data):
    X, y, _ = make_data(2, n=1500)
    objectives = [FocalObjective(gamma=gamma) for gamma in (0, 1, 2, 5)]
    model = lgb.LGBMClassifier(verbose=-1, n_jobs=1, n_estimators=20)
    # LightGBM 4.6 has no decision_function, and one column in predict_proba of a custom objective.
    scorer = scoring if hasattr(model, "decision_function") else functools.partial(score_raw, score)
    search = GridSearchCV(model, {"objective": objectives}, scoring=scorer, n_jobs=2, cv=3, error_score="raise")
    search.fit(X, y)
    scores = search.cv_results_["mean_test_score"]
    assert len(set(scores)) == 4
    assert (scores > {"roc_auc": 0.7, "average_precision": 2 * y.mean() - 0.5}[scoring]).all()
    assert search.best_params_["objective"] in objectives
    # The scores are those of the raw scores of models trained by hand.
    for objective, found in zip(objectives, scores, strict=True):
        by_hand = []
        for rows, test in StratifiedKFold(3).split(X, y):
            data = lgb.Dataset(X[rows], y[rows])
            booster = lgb.train({"verbosity": -1, "num_threads": 1, "objective": objective}, data, 20)
            by_hand.append(score(y[test], booster.predict(X[test], raw_score=True)))
        assert found == pytest.approx(np.mean(by_hand), rel=1e-12)
    best = search.best_estimator_
    again = pickle.loads(pickle.dumps(best))
    np.testing.assert_array_equal(again.booster_.predict(X, raw_score=True), best.booster_.predict(X, raw_score=True))
    assert clone(best).objective == best.objective
