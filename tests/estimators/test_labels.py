"""Labels, probabilities and alpha of the estimators."""

import numpy as np
import pandas as pd
import pytest
from messages import raises
from scipy.special import expit, softmax
from sklearn.utils.class_weight import compute_class_weight

from focalboost import BinaryFocalLoss, MulticlassFocalLoss, SigmoidFocalLoss

KINDS = pytest.mark.parametrize(
    "n_classes, multiclass", [(2, "softmax"), (3, "softmax"), (3, "ovr")], ids=["binary", "softmax", "ovr"]
)
LABELS = {
    "strings": ["ok", "fraud", "unsure"],
    "negative": [-1, 1, -7],
    "far apart": [10, 1000, 3],
    "floats": [1.0, 4.0, -2.0],
    "bool": [False, True],
    "objects": np.array(["x", "b", "c"], dtype=object),
}


@pytest.fixture
def clf(any_family):
    return any_family.Focal(**any_family.fast)


def of_classes(clf, multiclass):
    """Set focal_multiclass, where there is a choice."""
    if "focal_multiclass" in clf.get_params():
        return clf.set_params(focal_multiclass=multiclass)
    if multiclass == "ovr":
        pytest.skip("scikit-learn's has a softmax only")
    return clf


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("container", [np.asarray, pd.Series, list])
def test_any_labels(labels, n_classes, container, clf, make_data, any_family):
    if len(labels) < n_classes:
        pytest.skip("a bool has two values")
    X, codes, _ = make_data(n_classes)
    names = np.asarray(labels)[:n_classes]
    y = container(names[codes])
    any_family.fit(clf, X, y, eval_X=X, eval_y=y)
    np.testing.assert_array_equal(clf.classes_, np.sort(names))
    assert len(clf.classes_) == n_classes
    np.testing.assert_array_equal(clf.predict(X), clf.classes_[clf.predict_proba(X).argmax(axis=1)])
    assert np.asarray(clf.predict(X)).dtype == np.asarray(y).dtype
    assert clf.score(X, y) > 0.6
    # The same model as of the numbers in sorted order, and the evaluation set was encoded the same way.
    numbers = np.searchsorted(np.sort(names), names[codes])
    other = any_family.fit(any_family.Focal(**any_family.fast), X, numbers, eval_X=X, eval_y=numbers)
    np.testing.assert_array_equal(clf.predict_proba(X), other.predict_proba(X))
    assert any_family.history(clf) == any_family.history(other)


def test_categorical_labels(clf, make_data):
    X, codes, _ = make_data(3)
    y = pd.Series(pd.Categorical.from_codes(codes, ["c", "a", "b"]))
    clf.fit(X, y)
    np.testing.assert_array_equal(clf.classes_, ["a", "b", "c"])
    assert np.mean(clf.predict(X) == y.to_numpy()) > 0.6


@pytest.mark.parametrize("y_test", [["ok", "other"], [0, 1]])
def test_an_unknown_label_of_the_evaluation_set(y_test, clf, make_data, any_family):
    if not any_family.takes_evaluation:
        pytest.skip("scikit-learn 1.6 takes no such rows")
    X, codes, _ = make_data(2)
    y = np.array(["fraud", "ok"])[codes]
    with raises(ValueError, "must hold labels of the training set"):
        any_family.fit(clf, X, y, eval_X=X[:2], eval_y=y_test)


def test_an_unknown_number_of_the_evaluation_set_is_named(clf, make_data, any_family):
    if not any_family.takes_evaluation:
        pytest.skip("scikit-learn 1.6 takes no such rows")
    X, y, _ = make_data(3)
    with raises(ValueError, "must hold labels of the training set", "9"):
        any_family.fit(clf, X, y, eval_X=X[:3], eval_y=[0, 9, 1])


def test_continuous_targets_are_refused(clf, make_data):
    X, *_ = make_data(2)
    with raises(ValueError, "continuous"):
        clf.fit(X, X[:, 0])


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_targets_that_are_not_finite_are_refused(bad, clf, make_data):
    X, y, _ = make_data(2)
    y = y.astype(np.float64)
    y[5] = bad
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        clf.fit(X, y)


@KINDS
@pytest.mark.parametrize("prior", ["weighted", "sampled"])
@pytest.mark.parametrize("alpha", [None, "balanced"])
def test_probabilities_of_the_margins(n_classes, multiclass, prior, alpha, clf, make_data, any_family):
    X, y, _ = make_data(n_classes)
    of_classes(clf, multiclass).set_params(focal_alpha=alpha, focal_prior=prior).fit(X, y)
    margin = clf.decision_function(X)
    assert margin.shape == ((len(X),) if n_classes == 2 else (len(X), n_classes))
    np.testing.assert_array_equal(margin, any_family.margins(clf, X))
    proba = clf.predict_proba(X)
    assert proba.shape == (len(X), n_classes)
    if n_classes == 2:
        expected = np.stack([expit(-margin.astype(float)), expit(margin.astype(float))], axis=1)
    else:
        expected = softmax(margin.astype(float), axis=1) if multiclass == "softmax" else expit(margin.astype(float))
    np.testing.assert_allclose(proba, expected, rtol=3 * any_family.rounding, atol=any_family.rounding)
    np.testing.assert_array_equal(any_family.stock_predict(clf, X), proba[:, 1] if n_classes == 2 else proba)
    np.testing.assert_array_equal(clf.predict(X), clf.classes_[proba.argmax(axis=1)])
    sums = proba.sum(axis=1)
    if multiclass == "ovr" and n_classes > 2:  # as from LightGBM's multiclassova
        assert np.abs(sums - 1).max() > 0.01
    else:
        np.testing.assert_allclose(sums, 1, rtol=3 * any_family.rounding)


