"""Every rule about labels, margins, weights and probabilities; a message names the argument, the rule and the value."""

import numpy as np
import pytest
from messages import KINDS, MARGINS, ZK, Y, calls, raises

from focalboost import BinaryFocalLoss, MulticlassFocalLoss, SigmoidFocalLoss, focal_loss


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.mark.parametrize("bad", [-1, 5, 0.5, np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_label_value(kind, bad, dtype):
    y = Y.astype(dtype)
    y[2] = bad
    allowed = "0..1" if kind is BinaryFocalLoss else "0..2"
    for call in calls(kind()):
        with raises(ValueError, "y_true", f"integers in {allowed}", f"got {bad:g}"):
            call(y, MARGINS[kind])
    # More classes are no error in a start value, whose K comes from the labels.
    if kind is BinaryFocalLoss or bad != 5:
        with raises(ValueError, "y_true", "integers", f"got {bad:g}"):
            kind().intercept(y)
        with raises(ValueError, "y_true", "integers", f"got {bad:g}"):
            kind(alpha="balanced").resolve(y)


def test_label_between_float32_numbers(kind):
    for bad in (1 + 1e-12, 1e-30, 2**24 + 1):
        for call in calls(kind()):
            with raises(ValueError, "y_true", "class numbers 0..K-1", f"{bad!r}"):
                call(np.array([0, 1, 1, bad]), MARGINS[kind])


@pytest.mark.parametrize("bad", [1e300, -1e300, 2**62])
def test_label_beyond_float32(kind, bad):
    with raises(ValueError, "y_true", "got"):
        kind().gradient_hessian(np.array([0, 1, 1, bad]), MARGINS[kind])


def test_label_of_a_multilabel_target():
    for bad in (2, -1, 0.5, np.nan):
        y = np.zeros((4, 3))
        y[1, 2] = bad
        for call in calls(SigmoidFocalLoss()):
            with raises(ValueError, "y_true", "integers in 0..1", f"got {bad:g}"):
                call(y, ZK)
        with raises(ValueError, "y_true", "integers in 0..1", f"got {bad:g}"):
            SigmoidFocalLoss().intercept(y)


@pytest.mark.parametrize(
    "y", [["a", "b", "a", "b"], np.array([0, 1, None, 1]), np.array([0, 1, 1, 0], dtype="M8[s]"), Y * 1j]
)
def test_label_dtype(kind, y):
    for call in (*calls(kind()), lambda y, z: kind().intercept(y), lambda y, z: kind(alpha="balanced").resolve(y)):
        with raises(TypeError, "y_true", "class numbers 0..K-1", f"got dtype {np.asarray(y).dtype}", "encode"):
            call(y, MARGINS[kind])


@pytest.mark.parametrize("shape", [(3,), (5,), (4, 1), (4, 2), (1, 4), (), (4, 3, 1)])
def test_label_shape(kind, shape):
    for call in calls(kind()):
        with raises(ValueError, "y_true", "must have shape (4,", f"got shape {shape}"):
            call(np.zeros(shape), MARGINS[kind])


def test_label_shape_of_softmax():
    with raises(ValueError, "y_true", "(4,)", "got shape (4, 3)"):
        MulticlassFocalLoss().loss(np.zeros((4, 3)), ZK)


@pytest.mark.parametrize("y", [[], np.zeros((0,)), 1])
def test_no_labels(kind, y):
    with raises(ValueError, "y_true", "(n_samples,)", "not be empty", f"got shape {np.shape(y)}"):
        kind().intercept(y)


@pytest.mark.parametrize("shape", [(), (4, 1, 1), (4, 3)])
def test_margin_rank_binary(shape):
    for call in (*calls(BinaryFocalLoss()), lambda y, z: BinaryFocalLoss().predict_proba(z)):
        with raises(ValueError, "raw_prediction", "shape (n_samples,)", f"got shape {shape}"):
            call(Y, np.zeros(shape))


@pytest.mark.parametrize("shape", [(), (4,), (4, 3, 1)])
@pytest.mark.parametrize("kind", KINDS[1:])
def test_margin_rank(kind, shape):
    for call in (*calls(kind()), lambda y, z: kind().predict_proba(z)):
        with raises(ValueError, "raw_prediction", "shape (n_samples, n_classes)", f"got shape {shape}"):
            call(Y, np.zeros(shape))


def test_one_margin_for_softmax():
    for call in calls(MulticlassFocalLoss()):
        with raises(ValueError, "raw_prediction", "2 or more columns", "got 1"):
            call(Y, np.zeros((4, 1)))


@pytest.mark.parametrize("dtype", [object, complex, str, "M8[s]"])
def test_margin_dtype(kind, dtype):
    bad = np.ones(MARGINS[kind].shape).astype(int).astype(dtype)
    for call in (*calls(kind()), lambda y, z: kind().predict_proba(z)):
        with raises(TypeError, "raw_prediction", "array of numbers", f"got dtype {bad.dtype}"):
            call(Y, bad)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_margin_nan(kind, dtype):
    z = MARGINS[kind].astype(dtype)
    z.flat[[-2, -1]] = np.nan
    where = "2" if kind is BinaryFocalLoss else "(3, 1)"
    for call in calls(kind()):
        with raises(ValueError, "raw_prediction", "must not hold NaN", "got 2", f"the first at {where}"):
            call(Y, z)
    with raises(ValueError, "raw_prediction", "must not hold NaN", "got 2"):
        kind().predict_proba(z)


def test_no_margins(kind):
    empty = MARGINS[kind][:0]
    for call in (*calls(kind()), lambda y, z: kind().predict_proba(z)):
        with raises(ValueError, "raw_prediction", "not be empty", f"got shape {empty.shape}"):
            call([], empty)


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weight_value(kind, bad, dtype):
    weight = np.array([1, 0, bad, 2], dtype=dtype)
    others = (lambda y, z, w: kind().intercept(y, w), lambda y, z, w: kind(alpha="balanced").resolve(y, w))
    for call in (*calls(kind()), *others):
        with raises(ValueError, "sample_weight", "finite numbers >= 0", f"got {bad:g}"):
            call(Y, MARGINS[kind], weight)
    with raises(ValueError, "sample_weight", "finite numbers >= 0", f"got {bad:g}"):
        focal_loss(Y, [0.5] * 4, sample_weight=weight)


def test_weight_beyond_the_range_of_float32_margins(kind):
    # 1e39 is a finite number, but not in the arithmetic of float32 margins.
    z = MARGINS[kind].astype(np.float32)
    for call in calls(kind()):
        with raises(ValueError, "sample_weight", "got 1e+39"):
            call(Y, z, np.array([1, 1, 1e39, 1]))


@pytest.mark.parametrize("shape", [(3,), (4, 1), (1, 4), ()])
def test_weight_shape(kind, shape):
    for call in (*calls(kind()), lambda y, z, w: kind().intercept(y, w)):
        with raises(ValueError, "sample_weight", "shape (4,)", f"got shape {shape}"):
            call(Y, MARGINS[kind], np.ones(shape))


@pytest.mark.parametrize("weight", [["a"] * 4, np.ones(4, dtype=complex), np.array([1, None, 1, 1])])
def test_weight_dtype(kind, weight):
    for call in (*calls(kind()), lambda y, z, w: kind().intercept(y, w)):
        with raises(TypeError, "sample_weight", "array of numbers", f"got dtype {np.asarray(weight).dtype}"):
            call(Y, MARGINS[kind], weight)


def test_weights_that_are_all_zero(kind):
    rule = "sample_weight", "positive sum", "only zeros"
    with raises(ValueError, *rule):
        kind()(Y, MARGINS[kind], np.zeros(4))
    with raises(ValueError, *rule):
        kind().intercept(Y, np.zeros(4))
    with raises(ValueError, *rule):
        kind(alpha="balanced").resolve(Y, np.zeros(4))
    with raises(ValueError, *rule):
        focal_loss(Y, [0.5] * 4, sample_weight=np.zeros(4))


@pytest.mark.parametrize("bad", [-0.1, 1.0000001, np.nan, np.inf])
def test_probability_value(bad):
    with raises(ValueError, "p must hold probabilities in [0, 1]", f"{bad!r}", "margins"):
        focal_loss(Y, [0.5, 0.5, bad, 0.5])


def test_probability_shape_and_labels():
    with raises(ValueError, "p must have shape", "(n_samples,) or (n_samples, n_classes)", "got shape ()"):
        focal_loss([1], 0.5)
    with raises(ValueError, "p must not be empty", "(0,)"):
        focal_loss([], [])
    with raises(ValueError, "y_true", "0..1", "got 2"):
        focal_loss([0, 2], [0.5, 0.5])
    with raises(ValueError, "y_true", "0..2", "got 3"):
        focal_loss([0, 3], np.full((2, 3), 1 / 3))
    with raises(ValueError, "y_true", "(2,)", "got shape (3,)"):
        focal_loss([0, 1, 1], [0.5, 0.5])
    with raises(TypeError, "p must be an array of numbers", "got dtype <U1"):
        focal_loss([0, 1], ["a", "b"])
    with raises(ValueError, "alpha", "one weight per class in MulticlassFocalLoss", "0.25"):
        focal_loss([0, 1], np.full((2, 3), 1 / 3), alpha=0.25)
    with raises(ValueError, "alpha", "each of the 3 classes", "got 2"):
        focal_loss([0, 1], np.full((2, 3), 1 / 3), alpha=(1, 2))


@pytest.mark.parametrize(
    "change",
    [
        {"y": [0, 1, 1, 7]},
        {"y": [0, 1, 0.5, 1]},
        {"y": ["a", "b", "a", "b"]},
        {"y": [0, 1, 1]},
        {"z": np.nan},
        {"z": "1"},
        {"weight": [1, 1, -1, 1]},
        {"weight": [1, 1, 1]},
        {"weight": [0, 0, 0, 0]},
    ],
    ids=str,
)
@pytest.mark.parametrize("base", KINDS)
def test_margins_in_log_odds_are_refused_with_the_same_words(base, change):
    y, z, weight = Y, MARGINS[base], np.ones(4)
    y, weight = change.get("y", y), change.get("weight", weight)
    z = np.full(z.shape, change["z"]) if "z" in change else z
    for name in ("gradient_hessian", "loss", "__call__"):
        messages = []
        for score in ("focal_logit", "log_odds"):
            try:
                getattr(base(score=score), name)(y, z, weight)
                messages.append(None)
            except (TypeError, ValueError) as error:
                messages.append((type(error), str(error)))
        assert messages[0] == messages[1]
        assert messages[0] is not None or (name != "__call__" and change == {"weight": [0, 0, 0, 0]})
