"""FocalHistGradientBoostingClassifier beside its parent: at gamma 0, in the first tree, and in the loss object."""

import sys

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from focalboost import BinaryFocalLoss, FocalHistGradientBoostingClassifier, MulticlassFocalLoss
from focalboost.sklearn import _native
from focalboost.sklearn._objective import FocalObjective, Plan

pytestmark = pytest.mark.usefixtures("one_thread")

FAST = {"max_iter": 10, "max_leaf_nodes": 7, "random_state": 0}
LOG_LOSS = {"focal_gamma": 0.0, "focal_mean_shift": False, "l2_regularization": 0.0}
WAYS = {
    "plain": {},
    "class_weight": {"class_weight": "balanced"},
    "categorical": {"categorical_features": [3]},
    "interaction": {"interaction_cst": [{0, 1}, {2, 3, 4}]},
    "early stopping": {"early_stopping": True, "max_iter": 60, "n_iter_no_change": 3},
    "scorer": {"early_stopping": True, "max_iter": 60, "n_iter_no_change": 3, "scoring": "neg_log_loss"},
    "features": {"max_features": 0.5},
}


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_gamma_0_is_the_parent(n_classes, way, weighted, make_data):
    X, y, weight = make_data(n_classes)
    X[::17, 0] = np.nan
    X[:, 3] -= X[:, 3].min()
    weight = weight if weighted else None
    settings = FAST | WAYS[way]
    ours = FocalHistGradientBoostingClassifier(**settings, **LOG_LOSS).fit(X, y, weight)
    parent = HistGradientBoostingClassifier(**settings).fit(X, y, weight)
    np.testing.assert_array_equal(ours.decision_function(X), parent.decision_function(X))
    np.testing.assert_array_equal(ours.predict_proba(X), parent.predict_proba(X))
    np.testing.assert_array_equal(ours.validation_score_, parent.validation_score_)
    assert ours.n_iter_ == parent.n_iter_


def test_gamma_0_is_the_parent_under_monotonic_constraints(make_data):
    X, y, _ = make_data(2)
    settings = FAST | {"monotonic_cst": [1, 0, -1, 0, 0]}
    ours = FocalHistGradientBoostingClassifier(**settings, **LOG_LOSS).fit(X, y)
    parent = HistGradientBoostingClassifier(**settings).fit(X, y)
    np.testing.assert_array_equal(ours.decision_function(X), parent.decision_function(X))


@pytest.mark.parametrize("gamma", [0.5, 2.0, 5.0])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_first_tree_of_two_classes_is_the_log_losses(n_classes, gamma, make_data):
    """Of more, the amount of Hessian is: the shares of the classes differ in how gamma weighs them."""
    X, y, weight = make_data(n_classes)
    ours = FocalHistGradientBoostingClassifier(max_iter=1, focal_gamma=gamma, focal_mean_shift=False)
    ours.fit(X, y, weight)
    parent = HistGradientBoostingClassifier(max_iter=1, l2_regularization=1.0).fit(X, y, weight)
    start = HistGradientBoostingClassifier(max_iter=1, learning_rate=1e-12).fit(X, y, weight)
    step, expected = (clf.decision_function(X) - start.decision_function(X) for clf in (ours, parent))
    if n_classes == 2:
        np.testing.assert_allclose(step, expected, rtol=1e-5)
    else:
        assert np.std(step) == pytest.approx(np.std(expected), rel=0.25)


def loss_object(gamma, n_classes, scale=1.0):
    """Return scikit-learn's log-loss with the focal loss in it, and the log-loss itself."""
    kind, stock = (
        (_native.FocalBinomial, _native.HalfBinomialLoss)
        if n_classes == 2
        else (_native.FocalMultinomial, _native.HalfMultinomialLoss)
    )
    size = {} if n_classes == 2 else {"n_classes": n_classes}
    loss = kind(**size)
    objective = FocalObjective(gamma, scale=scale)
    loss.plan = Plan(objective.loss(n_classes if n_classes > 2 else 1), objective, None, True)
    return loss, stock(**size)


def rows(n_classes, n=2000):
    rng = np.random.default_rng(0)
    margins = np.asfortranarray(rng.normal(0, 4, (n, 1 if n_classes == 2 else n_classes)))
    return rng.integers(n_classes, size=n).astype(np.float64), margins, rng.uniform(0.2, 3.0, n)


@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_derivatives_are_written_into_scikit_learns_arrays(n_classes, n_threads):
    y, margins, weight = rows(n_classes, 60_000)
    loss, _ = loss_object(2.0, n_classes, scale=1.5)
    out = loss.init_gradient_and_hessian(len(y), dtype=np.float32, order="F")
    returned = loss.gradient_hessian(y, margins, weight, *out, n_threads)
    assert returned[0] is out[0]
    assert returned[1] is out[1]
    kind = BinaryFocalLoss if n_classes == 2 else MulticlassFocalLoss
    flat = margins[:, 0] if n_classes == 2 else margins
    expected = kind(2.0, score="log_odds").gradient_hessian(y, flat, 1.5 * weight)
    for own, other in zip(out, expected, strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-6, atol=1e-30)


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_the_kernel_at_gamma_0_agrees_with_scikit_learn(n_classes):
    """In a fit scikit-learn's own code has gamma 0; this is the other."""
    y, margins, weight = rows(n_classes)
    loss, stock = loss_object(0.0, n_classes)
    ours, theirs = (loss.init_gradient_and_hessian(len(y), np.float32, "F") for _ in range(2))
    loss.plan.objective.derivatives(y.astype(np.float32), margins, weight, ours, 1)
    stock.gradient_hessian(y, margins[:, 0] if n_classes == 2 else margins, weight, *theirs)
    for own, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(own, other, rtol=3e-6, atol=1e-9)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_loss_that_early_stopping_reads_is_the_log_loss(n_classes):
    y, margins, weight = rows(n_classes)
    loss, stock = loss_object(2.0, n_classes)
    assert loss(y, margins, weight) == stock(y, margins, weight)


@pytest.mark.skipif(sys.platform != "linux", reason="scikit-learn is built with GNU's OpenMP on Linux alone")
def test_scikit_learns_own_threads_are_used():
    """Two pools would wait for each other."""
    assert _native.OPENMP != 0
