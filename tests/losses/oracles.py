"""The focal loss and its derivatives as others compute them: mpmath, torch autograd, finite differences.

Nothing here imports focalboost. All of it is written from the definition FL = -alpha_y (1 - p_y)**gamma log(p_y),
p = softmax(z); the binary loss is that of the margins (0, z).
"""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest

try:
    import torch
except ImportError:

    class _NoTorch:
        """Stands for PyTorch where there is none: a test that uses it is skipped."""

        def __getattr__(self, name):
            if name.startswith("_"):  # pytest looks for marks on all that a module holds
                raise AttributeError(name)
            pytest.skip("PyTorch is not installed, and this test compares with its autograd")

    torch = _NoTorch()

GAMMAS = (0.0, 0.3, 0.5, 1.0, 2.0, 2.5, 5.0)


def _probabilities(z, y):
    """Return p and 1 - p_y, the latter not as a difference."""
    top = max(z)
    e = [mp.exp(zj - top) for zj in z]
    total = mp.fsum(e)
    return [ej / total for ej in e], mp.fsum(ej for j, ej in enumerate(e) if j != y) / total


def loss_mp(z, y, gamma, alpha=1.0):
    """Focal loss of one row, in the precision of the context."""
    p, q = _probabilities([mp.mpf(zj) for zj in z], y)
    return -mp.mpf(alpha) * q ** mp.mpf(gamma) * mp.log(p[y])


def derivatives_mp(z, y, gamma, alpha=1.0):
    """Gradient and diagonal Hessian of one row by numerical differentiation of `loss_mp`, 50 digits."""
    with mp.workdps(50):
        z = tuple(mp.mpf(zj) for zj in z)
        order = np.eye(len(z), dtype=int)
        pairs = [
            [mp.diff(lambda *x: loss_mp(x, y, gamma, alpha), z, tuple(n * order[j])) for j in range(len(z))]
            for n in (1, 2)
        ]
        return np.array(pairs, dtype=np.float64)


def row_mp(z, y, gammas, alpha=1.0):
    """Loss, gradient, exact and upper Hessian of one row for each gamma, rounded from 60 correct digits.

    By the chain rule through p_y, with f(p) = -alpha (1 - p)**gamma log(p). The upper Hessian leaves out the term
    -alpha gamma v q**(gamma + 1) r_j**2 L of the exact one, where r_j = p_j / q and r_y = 1.

    Returns arrays of shape (n_gammas,) and (n_gammas, K), (n_gammas, K), (n_gammas, K).
    """
    # Terms of order 1 cancel down to exp(-spread).
    with mp.workdps(60 + int(0.45 * _spread(z))):
        return tuple(np.array(values, dtype=np.float64) for values in _row(z, y, gammas, alpha))


def expected_mp(z, gammas):
    """Mean of the exact Hessian of a row over its labels, for each gamma: an array of shape (n_gammas, K).

    Each label has the probability at which the gradients have a mean of 0: with -phi_k q_k the gradient of class k
    were it the label, it is proportional to p_k / phi_k.
    """
    with mp.workdps(60 + int(0.9 * _spread(z))):
        eta, hessians = _labels(z, gammas)
        rows = [[mp.fsum(e * h[j] for e, h in zip(*both, strict=True)) for j in range(len(z))] for both in
                zip(eta, hessians, strict=True)]  # fmt: skip
        return np.array(rows, dtype=np.float64)


def mean_gradient_mp(z, gammas):
    """Mean of the gradient over the labels, weighed as in `expected_mp`: 0, if those are the right weights."""
    with mp.workdps(60 + int(0.9 * _spread(z))):
        eta, gradients = _labels(z, gammas, part=1)
        return [[mp.fsum(e * g[j] for e, g in zip(*both, strict=True)) for j in range(len(z))] for both in
                zip(eta, gradients, strict=True)]  # fmt: skip


def _labels(z, gammas, part=2):
    """Return, for each gamma, the probabilities of the labels, and of each label one of the results of `_row`."""
    rows = [_row(z, k, gammas, 1.0) for k in range(len(z))]
    weights = []
    for i in range(len(gammas)):
        odds = []
        for k, row in enumerate(rows):
            p, q = _probabilities([mp.mpf(float(zj)) for zj in z], k)
            odds.append(-p[k] * q / row[1][i][k])
        weights.append([o / mp.fsum(odds) for o in odds])
    return weights, [[row[part][i] for row in rows] for i in range(len(gammas))]


def _spread(z):
    return min(float(max(z)) - float(min(z)), 800.0)


