"""Losses as values, alpha by name, reductions, and the focal loss of probabilities."""

import copy
import dataclasses
import doctest
import importlib
import inspect
import pickle

import numpy as np
import pytest
from oracles import GAMMAS
from scipy.special import expit, softmax
from sklearn.metrics import log_loss
from sklearn.utils.class_weight import compute_class_weight

import focalboost
from focalboost import BinaryFocalLoss, MulticlassFocalLoss, SigmoidFocalLoss, effective_alpha, focal_loss

KINDS = (BinaryFocalLoss, MulticlassFocalLoss, SigmoidFocalLoss)
# Equal by meaning: what a user may write for the same alpha.
SAME = [
    (BinaryFocalLoss, [(0.5, 2), [0.5, 2.0], np.array([0.5, 2.0]), {1: 2.0, 0: 0.5}]),
    (BinaryFocalLoss, [0.25, np.float64(0.25), np.float32(0.25)]),
    (BinaryFocalLoss, ["balanced"]),
    (BinaryFocalLoss, [None]),
    (MulticlassFocalLoss, [(1, 2, 3), [1.0, 2.0, 3.0], np.array([1, 2, 3]), {2: 3, 0: 1, 1: 2}]),
    (MulticlassFocalLoss, [tuple(range(1, 13)), dict(enumerate(range(1, 13)))]),
    (SigmoidFocalLoss, [(0.1, 0.2, 0.3), np.array([0.1, 0.2, 0.3]), {0: 0.1, 1: 0.2, 2: 0.3}]),
    (SigmoidFocalLoss, [((1, 2), (3, 4)), [[1, 2], [3, 4]], np.array([[1, 2], [3, 4]])]),
]


@pytest.mark.parametrize("kind, alphas", SAME)
def test_equality_hash_and_copies(kind, alphas):
    losses = [kind(gamma, alpha) for gamma in (2, 2.0) for alpha in alphas]
    assert len(set(losses)) == 1
    for loss in losses:
        assert loss == losses[0]
        for other in (pickle.loads(pickle.dumps(loss)), copy.deepcopy(loss), copy.copy(loss), eval(repr(loss))):
            assert other == loss
            assert type(other) is kind
            assert other.alpha == loss.alpha
            assert type(other.alpha) is type(loss.alpha)
    assert kind(1.0, alphas[0]) != losses[0]


def test_different_losses_are_not_equal():
    losses = [kind(gamma, alpha) for kind in KINDS for gamma in (0, 1) for alpha in (None, "balanced", "effective")]
    assert len(set(losses)) == len(losses)


@pytest.mark.parametrize("kind", KINDS)
def test_losses_are_frozen(kind):
    loss = kind()
    assert (loss.gamma, loss.alpha) == (2.0, None)
    for name in ("gamma", "alpha"):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(loss, name, 1.0)
    assert dataclasses.replace(loss, gamma=3).gamma == 3.0
    with pytest.raises(ValueError, match="gamma"):
        dataclasses.replace(loss, gamma=-1)


def test_an_array_given_as_alpha_is_copied():
    alpha = np.array([1.0, 2.0])
    loss = BinaryFocalLoss(alpha=alpha)
    alpha[0] = 7
    assert loss.alpha == (1.0, 2.0)


def balanced(y, weight, n_classes):
    counts = np.array([weight[y == k].sum() for k in range(n_classes)])
    return weight.sum() / (n_classes * counts)


def effective(y, n_classes, beta=0.9999):
    counts = np.array([(y == k).sum() for k in range(n_classes)])
    cui = (1 - beta) / (1 - np.power(beta, counts))
    return cui / cui.mean()


@pytest.mark.parametrize("kind, n_classes", [(BinaryFocalLoss, 2), (MulticlassFocalLoss, 2), (MulticlassFocalLoss, 4)])
@pytest.mark.parametrize("dtype", [np.int64, np.float64, np.int8])
def test_alpha_by_name(kind, n_classes, dtype):
    rng = np.random.default_rng(0)
    y = rng.choice(n_classes, 500, p=np.arange(1, n_classes + 1) / np.arange(1, n_classes + 1).sum())
    weight = rng.uniform(0, 2, 500)
    found = kind(1.5, "balanced").resolve(y.astype(dtype))
    expected = compute_class_weight("balanced", classes=np.arange(n_classes), y=y)
    assert type(found) is kind
    assert found.gamma == 1.5
    np.testing.assert_allclose(found.alpha, expected, rtol=1e-14)
    found = kind(1.5, "balanced").resolve(y.astype(dtype), weight)
    np.testing.assert_allclose(found.alpha, balanced(y, weight, n_classes), rtol=1e-14)
    # Not scale-free: weights do not count.
    for given in (None, weight):
        found = kind(1.5, "effective").resolve(y, given).alpha
        np.testing.assert_allclose(found, effective(y, n_classes), rtol=1e-10)
        assert np.mean(found) == pytest.approx(1, rel=1e-14)


