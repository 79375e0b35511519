"""What the Hessians promise each other, identities between the losses, and sample weights."""

import numpy as np
import pytest
from oracles import GAMMAS, binary_mp, central_difference, rows_mp

from focalboost import BinaryFocalLoss, MulticlassFocalLoss, SigmoidFocalLoss

HESSIANS = ("bounded", "upper", "exact", "expected")
KINDS = ("binary", "softmax", "sigmoid")


def make(kind, gamma, weighted=False, n_classes=4):
    """Return a loss, 60 labels and margins from hard to easy."""
    rng = np.random.default_rng(11)
    y = rng.integers(0, 2 if kind == "binary" else n_classes, 60)
    if kind == "binary":
        return BinaryFocalLoss(gamma, 0.3 if weighted else None), y, np.linspace(-14, 14, 60)
    z = rng.normal(scale=np.linspace(0.1, 15, 60)[:, None], size=(60, n_classes))
    if kind == "softmax":
        return MulticlassFocalLoss(gamma, (0.5, 3.0, 1.0, 0.2) if weighted else None), y, z
    return SigmoidFocalLoss(gamma, (0.1, 0.5, 0.8, 0.25) if weighted else None), y, z


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(params=GAMMAS)
def gamma(request):
    return request.param


@pytest.fixture(params=[False, True], ids=["alpha-off", "alpha-on"])
def problem(request, kind, gamma):
    return make(kind, gamma, request.param)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_upper_is_above_exact_and_zero(problem, dtype):
    loss, y, z = problem
    z = z.astype(dtype)
    upper = loss.gradient_hessian(y, z, hessian="upper")[1]
    exact = loss.gradient_hessian(y, z, hessian="exact")[1]
    assert (upper >= 0).all()
    # Both are rounded, each by itself.
    assert (upper >= exact * (1 - 8 * np.finfo(dtype).eps)).all()
    if loss.gamma == 0:
        np.testing.assert_array_equal(upper, exact)
    else:
        assert (upper > 1.1 * exact).any()


@pytest.mark.parametrize("weighted", [False, True])
def test_upper_is_the_published_formula(gamma, weighted):
    loss, y, z = make("binary", gamma, weighted)
    pair = np.array([0.7, 0.3]) if weighted else None
    upper = loss.gradient_hessian(y, z, hessian="upper")[1]
    np.testing.assert_allclose(upper, binary_mp(z, y, [gamma], pair)[3][0], rtol=1e-13, atol=0)
    loss, y, z = make("softmax", gamma, weighted)
    alpha = np.array([0.5, 3.0, 1.0, 0.2]) if weighted else None
    upper = loss.gradient_hessian(y, z, hessian="upper")[1]
    np.testing.assert_allclose(upper, rows_mp(z, y, [gamma], alpha)[3][0], rtol=1e-13, atol=0)


@pytest.mark.parametrize("max_step", [0.5, 2.0, 7.0])
@pytest.mark.parametrize("factor", [1.0, 2.0, 20 / 19])
def test_bounded_is_the_larger_of_upper_and_the_gradient_over_max_step(problem, factor, max_step):
    loss, y, z = problem
    gradient, bounded = loss.gradient_hessian(y, z, hessian="bounded", max_step=max_step, hessian_factor=factor)
    upper = loss.gradient_hessian(y, z, hessian="upper")[1]
    np.testing.assert_allclose(bounded, np.maximum(factor * upper, np.abs(gradient) / max_step), rtol=1e-15, atol=0)
    assert (bounded >= factor * upper * (1 - 1e-15)).all()
    assert (np.abs(gradient) <= max_step * bounded * (1 + 1e-15)).all()


def test_bounded_with_a_step_of_2_is_the_default(problem):
    loss, y, z = problem
    default = loss.gradient_hessian(y, z)
    upper = loss.gradient_hessian(y, z, hessian="upper")[1]
    np.testing.assert_array_equal(default[1], np.maximum(upper, np.abs(default[0]) / 2))
    # Each of the two is the larger somewhere.
    assert (default[1] > upper).any()
    assert (default[1] > np.abs(default[0]) / 2).any()


def alpha_of_rows(loss, y):
    """Alpha of each row, of each row and column in one-vs-rest; 1 where there is none."""
    if isinstance(loss, SigmoidFocalLoss):
        alpha = loss._alpha_array(4)
        return np.where(np.eye(4, dtype=bool)[y], alpha[:, 1], alpha[:, 0])
    alpha = loss._alpha_array(4 if isinstance(loss, MulticlassFocalLoss) else 1).ravel()[y]
    return alpha[:, None] if isinstance(loss, MulticlassFocalLoss) else alpha


