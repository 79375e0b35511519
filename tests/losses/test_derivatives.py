"""Gradient and exact Hessian of the three losses against four oracles."""

from dataclasses import dataclass

import numpy as np
import pytest
from oracles import (
    GAMMAS,
    autograd,
    binary_torch,
    central_difference,
    derivatives_mp,
    softmax_torch,
    torch,
    torchvision_sigmoid_focal_loss,
)
from scipy.special import expit, log_expit, log_softmax, softmax

from focalboost import BinaryFocalLoss, MulticlassFocalLoss, SigmoidFocalLoss

WEIGHTS = (0.4, 2.0, 1.0, 0.7, 3.0) * 4


@dataclass
class Case:
    """A loss with 40 labelled margins, and its value per row as a function of a torch tensor."""

    loss: object
    y: np.ndarray
    z: np.ndarray
    torch_loss: object
    row_of_mpmath: object  # i -> arguments of derivatives_mp, one tuple for each independent softmax


def binary_case(gamma, weighted):
    rng = np.random.default_rng(3)
    z, y = rng.normal(scale=2.5, size=40), rng.integers(0, 2, 40)
    pair = (0.75, 0.25) if weighted else (1.0, 1.0)
    loss = BinaryFocalLoss(gamma, 0.25 if weighted else None)

    def margins(i):
        return [((0.0, z[i]), y[i], gamma, pair[y[i]])]

    return Case(loss, y, z, lambda t: binary_torch(t, y, gamma, pair), margins)


def softmax_case(gamma, weighted, n_classes):
    rng = np.random.default_rng(n_classes)
    z, y = rng.normal(scale=2.0, size=(40, n_classes)), rng.integers(0, n_classes, 40)
    alpha = WEIGHTS[:n_classes] if weighted else (1.0,) * n_classes
    loss = MulticlassFocalLoss(gamma, alpha if weighted else None)
    return Case(
        loss, y, z, lambda t: softmax_torch(t, y, gamma, alpha), lambda i: [(tuple(z[i]), y[i], gamma, alpha[y[i]])]
    )


def sigmoid_case(gamma, weighted, multilabel):
    rng = np.random.default_rng(7)
    z = rng.normal(scale=2.5, size=(40, 3))
    one_hot = rng.integers(0, 2, (40, 3)) if multilabel else np.eye(3, dtype=int)[rng.integers(0, 3, 40)]
    y = one_hot if multilabel else one_hot.argmax(axis=1)
    alpha = (0.2, 0.5, 0.9)
    pairs = [(1 - a, a) for a in alpha] if weighted else [(1.0, 1.0)] * 3

    def torch_loss(t):
        return sum(binary_torch(t[:, k], one_hot[:, k], gamma, pairs[k]) for k in range(3))

    def margins(i):
        return [((0.0, z[i, k]), one_hot[i, k], gamma, pairs[k][one_hot[i, k]]) for k in range(3)]

    return Case(SigmoidFocalLoss(gamma, alpha if weighted else None), y, z, torch_loss, margins)


CASES = {
    "binary": binary_case,
    "softmax-2": lambda gamma, weighted: softmax_case(gamma, weighted, 2),
    "softmax-3": lambda gamma, weighted: softmax_case(gamma, weighted, 3),
    "softmax-5": lambda gamma, weighted: softmax_case(gamma, weighted, 5),
    "softmax-20": lambda gamma, weighted: softmax_case(gamma, weighted, 20),
    "sigmoid-exclusive": lambda gamma, weighted: sigmoid_case(gamma, weighted, False),
    "sigmoid-multilabel": lambda gamma, weighted: sigmoid_case(gamma, weighted, True),
}


@pytest.fixture(params=CASES)
def case(request, gamma, weighted):
    return CASES[request.param](gamma, weighted)


@pytest.fixture(params=GAMMAS)
def gamma(request):
    return request.param


@pytest.fixture(params=[False, True], ids=["alpha-off", "alpha-on"])
def weighted(request):
    return request.param


def shifts(z):
    """One column's share of a shift at a time; a whole vector is one column."""
    return [np.ones_like(z)] if z.ndim == 1 else [np.eye(z.shape[1])[j] for j in range(z.shape[1])]


def test_finite_differences(case):
    gradient, hessian = case.loss.gradient_hessian(case.y, case.z, hessian="exact")
    for j, shift in enumerate(shifts(case.z)):
        column = ... if case.z.ndim == 1 else (slice(None), j)

        def loss(step, shift=shift):
            return case.loss.loss(case.y, case.z + step * shift)

        def slope(step, shift=shift, column=column):
            return case.loss.gradient_hessian(case.y, case.z + step * shift)[0][column]

        np.testing.assert_allclose(gradient[column], central_difference(loss, 0.0), rtol=1e-8, atol=1e-9)
        np.testing.assert_allclose(hessian[column], central_difference(slope, 0.0), rtol=1e-8, atol=1e-9)


