r"""From margins to probabilities, and back for constants: the three links.

The focal risk of a true posterior :math:`\eta` is minimised at the class probabilities :math:`p` with

.. math:: \eta_j \propto p_j / (\alpha_j \phi_j), \quad
   \phi_j = q_j^\gamma (1 + \gamma v_j \ell_j),\; v_j = p_j,\; q_j = 1 - p_j,\; \ell_j = -\log(v_j) / q_j

(Charoenphakdee et al., CVPR 2021, arXiv:2011.09172, for :math:`\alpha = 1`). So a model trained on focal loss can be
read in three ways: ``"logit"`` takes :math:`p` itself, ``"focal"`` inverts :math:`\gamma`, and ``"posterior"``
inverts :math:`\gamma` and :math:`\alpha`. Everything is in log space, of one function of one margin,
`log_odds_weight`: where :math:`s_j` is the margin of class j over all the others together,

.. math:: \log(p_j / \phi_j) = \log v_j + \gamma\, \mathrm{softplus}(s_j) - \log(1 + \gamma v_j \ell_j),

which increases strictly in :math:`s_j`; so each intercept is one bracketed root.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import log_softmax, logsumexp

Float64Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Point:
    r"""What the focal loss is made of at the margin s, elementwise; ``slope`` and ``bow`` are derivatives of ``value``.

    ``ratio`` is :math:`L / q`, ``bend`` is :math:`v L / q`, ``log_phi`` is :math:`\log\phi`, and ``value`` is
    :math:`\log(v / \phi)`.
    """

    v: Float64Array
    q: Float64Array
    minus_log_v: Float64Array
    minus_log_q: Float64Array
    ratio: Float64Array
    bend: Float64Array
    log_phi: Float64Array
    value: Float64Array
    slope: Float64Array
    bow: Float64Array

    @classmethod
    def at(cls, s: Float64Array, gamma: float) -> Point:
        """Evaluate at any finite margins."""
        size = np.abs(s)
        e = np.exp(-size)
        log1p_e = np.log1p(e)
        right = s >= 0
        large, small = 1 / (1 + e), e / (1 + e)
        v, q = np.where(right, large, small), np.where(right, small, large)
        minus_log_v = np.where(right, log1p_e, log1p_e + size)
        minus_log_q = np.where(right, log1p_e + size, log1p_e)
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = np.where(right, np.where(e > 0, (1 + e) * (log1p_e / e), 1.0), minus_log_v / q)
        bend = np.where(right, ratio * v, np.where(e > 0, minus_log_v * e, 0.0))
        # bend - v, its derivative by s; on the right L / q - 1 would lose all its digits.
        excess = np.where(right, v * _ratio_less_one(e), bend - v)
        bent = 1 + gamma * bend
        log_phi = np.log1p(gamma * bend) - gamma * minus_log_q
        slope = q + gamma * v - gamma * excess / bent
        bow = v * q * (gamma - 1) - gamma * ((excess - v * q) * bent - gamma * excess**2) / bent**2
        return cls(v, q, minus_log_v, minus_log_q, ratio, bend, log_phi, -minus_log_v - log_phi, slope, bow)


def _ratio_less_one(e: Float64Array) -> Float64Array:
    """Return log(1 + e) (1 + e) / e - 1: below .1 from its series, of which 17 terms reach the last digit."""
    small = np.minimum(e, 0.1)
    series = np.zeros_like(e)
    for n in range(17, 0, -1):
        series = small * (1 / (n * (n + 1)) - series)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(e < 0.1, series, (1 + e) * (np.log1p(e) / e) - 1)


def log_odds_weight(s: Float64Array, gamma: float) -> Float64Array:
    r"""Return :math:`\log(v / \phi(v))` at :math:`v = \mathrm{sigmoid}(s)`, elementwise, for any finite `s`."""
    return Point.at(s, gamma).value


def one_against_rest(raw_prediction: Float64Array) -> Float64Array:
    """Return the margin of each class over the log-sum-exp of the others, for margins of shape (n, K)."""
    rows = np.arange(raw_prediction.shape[0])
    top_class = raw_prediction.argmax(axis=1)
    below = raw_prediction - raw_prediction[rows, top_class][:, None]
    others = below.copy()
    others[rows, top_class] = -np.inf
    # The others of any class but the top hold the top itself: 1 + rest - e >= 1, nothing cancels.
    exponentials = np.exp(others)
    rest = exponentials.sum(axis=1, keepdims=True)
    margins: Float64Array = below - np.log1p(np.maximum(rest - exponentials, 0.0))
    margins[rows, top_class] = -logsumexp(others, axis=1)
    return margins


def binary_probabilities(raw_prediction: Float64Array, gamma: float, log_alpha: Float64Array) -> Float64Array:
    """Return eta, of shape (n, 2), for margins of shape (n,); gamma = 0 and log_alpha = 0 give the logit link."""
    log_eta = np.stack([log_odds_weight(-raw_prediction, gamma), log_odds_weight(raw_prediction, gamma)], axis=1)
    return _normalise(log_eta - log_alpha)


def softmax_probabilities(raw_prediction: Float64Array, gamma: float, log_alpha: Float64Array) -> Float64Array:
    """Return eta, of shape (n, K), for margins of shape (n, K)."""
    if gamma == 0:
        return _normalise(raw_prediction - log_alpha)
    return _normalise(log_odds_weight(one_against_rest(raw_prediction), gamma) - log_alpha)


def _normalise(log_eta: Float64Array) -> Float64Array:
    probabilities: Float64Array = np.exp(log_softmax(log_eta, axis=1))
    return probabilities


def binary_intercept(gamma: float, log_odds: float) -> float:
    r"""Return the constant margin that minimises the focal risk, given the log-odds of the alpha-weighted prior."""
    if gamma == 0:
        return log_odds

    def excess(s: float) -> float:
        both = log_odds_weight(np.array([s, -s]), gamma)
        return float(both[0] - both[1]) - log_odds

    # log(v / phi) grows at least as fast as log v, up to log1p(gamma): the root lies inside.
    bound = abs(log_odds) + np.log1p(gamma) + 1.0
    return float(brentq(excess, -bound, bound, xtol=1e-15, rtol=8.9e-16, maxiter=500))


def softmax_intercept(gamma: float, log_prior: Float64Array) -> Float64Array:
    r"""Return K margins, normalised to log-probabilities, given the log of the alpha-weighted prior.

    The probabilities solve :math:`\log(v_j / \phi_j) = c + \log \pi_j` and sum to one: K bracketed roots inside
    one for c.
    """
    if gamma < 1e-290:  # moves no digit, and 1 / gamma, which bounds the roots, would overflow
        return np.asarray(log_softmax(log_prior))

    def margins(c: float) -> Float64Array:
        return inverse_log_odds_weight(log_prior + c, gamma)

    def excess(c: float) -> float:
        return float(np.exp(-np.logaddexp(0.0, -margins(c))).sum()) - 1.0

    low, high = -1.0, 1.0
    while excess(low) > 0:
        low *= 2
    while excess(high) < 0:
        high *= 2
    s = margins(brentq(excess, low, high, xtol=1e-15, rtol=8.9e-16, maxiter=500))
    return np.asarray(log_softmax(-np.logaddexp(0.0, -s)))


def inverse_log_odds_weight(target: Float64Array, gamma: float) -> Float64Array:
    """Solve log_odds_weight(s) = target elementwise: Newton steps, and bisection where they leave the bracket."""
    low, high = np.full_like(target, -1.0), np.full_like(target, 1.0)
    while (outside := log_odds_weight(low, gamma) > target).any():
        low[outside] *= 2
    while (outside := log_odds_weight(high, gamma) < target).any():
        high[outside] *= 2
    s = 0.5 * (low + high)
    for _ in range(200):
        point = Point.at(s, gamma)
        value, slope = point.value, point.slope
        low, high = np.where(value < target, s, low), np.where(value > target, s, high)
        newton = s - (value - target) / slope
        step = np.where((newton > low) & (newton < high), newton, 0.5 * (low + high))
        step = np.where(value == target, s, step)
        moved = np.abs(step - s)
        s = step
        if np.all(moved <= 1e-10 * np.maximum(1.0, np.abs(s))):
            break
    point = Point.at(s, gamma)  # near the root a Newton step of rounded size may leave the bracket: one without it
    return s - (point.value - target) / point.slope
