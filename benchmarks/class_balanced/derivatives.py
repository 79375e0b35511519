"""The losses' derivatives against finite differences: of their formulas, and of their own gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, softmax

from focalboost import BinaryFocalLoss, MulticlassFocalLoss

from .methods import theirs

STEP = 1e-3
TOLERANCE = 1e-6  # a difference of order four is good to 1e-9 here, and gbdtCBL clips probabilities at 1e-7
# Differences straddle the kink of a shifted loss: probabilities so near to the shift are left out.
NEAR_KINK = 0.01
SHIFTS = (0.0, 0.05, 0.2)

Function = Callable[[np.ndarray], np.ndarray]


def slope(function: Function, z: np.ndarray, direction: np.ndarray | float = 1.0) -> np.ndarray:
    """Return the first derivative along a direction, of order four."""
    h = STEP * direction
    return (8 * (function(z + h) - function(z - h)) - function(z + 2 * h) + function(z - 2 * h)) / (12 * STEP)


def curvature(function: Function, z: np.ndarray) -> np.ndarray:
    """Return the second derivative, of order four."""
    h = 10 * STEP  # rounding is divided by its square
    ends = function(z + 2 * h) + function(z - 2 * h)
    return (16 * (function(z + h) + function(z - h)) - ends - 30 * function(z)) / (12 * h**2)


def binary_formula(label: int, r_positive: float, r_negative: float, m: float, weight: float) -> Function:
    """Return the loss of a margin: asymmetric, with negatives shifted by m; all five binary losses are cases of it.

    ASL is Ridnik et al.'s (ICCV 2021); ACE is it without focusing, AWE that with a weight of positives.
    """

    def value(z: np.ndarray) -> np.ndarray:
        p = expit(z)
        if label == 1:
            return -weight * (1 - p) ** r_positive * np.log(p)
        shifted = np.maximum(p - m, 0.0)
        return -(shifted**r_negative) * np.log1p(-shifted)

    return value


def _binary_forms() -> Iterator[tuple[str, str, Any, dict[str, float]]]:
    """Yield a loss's name, its parameters in words, its derivatives and the parameters of the formula."""
    plain = {"r_positive": 0.0, "r_negative": 0.0, "m": 0.0, "weight": 1.0}
    for r in (2.0, 5.0):
        yield "WCE", f"r = {r:g}", theirs("WCE", 2, {"r": r}), plain | {"weight": r}
    for r in (0.5, 1.0, 2.0):
        yield "FL", f"r = {r:g}", theirs("FL", 2, {"r": r}), plain | {"r_positive": r, "r_negative": r}
    for m in SHIFTS:
        for r1, r2 in ((0.0, 1.0), (0.1, 2.0)):
            parameters = {"r_positive": r1, "r_negative": r2, "m": m}
            loss = theirs("ASL", 2, {"r1": r1, "r2": r2, "m": m})
            yield "ASL", f"r1 = {r1:g}, r2 = {r2:g}, m = {m:g}", loss, plain | parameters
        yield "ACE", f"m = {m:g}", theirs("ACE", 2, {"m": m}), plain | {"m": m}
        yield "AWE", f"r = 3, m = {m:g}", theirs("AWE", 2, {"r": 3.0, "m": m}), plain | {"m": m, "weight": 3.0}


def check_binary() -> pd.DataFrame:
    """Return how far gradient and Hessian are from differences of the formula, at most, by label."""
    z = np.linspace(-5, 5, 201)
    rows = []
    for name, form, loss, parameters in _binary_forms():
        kept = z[np.abs(expit(z) - parameters["m"]) > NEAR_KINK] if parameters["m"] else z
        formulas = {label: binary_formula(label, **parameters) for label in (0, 1)}
        rows.append(_compared(name, form, loss, formulas, kept))
    for gamma in (0.5, 1.0, 2.0):
        for alpha in (None, (1.0, 3.0)):
            ours = BinaryFocalLoss(gamma, alpha)
            weight = 3.0 if alpha else 1.0
            formulas = {label: binary_formula(label, gamma, gamma, 0.0, weight) for label in (0, 1)}
            form = f"gamma = {gamma:g}" + (", alpha = (1, 3)" if alpha else "")
            rows.append(_compared("focal, ours", form, _exact(ours), formulas, z))
    return pd.DataFrame(rows)