@KINDS
def test_the_start_is_in_the_model(n_classes, multiclass, clf, make_data, any_family):
    X, y, weight = make_data(n_classes)
    of_classes(clf, multiclass).set_params(learning_rate=1e-12, focal_mean_shift=False)
    clf.fit(X, y, sample_weight=weight)
    expected = clf.focal_loss_.intercept(y, weight, n_classes)
    margin = clf.decision_function(X)
    if multiclass == "softmax" and n_classes > 2:  # it knows no common addend
        margin, expected = margin - margin.mean(axis=1, keepdims=True), expected - expected.mean()
    np.testing.assert_allclose(margin, np.broadcast_to(expected, margin.shape), rtol=1e-7, atol=any_family.rounding)
    prior = np.bincount(y, weight) / weight.sum()
    np.testing.assert_allclose(clf.predict_proba(X[:1])[0], prior, rtol=1e-5)


ALPHAS = {
    "number": (0.25, (0.75, 0.25)),
    "pair": ((2.0, 5.0), (2.0, 5.0)),
    "list": ([2.0, 5.0], (2.0, 5.0)),
    "array": (np.array([2.0, 5.0]), (2.0, 5.0)),
    "dict": ({"ok": 5.0, "fraud": 2.0}, (2.0, 5.0)),
}


@pytest.mark.parametrize("given, resolved", ALPHAS.values(), ids=ALPHAS)
def test_alpha_of_two_classes(given, resolved, clf, make_data, any_family):
    X, codes, _ = make_data(2)
    y = np.array(["fraud", "ok"])[codes]
    clf.set_params(focal_alpha=given).fit(X, y)
    assert isinstance(clf.focal_loss_, BinaryFocalLoss)
    reference = any_family.Focal(**any_family.fast, focal_alpha=resolved).fit(X, y)
    np.testing.assert_array_equal(clf.decision_function(X), reference.decision_function(X))
    y_pm = np.where(codes == 1, 1.0, 0.0)
    np.testing.assert_allclose(
        clf.focal_loss_.loss(y_pm, clf.decision_function(X)),
        BinaryFocalLoss(2.0, resolved, score="log_odds").loss(y_pm, clf.decision_function(X)),
    )


@KINDS
@pytest.mark.parametrize("name", ["balanced", "effective"])
def test_alpha_by_name(n_classes, multiclass, name, clf, make_data):
    X, y, weight = make_data(n_classes)
    of_classes(clf, multiclass).set_params(focal_alpha=name).fit(X, y, sample_weight=weight)
    kind = BinaryFocalLoss if n_classes == 2 else SigmoidFocalLoss if multiclass == "ovr" else MulticlassFocalLoss
    assert isinstance(clf.focal_loss_, kind)
    labels = y if kind is not SigmoidFocalLoss else (y[:, None] == np.arange(n_classes)).astype(float)
    expected = kind(2.0, name).resolve(labels, weight)
    np.testing.assert_allclose(np.asarray(clf.focal_loss_.alpha), np.asarray(expected.alpha))
    assert clf.focal_alpha == name  # the parameter stays what it was


def test_balanced_alpha_without_weights(clf, make_data):
    X, y, _ = make_data(3)
    clf.set_params(focal_alpha="balanced").fit(X, y)
    expected = compute_class_weight("balanced", classes=np.arange(3), y=y)
    np.testing.assert_allclose(np.asarray(clf.focal_loss_.alpha), expected)


def test_alpha_of_three_classes(clf, make_data, any_family):
    X, codes, _ = make_data(3)
    y = np.array([7, -2, 30])[codes]
    clf.set_params(focal_alpha={7: 2.0, -2: 1.0, 30: 3.0}).fit(X, y)
    reference = any_family.Focal(**any_family.fast, focal_alpha=[1.0, 2.0, 3.0]).fit(X, y)
    np.testing.assert_array_equal(clf.decision_function(X), reference.decision_function(X))


@pytest.mark.parametrize("labels", [[False, True], [0.0, 1.0], ["0", "1"]], ids=["bool", "float", "text"])
def test_alpha_as_a_dict_of_other_labels(labels, clf, make_data, any_family):
    X, codes, _ = make_data(2)
    y = np.asarray(labels)[codes]
    clf.set_params(focal_alpha={labels[0]: 1.0, labels[1]: 4.0}).fit(X, y)
    reference = any_family.Focal(**any_family.fast, focal_alpha=(1.0, 4.0)).fit(X, codes)
    np.testing.assert_array_equal(clf.decision_function(X), reference.decision_function(X))


@pytest.mark.parametrize("keys", [["fraud"], ["fraud", "OK"], ["fraud", "ok", "more"], [0, 1], []])
def test_alpha_as_a_dict_with_wrong_keys(keys, clf, make_data):
    X, codes, _ = make_data(2)
    y = np.array(["fraud", "ok"])[codes]
    with raises(ValueError, "focal_alpha", "keys", "'fraud', 'ok'"):
        clf.set_params(focal_alpha=dict.fromkeys(keys, 1.0)).fit(X, y)


def test_gamma_and_alpha_matter(make_data, any_family):
    X, y, _ = make_data(2)
    seen = [
        any_family.Focal(**any_family.fast, focal_gamma=gamma, focal_alpha=alpha).fit(X, y).decision_function(X)
        for gamma in (0.0, 1.0, 2.0)
        for alpha in (None, 0.25)
    ]
    assert all(np.abs(one - other).max() > 1e-3 for i, one in enumerate(seen) for other in seen[:i])
