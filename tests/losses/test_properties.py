"""What holds for the losses on any arrays: finite values, signs, bounds, scale, order, layout."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from problems import LABEL_DTYPES, Problem, layouts, problems

from focalboost import BinaryFocalLoss, MulticlassFocalLoss

HESSIANS = {"focal_logit": ("bounded", "upper", "exact", "expected"), "log_odds": ("expected", "exact")}
BOTH = {"scores": ("focal_logit", "log_odds")}
POSITIVE = st.sampled_from([None, "expected"])  # sums of terms >= 0; None is the bounded one for focal logits


def derivatives(p, **options):
    return p.loss.gradient_hessian(p.y, p.z, p.weight, **options)


def tolerance(*arrays):
    """Relative error of float32 or float64 arithmetic at large gamma, and the size of what underflows."""
    narrow = any(array.dtype == np.float32 for array in arrays)
    return {"rtol": 2e-5, "atol": 1e-30} if narrow else {"rtol": 1e-11, "atol": 1e-290}


def times(weight, factor, n):
    return np.full(n, factor) if weight is None else weight * factor


@given(problems(**BOTH), st.sampled_from([np.float32, np.float64]), st.sampled_from([0.01, 2.0, 1e300]))
def test_nothing_is_nan_or_infinite_but_a_loss_at_an_infinite_margin(p, dtype, max_step):
    for hessian in HESSIANS[p.loss.score]:
        for array in derivatives(p, hessian=hessian, dtype=dtype, max_step=max_step, hessian_factor=2.0):
            assert np.isfinite(array).all()
    loss = p.loss.loss(p.y, p.z, p.weight)
    assert not np.isnan(loss).any()
    assert (loss >= 0).all()


@given(problems(**BOTH, infinite=False))
def test_gradients_point_to_the_label(p):
    gradient, _ = derivatives(p)
    assert (np.where(p.own, gradient, 0) <= 0).all()
    assert (np.where(p.own, 0, gradient) >= 0).all()


@given(problems(**BOTH, kinds=("softmax",)))
def test_gradients_of_a_softmax_row_sum_to_0(p):
    gradient, _ = derivatives(p)
    wide = gradient.astype(np.float64)
    error = 1e-5 if gradient.dtype == np.float32 else 1e-13
    assert (np.abs(wide.sum(axis=1)) <= error * np.abs(wide).max(axis=1) + 1e-30).all()


@given(problems(), st.sampled_from([0.25, 1.0, 2.0, 8.0]), st.sampled_from([1.0, 1.5, 2.0]))
def test_hessians_are_in_order(p, max_step, factor):
    gradient, exact = derivatives(p, hessian="exact", hessian_factor=factor)
    _, upper = derivatives(p, hessian="upper", hessian_factor=factor)
    _, bounded = derivatives(p, hessian="bounded", hessian_factor=factor, max_step=max_step)
    assert (upper >= 0).all()
    assert (derivatives(p, hessian="expected", hessian_factor=factor)[1] >= 0).all()
    close = np.maximum(exact - np.abs(exact) * tolerance(exact)["rtol"] - 1e-30, 0)
    assert (upper >= close).all()
    assert (bounded >= upper).all()
    assert (bounded * max_step >= np.abs(gradient) * (1 - 1e-6)).all()


@given(problems(**BOTH, infinite=False), st.integers(-8, 8))
def test_scale_of_the_weights_is_that_of_the_derivatives(p, power):
    factor = 2.0**power
    scaled = Problem(p.kind, p.loss, p.y, p.z, times(p.weight, factor, len(p.y)).clip(max=1e20))
    expected = Problem(p.kind, p.loss, p.y, p.z, scaled.weight / factor)
    for a, b in zip(derivatives(scaled), derivatives(expected), strict=True):
        np.testing.assert_allclose(a / factor, b, **tolerance(p.z))


@given(problems(**BOTH, infinite=False), POSITIVE)
def test_alpha_is_a_weight_of_the_label(p, hessian):
    plain = type(p.loss)(p.loss.gamma, score=p.loss.score)
    alpha = p.loss._alpha_array(1 if p.z.ndim == 1 else p.z.shape[1])
    weight = alpha[p.y][:, None] if p.kind == "softmax" else np.where(p.own, alpha[..., 1], alpha[..., 0])
    options = {"hessian": hessian, "dtype": np.float64}
    own, others = derivatives(p, **options), plain.gradient_hessian(p.y, p.z, p.weight, **options)
    for given_alpha, without in zip(own, others, strict=True):
        np.testing.assert_allclose(given_alpha, without * weight, rtol=1e-11, atol=1e-280)


@given(problems(**BOTH), st.randoms(use_true_random=False))
def test_order_of_the_rows_does_not_matter(p, random):
    order = list(range(len(p.y)))
    random.shuffle(order)
    moved = Problem(p.kind, p.loss, p.y[order], p.z[order], None if p.weight is None else p.weight[order])
    for a, b in zip(derivatives(p), derivatives(moved), strict=True):
        np.testing.assert_array_equal(a[order], b)


@given(problems(**BOTH, kinds=("softmax",), infinite=False), st.randoms(use_true_random=False), POSITIVE)
def test_names_of_the_classes_do_not_matter(p, random, hessian):
    order = list(range(p.z.shape[1]))
    random.shuffle(order)
    alpha = None if p.loss.alpha is None else [p.loss.alpha[k] for k in order]
    renamed = MulticlassFocalLoss(p.loss.gamma, alpha, score=p.loss.score)
    other = Problem(p.kind, renamed, np.argsort(order)[p.y], p.z[:, order], p.weight)
    for a, b in zip(derivatives(p, hessian=hessian), derivatives(other, hessian=hessian), strict=True):
        np.testing.assert_allclose(a[:, order], b, **tolerance(p.z))


@given(problems(**BOTH, kinds=("binary",)), POSITIVE)
def test_softmax_of_two_classes_is_binary(p, hessian):
    alpha = None if p.loss.alpha is None else p.loss._alpha_array(1)
    two = MulticlassFocalLoss(p.loss.gamma, alpha, score=p.loss.score)
    margin = np.stack([np.zeros_like(p.z), p.z], axis=1)
    others = two.gradient_hessian(p.y, margin, p.weight, hessian=hessian)
    close = tolerance(p.z)
    if hessian == "expected":
        # Softmax computes it in double always; in float the binary one underflows to 0, before it is weighed.
        largest = p.loss._alpha_array(1).max() * (1 if p.weight is None else p.weight.max(initial=0))
        close["atol"] *= max(1, largest)
    for a, b in zip(derivatives(p, hessian=hessian), others, strict=True):
        np.testing.assert_allclose(np.abs(a), np.abs(b[:, 1]), **close)
    np.testing.assert_allclose(p.loss.loss(p.y, p.z, p.weight), two.loss(p.y, margin, p.weight), **tolerance(p.z))


@given(problems(**BOTH))
def test_rows_of_weight_0_are_nothing(p):
    none = np.zeros(len(p.y))
    for array in (*p.loss.gradient_hessian(p.y, p.z, none), p.loss.loss(p.y, p.z, none)):
        assert not array.any()


@given(problems(**BOTH), st.data())
def test_layout_and_type_do_not_matter(p, data):
    labels = p.y.astype(data.draw(st.sampled_from(LABEL_DTYPES))) if p.y.max(initial=0) < 2 else p.y.astype(np.int16)
    layout = [data.draw(layouts()) for _ in range(3)]
    other = Problem(
        p.kind, p.loss, layout[0](labels), layout[1](p.z), None if p.weight is None else layout[2](p.weight)
    )
    for a, b in zip(derivatives(p), derivatives(other), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(p.loss.loss(p.y, p.z, p.weight), other.loss.loss(other.y, other.z, other.weight))


@given(problems(**BOTH, infinite=False), st.sampled_from(["focal", "logit", "posterior"]))
def test_probabilities_are_probabilities(p, link):
    probability = p.loss.predict_proba(p.z, link if p.loss.score == "focal_logit" else None)
    assert ((probability >= 0) & (probability <= 1)).all()
    if p.kind in ("binary", "softmax"):
        np.testing.assert_allclose(probability.sum(axis=1), 1, rtol=1e-12)


@given(problems(**BOTH))
def test_intercepts_are_finite(p):
    weight = p.weight if p.weight is not None and p.weight.any() else None
    n_classes = 2 if p.z.ndim == 1 else p.z.shape[1]
    start = p.loss.intercept(p.y, weight, n_classes)
    assert np.isfinite(start).all()
    assert np.abs(start).max() < 1e3


@settings(max_examples=10)
@given(problems(**BOTH), st.integers(0, 2**32 - 1), POSITIVE)
def test_number_of_threads_does_not_matter(p, seed, hessian):
    """The rows drawn, repeated beyond what one thread takes, in an order of their own."""
    rows = np.random.default_rng(seed).integers(0, len(p.y), 40_000)
    large = Problem(p.kind, p.loss, p.y[rows], p.z[rows], None if p.weight is None else p.weight[rows])
    one, two = (derivatives(large, hessian=hessian, n_threads=n) for n in (1, 2))
    for a, b in zip(one, two, strict=True):
        assert a.tobytes() == b.tobytes()
    one, two = (large.loss.loss(large.y, large.z, large.weight, n_threads=n) for n in (1, 2))
    assert one.tobytes() == two.tobytes()


@given(st.floats(1e-15, 1 - 1e-9), st.floats(0, 10), st.floats(1e-3, 1e3), st.sampled_from(BOTH["scores"]))
def test_the_start_is_where_the_risk_is_least(share, gamma, ratio, score):
    loss = BinaryFocalLoss(gamma, (1.0, ratio), score=score)
    y, weight = np.array([0, 1]), np.array([1 - share, share])
    start = loss.intercept(y, weight)
    least, left, right = (loss(y, np.full(2, z), weight) for z in (start, start - 0.5, start + 0.5))
    assert least <= left * (1 + 1e-12)
    assert least <= right * (1 + 1e-12)