def _compared(name: str, form: str, loss: Any, formulas: dict[int, Function], z: np.ndarray) -> dict[str, Any]:
    row: dict[str, Any] = {"loss": name, "form": form}
    for label, formula in formulas.items():
        gradient, hessian = loss(np.full(len(z), label), z)
        wrong = np.abs(gradient - slope(formula, z))
        row[f"gradient, label {label}"] = wrong.max()
        row[f"Hessian, label {label}"] = np.abs(hessian - curvature(formula, z)).max()
        worst = wrong.argmax()
        row |= {f"{key}, label {label}": value for key, value in (
            ("worst at p", expit(z[worst])), ("given there", gradient[worst]), ("differences there", slope(formula, z)[worst]),
        )}  # fmt: skip
    return row


def _exact(loss: BinaryFocalLoss | MulticlassFocalLoss) -> Any:
    return lambda y, z: loss.gradient_hessian(y, z, hessian="exact")


def check_multiclass(n_classes: int = 4) -> pd.DataFrame:
    """Return three tests that need no formula.

    A loss of softmax probabilities has gradients that add up to 0; the gradients of any loss have symmetric slopes;
    and the Hessian is the slope of the gradient.
    """
    rng = np.random.default_rng(0)
    z, y = rng.normal(0, 1.5, (400, n_classes)), np.tile(np.arange(n_classes), 100)
    forms = [("WCE", {"r": 2.0}), ("WCE", {"r": 5.0})]
    forms += [("FL", {"r": r}) for r in (0.5, 1.0, 2.0)]
    for m in SHIFTS:
        forms += [("ASL", {"r1": 0.1, "r2": 2.0, "m": m}), ("ACE", {"m": m}), ("AWE", {"r": 3.0, "m": m})]
    rows = []
    for name, config in forms:
        kept = (np.abs(softmax(z, axis=1) - config.get("m", -1.0)) > NEAR_KINK).all(axis=1)
        both = {
            framework: theirs(name, n_classes, config, framework=framework) for framework in ("xgboost", "lightgbm")
        }
        form = ", ".join(f"{key} = {value:g}" for key, value in config.items())
        derivatives, other = both["xgboost"], both["lightgbm"]
        same = [
            np.abs(a - b.reshape(a.shape, order="F")).max()
            for a, b in zip(derivatives(y, z), other(y, z), strict=True)
        ]
        rows.append({"loss": name, "form": form, **_consistent(derivatives, y, z, kept), "modules differ": max(same)})
    for gamma in (0.5, 1.0, 2.0):
        for alpha in (None, (1.0, 2.0, 3.0, 4.0)):
            loss = _exact(MulticlassFocalLoss(gamma, alpha))
            form = f"gamma = {gamma:g}" + (", alpha = (1, 2, 3, 4)" if alpha else "")
            rows.append({"loss": "focal, ours", "form": form, **_consistent(loss, y, z, np.full(len(y), True))})
    return pd.DataFrame(rows)


def _consistent(derivatives: Any, y: np.ndarray, z: np.ndarray, kept: np.ndarray) -> dict[str, float]:
    gradient, hessian = derivatives(y, z)
    slopes = np.stack([slope(lambda at: derivatives(y, at)[0], z, unit) for unit in np.eye(z.shape[1])], axis=1)[kept]
    diagonal = np.diagonal(slopes, axis1=1, axis2=2)
    return {
        "sum of gradients": np.abs(gradient[kept].sum(axis=1)).max(),
        "asymmetry": np.abs(slopes - slopes.transpose(0, 2, 1)).max(),
        "Hessian": np.abs(hessian[kept] - diagonal).max(),
    }