def test_expected_is_the_mean_of_the_exact_one_over_the_labels(problem):
    """With the probabilities of the link, and without alpha, which weighs the row."""
    loss, y, z = problem
    expected = loss.gradient_hessian(y, z, hessian="expected")[1]
    plain = type(loss)(loss.gamma)
    eta = plain.predict_proba(z)
    if isinstance(loss, SigmoidFocalLoss):
        exact = [plain.gradient_hessian(np.full(z.shape, k), z, hessian="exact")[1] for k in (0, 1)]
        mean = (1 - eta) * exact[0] + eta * exact[1]
    else:
        exact = [plain.gradient_hessian(np.full(len(y), k), z, hessian="exact")[1] for k in range(eta.shape[1])]
        mean = sum(eta[:, k].reshape(-1, *[1] * (z.ndim - 1)) * h for k, h in enumerate(exact))
    size = sum(np.abs(h) for h in exact)
    found = expected / alpha_of_rows(loss, y)
    # The exact ones cancel, down to their rounding.
    np.testing.assert_array_less(np.abs(found - mean), 1e-13 * np.abs(mean) + 1e-14 * size + 1e-300)
    assert (expected > 0).all()


def test_expected_knows_the_label_by_alpha_alone(problem):
    loss, y, z = problem
    n_labels = 2 if z.ndim == 1 or isinstance(loss, SigmoidFocalLoss) else z.shape[1]
    other = (y + 1) % max(n_labels, y.max() + 1)
    one, two = (loss.gradient_hessian(k, z, hessian="expected")[1] / alpha_of_rows(loss, k) for k in (y, other))
    np.testing.assert_allclose(one, two, rtol=1e-14)


def test_step_of_the_expected_hessian_is_that_of_the_log_loss_in_another_unit(gamma):
    """-g / h = (y - eta) / eta', with eta' = eta (1 - eta) times the slope of its log-odds, by finite differences."""
    y, z = np.arange(41) % 2, np.linspace(-5, 5, 41)
    loss = BinaryFocalLoss(gamma, 0.2)

    def log_odds(at):
        return np.subtract(*np.log(loss.predict_proba(at)).T[::-1])

    gradient, hessian = loss.gradient_hessian(y, z, hessian="expected")
    no, yes = loss.predict_proba(z).T
    slope = central_difference(log_odds, z)
    np.testing.assert_allclose(-gradient / hessian, np.where(y == 1, no, -yes) / (yes * no * slope), rtol=1e-9)


def test_at_gamma_0_upper_exact_and_expected_are_one(kind):
    loss, y, z = make(kind, 0.0, weighted=True)
    upper, exact, expected = (loss.gradient_hessian(y, z, hessian=h)[1] for h in ("upper", "exact", "expected"))
    np.testing.assert_array_equal(upper, exact)
    np.testing.assert_allclose(expected, upper, rtol=1e-14)


@pytest.mark.parametrize("hessian", ["upper", "exact", "expected"])
def test_hessian_factor_scales_the_hessian_alone(problem, hessian):
    loss, y, z = problem
    plain = loss.gradient_hessian(y, z, hessian=hessian)
    scaled = loss.gradient_hessian(y, z, hessian=hessian, hessian_factor=1.7)
    np.testing.assert_array_equal(scaled[0], plain[0])
    np.testing.assert_allclose(scaled[1], 1.7 * plain[1], rtol=1e-15, atol=0)


@pytest.mark.parametrize("alpha", [None, (0.4, 1.5)])
@pytest.mark.parametrize("other", [0.0, -3.25, 40.0])
def test_softmax_of_two_classes_is_binary(gamma, alpha, other):
    # 64ths: the difference of two margins is exact.
    z = np.round(np.linspace(-30, 30, 121) * 64) / 64
    y = np.arange(121) % 2
    binary, softmax = BinaryFocalLoss(gamma, alpha), MulticlassFocalLoss(gamma, alpha)
    pair = np.stack([np.full_like(z, other), other + z], axis=1)
    np.testing.assert_allclose(softmax.loss(y, pair), binary.loss(y, z), rtol=1e-14, atol=0)
    for hessian in HESSIANS:
        g, h = binary.gradient_hessian(y, z, hessian=hessian)
        g2, h2 = softmax.gradient_hessian(y, pair, hessian=hessian)
        np.testing.assert_allclose(g2, np.stack([-g, g], axis=1), rtol=1e-14, atol=0)
        # The exact one has a zero, where its terms cancel.
        slack = 1e-15 * binary.gradient_hessian(y, z, hessian="upper")[1].max() if hessian == "exact" else 0
        np.testing.assert_allclose(h2, np.stack([h, h], axis=1), rtol=2e-14, atol=slack)


@pytest.mark.parametrize("hessian", HESSIANS)
def test_flipping_the_label_flips_the_margin(gamma, hessian):
    z, y = np.linspace(-20, 20, 101), np.arange(101) % 2
    loss, flipped = BinaryFocalLoss(gamma, (0.2, 0.9)), BinaryFocalLoss(gamma, (0.9, 0.2))
    np.testing.assert_array_equal(loss.loss(y, z), flipped.loss(1 - y, -z))
    (g, h), (g2, h2) = (a.gradient_hessian(b, c, hessian=hessian) for a, b, c in [(loss, y, z), (flipped, 1 - y, -z)])
    np.testing.assert_array_equal(g, -g2)
    np.testing.assert_array_equal(h, h2)


