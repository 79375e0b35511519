"""evals_result_ of FocalLGBMClassifier is what scikit-learn computes from predict_proba of that round.

That of the rounds before the mean shift: most fits here leave it out.
"""

import numpy as np
import pytest
from messages import raises
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score, zero_one_loss

lgb = pytest.importorskip("lightgbm")

from focalboost import FocalLGBMClassifier  # noqa: E402
from focalboost.lightgbm import FocalMetric  # noqa: E402

SHIFTED = {"n_jobs": 1, "verbosity": -1, "num_leaves": 7, "min_child_samples": 5, "n_estimators": 8}
FAST = SHIFTED | {"focal_mean_shift": False}
PRIORS = ["weighted", "sampled"]


def by_scikit_learn(name, y, proba, weight):
    if name.endswith("_logloss"):
        return log_loss(y, proba, sample_weight=weight, labels=np.arange(proba.shape[1]))
    if name.endswith("_error"):
        return zero_one_loss(y, proba.argmax(axis=1), sample_weight=weight)
    function = {"auc": roc_auc_score, "average_precision": average_precision_score}[name]
    return function(y, proba[:, 1], sample_weight=weight)


def by_lightgbm(name, y, margin, weight, objective="multiclass"):
    """The framework's own value on the same scores: a booster without trees that starts from them."""
    data = lgb.Dataset(np.zeros((len(y), 1)), y, weight=weight, init_score=np.asfortranarray(margin))
    params = {"objective": objective, "num_class": margin.shape[1], "metric": name, "verbosity": -1}
    return lgb.Booster({**params, "num_threads": 1}, data).eval_train()[0][2]


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "eval_sample_weight"])
@pytest.mark.parametrize("alpha", [None, 0.25])
def test_binary_metrics(prior, weighted, alpha, halves, focal_by_hand):
    X, X_test, y, y_test, weight, weight_test = halves(2)
    weight_test = weight_test if weighted else None
    names = ["binary_error", "auc", "average_precision", "binary_logloss", "focal"]
    clf = FocalLGBMClassifier(**FAST, focal_prior=prior, focal_alpha=alpha).fit(
        X, y, weight, eval_X=X_test, eval_y=y_test, eval_metric=names, eval_sample_weight=[weight_test]
    )
    result = clf.evals_result_["valid_0"]
    assert list(result) == names
    pair = None if alpha is None else (1 - alpha, alpha)
    for i in range(clf.n_estimators):
        proba = clf.predict_proba(X_test, num_iteration=i + 1)
        for name in names[:-1]:
            assert result[name][i] == pytest.approx(by_scikit_learn(name, y_test, proba, weight_test), rel=1e-9), name
        margin = clf.decision_function(X_test, num_iteration=i + 1)
        if pair and prior == "sampled":  # the loss is that of the weighted problem
            margin = margin + np.log(pair[1] / pair[0])
        assert result["focal"][i] == pytest.approx(focal_by_hand(y_test, margin, 2.0, pair, weight_test), rel=1e-9)
    assert len(set(result["focal"])) == clf.n_estimators


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("multiclass", ["softmax", "ovr"])
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "eval_sample_weight"])
def test_multiclass_metrics(prior, multiclass, weighted, halves, focal_by_hand):
    X, X_test, y, y_test, weight, weight_test = halves(4)
    weight_test = weight_test if weighted else None
    names = ["multi_error", "auc_mu", "focal", "multi_logloss"]
    alpha = [1.0, 3.0, 0.5, 2.0] if multiclass == "softmax" else 0.25
    clf = FocalLGBMClassifier(**FAST, focal_prior=prior, focal_alpha=alpha, focal_multiclass=multiclass).fit(
        X, y, weight, eval_X=X_test, eval_y=y_test, eval_metric=names, eval_sample_weight=[weight_test]
    )
    result = clf.evals_result_["valid_0"]
    assert list(result) == names
    for i in range(0, clf.n_estimators, 3):
        proba = clf.predict_proba(X_test, num_iteration=i + 1)
        margin = clf.decision_function(X_test, num_iteration=i + 1)
        assert result["multi_error"][i] == pytest.approx(by_scikit_learn("multi_error", y_test, proba, weight_test))
        # scikit-learn's log_loss has no value for rows that do not sum to 1.
        if multiclass == "softmax":
            log_loss_then = by_scikit_learn("multi_logloss", y_test, proba, weight_test)
        else:
            log_loss_then = by_lightgbm("multi_logloss", y_test, margin, weight_test, "multiclassova")
        assert result["multi_logloss"][i] == pytest.approx(log_loss_then, rel=1e-9)
        assert result["auc_mu"][i] == pytest.approx(by_lightgbm("auc_mu", y_test, margin, weight_test), abs=1e-4)
        if prior == "sampled":
            margin = margin + (np.log(alpha) if multiclass == "softmax" else np.log(0.25 / 0.75))
        by_hand = focal_by_hand(
            y_test, margin, 2.0, alpha if multiclass == "softmax" else (0.75, 0.25), weight_test, multiclass
        )
        assert result["focal"][i] == pytest.approx(by_hand, rel=1e-9)


