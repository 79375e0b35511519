"""The focal loss in log-odds: derivatives by torch and differences, the risk's minimum, limits, the row weight."""

import log_odds_oracles as oracles
import numpy as np
import pytest
from oracles import autograd, central_difference, torch
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_softmax, softmax

from focalboost import BinaryFocalLoss, MulticlassFocalLoss, SigmoidFocalLoss
from focalboost.log_odds import focal_logit, row_weight

GAMMAS = (0.0, 0.3, 0.5, 1.0, 2.0, 2.5, 5.0, 10.0)
LARGE = (15.0, 25.0, 40.0)


def binary(gamma, alpha=None):
    return BinaryFocalLoss(gamma, alpha, score="log_odds")


def softmax_loss(gamma, alpha=None):
    return MulticlassFocalLoss(gamma, alpha, score="log_odds")


def torch_slopes(s, gamma):
    """-dFL/ds of a row whose class has the margin s, from FL = (1 - p)**gamma * -log p."""
    log_p, log_q = torch.nn.functional.logsigmoid(s), torch.nn.functional.logsigmoid(-s)
    return torch.exp(gamma * log_q) * (torch.exp(log_q) - gamma * torch.exp(log_p) * log_p)


def torch_binary(f, y, gamma):
    """Loss of each row of a tensor of log-odds: two Newton steps from the root carry two derivatives of the inverse."""

    def log_odds(z):
        return torch.log(torch_slopes(-z, gamma)) - torch.log(torch_slopes(z, gamma))

    with torch.no_grad():
        low, high = -f.abs() - 20, f.abs() + 20
        for _ in range(200):
            middle = (low + high) / 2
            above = log_odds(middle) > f
            low, high = torch.where(above, low, middle), torch.where(above, middle, high)
    z = ((low + high) / 2).requires_grad_()
    for _ in range(2):
        value = log_odds(z)
        (slope,) = torch.autograd.grad(value.sum(), z, create_graph=True)
        z = z - (value - f) / slope
    s = torch.where(torch.as_tensor(np.asarray(y)) > 0.5, z, -z)
    return -torch.exp(gamma * torch.nn.functional.logsigmoid(-s)) * torch.nn.functional.logsigmoid(s)


