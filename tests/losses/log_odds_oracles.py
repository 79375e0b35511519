"""The focal loss in log-odds as mpmath has it: implicit functions, and differences at many digits.

Nothing here imports focalboost. The score of a row is where the focal risk has its minimum: with the gradients of both
labels at a focal logit z, g1 < 0 < g0, the log-odds of the posterior are log(g0 / -g1).
"""

from __future__ import annotations

import mpmath as mp
import numpy as np


def _parts(s):
    """Return p, 1 - p, -log p and -log(1 - p) at a margin, each with all its digits."""
    return 1 / (1 + mp.exp(-s)), 1 / (1 + mp.exp(s)), mp.log1p(mp.exp(-s)), mp.log1p(mp.exp(s))


def _slope_and_bend(s, gamma):
    """Return -dFL/ds of a row whose class has the margin s, and d2FL/ds2; from FL = (1 - p)**gamma * -log p."""
    p, q, L, M = _parts(s)
    focus = mp.exp(-gamma * M)
    first = -focus * (gamma * L / q + 1 / p)  # dFL/dp
    second = focus * (gamma * (1 - gamma) * -L / q**2 + 2 * gamma / (q * p) + 1 / p**2)
    return -first * p * q, second * (p * q) ** 2 + first * p * q * (q - p)


def log_odds_mp(z, gamma):
    """Return the log-odds at which z has the least risk, and their derivative by z."""
    (slope1, bend1), (slope0, bend0) = _slope_and_bend(z, gamma), _slope_and_bend(-z, gamma)
    return mp.log(slope0) - mp.log(slope1), bend0 / slope0 + bend1 / slope1


def _focal_logit(f, gamma):
    z = f / (1 + gamma)
    for _ in range(100):
        value, slope = log_odds_mp(z, gamma)
        step = (value - f) / slope
        z -= step
        if abs(step) <= mp.eps * 64 * (1 + abs(z)):
            return z
    raise AssertionError


def _binary_gradient(f, y, gamma):
    z = _focal_logit(f, gamma)
    slope = log_odds_mp(z, gamma)[1]
    return -_slope_and_bend(z, gamma)[0] / slope if y else _slope_and_bend(-z, gamma)[0] / slope