def test_the_history_is_that_of_the_rounds_before_the_shift(halves):
    X, X_test, y, y_test, *_ = halves(2)
    fit = {"eval_X": X_test, "eval_y": y_test, "eval_metric": ["focal", "auc"]}
    one, two = (FocalLGBMClassifier(**params).fit(X, y, **fit) for params in (FAST, SHIFTED))
    assert one.evals_result_ == two.evals_result_
    assert log_loss(y_test, two.predict_proba(X_test)) != one.evals_result_["valid_0"]["binary_logloss"][-1]


@pytest.mark.parametrize("n_classes, key", [(2, "binary_logloss"), (3, "multi_logloss")])
def test_the_default_metric_has_the_parents_name(n_classes, key, halves):
    X, X_test, y, y_test, *_ = halves(n_classes)
    clf = FocalLGBMClassifier(**FAST).fit(X, y, eval_X=X_test, eval_y=y_test)
    assert list(clf.evals_result_["valid_0"]) == [key]
    clf.fit(X, y, eval_X=X_test, eval_y=y_test, eval_metric="focal")
    assert list(clf.evals_result_["valid_0"]) == ["focal", key]


@pytest.mark.parametrize("name, higher", [("auc", True), ("binary_logloss", False), ("focal", False)])
def test_the_first_name_drives_early_stopping(name, higher, halves):
    X, X_test, y, y_test, *_ = halves(2)
    rng = np.random.default_rng(1)
    y = np.where(rng.random(len(y)) < 0.2, 1 - y, y)
    names = [name, *({"auc", "binary_logloss", "focal"} - {name})]
    clf = FocalLGBMClassifier(**FAST | {"n_estimators": 60, "learning_rate": 0.3}).fit(
        X,
        y,
        eval_X=X_test,
        eval_y=y_test,
        eval_metric=names,
        callbacks=[lgb.early_stopping(60, first_metric_only=True, verbose=False)],
    )
    result = clf.evals_result_["valid_0"]
    best = {key: int(np.argmax(v) if key == "auc" else np.argmin(v)) + 1 for key, v in result.items()}
    assert best["auc"] != best["binary_logloss"]
    assert next(iter(result)) == name
    assert clf.best_iteration_ == best[name] < 60
    assert clf.booster_.best_iteration == clf.best_iteration_
    np.testing.assert_array_equal(clf.predict_proba(X_test), clf.predict_proba(X_test, num_iteration=best[name]))
    assert clf.best_score_["valid_0"][name] == (max if higher else min)(result[name])


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_callable_is_given_labels_and_probabilities(n_classes, halves):
    X, X_test, y, y_test, _, weight_test = halves(n_classes)
    seen = []

    def two(y_true, y_pred):
        seen.append((y_true, np.array(y_pred), None))
        return "two", float(np.mean(y_pred)), True

    def three(y_true, y_pred, weight):
        seen.append((y_true, np.array(y_pred), weight))
        return [("three", 1.0, True), ("four", 2.0, False)]

    fit = {"eval_X": X_test, "eval_y": y_test, "eval_sample_weight": [weight_test]}
    clf = FocalLGBMClassifier(**FAST).fit(X, y, eval_metric=[two, three], **fit)
    assert set(clf.evals_result_["valid_0"]) >= {"two", "three", "four"}
    assert len(seen) == 2 * clf.n_estimators
    for i, (y_true, y_pred, weight) in enumerate(seen):
        np.testing.assert_array_equal(y_true, y_test)
        proba = clf.predict_proba(X_test, num_iteration=i // 2 + 1)
        np.testing.assert_allclose(y_pred, proba[:, 1] if n_classes == 2 else proba, rtol=1e-9)
        if i % 2:
            np.testing.assert_allclose(weight, weight_test)


@pytest.mark.parametrize("n_classes, multiclass", [(2, "softmax"), (3, "softmax"), (3, "ovr")])
def test_focal_metric_is_given_margins(n_classes, multiclass, halves, focal_by_hand):
    X, X_test, y, y_test, *_ = halves(n_classes)
    clf = FocalLGBMClassifier(**FAST, focal_multiclass=multiclass)
    metric = FocalMetric(3.0, multiclass=multiclass)  # another one than that of the objective
    clf.fit(X, y, eval_X=X_test, eval_y=y_test, eval_metric=metric)
    values = next(v for k, v in clf.evals_result_["valid_0"].items() if k.startswith("focal"))
    by_hand = focal_by_hand(y_test, clf.decision_function(X_test), 3.0, multiclass=multiclass)
    assert values[-1] == pytest.approx(by_hand, rel=1e-9)


def test_evaluation_labels_may_lack_a_class(halves):
    X, X_test, y, y_test, *_ = halves(3)
    kept = y_test != 1
    clf = FocalLGBMClassifier(**FAST).fit(X, y, eval_X=X_test[kept], eval_y=y_test[kept])
    expected = log_loss(y_test[kept], clf.predict_proba(X_test[kept]), labels=[0, 1, 2])
    assert clf.evals_result_["valid_0"]["multi_logloss"][-1] == pytest.approx(expected)


@pytest.mark.parametrize("name", ["aucc", "multi_logloss", "auc_mu", "l2", "ndcg"])
def test_a_metric_without_a_value_for_two_classes(name, halves):
    X, X_test, y, y_test, *_ = halves(2)
    if name == "multi_logloss":  # a synonym of the log-loss: taken as such
        clf = FocalLGBMClassifier(**FAST).fit(X, y, eval_X=X_test, eval_y=y_test, eval_metric=name)
        assert list(clf.evals_result_["valid_0"]) == ["binary_logloss"]
        return
    with raises(ValueError, "eval_metric", "binary_logloss", "focal", repr(name)):
        FocalLGBMClassifier(**FAST).fit(X, y, eval_X=X_test, eval_y=y_test, eval_metric=name)


@pytest.mark.parametrize("name", ["auc", "average_precision", "unknown"])
def test_a_metric_without_a_value_for_three_classes(name, halves):
    X, X_test, y, y_test, *_ = halves(3)
    with raises(ValueError, "eval_metric", "multi_logloss", "focal", repr(name)):
        FocalLGBMClassifier(**FAST).fit(X, y, eval_X=X_test, eval_y=y_test, eval_metric=["multi_error", name])


def test_a_metric_that_is_neither_name_nor_callable(halves):
    X, _, y, *_ = halves(2)
    with raises(TypeError, "eval_metric", "name", "callable", "3"):
        FocalLGBMClassifier(**FAST).fit(X, y, eval_metric=3)


def test_a_fit_that_is_refused_leaves_nothing_behind(make_data):
    X, y, _ = make_data(2)
    clf = FocalLGBMClassifier(n_estimators=2, verbosity=-1)
    before = dict(vars(clf))
    with pytest.raises(ValueError, match="eval_metric must be one of"):
        clf.fit(X, y, eval_set=[(X, y)], eval_metric="no metric")
    assert vars(clf) == before
