"""The unit of the margins that objectives and metrics read: log-odds, whose prior, and what is added to them."""

import adapters
import numpy as np
import pytest
from adapters import FRAMEWORKS, KINDS, loss_of, problem, settings, value
from scipy.special import expit, log_softmax, logit, softmax

from focalboost import BinaryFocalLoss, MulticlassFocalLoss, SigmoidFocalLoss


@pytest.fixture(params=FRAMEWORKS)
def framework(request):
    return adapters.load(request.param)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_vanish_on_average_where_the_margin_is_the_log_odds(framework, kind):
    """What the unit means: over the labels of a row, each with the probability that its margins tell."""
    _, z, _ = problem(kind)
    z = framework.margins(z)
    objective = framework.objective(2.0, **settings(kind))
    eta = softmax(z.astype(float), axis=1) if kind == "softmax" else expit(z.astype(float))
    if kind == "softmax":
        labels = [(np.full(len(z), k), eta[:, [k]]) for k in range(3)]
    elif kind == "binary":
        labels = [(np.zeros(len(z)), 1 - eta), (np.ones(len(z)), eta)]
    else:
        labels = [(np.zeros(z.shape), 1 - eta), (np.ones(z.shape), eta)]
    parts = [share * objective(y, z)[0].astype(float) for y, share in labels]
    np.testing.assert_allclose(sum(parts), 0, atol=3e-7 * np.abs(parts).max())


OFFSETS = {  # of label 1, or of each class, over the rest: log a_1 / a_0
    "alpha": ("binary", {"alpha": 0.2}, np.log(0.2 / 0.8)),
    "pair": ("binary", {"alpha": (0.5, 3.0)}, np.log(6.0)),
    "class_weight": ("binary", {"class_weight": (2.0, 5.0)}, np.log(2.5)),
    "both": ("binary", {"alpha": (0.5, 3.0), "class_weight": (2.0, 5.0)}, np.log(15.0)),
    "softmax": ("softmax", {"alpha": (0.5, 3.0, 1.0)}, np.log([0.5, 3.0, 1.0])),
    "softmax, class_weight": ("softmax", {"class_weight": (0.5, 3.0, 1.0)}, np.log([0.5, 3.0, 1.0])),
    "ovr": ("ovr", {"alpha": 0.2}, np.full(3, np.log(0.2 / 0.8))),
    "ovr, pairs": ("ovr", {"alpha": ((1, 2), (4, 1), (1, 1))}, np.log([2, 0.25, 1])),
}


@pytest.mark.parametrize("kind, weights, offset", OFFSETS.values(), ids=OFFSETS)
def test_the_sampled_prior_is_an_offset(framework, kind, weights, offset):
    y, z, weight = problem(kind)
    z = framework.margins(z)
    num_class = 1 if kind == "binary" else 3
    weighted = framework.objective(2.0, **settings(kind, **weights))
    sampled = framework.objective(2.0, **settings(kind, **weights, prior="sampled"))
    assert weighted.offset(num_class) == 0
    np.testing.assert_allclose(sampled.offset(num_class), offset, rtol=1e-14)
    for one, two in zip(sampled(y, z, weight), weighted(y, z + np.asarray(offset), weight), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-7)
    starts = [objective.intercept(y, weight, num_class) for objective in (weighted, sampled)]
    if kind == "softmax":
        starts = [log_softmax(start) for start in (starts[0], starts[1] + offset)]
    else:
        starts[1] = starts[1] + offset
    np.testing.assert_allclose(*starts, rtol=1e-12)
    by_hand = framework.metric(2.0, **settings(kind, **weights, prior="sampled"))
    np.testing.assert_allclose(
        value(by_hand(y, z, weight)),
        value(framework.metric.of(weighted)(y, z + np.asarray(offset), weight)),
        rtol=1e-5,
    )
    assert framework.metric.of(sampled) == by_hand


