"""The focal loss as one would write it without this library: whole-array numpy, and torch's autograd."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def numpy_binary(y: Array, z: Array, gamma: float) -> tuple[Array, Array]:
    """Gradient and upper Hessian of the binary loss, stable, in whole-array numpy."""
    s = np.where(y == 1, z, -z)
    e = np.exp(-np.abs(s))
    log1p_e = np.log1p(e)
    v = np.where(s >= 0, 1 / (1 + e), e / (1 + e))
    q = np.where(s >= 0, e / (1 + e), 1 / (1 + e))
    minus_log_v = np.where(s >= 0, log1p_e, log1p_e - s)
    minus_log_q = np.where(s >= 0, log1p_e + s, log1p_e)
    focus = np.exp(-gamma * minus_log_q)
    slope = focus * (q + gamma * v * minus_log_v)
    hessian = focus * v * ((1 + 2 * gamma) * q + gamma**2 * v * minus_log_v)
    gradient = np.where(y == 1, -slope, slope)
    return gradient.astype(np.float32), hessian.astype(np.float32)


def numpy_softmax(y: Array, z: Array, gamma: float) -> tuple[Array, Array]:
    """Gradient and upper Hessian of the softmax loss, in whole-array numpy."""
    rows = np.arange(len(y))
    e = np.exp(z - z.max(axis=1, keepdims=True))
    others = e.copy()
    others[rows, y] = 0
    total = e.sum(axis=1)
    rest = others.sum(axis=1)
    p = e / total[:, None]
    v, q = p[rows, y], rest / total
    ell = -np.log(v) / q
    focus = q**gamma
    slope = focus * (1 + gamma * v * ell)
    gradient = slope[:, None] * p
    gradient[rows, y] = -slope * q
    r = others / rest[:, None]
    r[rows, y] = 1
    hessian = (focus * gamma * v * q * (2 + (gamma - 1) * v * ell))[:, None] * r**2 + slope[:, None] * p * (1 - p)
    return gradient.astype(np.float32), hessian.astype(np.float32)


def torch_binary(torch: Any, y: Any, z: Any, gamma: float) -> tuple[Any, Any]:
    """Gradient and exact diagonal Hessian of the binary loss by two backward passes."""
    margin = z.detach().requires_grad_()
    s = torch.where(y == 1, margin, -margin)
    loss = -torch.exp(gamma * torch.nn.functional.logsigmoid(-s)) * torch.nn.functional.logsigmoid(s)
    (gradient,) = torch.autograd.grad(loss.sum(), margin, create_graph=True)
    (hessian,) = torch.autograd.grad(gradient.sum(), margin)
    return gradient.detach(), hessian


class NumpyFocal:
    """The numpy formulas as a custom objective of either framework."""

    def __init__(self, gamma: float, start: Any = 0.0) -> None:
        self.gamma, self.start = gamma, start

    def __call__(self, margin: Array, data: Any) -> tuple[Array, Array]:
        """Gradient and Hessian for the margins of a LightGBM Dataset or an XGBoost DMatrix."""
        y, margin = data.get_label(), margin + np.asarray(self.start, dtype=margin.dtype)
        if margin.ndim == 1:
            return numpy_binary(y, margin, self.gamma)
        return numpy_softmax(y.astype(np.intp), margin, self.gamma)