def binary_row(f, y, gamma):
    """Return loss, gradient, expected and exact Hessian of one row, and the scale of the exact one's terms."""
    with mp.workdps(50 + int(0.9 * abs(f))):
        f, gamma = mp.mpf(float(f)), mp.mpf(float(gamma))
        _, _, L, M = _parts(_focal_logit(f if y else -f, gamma))
        step = mp.mpf(10) ** -(mp.mp.dps // 3)
        exact = [
            (_binary_gradient(f + step, label, gamma) - _binary_gradient(f - step, label, gamma)) / (2 * step)
            for label in (0, 1)
        ]
        eta, not_eta, _, _ = _parts(f)
        gradient = _binary_gradient(f, y, gamma)
        expected = eta * exact[1] + not_eta * exact[0]
        values = mp.exp(-gamma * M) * L, gradient, expected, exact[y], abs(expected) + abs(exact[y] - expected)
        return tuple(float(value) for value in values)


class SoftmaxRow:
    """One row of K log-probabilities: its p, and what follows from them."""

    def __init__(self, f, gamma):
        self.gamma = gamma
        top = max(range(len(f)), key=lambda k: f[k])
        others = [k for k in range(len(f)) if k != top]
        s = [mp.mpf(0)] * len(f)
        s[top] = (f[top] - max(f[k] for k in others)) / (1 + gamma)
        for _ in range(200):
            value, slope = self._value(s[top])
            total = slopes = mp.mpf(0)
            for k in others:
                s[k] = self._inverse(f[k] - f[top] + value, s[k])
                p, q, _, _ = _parts(s[k])
                total += p
                slopes += p * q / self._value(s[k])[1]
            p, _, _, M = _parts(s[top])
            step = (mp.log(total) + M) / (slope * slopes / total + p)
            s[top] -= step
            if abs(step) <= mp.eps * 2**20 * (1 + abs(s[top])):
                break
        else:
            raise AssertionError
        self.s, self.f = s, f

    def _value(self, s):
        """Return x = log(p / phi) at a margin, where phi p q is the slope of the loss, and dx/ds."""
        p, q, _, _ = _parts(s)
        slope, bend = _slope_and_bend(s, self.gamma)
        # slope = phi q, and d(phi q) / ds = -bend.
        return mp.log(p * q / slope), q - p + bend / slope

    def _inverse(self, x, start):
        s = start if start else min(x, mp.mpf(0))
        for _ in range(300):
            value, slope = self._value(s)
            step = (value - x) / slope
            step = max(min(step, mp.mpf(4)), mp.mpf(-4))
            s -= step
            if abs(step) <= mp.eps * 64 * (1 + abs(s)):
                return s
        raise AssertionError

    def loss(self, y):
        _, _, L, M = _parts(self.s[y])
        return mp.exp(-self.gamma * M) * L

    def derivatives(self):
        """Return r, the slopes phi / a of each label, and the expected Hessian."""
        t, slopes = [], []
        for s in self.s:
            p, q, _, _ = _parts(s)
            t.append(p * q / self._value(s)[1])
            slopes.append(_slope_and_bend(s, self.gamma)[0] / self._value(s)[1])
        S = mp.fsum(t)
        r = [tk / S for tk in t]
        rest = [mp.fsum(tk for j, tk in enumerate(t) if j != k) / S for k in range(len(t))]
        total = mp.fsum(mp.exp(fk) for fk in self.f)
        eta = [mp.exp(fk) / total for fk in self.f]
        expected = [e * g * o for e, g, o in zip(eta, slopes, rest, strict=True)]
        return r, rest, slopes, expected

    def gradient(self, y):
        r, rest, slopes, _ = self.derivatives()
        return [-slopes[y] * rest[y] if j == y else slopes[y] * r[j] for j in range(len(r))]


def _precision(f):
    return 45 + int(0.9 * (max(f) - min(f)))


def softmax_row(f, y, gamma, exact=True):
    """Return loss, gradient, expected and exact Hessian of one row; the exact one from differences of the gradient."""
    with mp.workdps(_precision(f)):
        f, gamma = [mp.mpf(float(fk)) for fk in f], mp.mpf(float(gamma))
        row = SoftmaxRow(f, gamma)
        second = []
        step = mp.mpf(10) ** -(mp.mp.dps // 3)
        for j in range(len(f) if exact else 0):
            sides = []
            for sign in (1, -1):
                moved = list(f)
                moved[j] += sign * step
                sides.append(SoftmaxRow(moved, gamma).gradient(y)[j])
            second.append((sides[0] - sides[1]) / (2 * step))
        expected = row.derivatives()[3]
        return float(row.loss(y)), *(np.array(part, dtype=float) for part in (row.gradient(y), expected, second))


def softmax_differences(f, y, gamma):
    """Return gradient and Hessian of one row from differences of the loss alone."""
    with mp.workdps(_precision(f) + 20):
        f, gamma = [mp.mpf(float(fk)) for fk in f], mp.mpf(float(gamma))
        step = mp.mpf(10) ** -12
        first, second = [], []
        for j in range(len(f)):
            values = []
            for n in (-2, -1, 0, 1, 2):
                moved = list(f)
                moved[j] += n * step
                values.append(SoftmaxRow(moved, gamma).loss(y))
            a, b, c, d, e = values
            first.append((8 * (d - b) - (e - a)) / (12 * step))
            second.append((-e + 16 * d - 30 * c + 16 * b - a) / (12 * step**2))
        return np.array(first, dtype=float), np.array(second, dtype=float)