def test_torch_autograd(case):
    gradient, hessian = case.loss.gradient_hessian(case.y, case.z, hessian="exact")
    expected = autograd(case.torch_loss, case.z)
    np.testing.assert_allclose(case.loss.loss(case.y, case.z), expected[0], rtol=1e-10, atol=1e-15)
    np.testing.assert_allclose(gradient, expected[1], rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(hessian, expected[2], rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("name", [name for name in CASES if name != "softmax-20"])
def test_mpmath_differentiation(name, gamma, weighted):
    case = CASES[name](gamma, weighted)
    found = np.stack(case.loss.gradient_hessian(case.y, case.z, hessian="exact"))
    for i in (0, 1):
        expected = [derivatives_mp(*row) for row in case.row_of_mpmath(i)]
        expected = expected[0] if name.startswith("softmax") else np.stack([pair[:, 1] for pair in expected], axis=1)
        # 5e-14 of the gradient too, where the terms of the Hessian cancel.
        bound = 1e-13 * np.abs(expected) + 5e-14 * np.abs(expected[0])
        assert (np.abs(found[:, i].reshape(expected.shape) - expected) <= bound).all()


@pytest.mark.parametrize("alpha", [-1, 0.25, 0.9])
def test_torchvision_formula(gamma, alpha):
    z = np.linspace(-12, 12, 49)
    y = np.arange(49) % 2
    targets = torch.tensor(y, dtype=torch.float64)
    loss, gradient, hessian = autograd(lambda t: torchvision_sigmoid_focal_loss(t, targets, alpha, gamma), z)
    ours = BinaryFocalLoss(gamma, None if alpha == -1 else alpha)
    found = ours.gradient_hessian(y, z, hessian="exact")
    # 1 - p_t is rounded to a multiple of 1e-16 there, of 6e-6 at the ends.
    np.testing.assert_allclose(ours.loss(y, z), loss, rtol=1e-9, atol=0)
    np.testing.assert_allclose(found[0], gradient, rtol=1e-9, atol=1e-16)
    np.testing.assert_allclose(found[1], hessian, rtol=1e-9, atol=1e-15)


def test_gamma_0_is_the_cross_entropy(weighted):
    case = binary_case(0.0, weighted)
    alpha = np.array([0.75, 0.25])[case.y] if weighted else 1.0
    sign = np.where(case.y == 1, 1, -1)
    np.testing.assert_allclose(case.loss.loss(case.y, case.z), -alpha * log_expit(sign * case.z), rtol=1e-14)
    gradient, hessian = case.loss.gradient_hessian(case.y, case.z, hessian="upper")
    np.testing.assert_allclose(gradient, -alpha * sign * expit(-sign * case.z), rtol=1e-14)
    np.testing.assert_allclose(hessian, alpha * expit(case.z) * expit(-case.z), rtol=1e-14)


def test_gamma_0_is_the_multinomial_cross_entropy(weighted):
    case = softmax_case(0.0, weighted, 5)
    alpha = np.array(WEIGHTS)[case.y] if weighted else np.ones(40)
    p = softmax(case.z, axis=1)
    cross_entropy = -log_softmax(case.z, axis=1)[np.arange(40), case.y]
    np.testing.assert_allclose(case.loss.loss(case.y, case.z), alpha * cross_entropy, rtol=1e-13)
    gradient, hessian = case.loss.gradient_hessian(case.y, case.z, hessian="upper")
    np.testing.assert_allclose(gradient, alpha[:, None] * (p - np.eye(5)[case.y]), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(hessian, alpha[:, None] * p * (1 - p), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("z", [-np.inf, -745.0, -37.0, -0.0, 36.9, 232.8, 690.0, 710.0, 745.0, np.inf])
def test_gamma_0_is_the_cross_entropy_in_the_tails(z):
    # q underflows to 0 on the right, and 0**0 = 1.
    loss = BinaryFocalLoss(gamma=0.0)
    expected = np.inf if z == -np.inf else -log_expit(z)
    assert loss.loss([1], [z])[0] == pytest.approx(expected, rel=1e-13, abs=1e-299)
    assert loss.gradient_hessian([1], [z])[0][0] == pytest.approx(-expit(-z), rel=1e-13, abs=1e-299)
