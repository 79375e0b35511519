"""evals_result() of FocalXGBClassifier is what scikit-learn computes from predict_proba of that round.

That of the rounds before the mean shift: most fits here leave it out.
"""

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score, zero_one_loss

xgb = pytest.importorskip("xgboost")

from focalboost import FocalXGBClassifier  # noqa: E402
from focalboost.xgboost import FocalMetric  # noqa: E402

SHIFTED = {"n_jobs": 1, "max_depth": 3, "n_estimators": 8}
FAST = SHIFTED | {"focal_mean_shift": False}
PRIORS = ["weighted", "sampled"]


def by_scikit_learn(name, y, proba, weight):
    if name.endswith("logloss"):
        return log_loss(y, proba, sample_weight=weight, labels=np.arange(proba.shape[1]))
    if "@" in name:
        return zero_one_loss(y, proba[:, 1] > float(name.partition("@")[2]), sample_weight=weight)
    if name.endswith("error"):
        return zero_one_loss(y, proba.argmax(axis=1), sample_weight=weight)
    if proba.shape[1] == 2:
        return roc_auc_score(y, proba[:, 1], sample_weight=weight)
    if weight is None:
        return roc_auc_score(y, proba, multi_class="ovr", average="weighted")
    # Its mean over the classes knows no weights of rows.
    areas = [roc_auc_score(y == k, column, sample_weight=weight) for k, column in enumerate(proba.T)]
    return np.average(areas, weights=np.bincount(y, weight))


def by_xgboost(name, y, margin, weight):
    """The framework's own value on the same scores: a booster without trees that starts from them."""
    n_classes = 2 if margin.ndim == 1 else margin.shape[1]
    params = {"objective": "binary:logistic", "base_score": 0.5, "eval_metric": name, "nthread": 1}
    if n_classes > 2:
        params |= {"objective": "multi:softprob", "num_class": n_classes}
    data = xgb.DMatrix(np.zeros((len(y), 1)), y, weight=weight, base_margin=margin)
    return float(xgb.Booster(params, [data]).eval(data).rpartition(":")[2])