def _row(z, y, gammas, alpha):
    """`row_mp` as numbers of mpmath, in the precision of the context."""
    p, q = _probabilities([mp.mpf(float(zj)) for zj in z], y)
    v = p[y]
    L = mp.log1p(q / v)
    log_q = mp.log(q)
    first, second, dropped = [], [], []
    for j, pj in enumerate(p):
        own = mp.mpf(j == y)
        difference = q if j == y else -pj
        first.append(v * difference)
        second.append(v * (difference**2 - pj * (q if j == y else 1 - pj)))
        dropped.append((own if j == y else pj / q) ** 2)
    loss, gradient, exact, upper = [], [], [], []
    for gamma in gammas:
        g, a = mp.mpf(float(gamma)), mp.mpf(float(alpha))
        focus = a * mp.exp(g * log_q)
        f1 = -g * focus / q * L - focus / v
        f2 = g * (g - 1) * focus / q**2 * L + 2 * g * focus / q / v + focus / v**2
        h = [f2 * d1**2 + f1 * d2 for d1, d2 in zip(first, second, strict=True)]
        loss.append(focus * L)
        gradient.append([f1 * d1 for d1 in first])
        exact.append(h)
        upper.append([hj + g * v * focus * q * L * d for hj, d in zip(h, dropped, strict=True)])
    return loss, gradient, exact, upper


def rows_mp(z, y, gammas, alpha=None):
    """`row_mp` of many rows: loss of shape (n_gammas, n), the others (n_gammas, n, K)."""
    alpha = np.ones(z.shape[1]) if alpha is None else alpha
    rows = [row_mp(z_row, int(label), gammas, alpha[int(label)]) for z_row, label in zip(z, y, strict=True)]
    return tuple(np.stack(part, axis=1) for part in zip(*rows, strict=True))


def binary_mp(z, y, gammas, alpha=None):
    """`rows_mp` of the margins (0, z), and of them the second column: all of shape (n_gammas, n)."""
    loss, *others = rows_mp(np.stack([np.zeros_like(z), z], axis=1), y, gammas, alpha)
    return loss, *(part[:, :, 1] for part in others)


def binary_torch(z, y, gamma, alpha=(1.0, 1.0)):
    """Loss of each element for the labels y in {0, 1}, z a float64 tensor."""
    y, weights = torch.as_tensor(np.asarray(y)) > 0.5, torch.tensor(alpha, dtype=torch.float64)
    s = torch.where(y, z, -z)
    focus = torch.exp(gamma * torch.nn.functional.logsigmoid(-s))
    return -torch.where(y, weights[1], weights[0]) * focus * torch.nn.functional.logsigmoid(s)


def softmax_torch(z, y, gamma, alpha=None):
    """Loss of each row of z, a float64 tensor of shape (n, K)."""
    y = torch.as_tensor(np.asarray(y), dtype=torch.int64)
    log_v = torch.log_softmax(z, dim=1).gather(1, y[:, None])[:, 0]
    others = z.masked_fill(torch.nn.functional.one_hot(y, z.shape[1]).bool(), -torch.inf)
    log_q = torch.logsumexp(others, dim=1) - torch.logsumexp(z, dim=1)
    weights = torch.ones(z.shape[1]) if alpha is None else torch.tensor(alpha, dtype=torch.float64)
    return -weights[y] * torch.exp(gamma * log_q) * log_v


def autograd(function, z):
    """Loss of each row, gradient and diagonal Hessian of `function` of a tensor, whose rows are independent."""
    tensor = torch.tensor(np.asarray(z), dtype=torch.float64, requires_grad=True)
    loss = function(tensor)
    (gradient,) = torch.autograd.grad(loss.sum(), tensor, create_graph=True)
    if tensor.ndim == 1:
        (hessian,) = torch.autograd.grad(gradient.sum(), tensor)
    else:
        columns = [torch.autograd.grad(g.sum(), tensor, retain_graph=True)[0][:, j] for j, g in enumerate(gradient.T)]
        hessian = torch.stack(columns, dim=1)
    return loss.detach().numpy(), gradient.detach().numpy(), hessian.numpy()


def torchvision_sigmoid_focal_loss(inputs, targets, alpha=0.25, gamma=2.0):
    """torchvision.ops.sigmoid_focal_loss with reduction "none", as published (BSD-3-Clause)."""
    p = torch.sigmoid(inputs)
    ce_loss = torch.nn.functional.binary_cross_entropy_with_logits(inputs, targets, reduction="none")
    p_t = p * targets + (1 - p) * (1 - targets)
    loss = ce_loss * ((1 - p_t) ** gamma)
    if alpha >= 0:
        alpha_t = alpha * targets + (1 - alpha) * (1 - targets)
        loss = alpha_t * loss
    return loss


def central_difference(function, z, step=2e-3):
    """Fourth-order central difference of a function of z, elementwise or of one column's shift."""
    return (8 * (function(z + step) - function(z - step)) - (function(z + 2 * step) - function(z - 2 * step))) / (
        12 * step
    )