def test_alpha_by_name_per_column():
    rng = np.random.default_rng(1)
    targets = (rng.uniform(size=(300, 3)) < [0.5, 0.1, 0.02]).astype(int)
    targets[:2] = [[0, 0, 0], [1, 1, 1]]
    weight = rng.uniform(0, 2, 300)
    exclusive = rng.choice(3, 300, p=[0.6, 0.3, 0.1])
    for labels, columns in [(targets, targets), (exclusive, np.eye(3, dtype=int)[exclusive])]:
        found = np.array(SigmoidFocalLoss(alpha="balanced").resolve(labels, weight).alpha)
        np.testing.assert_allclose(found, [balanced(c, weight, 2) for c in columns.T], rtol=1e-13)
        found = np.array(SigmoidFocalLoss(alpha="effective").resolve(labels, weight).alpha)
        np.testing.assert_allclose(found, [effective(c, 2) for c in columns.T], rtol=1e-10)


def test_resolving_a_numeric_alpha_is_the_loss_itself():
    for loss in (BinaryFocalLoss(), BinaryFocalLoss(2, 0.3), MulticlassFocalLoss(2, (1, 2))):
        assert loss.resolve([0, 1]) is loss


@pytest.mark.parametrize("beta", [0.0, 0.9, 0.999, 0.999999])
def test_effective_alpha(beta):
    counts = np.array([5, 400, 100_000])
    expected = (1 - beta) / (1 - beta**counts)
    np.testing.assert_allclose(effective_alpha(counts, beta), expected / expected.mean(), rtol=1e-9)
    assert isinstance(effective_alpha([1, 2]), tuple)


def test_alpha_forms_weigh_rows():
    y, z = np.array([0, 1, 1, 0]), np.array([0.3, -2.0, 1.0, 4.0])
    plain = BinaryFocalLoss(1.5).loss(y, z)
    for alpha, pair in [(0.25, [0.75, 0.25]), ((3.0, 0.5), [3.0, 0.5]), ({0: 2, 1: 5}, [2.0, 5.0])]:
        np.testing.assert_allclose(BinaryFocalLoss(1.5, alpha).loss(y, z), np.array(pair)[y] * plain, rtol=1e-15)
    margins = np.arange(12.0).reshape(4, 3)
    labels = np.array([0, 1, 2, 2])
    plain = MulticlassFocalLoss(1.5).loss(labels, margins)
    found = MulticlassFocalLoss(1.5, (2.0, 0.1, 7.0)).loss(labels, margins)
    np.testing.assert_allclose(found, np.array([2.0, 0.1, 7.0])[labels] * plain, rtol=1e-15)
    # A number weighs label 1 of each column with a, label 0 with 1 - a.
    ones = np.ones_like(margins)
    found = SigmoidFocalLoss(1.5, (0.2, 0.4, 0.9)).loss(ones, margins)
    columns = [BinaryFocalLoss(1.5).loss(np.ones(4), column) for column in margins.T]
    np.testing.assert_allclose(found, np.array([0.2, 0.4, 0.9]) @ columns, rtol=1e-15)
    zeros = SigmoidFocalLoss(1.5, 0.2).loss(0 * ones, margins)
    np.testing.assert_allclose(zeros, 0.8 * SigmoidFocalLoss(1.5).loss(0 * ones, margins), rtol=1e-15)


@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_reductions(gamma, weighted, dtype):
    rng = np.random.default_rng(2)
    z = rng.normal(scale=3, size=(6000, 3)).astype(dtype)
    y = rng.integers(0, 2, 6000)
    weight = rng.integers(0, 4, 6000).astype(float) if weighted else None
    for loss, margin in [
        (BinaryFocalLoss(gamma, 0.2), z[:, 0]),
        (MulticlassFocalLoss(gamma, (1, 2, 3)), z),
        (SigmoidFocalLoss(gamma, 0.3), z),
    ]:
        rows = loss.loss(y, margin).astype(float) * (1 if weight is None else weight)
        rtol = 1e-13 if dtype == np.float64 else 1e-6
        np.testing.assert_allclose(loss(y, margin, weight, reduction="none"), rows, rtol=rtol)
        total, mean = loss(y, margin, weight, reduction="sum"), loss(y, margin, weight)
        assert isinstance(total, float)
        assert isinstance(mean, float)
        assert total == pytest.approx(rows.sum(), rel=rtol)
        assert mean == pytest.approx(rows.sum() / (6000 if weight is None else weight.sum()), rel=rtol)
        assert mean == loss(y, margin, weight, reduction="mean")


def test_sum_of_weights_that_are_all_zero():
    assert BinaryFocalLoss()([0, 1], [0.5, 0.5], [0, 0], reduction="sum") == 0


