r"""Focal loss as a function of log-odds: what focal logits are in that unit, and the curves that the kernel looks up.

A focal logit z, with :math:`p = \mathrm{sigmoid}(z)`, minimises the risk of a row whose true log-odds are

.. math:: f(z) = z - \log\phi(z) + \log\phi(-z), \quad
   \phi(s) = q^\gamma (1 + \gamma v L / q),\; v = \mathrm{sigmoid}(s),\; q = 1 - v,\; L = -\log v

(the ``focal`` link of `focalboost.links`; Charoenphakdee et al., CVPR 2021, arXiv:2011.09172). The slope :math:`f'` is
above 0, so the loss may be boosted in f, whose sigmoid is the calibrated probability :math:`\eta`. With

.. math:: B(f) = p\, \phi(-z) / f'(z), \quad w(f) = B(|f|) (1 + e^{-|f|}),

its gradient is :math:`\alpha_y w (\eta - y)`: that of the log-loss, with a weight that does not depend on the label.
For :math:`f \ge 0` it is B for label 0 and :math:`-B e^{-f}` for label 1; the mean of the second derivative over
the labels is :math:`B e^{-f} / (1 + e^{-f})`.

All of these are smooth in f and level off, or grow linearly, like :math:`e^{-f / (1 + \gamma)}`; so they are tabulated
once for each gamma, as polynomials over equal intervals of :math:`|f| / (1 + \gamma)`. In softmax it is
:math:`\log\phi` of a class against :math:`x = \log(p / \phi)`, for :math:`p \le 1/2`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ._validation import check_gamma
from .links import Point, inverse_log_odds_weight

Float64Array = npt.NDArray[np.float64]

# How far the curves reach: beyond, nothing is left of exp(-reach) in that precision.
_WIDE_REACH, _NARROW_REACH = 48, 24
_WIDE_DEGREE, _NARROW_DEGREE = 7, 3
_WIDE_INTERVALS, _NARROW_INTERVALS = 16, 32  # per unit


@dataclass(frozen=True)
class Curves:
    """What the kernel looks up for one gamma.

    Parameters
    ----------
    wide : ndarray of shape (n_curves, n_intervals, 8), float64
        Coefficients of polynomials over equal intervals from 0, in a variable from -1 to 1.
    narrow : ndarray of shape (n_curves, n_intervals, 4), float32
        The same for float arithmetic, of some curves.
    slopes : ndarray of shape (n_curves,), float64
        Of the straight lines beyond, per unit.
    wide_rate, narrow_rate : float
        Intervals per unit.
    origin : float
        Softmax: the largest x, from where the curve goes down.
    """

    wide: Float64Array
    narrow: npt.NDArray[np.float32]
    slopes: Float64Array
    wide_rate: float
    narrow_rate: float
    origin: float = 0.0


def focal_logit(log_odds: npt.ArrayLike, gamma: float) -> Float64Array:
    """Return z with f(z) = log_odds.

    Parameters
    ----------
    log_odds : array-like of float
    gamma : float
        In [0, 40].

    Returns
    -------
    ndarray of the shape of `log_odds`, float64
    """
    gamma = check_gamma(gamma, "log_odds")
    f = np.asarray(log_odds, dtype=np.float64)
    size = np.abs(f)
    # f is concave or nearly so for z > 0 and steeper than its chord from 0: from the asymptote Newton steps descend.
    z = (size + np.log1p(gamma)) / (1 + gamma)
    for _ in range(60):
        here, there = Point.at(z, gamma), Point.at(-z, gamma)
        step = (here.value - there.value - size) / (here.slope + there.slope)
        z = z - step
        if np.all(np.abs(step) <= 1e-10 * np.abs(z)):  # the next would change nothing
            break
    logit: Float64Array = np.copysign(z, f)
    return logit


def row_weight(log_odds: npt.ArrayLike, gamma: float) -> Float64Array:
    r"""Weight w of a row in the log-loss that has the gradient of the focal loss.

    Parameters
    ----------
    log_odds : array-like of float
        f, log-odds of the calibrated probability.
    gamma : float
        In [0, 40].

    Returns
    -------
    ndarray of the shape of `log_odds`, float64
        Even in f; 1 at gamma = 0, and :math:`1 / (1 + \gamma)` far out on both sides.

    Examples
    --------
    >>> import numpy as np
    >>> from focalboost.log_odds import row_weight
    >>> even = row_weight(0.0, gamma=2.0)
    >>> (row_weight(np.log([0.01 / 0.99, 0.1 / 0.9]), gamma=2.0) / even).round(3)
    array([1.693, 1.268])
    """
    gamma = check_gamma(gamma, "log_odds")
    size = np.abs(np.asarray(log_odds, dtype=np.float64))
    weight: Float64Array = _derivative_scale(focal_logit(size, gamma), gamma)[0] * (1 + np.exp(-size))
    return weight


@lru_cache(maxsize=64)
def binary_curves(gamma: float) -> Curves:
    """Curves of one margin: B, its derivative times exp(t), the loss of the likelier label times exp(f), and the other.

    Their variable is t = abs(f) / (1 + gamma).
    """

    def curves(t: Float64Array) -> Float64Array:
        z = focal_logit(t * (1 + gamma), gamma)
        point = Point.at(z, gamma)
        scale, derivative = _derivative_scale(z, gamma)
        other = Point.at(-z, gamma)
        # phi(z) = p exp(-f) phi(-z) / q, so that the likelier label loses exp(-f) times what does not vanish.
        likelier = np.exp(other.log_phi - point.minus_log_v) * point.ratio / (1 + gamma * point.bend)
        return np.stack(
            [scale, derivative * np.exp(t), likelier, np.exp(-gamma * point.minus_log_v) * other.minus_log_v]
        )

    bent = gamma + gamma / (1 + gamma)  # of exp(-z) z in B (1 + gamma) - 1, far out
    slopes = np.array([0.0, -bent * np.exp(-np.log1p(gamma) / (1 + gamma)) / (1 + gamma) ** 2, 0.0, 1.0])
    wide_rate, narrow_rate = _rates(gamma)
    wide = _fit(curves, _WIDE_REACH, wide_rate, _WIDE_DEGREE)
    narrow = _fit(lambda t: curves(t)[:1], _NARROW_REACH, narrow_rate, _NARROW_DEGREE)
    return Curves(wide, narrow.astype(np.float32), slopes, wide_rate, narrow_rate)


@lru_cache(maxsize=64)
def softmax_curves(gamma: float) -> Curves:
    """Curves of K margins: log phi against origin - x; and, in float alone, z of two classes against t, for a start."""
    # At the solution p <= 1/2; on the way there it may be more.
    origin = float(Point.at(np.ones(1), gamma).value[0])

    def log_phi(drop: Float64Array) -> Float64Array:
        return Point.at(inverse_log_odds_weight(origin - drop, gamma), gamma).log_phi[None]

    wide_rate, narrow_rate = _rates(gamma)
    above = int(np.ceil(max(origin, 0.0)))  # p is exp(x) only from x = 0 down
    wide = _fit(log_phi, _WIDE_REACH + above, wide_rate, _WIDE_DEGREE)
    narrow = [
        _fit(curve, _NARROW_REACH + above, narrow_rate, _NARROW_DEGREE)
        for curve in (log_phi, lambda t: focal_logit(t * (1 + gamma), gamma)[None])
    ]
    slopes = np.array([0.0, 1.0])
    return Curves(wide, np.concatenate(narrow).astype(np.float32), slopes, wide_rate, narrow_rate, origin)


def _rates(gamma: float) -> tuple[int, int]:
    """Return the intervals per unit: more where the curves bend faster, like exp(-gamma exp(-t))."""
    finer = 1 if gamma <= 10 else 2 ** int(np.ceil(np.log2(gamma / 10)))
    return _WIDE_INTERVALS * finer, _NARROW_INTERVALS * finer


def _derivative_scale(z: Float64Array, gamma: float) -> tuple[Float64Array, Float64Array]:
    """Return B at z >= 0, and its derivative by f."""
    here, there = Point.at(z, gamma), Point.at(-z, gamma)
    slope = here.slope + there.slope
    scale = np.exp(there.log_phi - here.minus_log_v) / slope
    # Of log(p phi(-z)), whose two terms vanish with q one by one.
    growth = here.q * (1 + gamma - gamma * (there.minus_log_v / here.v - 1) / (1 + gamma * there.bend))
    return scale, scale * (growth - (here.bow - there.bow) / slope) / slope


def _fit(function: Callable[[Float64Array], Float64Array], reach: int, per_unit: int, degree: int) -> Float64Array:
    """Return polynomials through the Chebyshev points of equal intervals: (n_curves, n_intervals, degree + 1)."""
    n = degree + 1
    points = np.polynomial.chebyshev.chebpts1(n)
    width = 1 / per_unit
    starts = np.arange(reach * per_unit) * width
    values = function(starts[:, None] + width * (points + 1) / 2)
    to_powers = np.linalg.inv(np.vander(points, n, increasing=True))
    fitted: Float64Array = np.ascontiguousarray(values @ to_powers.T)
    return fitted
