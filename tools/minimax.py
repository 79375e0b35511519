"""The polynomials of src/focalboost/_kernel/vecmath.inl: minimax in the function's relative error, by Remez exchange.

python tools/minimax.py    (needs mpmath)
"""

from __future__ import annotations

from collections.abc import Callable

import mpmath as mp

mp.mp.dps = 60
Function = Callable[[mp.mpf], mp.mpf]


def remez(f: Function, scale: Function, low: mp.mpf, high: mp.mpf, degree: int) -> tuple[list[mp.mpf], mp.mpf]:
    """Return the coefficients c and the largest |c(x) - f(x)| / scale(x)."""
    n = degree + 2
    points = [(low + high) / 2 - (high - low) / 2 * mp.cos(mp.pi * i / (n - 1)) for i in range(n)]
    grid = [low + (high - low) * i / mp.mpf(600) for i in range(601)]
    for _ in range(25):
        matrix = mp.matrix(n, n)
        for i, x in enumerate(points):
            for j in range(n - 1):
                matrix[i, j] = x**j
            matrix[i, n - 1] = (-1) ** i * scale(x)
        solution = mp.lu_solve(matrix, mp.matrix([f(x) for x in points]))
        c = [solution[j] for j in range(n - 1)]
        errors = [(mp.polyval(c[::-1], x) - f(x)) / scale(x) for x in grid]
        # The next points are where the error is largest between its changes of sign.
        extremes, start = [], 0
        for i in range(1, len(grid) + 1):
            if i == len(grid) or (errors[i] > 0) != (errors[start] > 0):
                extremes.append(max(range(start, i), key=lambda k: abs(errors[k])))
                start = i
        if len(extremes) != n:
            break
        points = [grid[k] for k in extremes]
    return c, max(abs(error) for error in errors)


def exp_rest(t: mp.mpf) -> mp.mpf:
    """Return P of exp(t) = 1 + t + t^2 P(t)."""
    return mp.mpf(1) / 2 + t / 6 if abs(t) < mp.mpf("1e-12") else (mp.exp(t) - 1 - t) / t**2


def exp_scale(t: mp.mpf) -> mp.mpf:
    """Return what an error of P is measured by."""
    return mp.exp(t) / max(t**2, mp.mpf("1e-3"))


def atanh_rest(x: mp.mpf) -> mp.mpf:
    """Return R of 2 atanh(a) = a (2 + x R(x)), x = a^2."""
    if x < mp.mpf("1e-25"):
        return mp.mpf(2) / 3 + 2 * x / 5
    a = mp.sqrt(x)
    return (2 * mp.atanh(a) / a - 2) / x


def atanh_scale(x: mp.mpf) -> mp.mpf:
    """Return what an error of R is measured by."""
    floored = max(x, mp.mpf("1e-3"))
    a = mp.sqrt(floored)
    return 2 * mp.atanh(a) / a / floored


if __name__ == "__main__":
    half = mp.log(2) / 2 * mp.mpf("1.0001")
    for name, f, scale, low, high, degrees in (
        ("exp", exp_rest, exp_scale, -half, half, (4, 9)),
        ("atanh", atanh_rest, atanh_scale, mp.mpf(0), mp.mpf(1) / 9, (3, 8)),
    ):
        for degree in degrees:
            coefficients, error = remez(f, scale, low, high, degree)
            print(f"{name}, degree {degree}: largest relative error {mp.nstr(error, 3)}")
            print("  " + ", ".join(float(c).hex() for c in coefficients))