def fit(halves, n_classes, weighted=False, **params):
    X, X_test, y, y_test, weight, weight_test = halves(n_classes)
    weights = {"sample_weight": weight, "sample_weight_eval_set": [weight_test]} if weighted else {}
    clf = FocalXGBClassifier(**FAST | params).fit(X, y, eval_set=[(X_test, y_test)], verbose=False, **weights)
    return clf, X_test, y_test, weight_test if weighted else None


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("alpha", [None, 0.25])
def test_binary_metrics(prior, weighted, alpha, halves, focal_by_hand):
    names = ["error", "aucpr", "auc", "focal", "logloss", "error@0.3"]
    clf, X, y, weight = fit(halves, 2, weighted, focal_prior=prior, focal_alpha=alpha, eval_metric=names)
    result = clf.evals_result()["validation_0"]
    # XGBoost measures its own before it asks for others.
    assert sorted(result) == sorted(names)
    pair = None if alpha is None else (1 - alpha, alpha)
    for i in range(clf.n_estimators):
        proba = clf.predict_proba(X, iteration_range=(0, i + 1))
        margin = clf.decision_function(X, iteration_range=(0, i + 1)).astype(float)
        for name in ("error", "auc", "logloss", "error@0.3"):
            assert result[name][i] == pytest.approx(by_scikit_learn(name, y, proba, weight), rel=1e-6), name
        assert result["aucpr"][i] == pytest.approx(by_xgboost("aucpr", y, margin, weight), rel=1e-6)
        if pair and prior == "sampled":  # the loss is that of the weighted problem
            margin += np.log(pair[1] / pair[0])
        assert result["focal"][i] == pytest.approx(focal_by_hand(y, margin, 2.0, pair, weight), rel=1e-6)
    assert len(set(result["focal"])) == clf.n_estimators


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_softmax_metrics(prior, weighted, halves, focal_by_hand):
    names, alpha = ["auc", "merror", "mlogloss", "aucpr", "focal"], [1.0, 3.0, 0.5, 2.0]
    clf, X, y, weight = fit(halves, 4, weighted, focal_prior=prior, focal_alpha=alpha, eval_metric=names)
    result = clf.evals_result()["validation_0"]
    assert list(result) == names
    for i in range(0, clf.n_estimators, 3):
        proba = clf.predict_proba(X, iteration_range=(0, i + 1))
        margin = clf.decision_function(X, iteration_range=(0, i + 1)).astype(float)
        for name in ("auc", "merror", "mlogloss"):
            assert result[name][i] == pytest.approx(by_scikit_learn(name, y, proba, weight), rel=1e-6), name
        assert result["aucpr"][i] == pytest.approx(by_xgboost("aucpr", y, margin, weight), rel=1e-6)
        margin = margin + np.log(alpha) if prior == "sampled" else margin
        assert result["focal"][i] == pytest.approx(focal_by_hand(y, margin, 2.0, alpha, weight), rel=1e-6)


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_one_versus_rest_metrics_are_those_of_its_columns(weighted, halves, focal_by_hand):
    """XGBoost has a column of 0/1 labels for each class there, and measures all of them together."""
    names = ["error", "logloss", "focal"]
    clf, X, y, weight = fit(halves, 4, weighted, focal_multiclass="ovr", eval_metric=names)
    result = clf.evals_result()["validation_0"]
    assert list(result) == names
    columns = np.eye(4, dtype=int)[y].ravel()
    repeated = None if weight is None else np.repeat(weight, 4)
    for i in range(0, clf.n_estimators, 3):
        proba = clf.predict_proba(X, iteration_range=(0, i + 1)).ravel()
        both = np.stack([1 - proba, proba], axis=1)
        for name in ("error", "logloss"):
            assert result[name][i] == pytest.approx(by_scikit_learn(name, columns, both, repeated), rel=1e-6), name
        margin = clf.decision_function(X, iteration_range=(0, i + 1))
        by_hand = focal_by_hand(y, margin, 2.0, sample_weight=weight, multiclass="ovr")
        assert result["focal"][i] == pytest.approx(by_hand, rel=1e-6)


def test_the_history_is_that_of_the_rounds_before_the_shift(halves):
    histories = []
    for shift in (False, True):
        names = ["logloss", "auc", "focal"]
        clf, X, y, _ = fit(halves, 2, focal_gamma=5.0, focal_mean_shift=shift, eval_metric=names)
        histories.append(clf.evals_result())
    assert histories[0] == histories[1]
    assert abs(log_loss(y, clf.predict_proba(X)) - histories[1]["validation_0"]["logloss"][-1]) > 1e-5


def mean_of_squares(y_true, y_score):
    return np.mean(y_score**2)


def test_the_history_has_all_digits(halves):
    clf, *_ = fit(halves, 2, eval_metric=["logloss", "focal", mean_of_squares])
    for values in clf.evals_result()["validation_0"].values():
        assert any(abs(value - round(value, 6)) > 1e-9 for value in values)


@pytest.mark.parametrize("n_classes, key", [(2, "logloss"), (3, "mlogloss")])
def test_the_default_metric_has_the_parents_name(n_classes, key, halves):
    clf, *_ = fit(halves, n_classes)
    assert list(clf.evals_result()["validation_0"]) == [key]
    clf, *_ = fit(halves, n_classes, eval_metric="focal")
    assert list(clf.evals_result()["validation_0"]) == ["focal"]
    clf, *_ = fit(halves, n_classes, disable_default_eval_metric=True, eval_metric=FocalMetric(1.0))
    assert list(clf.evals_result()["validation_0"]) == ["focal"]