@pytest.mark.parametrize("hessian", HESSIANS)
def test_permuting_classes_permutes_columns(gamma, hessian):
    rng = np.random.default_rng(0)
    z, y, alpha = rng.normal(scale=4, size=(50, 5)), rng.integers(0, 5, 50), rng.uniform(0.2, 3, 5)
    order = np.array([3, 0, 4, 2, 1])
    rank = np.argsort(order)
    g, h = MulticlassFocalLoss(gamma, alpha).gradient_hessian(y, z, hessian=hessian)
    g2, h2 = MulticlassFocalLoss(gamma, alpha[order]).gradient_hessian(rank[y], z[:, order], hessian=hessian)
    np.testing.assert_allclose(g2, g[:, order], rtol=1e-13, atol=0)
    np.testing.assert_allclose(h2, h[:, order], rtol=1e-12, atol=1e-15)


def test_softmax_gradients_sum_to_zero(gamma):
    loss, y, z = make("softmax", gamma, weighted=True)
    gradient = loss.gradient_hessian(y, z)[0]
    assert (np.abs(gradient.sum(axis=1)) <= 1e-15 * np.abs(gradient).sum(axis=1)).all()


def test_exclusive_sigmoid_is_multilabel_of_one_hot_labels(gamma):
    loss, y, z = make("sigmoid", gamma, weighted=True)
    one_hot = np.eye(4)[y]
    np.testing.assert_array_equal(loss.loss(y, z), loss.loss(one_hot, z))
    for a, b in zip(loss.gradient_hessian(y, z), loss.gradient_hessian(one_hot, z), strict=True):
        np.testing.assert_array_equal(a, b)
    columns = [BinaryFocalLoss(gamma, loss.alpha[k]) for k in range(4)]
    np.testing.assert_allclose(
        loss.loss(y, z), sum(c.loss(one_hot[:, k], z[:, k]) for k, c in enumerate(columns)), rtol=1e-15
    )
    for k, column in enumerate(columns):
        for a, b in zip(column.gradient_hessian(one_hot[:, k], z[:, k]), loss.gradient_hessian(y, z), strict=True):
            np.testing.assert_array_equal(a, b[:, k])


@pytest.mark.parametrize("hessian", HESSIANS)
@pytest.mark.parametrize("other", [1e-10, -1e-10])
def test_no_jump_at_special_gammas(kind, hessian, other):
    for special in (0.0, 1.0, 2.0):
        if special + other < 0:
            continue
        loss, y, z = make(kind, special)
        near = make(kind, special + other)[0]
        # d/dgamma q**gamma is log(q) q**gamma, and |log q| <= 60 here.
        np.testing.assert_allclose(near.loss(y, z), loss.loss(y, z), rtol=1e-8, atol=0)
        a, b = (l.gradient_hessian(y, z, hessian=hessian) for l in (near, loss))  # noqa: E741
        np.testing.assert_allclose(a[0], b[0], rtol=1e-8, atol=0)
        np.testing.assert_allclose(a[1], b[1], rtol=1e-8, atol=1e-9 if hessian == "exact" else 0)


@pytest.mark.parametrize("hessian", HESSIANS)
def test_weights_multiply_once(problem, hessian):
    loss, y, z = problem
    weight = np.linspace(0, 3, 60)
    column = weight if z.ndim == 1 else weight[:, None]
    np.testing.assert_allclose(loss.loss(y, z, weight), weight * loss.loss(y, z), rtol=1e-15, atol=0)
    plain = loss.gradient_hessian(y, z, hessian=hessian)
    for a, b in zip(loss.gradient_hessian(y, z, weight, hessian=hessian), plain, strict=True):
        np.testing.assert_allclose(a, column * b, rtol=1e-14, atol=1e-300)


@pytest.mark.parametrize("hessian", HESSIANS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_of_weight_zero_count_for_nothing(problem, hessian, dtype):
    loss, y, z = problem
    z, weight = z.astype(dtype), np.ones(60)
    weight[[3, 20, 41]] = 0
    z[3], z[20] = 1e3, -1e3
    z[41] = np.inf if z.ndim == 1 else [-np.inf, 1, np.inf, 2]
    y = y.copy()
    y[[3, 20, 41]] = 0  # wrong by an infinite margin
    gradient, hessian = loss.gradient_hessian(y, z, weight, hessian=hessian)
    values = loss.loss(y, z, weight)
    for array in (gradient, hessian, values):
        assert (array[[3, 20, 41]] == 0).all()
        assert np.isfinite(array).all()
    kept = weight > 0
    assert loss(y, z, weight) == pytest.approx(loss(y[kept], z[kept]), rel=1e-6 if dtype == np.float32 else 1e-14)
