"""Intercepts and links against a minimiser of the focal risk that mpmath and scipy find by themselves."""

import mpmath as mp
import numpy as np
import pytest
from oracles import GAMMAS, binary_torch, softmax_torch, torch
from scipy.optimize import minimize
from scipy.special import expit, logit, softmax

from focalboost import BinaryFocalLoss, MulticlassFocalLoss, SigmoidFocalLoss

ALPHA = (0.5, 2.0, 1.0, 0.3, 4.0, 1.5, 0.8, 1.0, 3.0, 0.6)
LINKS = ("logit", "focal", "posterior")


def risk_minimiser(eta, alpha, gamma):
    """Margins (0, z_1, ..) that minimise sum_j eta_j alpha_j FL_j, to 25 digits.

    scipy's BFGS finds the neighbourhood, a root of the gradient by mpmath the digits.
    """
    k = len(eta)
    weight = torch.tensor(np.asarray(eta) * np.asarray(alpha))

    def risk(free):
        z = torch.tensor([0.0, *free], dtype=torch.float64, requires_grad=True)
        value = (weight * softmax_torch(z.expand(k, k), np.arange(k), gamma)).sum()
        value.backward()
        return value.item(), z.grad.numpy()[1:]

    start = minimize(risk, np.log(np.asarray(eta[1:]) / eta[0]), jac=True, method="BFGS", options={"gtol": 1e-7}).x

    def stationarity(*free):
        e = [mp.mpf(1), *map(mp.exp, free)]
        total = mp.fsum(e)
        p = [ej / total for ej in e]
        # d/dz_i of FL_j is FL'(p_j) p_j ([i = j] - p_i).
        slope = [
            mp.mpf(eta[j]) * alpha[j] * pj * (gamma * (1 - pj) ** (gamma - 1) * mp.log(pj) - (1 - pj) ** gamma / pj)
            for j, pj in enumerate(p)
        ]
        return [slope[i] - p[i] * mp.fsum(slope) for i in range(1, k)]

    with mp.workdps(30):
        root = mp.findroot(stationarity, list(start), tol=1e-40)
        return np.array([0.0, *map(float, root)])


@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("weighted", [False, True])
def test_posterior_link_recovers_the_class_posterior(gamma, weighted):
    rng = np.random.default_rng(2)
    for k in (2, 3, 10) if weighted and gamma in (0.3, 1.0, 5.0) else (2, 3):
        eta = rng.dirichlet(np.ones(k))
        alpha = np.array(ALPHA[:k]) if weighted else np.ones(k)
        z = risk_minimiser(eta, alpha, gamma)
        loss = MulticlassFocalLoss(gamma, alpha if weighted else None)
        np.testing.assert_allclose(loss.predict_proba([z], "posterior")[0], eta, rtol=1e-10, atol=0)
        np.testing.assert_allclose(loss.predict_proba([z], "logit")[0], softmax(z), rtol=1e-14, atol=0)
        # The focal link keeps alpha: the posterior of the alpha-weighted problem.
        expected = eta * alpha / (eta @ alpha)
        np.testing.assert_allclose(loss.predict_proba([z], "focal")[0], expected, rtol=1e-10, atol=0)
        if k == 2:
            binary = BinaryFocalLoss(gamma, alpha if weighted else None)
            np.testing.assert_allclose(binary.predict_proba([z[1]], "posterior")[0], eta, rtol=1e-10, atol=0)
            sigmoid = SigmoidFocalLoss(gamma, [tuple(alpha)] * 2 if weighted else None)
            found = sigmoid.predict_proba([[z[1], z[1]]], "posterior")
            np.testing.assert_allclose(found, [[eta[1], eta[1]]], rtol=1e-10, atol=0)


def mean_gradient(torch_loss, start, weight):
    """Gradient of the weighted mean loss, all rows at the same margins."""
    shared = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    loss = torch_loss(shared.expand(len(weight), *shared.shape))
    loss = loss.sum(dim=1) if loss.ndim == 2 else loss
    ((loss * torch.tensor(weight)).sum() / weight.sum()).backward()
    return shared.grad.numpy()


@pytest.mark.parametrize("gamma", [*GAMMAS, 1e-10])
@pytest.mark.parametrize("alpha", [None, 0.1, (0.3, 2.0), {0: 1.0, 1: 9.0}, "balanced", "effective"])
@pytest.mark.parametrize("weighted", [False, True])
def test_binary_intercept_is_stationary(gamma, alpha, weighted):
    y = (np.arange(1000) % 50 == 0).astype(int)
    weight = np.random.default_rng(0).uniform(0, 3, 1000) if weighted else None
    loss = BinaryFocalLoss(gamma, alpha)
    start = loss.intercept(y, weight)
    assert isinstance(start, float)
    weight = np.ones(1000) if weight is None else weight
    numeric = loss.resolve(y, weight if weighted else None)
    pair = numeric.alpha if isinstance(numeric.alpha, tuple) else (1 - (alpha or 0.5), alpha or 0.5)
    pair = (1.0, 1.0) if alpha is None else pair
    slope = mean_gradient(lambda z: binary_torch(z, y, gamma, pair), start, weight)
    assert abs(slope) <= 1e-12
    prior = weight[y == 1].sum() / weight.sum()
    assert numeric.predict_proba([start], "posterior")[0, 1] == pytest.approx(prior, rel=1e-10)
    if gamma == 0 and alpha is None:
        assert start == pytest.approx(logit(prior), rel=1e-14)


