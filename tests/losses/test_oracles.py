"""The oracles agree with each other: the closed form behind the accuracy tests is differentiated by mpmath here."""

import mpmath as mp
import numpy as np
import pytest
from oracles import (
    GAMMAS,
    autograd,
    binary_mp,
    binary_torch,
    derivatives_mp,
    loss_mp,
    mean_gradient_mp,
    row_mp,
    rows_mp,
    softmax_torch,
    torch,
)

ROWS = [
    ((0.0, 0.7), 1),
    ((0.0, -6.0), 1),
    ((0.0, 9.0), 1),
    ((0.3, -1.2, 2.5), 0),
    ((0.3, -1.2, 2.5), 2),
    ((-4.0, 5.0, 1.0, -8.0, 0.0), 3),
]


@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("z, y", ROWS)
def test_closed_form_is_the_derivative_of_the_loss(z, y, gamma):
    loss, gradient, exact, _ = row_mp(z, y, [gamma], alpha=0.3)
    expected = derivatives_mp(z, y, gamma, alpha=0.3)
    np.testing.assert_allclose(gradient[0], expected[0], rtol=1e-14)
    np.testing.assert_allclose(exact[0], expected[1], rtol=1e-14)
    with mp.workdps(50):
        assert loss[0] == pytest.approx(float(loss_mp(z, y, gamma, 0.3)), rel=1e-15, abs=0)


@pytest.mark.parametrize("gamma", GAMMAS)
def test_autograd_agrees_with_the_closed_form(gamma):
    rng = np.random.default_rng(1)
    z, y, alpha = rng.normal(scale=3, size=(20, 4)), np.arange(20) % 4, np.array([0.5, 1.0, 2.0, 3.0])
    found = autograd(lambda t: softmax_torch(t, y, gamma, alpha), z)
    for a, b in zip(found, rows_mp(z, y, [gamma], alpha)[:3], strict=True):
        np.testing.assert_allclose(a, b[0], rtol=1e-9, atol=1e-12)
    margin, label = z[:, 0], y % 2
    found = autograd(lambda t: binary_torch(t, label, gamma, (0.7, 0.3)), margin)
    for a, b in zip(found, binary_mp(margin, label, [gamma], np.array([0.7, 0.3]))[:3], strict=True):
        np.testing.assert_allclose(a, b[0], rtol=1e-9, atol=1e-12)


def test_upper_differs_from_exact_by_the_dropped_term():
    z, gamma = torch.tensor([0.4, -1.0, 1.5], dtype=torch.float64), 2.5
    p = torch.softmax(z, 0).numpy()
    q, r = 1 - p[0], np.array([1.0, p[1] / (1 - p[0]), p[2] / (1 - p[0])])
    _, _, exact, upper = row_mp(z.tolist(), 0, [gamma])
    np.testing.assert_allclose((upper - exact)[0], gamma * p[0] * q ** (gamma + 1) * r**2 * -np.log(p[0]), rtol=1e-12)


@pytest.mark.parametrize("z", [(0.0, -6.0), (0.3, -1.2, 2.5), (-4.0, 5.0, 1.0, -8.0, 0.0)])
def test_labels_of_the_expected_hessian_have_gradients_that_cancel(z):
    mean = np.array(mean_gradient_mp(z, GAMMAS), dtype=object)
    assert all(abs(value) < 1e-50 for value in mean.ravel())