@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("weighted", [False, True])
def test_probabilities_agree_with_margins(gamma, weighted):
    rng = np.random.default_rng(3)
    z, y = rng.normal(scale=2, size=(200, 3)), rng.integers(0, 3, 200)
    weight = rng.uniform(0, 2, 200) if weighted else None
    for alpha in (None, (0.5, 1.0, 4.0), "balanced", "effective"):
        loss = MulticlassFocalLoss(gamma, alpha).resolve(y, weight)
        found = focal_loss(y, softmax(z, axis=1), gamma, alpha, weight)
        assert found == pytest.approx(loss(y, z, weight), rel=1e-11)
        found = focal_loss(y, softmax(z, axis=1), gamma, alpha, weight, reduction="none")
        np.testing.assert_allclose(found, loss.loss(y, z, weight), rtol=1e-9)
    label, margin = y % 2, z[:, 0]
    for alpha in (None, 0.2, (0.5, 4.0), {0: 0.5, 1: 4.0}, "balanced", "effective"):
        loss = BinaryFocalLoss(gamma, alpha).resolve(label, weight)
        found = focal_loss(label, expit(margin), gamma, alpha, weight, reduction="sum")
        assert found == pytest.approx(loss(label, margin, weight, reduction="sum"), rel=1e-11)


def test_gamma_0_is_sklearn_log_loss():
    rng = np.random.default_rng(4)
    p, y, weight = rng.dirichlet(np.ones(3), 100), rng.integers(0, 3, 100), rng.uniform(0, 2, 100)
    assert focal_loss(y, p, 0.0) == pytest.approx(log_loss(y, p), rel=1e-13)
    assert focal_loss(y, p, 0.0, sample_weight=weight) == pytest.approx(log_loss(y, p, sample_weight=weight), rel=1e-13)
    assert focal_loss(y % 2, p[:, 0], 0.0) == pytest.approx(log_loss(y % 2, p[:, 0]), rel=1e-13)
    margin = np.log(p[:, 0]) - np.log1p(-p[:, 0])
    assert BinaryFocalLoss(0.0)(y % 2, margin) == pytest.approx(log_loss(y % 2, p[:, 0]), rel=1e-13)
    assert MulticlassFocalLoss(0.0)(y, np.log(p), weight) == pytest.approx(
        log_loss(y, p, sample_weight=weight), rel=1e-13
    )


def test_probabilities_of_0_and_1():
    y, p = [1, 1, 0, 0], [0.0, 1.0, 0.0, 1.0]
    for gamma in GAMMAS:
        np.testing.assert_array_equal(focal_loss(y, p, gamma, reduction="none"), [np.inf, 0, 0, np.inf])
        assert focal_loss(y, p, gamma) == np.inf
        # No weight, no loss; and no -0.0.
        np.testing.assert_array_equal(focal_loss(y, p, gamma, None, [0, 1, 1, 0], "none"), np.zeros(4))
        assert not np.signbit(focal_loss(y, p, gamma, reduction="none")).any()
        rows = focal_loss([0, 1], [[1.0, 0.0], [1.0, 0.0]], gamma, reduction="none")
        np.testing.assert_array_equal(rows, [0, np.inf])


def test_alpha_in_the_closed_interval():
    y, p = np.array([0, 1, 0, 1]), np.array([0.2, 0.7, 1.0, 0.0])
    by_hand = (np.where(y == 1, 1 - p, p)) ** 2 * -np.log(np.where(y == 1, p, 1 - p), where=p % 1 > 0, out=np.zeros(4))
    np.testing.assert_allclose(focal_loss(y[:2], p[:2], 2.0, 1, reduction="none"), by_hand[:2] * [0, 1])
    np.testing.assert_allclose(focal_loss(y[:2], p[:2], 2.0, 0.0, reduction="none"), by_hand[:2] * [1, 0])
    np.testing.assert_array_equal(focal_loss(y[2:], p[2:], 2.0, 1.0, reduction="none"), [0, np.inf])
    np.testing.assert_array_equal(focal_loss(y[2:], p[2:], 2.0, 0.0, reduction="none"), [np.inf, 0])


def test_rows_of_probabilities_are_not_normalised():
    p = np.array([[0.2, 0.2], [0.9, 0.9]])
    np.testing.assert_allclose(
        focal_loss([0, 1], p, 2.0, reduction="none"), [-(0.8**2) * np.log(0.2), -(0.1**2) * np.log(0.9)], rtol=1e-14
    )


def test_defaults_of_focal_loss():
    assert focal_loss([1], [0.5]) == pytest.approx(0.25 * np.log(2), rel=1e-15)
    assert isinstance(focal_loss([1], [0.5]), float)


@pytest.mark.parametrize(
    "name", ["losses", "probability", "links", "log_odds", "_base", "_class_weights", "_validation"]
)
def test_docstring_examples(name):
    module = importlib.import_module(f"focalboost.{name}")
    assert doctest.testmod(module).failed == 0


def test_docstrings_have_examples():
    finder = doctest.DocTestFinder(exclude_empty=True)
    for public in (BinaryFocalLoss, focal_loss):
        assert any(test.examples for test in finder.find(public, globs={}))


def test_public_names():
    names = (name for name in dir(focalboost) if name[0] != "_")
    public = {name for name in names if not inspect.ismodule(getattr(focalboost, name))}
    assert public - {"version"} == set(focalboost.__all__) - {"__version__"}
    for name in focalboost.__all__:
        assert getattr(focalboost, name).__doc__