@pytest.mark.parametrize("gamma", [*GAMMAS, 1e-10])
@pytest.mark.parametrize("alpha", [None, ALPHA[:4], dict(enumerate(ALPHA[:4])), "balanced", "effective"])
@pytest.mark.parametrize("weighted", [False, True])
def test_softmax_intercept_is_stationary(gamma, alpha, weighted):
    rng = np.random.default_rng(1)
    y = np.concatenate([np.arange(4), rng.choice(4, 996, p=[0.9, 0.07, 0.02, 0.01])])
    weight = rng.uniform(0, 3, 1000) if weighted else None
    loss = MulticlassFocalLoss(gamma, alpha)
    start, numeric = loss.intercept(y, weight), loss.resolve(y, weight)
    weight = np.ones(1000) if weight is None else weight
    assert start.shape == (4,)
    assert np.exp(start).sum() == pytest.approx(1, rel=1e-13)
    slope = mean_gradient(lambda z: softmax_torch(z, y, gamma, numeric.alpha), start, weight)
    np.testing.assert_allclose(slope, np.zeros(4), atol=1e-12)
    prior = np.bincount(y, weight) / weight.sum()
    np.testing.assert_allclose(numeric.predict_proba([start], "posterior")[0], prior, rtol=1e-10)
    if gamma == 0 and alpha is None:
        np.testing.assert_allclose(start, np.log(prior), rtol=1e-14)


@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("alpha", [None, 0.2, (0.1, 0.5, 0.8), ((1, 2), (3, 0.5), (1, 1)), "balanced", "effective"])
@pytest.mark.parametrize("multilabel", [False, True])
def test_sigmoid_intercept_is_stationary(gamma, alpha, multilabel):
    rng = np.random.default_rng(4)
    y = rng.choice(3, 1000, p=[0.8, 0.15, 0.05])
    one_hot = rng.integers(0, 2, (1000, 3)) * np.array([1, 1, 0]) + (np.arange(1000) < 7)[:, None] * [0, 0, 1]
    one_hot = one_hot if multilabel else np.eye(3, dtype=int)[y]
    weight = rng.uniform(0, 3, 1000)
    loss = SigmoidFocalLoss(gamma, alpha)
    labels = one_hot if multilabel else y
    start, numeric = loss.intercept(labels, weight), loss.resolve(labels, weight)
    for k in range(3):
        entry = numeric.alpha[k] if isinstance(numeric.alpha, tuple) else numeric.alpha
        pair = (1.0, 1.0) if entry is None else entry if isinstance(entry, tuple) else (1 - entry, entry)
        column = one_hot[:, k]
        slope = mean_gradient(
            lambda z, column=column, pair=pair: binary_torch(z, column, gamma, pair), start[k], weight
        )
        assert abs(slope) <= 1e-12
    prior = weight @ one_hot / weight.sum()
    np.testing.assert_allclose(numeric.predict_proba([start], "posterior")[0], prior, rtol=1e-10)


@pytest.mark.parametrize("gamma", GAMMAS)
def test_intercept_with_an_absent_class_is_finite(gamma):
    one = BinaryFocalLoss(gamma).intercept(np.zeros(10))
    assert -60 < one < -5
    start = MulticlassFocalLoss(gamma).intercept([0, 0, 1, 1, 1], n_classes=4)
    assert start.shape == (4,)
    assert np.isfinite(start).all()
    assert (start[2:] < -5).all()
    start = SigmoidFocalLoss(gamma).intercept([0, 0, 1], n_classes=3)
    assert start.shape == (3,)
    assert -60 < start[2] < -5


def test_rows_of_weight_zero_do_not_move_the_intercept():
    y, weight = [0, 1, 0, 0, 1, 2], [1, 1, 2, 1, 0, 3]
    kept = [0, 1, 2, 3, 5]
    for kind, labels in [(MulticlassFocalLoss, np.array(y)), (BinaryFocalLoss, np.minimum(y, 1))]:
        for alpha in (None, "balanced"):
            whole = kind(2.0, alpha).intercept(labels, weight)
            part = kind(2.0, alpha).intercept(labels[kept], np.array(weight)[kept])
            np.testing.assert_allclose(whole, part, rtol=1e-14)


@pytest.mark.parametrize("gamma", GAMMAS)
def test_focal_link_keeps_the_order_of_the_margins(gamma):
    z = np.random.default_rng(3).normal(scale=np.geomspace(0.1, 30, 500)[:, None], size=(500, 5))
    loss = MulticlassFocalLoss(gamma, ALPHA[:5])
    np.testing.assert_array_equal(loss.predict_proba(z, "focal").argmax(axis=1), z.argmax(axis=1))
    binary = BinaryFocalLoss(gamma, 0.1)
    margin = z[:, 0]
    np.testing.assert_array_equal(binary.predict_proba(margin, "focal")[:, 1] > 0.5, margin > 0)
    order = np.argsort(margin)
    assert (np.diff(binary.predict_proba(margin, "focal")[order, 1]) >= 0).all()
    # The posterior, which inverts alpha, moves the threshold.
    assert (binary.predict_proba(margin, "posterior")[:, 1] > 0.5).sum() > (margin > 0).sum()