@pytest.mark.parametrize("name, higher", [("auc", True), ("logloss", False), ("focal", False), ("aucpr", True)])
def test_the_last_name_drives_early_stopping(name, higher, halves):
    X, X_test, y, y_test, *_ = halves(2)
    rng = np.random.default_rng(1)
    y = np.where(rng.random(len(y)) < 0.2, 1 - y, y)
    names = [*sorted({"auc", "logloss", "focal", "aucpr"} - {name}), name]
    settings = FAST | {"n_estimators": 90, "learning_rate": 0.1, "focal_gamma": 5.0}
    clf = FocalXGBClassifier(**settings, eval_metric=names, early_stopping_rounds=90).fit(
        X, y, eval_set=[(X_test, y_test)], verbose=False
    )
    result = clf.evals_result()["validation_0"]
    best = {key: int(np.argmax(v) if key.startswith("auc") else np.argmin(v)) for key, v in result.items()}
    assert len(set(best.values())) > 2
    assert list(result) == names
    assert clf.best_iteration == best[name] < 89
    assert clf.best_score == (max if higher else min)(result[name])
    expected = clf.predict_proba(X_test, iteration_range=(0, best[name] + 1))
    np.testing.assert_array_equal(clf.predict_proba(X_test), expected)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_callables_are_given_labels_and_probabilities(n_classes, halves):
    seen = []

    def mean(y_true, y_score):
        seen.append((y_true, np.array(y_score), None))
        return np.mean(y_score)

    def weighted(y_true, y_score, sample_weight=None):
        seen.append((y_true, np.array(y_score), sample_weight))
        return 1.0 / 3.0

    clf, X, y, _ = fit(halves, n_classes, eval_metric=[mean, weighted])
    result = clf.evals_result()["validation_0"]
    assert list(result) == [{2: "logloss", 3: "mlogloss"}[n_classes], "mean", "weighted"]
    assert result["weighted"] == [1.0 / 3.0] * clf.n_estimators
    assert len(seen) == 2 * clf.n_estimators
    for i, (y_true, y_score, weight) in enumerate(seen):
        np.testing.assert_array_equal(y_true, y)
        proba = clf.predict_proba(X, iteration_range=(0, i // 2 + 1))
        np.testing.assert_allclose(y_score, proba[:, 1] if n_classes == 2 else proba, rtol=1e-6)
        assert weight is None
    seen.clear()
    _, _, _, weight_test = fit(halves, n_classes, True, eval_metric=weighted)
    np.testing.assert_array_equal(seen[0][2], weight_test)


@pytest.mark.parametrize("n_classes, multiclass", [(2, "softmax"), (3, "softmax"), (3, "ovr")])
def test_focal_metric_is_given_margins(n_classes, multiclass, halves, focal_by_hand):
    metric = FocalMetric(3.0, multiclass=multiclass)
    clf, X, y, _ = fit(halves, n_classes, focal_multiclass=multiclass, eval_metric=metric)
    values = clf.evals_result()["validation_0"]["focal"]
    by_hand = focal_by_hand(y, clf.decision_function(X), 3.0, multiclass=multiclass)
    assert values[-1] == pytest.approx(by_hand, rel=1e-6)


def test_callbacks_of_the_user_see_the_digits(halves):
    class Reader(xgb.callback.TrainingCallback):
        def after_iteration(self, model, epoch, evals_log):
            seen.append(evals_log["validation_0"]["focal"][-1])
            return epoch == 4

    seen = []
    clf, *_ = fit(halves, 2, eval_metric="focal", callbacks=[Reader()])
    assert seen == clf.evals_result()["validation_0"]["focal"]
    assert len(seen) == 5


def test_evaluation_labels_may_lack_a_class(halves):
    X, X_test, y, y_test, *_ = halves(3)
    kept = y_test != 1
    clf = FocalXGBClassifier(**FAST).fit(X, y, eval_set=[(X_test[kept], y_test[kept])], verbose=False)
    expected = log_loss(y_test[kept], clf.predict_proba(X_test[kept]), labels=[0, 1, 2])
    assert clf.evals_result()["validation_0"]["mlogloss"][-1] == pytest.approx(expected)


@pytest.mark.filterwarnings("ignore:.*contains only positive or negative samples:UserWarning")
def test_auc_of_one_label_is_not_a_number_as_in_the_parent(halves):
    X, X_test, y, y_test, *_ = halves(2)
    kept = y_test == 0
    clf = FocalXGBClassifier(**FAST, eval_metric="auc").fit(
        X, y, eval_set=[(X_test[kept], y_test[kept])], verbose=False
    )
    assert np.isnan(clf.evals_result()["validation_0"]["auc"]).all()