def test_the_start_is_added_to_the_margins(framework):
    y, z, weight = problem("softmax")
    start = (0.5, -1.0, 2.0)
    z = framework.margins(z)
    moved = framework.margins(z.astype(float) + start)
    plain, started = framework.objective(2.0), framework.objective(2.0, start=start)
    for one, two in zip(started(y, z, weight), plain(y, moved, weight), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-7)
    one, two = framework.metric(2.0, start=start)(y, z, weight), framework.metric(2.0)(y, moved, weight)
    assert value(one) == pytest.approx(value(two), rel=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_training_that_starts_at_even_odds_is_warned_of(framework, kind):
    """Which every framework does that is not told of the start."""
    y, z, _ = problem(kind)
    y = np.where(np.arange(len(y)) % 10 > 0, 0, y)
    remedy = {"lightgbm": r"objective.prepare\(y\)", "xgboost": r"base_score=base_score\(objective, y\)"}
    objective, even = framework.objective(**settings(kind)), framework.margins(np.zeros(z.shape))
    for first, second in ((y, even), (even, framework.data(y))):
        with pytest.warns(UserWarning, match=f"training starts at margins of 0, even odds.*{remedy[framework.name]}"):
            objective(first, second)
    # Warnings are errors: there is none for other margins, for even labels, and for an objective with a start.
    objective(y, framework.margins(np.full(z.shape, 0.1)))
    objective(np.arange(len(y)) % (2 if kind == "binary" else 3), even)
    start = tuple(objective.intercept(y)) if kind != "binary" else objective.intercept(y)
    framework.objective(**settings(kind), start=start)(y, even)


@pytest.mark.parametrize("num_class", [2, 5])
def test_as_many_margins_as_the_frameworks_parameter_says(framework, num_class):
    """Two classes too, where it is 2."""
    y, _, weight = problem("softmax", n_classes=num_class)
    for multiclass, kind in (("softmax", MulticlassFocalLoss), ("ovr", SigmoidFocalLoss)):
        objective = framework.objective(2.0, multiclass=multiclass)
        assert isinstance(objective.loss(num_class), kind)
        assert isinstance(objective.loss(0), BinaryFocalLoss)
        assert isinstance(objective.loss(1), BinaryFocalLoss)
        start = objective.intercept(y, weight, num_class)
        assert start.shape == (num_class,)
        share = np.bincount(y, weight) / weight.sum(dtype=float)
        expected = np.log(share) if multiclass == "softmax" else logit(share)
        np.testing.assert_allclose(start, expected, rtol=1e-6)
    assert np.ndim(framework.objective().intercept(y % 2, weight)) == 0


def test_labels_and_weights_of_a_data_set(framework):
    y, _, weight = problem("softmax")
    data = framework.data(y, weight)
    objective = framework.objective(2.0, "balanced")
    np.testing.assert_array_equal(objective.intercept(data), objective.intercept(y, weight))
    assert objective.resolve(data) == objective.resolve(y, weight)
    assert objective.normalize(data) == objective.normalize(y, weight)
    z = framework.margins(np.random.default_rng(2).normal(size=(len(y), 3)))
    np.testing.assert_array_equal(objective.mean_shift(data, z), objective.mean_shift(y, z, weight))


def test_labels_in_columns_are_for_one_versus_rest(framework):
    y = np.eye(3)[[0, 1, 2, 1]]
    with pytest.raises(ValueError, match=r"multiclass must be 'ovr' where y_true has a column for each class"):
        framework.objective().intercept(y)
    assert framework.objective(multiclass="ovr").intercept(y) == pytest.approx(logit([0.25, 0.5, 0.25]))


@pytest.mark.parametrize("kind", KINDS)
def test_predict_proba(framework, kind):
    _, z, _ = problem(kind)
    found = framework.objective(2.0, "balanced", **settings(kind)).predict_proba(z)
    if kind == "binary":
        expected = np.stack([expit(-z), expit(z)], axis=1)
    else:
        expected = softmax(z, axis=1) if kind == "softmax" else expit(z)
    np.testing.assert_allclose(found, expected, rtol=1e-13)
    logits = framework.objective(2.0, **settings(kind), score="focal_logit").predict_proba(z)
    np.testing.assert_array_equal(logits, loss_of(kind, 2.0, score="focal_logit").predict_proba(z, "focal"))


def test_focal_logits_have_no_scale(framework):
    with pytest.raises(ValueError, match="normalize must be called on an objective with score='log_odds'"):
        framework.objective(score="focal_logit").normalize([0, 1])


def test_class_weight_in_one_versus_rest_is_no_offset(framework):
    objective = framework.objective(multiclass="ovr", prior="sampled", class_weight=(1, 2, 3))
    with pytest.raises(ValueError, match=r"class_weight must be None for prior='sampled' and one-vs-rest.*use alpha"):
        objective.offset(3)