@pytest.mark.parametrize("gamma", GAMMAS)
def test_binary_derivatives_are_those_of_torch(gamma):
    f = np.linspace(-9, 9, 37)
    for y in (np.zeros(37), np.ones(37)):
        loss, gradient, second = autograd(lambda t, y=y: torch_binary(t, y, gamma), f)
        found, exact = binary(gamma).gradient_hessian(y, f, hessian="exact")
        np.testing.assert_allclose(binary(gamma).loss(y, f), loss, rtol=1e-11)
        np.testing.assert_allclose(found, gradient, rtol=1e-11)
        np.testing.assert_allclose(exact, second, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("gamma", [*GAMMAS, *LARGE])
def test_binary_derivatives_by_differences(gamma):
    f = np.linspace(-30, 30, 121)
    for label in (0, 1):
        y = np.full(len(f), label)
        gradient, exact = binary(gamma).gradient_hessian(y, f, hessian="exact")
        scale = np.abs(gradient).max()
        np.testing.assert_allclose(
            central_difference(lambda x, y=y: binary(gamma).loss(y, x), f), gradient, atol=1e-9 * max(scale, 1)
        )
        slope = central_difference(lambda x, y=y: binary(gamma).gradient_hessian(y, x)[0], f)
        np.testing.assert_allclose(slope, exact, atol=1e-8 * max(scale, 1e-3))


@pytest.mark.parametrize("k", [2, 3, 5])
@pytest.mark.parametrize("gamma", [*GAMMAS, *LARGE])
def test_softmax_derivatives_by_differences(gamma, k):
    rng = np.random.default_rng(k)
    f, y = rng.normal(scale=2, size=(40, k)), rng.integers(0, k, 40)
    gradient, exact = softmax_loss(gamma).gradient_hessian(y, f, hessian="exact")
    for j in range(k):
        unit = np.eye(k)[j]
        first = central_difference(lambda t: softmax_loss(gamma).loss(y, f + np.multiply.outer(t, unit)), np.zeros(40))  # noqa: B023
        second = central_difference(
            lambda t: softmax_loss(gamma).gradient_hessian(y, f + np.multiply.outer(t, unit))[0][:, j],  # noqa: B023
            np.zeros(40),
        )
        np.testing.assert_allclose(first, gradient[:, j], atol=1e-9)
        np.testing.assert_allclose(second, exact[:, j], atol=1e-9)


@pytest.mark.parametrize("gamma", [0.3, 2.0, 5.0])
def test_softmax_oracle_against_differences_of_the_loss_alone(gamma):
    f = [0.3, -1.2, 2.0]
    first, second = oracles.softmax_differences(f, 1, gamma)
    _, gradient, _, exact = oracles.softmax_row(f, 1, gamma)
    np.testing.assert_allclose(gradient, first, rtol=1e-13)
    np.testing.assert_allclose(exact, second, rtol=1e-13)


@pytest.mark.parametrize("gamma", [*GAMMAS, *LARGE])
def test_expected_hessian_is_the_mean_of_the_exact_one(gamma):
    f = np.linspace(-20, 20, 81)
    ones = np.ones(81, dtype=int)
    by_label = [binary(gamma).gradient_hessian(label * ones, f, hessian="exact")[1] for label in (0, 1)]
    mean = expit(-f) * by_label[0] + expit(f) * by_label[1]
    for label in (0, 1):
        np.testing.assert_allclose(binary(gamma).gradient_hessian(label * ones, f)[1], mean, rtol=1e-10)
    rows = np.random.default_rng(0).normal(scale=2, size=(30, 4))
    eta = softmax(rows, axis=1)
    exact = [softmax_loss(gamma).gradient_hessian(np.full(30, c), rows, hessian="exact")[1] for c in range(4)]
    mean = sum(eta[:, [c]] * exact[c] for c in range(4))
    for label in range(4):
        expected = softmax_loss(gamma).gradient_hessian(np.full(30, label), rows)[1]
        np.testing.assert_allclose(expected, mean, rtol=1e-8, atol=1e-13)


@pytest.mark.parametrize("gamma", GAMMAS)
def test_risk_is_least_at_the_log_odds_of_the_rate(gamma):
    for rate in (0.001, 0.03, 0.4):
        risk = lambda f, rate=rate: np.dot([1 - rate, rate], binary(gamma).loss([0, 1], [f, f]))  # noqa: E731
        least = minimize_scalar(risk, bracket=(-8, 1), tol=1e-10).x
        assert expit(least) == pytest.approx(rate, rel=1e-4)
    eta = np.array([0.7, 0.05, 0.25])
    gradients = [softmax_loss(gamma).gradient_hessian([c], np.log(eta)[None])[0][0] for c in range(3)]
    np.testing.assert_allclose(eta @ gradients, 0, atol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gamma_0_is_the_cross_entropy_to_the_last_bit(dtype):
    rng = np.random.default_rng(0)
    z, y = rng.normal(scale=5, size=500).astype(dtype), rng.integers(0, 2, 500)
    rows = rng.normal(scale=5, size=(500, 3)).astype(dtype)
    for log_odds, logits, labels, margin in [
        (binary(0.0), BinaryFocalLoss(0.0), y, z),
        (softmax_loss(0.0), MulticlassFocalLoss(0.0), rng.integers(0, 3, 500), rows),
        (SigmoidFocalLoss(0.0, score="log_odds"), SigmoidFocalLoss(0.0), rng.integers(0, 3, 500), rows),
    ]:
        for found, expected in zip(
            log_odds.gradient_hessian(labels, margin),
            logits.gradient_hessian(labels, margin, hessian="upper"),
            strict=True,
        ):
            np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(log_odds.loss(labels, margin), logits.loss(labels, margin))


@pytest.mark.parametrize("gamma", [*GAMMAS, *LARGE])
@pytest.mark.parametrize("dtype, huge", [(np.float32, 1e30), (np.float64, 1e300)])
def test_finite_for_finite_margins_and_limits_for_infinite_ones(gamma, dtype, huge):
    size = np.concatenate([[0.0], np.geomspace(np.finfo(dtype).tiny, huge, 200)])
    z = np.concatenate([size, -size]).astype(dtype)
    y = np.arange(len(z)) % 2
    pairs = np.stack([z, z[::-1], np.roll(z, 7)], axis=1)
    for loss, labels, margins in [
        (binary(gamma), y, z),
        (SigmoidFocalLoss(gamma, score="log_odds"), y, pairs),
        (softmax_loss(gamma), 2 * y, pairs),
    ]:
        for hessian in ("expected", "exact"):
            for array in loss.gradient_hessian(labels, margins, hessian=hessian):
                assert np.isfinite(array).all()
        assert np.isfinite(loss.loss(labels, margins)).all()
    infinite = np.array([np.inf, -np.inf], dtype=dtype)
    gradient, hessian = binary(gamma).gradient_hessian([1, 0], infinite)
    np.testing.assert_array_equal(gradient, [0, 0])
    np.testing.assert_array_equal(hessian, [0, 0])
    gradient, _ = binary(gamma).gradient_hessian([0, 1], infinite)
    np.testing.assert_allclose(gradient, np.array([1, -1]) / (1 + gamma), rtol=1e-6)
    assert np.isinf(binary(gamma).loss([0], infinite[:1])).all()


def test_softmax_refuses_rows_without_a_limit():
    for row in ([np.inf, np.inf, 0.0], [-np.inf, -np.inf, -np.inf]):
        with pytest.raises(ValueError, match="raw_prediction must have at most one"):
            softmax_loss(2.0).gradient_hessian([0], [row])
    with pytest.raises(ValueError, match="NaN"):
        softmax_loss(2.0).loss([0], [[0.0, np.nan]])
    gradient, _ = softmax_loss(2.0).gradient_hessian([0, 1], [[np.inf, 0.0, 1.0], [np.inf, 0.0, -np.inf]])
    np.testing.assert_array_equal(gradient[0], 0)
    assert gradient[1, 1] < 0


@pytest.mark.parametrize("gamma", [0.5, 2.0, 7.3])
def test_two_classes_of_a_softmax_are_one_margin(gamma):
    f, y = np.linspace(-30, 30, 61), np.arange(61) % 2
    pairs = np.stack([-0.3 * f, 0.7 * f], axis=1)
    for hessian in ("expected", "exact"):
        one = binary(gamma).gradient_hessian(y, f, hessian=hessian)
        two = softmax_loss(gamma).gradient_hessian(y, pairs, hessian=hessian)
        np.testing.assert_allclose(two[0][:, 1], one[0], rtol=1e-12)
        np.testing.assert_allclose(two[0][:, 0], -one[0], rtol=1e-12)
        np.testing.assert_allclose(two[1][:, 1], one[1], rtol=1e-11, atol=1e-300)


@pytest.mark.parametrize("gamma", [1.0, 2.0, 5.0])
def test_loss_is_that_of_the_focal_logits(gamma):
    f = np.linspace(-40, 40, 81)
    y = np.arange(81) % 2
    z = focal_logit(f, gamma)
    np.testing.assert_allclose(binary(gamma).loss(y, f), BinaryFocalLoss(gamma).loss(y, z), rtol=1e-11)
    np.testing.assert_allclose(BinaryFocalLoss(gamma).predict_proba(z)[:, 1], expit(f), rtol=1e-12)
    rows = np.random.default_rng(0).normal(scale=3, size=(50, 4))
    labels = np.arange(50) % 4
    with_links = MulticlassFocalLoss(gamma)
    logits = _softmax_logits(rows, gamma)
    np.testing.assert_allclose(with_links.predict_proba(logits), softmax(rows, axis=1), rtol=1e-9)
    np.testing.assert_allclose(softmax_loss(gamma).loss(labels, rows), with_links.loss(labels, logits), rtol=1e-9)


def _softmax_logits(rows, gamma):
    found = []
    for row in rows:
        s = oracles.SoftmaxRow([oracles.mp.mpf(v) for v in row], oracles.mp.mpf(gamma)).s
        found.append([float(-oracles.mp.log1p(oracles.mp.exp(-sk))) for sk in s])
    return log_softmax(np.array(found), axis=1)


@pytest.mark.parametrize("gamma", GAMMAS)
def test_gradient_is_that_of_the_log_loss_weighed_by_w(gamma):
    f = np.linspace(-12, 12, 49)
    for label in (0, 1):
        y = np.full(49, label)
        gradient, expected = binary(gamma).gradient_hessian(y, f)
        log_loss, curvature = BinaryFocalLoss(0.0).gradient_hessian(y, f, hessian="exact")
        np.testing.assert_allclose(gradient, row_weight(f, gamma) * log_loss, rtol=1e-12)
        np.testing.assert_allclose(expected, row_weight(f, gamma) * curvature, rtol=1e-12)


def test_row_weight_of_the_table_in_the_theory():
    # From an independent derivation at 40 digits, to three decimals.
    eta = np.array([1e-4, 1e-3, 1e-2, 3e-2, 0.1, 0.2])
    for gamma, values in {
        0.5: [0.956, 0.968, 0.996, 1.012, 1.020, 1.013],
        1.0: [1.084, 1.126, 1.171, 1.166, 1.111, 1.056],
        2.0: [1.754, 1.812, 1.693, 1.523, 1.268, 1.119],
        5.0: [6.86, 4.93, 2.95, 2.15, 1.47, 1.19],
    }.items():
        relative = row_weight(np.log(eta / (1 - eta)), gamma) / row_weight(0.0, gamma)
        np.testing.assert_allclose(relative, values, atol=6e-4 if gamma < 5 else 6e-3)


@pytest.mark.parametrize("gamma", [2.0, 3.7])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threads_and_neighbours_do_not_change_a_bit(gamma, dtype):
    rng = np.random.default_rng(0)
    z, y, w = rng.normal(scale=6, size=70_001).astype(dtype), rng.integers(0, 2, 70_001), rng.uniform(size=70_001)
    rows, labels = rng.normal(scale=4, size=(30_011, 5)).astype(dtype), rng.integers(0, 5, 30_011)
    for loss, label, margin, weight in [(binary(gamma), y, z, w), (softmax_loss(gamma), labels, rows, w[:30_011])]:
        for hessian in ("expected", "exact"):
            one = loss.gradient_hessian(label, margin, weight, hessian=hessian, n_threads=1)
            several = loss.gradient_hessian(label, margin, weight, hessian=hessian, n_threads=3)
            part = loss.gradient_hessian(label[::-1][:77], margin[::-1][:77], weight[::-1][:77], hessian=hessian)
            for a, b, c in zip(one, several, part, strict=True):
                np.testing.assert_array_equal(a, b)
                np.testing.assert_array_equal(a[::-1][:77], c)


@pytest.mark.parametrize("gamma", [41.0, 1e6])
def test_absurd_gamma_is_refused(gamma):
    with pytest.raises(ValueError, match=r"gamma must be a finite number in \[0, 40\], got"):
        binary(gamma)
    with pytest.raises(ValueError, match=r"gamma must be a finite number in \[0, 40\], got"):
        row_weight(0.0, gamma)


def test_names_that_log_odds_do_not_have():
    with pytest.raises(ValueError, match="hessian must be one of 'expected', 'exact', got 'upper'"):
        binary(2.0).gradient_hessian([0], [0.0], hessian="upper")
    with pytest.raises(ValueError, match="link must be None for log-odds"):
        binary(2.0).predict_proba([0.0], link="focal")
    with pytest.raises(ValueError, match="score must be one of 'focal_logit', 'log_odds', got 'logit'"):
        BinaryFocalLoss(2.0, score="logit")