@pytest.mark.parametrize("gamma", GAMMAS)
def test_links_coincide_without_alpha_or_gamma(gamma):
    z = np.random.default_rng(3).normal(scale=4, size=(50, 3))
    for kind, margin in [(BinaryFocalLoss, z[:, 0]), (MulticlassFocalLoss, z), (SigmoidFocalLoss, z)]:
        loss = kind(gamma)
        np.testing.assert_array_equal(loss.predict_proba(margin, "focal"), loss.predict_proba(margin, "posterior"))
        np.testing.assert_array_equal(loss.predict_proba(margin), loss.predict_proba(margin, "focal"))
        if gamma == 0:
            np.testing.assert_array_equal(loss.predict_proba(margin, "focal"), loss.predict_proba(margin, "logit"))


def test_logit_link_is_the_usual_one():
    z = np.random.default_rng(3).normal(scale=5, size=(50, 3))
    np.testing.assert_allclose(MulticlassFocalLoss(3.0).predict_proba(z, "logit"), softmax(z, axis=1), rtol=1e-13)
    expected = np.stack([expit(-z[:, 0]), expit(z[:, 0])], axis=1)
    np.testing.assert_allclose(BinaryFocalLoss(3.0, 0.1).predict_proba(z[:, 0], "logit"), expected, rtol=1e-13)
    np.testing.assert_allclose(SigmoidFocalLoss(3.0, 0.1).predict_proba(z, "logit"), expit(z), rtol=1e-13)


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("gamma", [*GAMMAS, 50.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_shapes_sums_and_extreme_margins(link, gamma, dtype):
    z = np.array([[0, 0, 0], [1000, 0, -1000], [1000, 999, 998], [-1000, -1000, 0], [3, 700, 20]]).astype(dtype)
    found = MulticlassFocalLoss(gamma, ALPHA[:3]).predict_proba(z, link)
    assert found.shape == (5, 3)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found.sum(axis=1), np.ones(5), rtol=1e-14)
    assert (found >= 0).all()
    found = BinaryFocalLoss(gamma, 0.3).predict_proba(z[:, 0], link)
    assert found.shape == (5, 2)
    np.testing.assert_allclose(found.sum(axis=1), np.ones(5), rtol=1e-14)
    found = SigmoidFocalLoss(gamma, 0.3).predict_proba(z, link)
    assert found.shape == (5, 3)
    assert ((found >= 0) & (found <= 1)).all()


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("gamma", GAMMAS)
def test_infinite_margins(link, gamma):
    inf = np.inf
    binary = BinaryFocalLoss(gamma, 0.3).predict_proba([-inf, inf], link)
    np.testing.assert_array_equal(binary, [[1, 0], [0, 1]])
    rows = [[inf, 0, 1], [-inf, 0, -inf], [-inf, inf, 5], [0.0, -inf, -inf]]
    found = MulticlassFocalLoss(gamma, ALPHA[:3]).predict_proba(rows, link)
    np.testing.assert_array_equal(found, [[1, 0, 0], [0, 1, 0], [0, 1, 0], [1, 0, 0]])
    np.testing.assert_array_equal(SigmoidFocalLoss(gamma).predict_proba([[-inf, inf]], link), [[0, 1]])


@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("alpha", [0.5, 0.05])
def test_tiny_probabilities(gamma, alpha):
    # eta_1 / eta_0 = p phi(1 - p) alpha_0 / ((1 - p) phi(p) alpha_1), phi(v) = q**gamma (1 - gamma v log(v) / q).
    for z in (-300.0, -80.0, -37.0, -5.0, -1e-9, 2.0, 36.9, 120.0):
        with mp.workdps(400):
            p = 1 / (1 + mp.exp(-mp.mpf(z)))

            def phi(v):
                return (1 - v) ** mp.mpf(gamma) * (1 - gamma * v * mp.log(v) / (1 - v))

            weights = [(1 - p) / phi(1 - p) / (1 - mp.mpf(alpha)), p / phi(p) / mp.mpf(alpha)]
            expected = [float(w / mp.fsum(weights)) for w in weights]
        found = BinaryFocalLoss(gamma, alpha).predict_proba([z], "posterior")[0]
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-300)


@pytest.mark.parametrize("gamma", [5e-324, 2e-313, 1e-300, 1e-200, 1e-20])
def test_a_gamma_next_to_0_starts_where_0_does(gamma):
    y = np.array([0, 1, 2, 0, 1, 1, 1])
    start = MulticlassFocalLoss(gamma).intercept(y)
    np.testing.assert_allclose(start, MulticlassFocalLoss(0.0).intercept(y), rtol=1e-12)
