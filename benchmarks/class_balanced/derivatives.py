"""The losses' derivatives against finite differences: of their formulas, and of their own gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, softmax

from focalboost import BinaryFocalLoss, MulticlassFocalLoss

from .methods import objective, theirs

STEP = 1e-3
TOLERANCE = 1e-6  # a difference of order four is good to 1e-9 here, and gbdtCBL clips probabilities at 1e-7
# Differences straddle the kink of a shifted loss: probabilities so near to the shift are left out.
NEAR_KINK = 0.01
SHIFTS = (0.0, 0.05, 0.2)
N_CLASSES = 4

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


PLAIN = {"r_positive": 0.0, "r_negative": 0.0, "m": 0.0, "weight": 1.0}
BinaryForms = Iterator[tuple[str, str, Any, dict[str, float]]]
Forms = Iterator[tuple[str, str, Any]]


def their_binary_forms() -> BinaryForms:
    """Yield a loss's name, its parameters in words, its derivatives and the parameters of the formula."""
    for r in (2.0, 5.0):
        yield "WCE", f"r = {r:g}", theirs("WCE", 2, {"r": r}), PLAIN | {"weight": r}
    for r in (0.5, 1.0, 2.0):
        yield "FL", f"r = {r:g}", theirs("FL", 2, {"r": r}), PLAIN | {"r_positive": r, "r_negative": r}
    for m in SHIFTS:
        for r1, r2 in ((0.0, 1.0), (0.1, 2.0)):
            parameters = {"r_positive": r1, "r_negative": r2, "m": m}
            loss = theirs("ASL", 2, {"r1": r1, "r2": r2, "m": m})
            yield "ASL", f"r1 = {r1:g}, r2 = {r2:g}, m = {m:g}", loss, PLAIN | parameters
        yield "ACE", f"m = {m:g}", theirs("ACE", 2, {"m": m}), PLAIN | {"m": m}
        yield "AWE", f"r = 3, m = {m:g}", theirs("AWE", 2, {"r": 3.0, "m": m}), PLAIN | {"m": m, "weight": 3.0}


def our_binary_forms() -> BinaryForms:
    """Yield the same of our loss, with and without class weights."""
    for gamma, alpha in product((0.5, 1.0, 2.0), (None, (1.0, 3.0))):
        form = f"gamma = {gamma:g}" + (", alpha = (1, 3)" if alpha else "")
        parameters = {"r_positive": gamma, "r_negative": gamma, "weight": 3.0 if alpha else 1.0}
        yield "focal, ours", form, _exact(BinaryFocalLoss(gamma, alpha)), PLAIN | parameters


def check_binary(forms: Iterable[Any]) -> pd.DataFrame:
    """Return how far gradient and Hessian are from differences of the formula, at most, by label."""
    z = np.linspace(-5, 5, 201)
    rows = []
    for name, form, loss, parameters in forms:
        kept = z[np.abs(expit(z) - parameters["m"]) > NEAR_KINK] if parameters["m"] else z
        formulas = {label: binary_formula(label, **parameters) for label in (0, 1)}
        rows.append(_compared(name, form, loss, formulas, kept))
    return pd.DataFrame(rows)


def _compared(name: str, form: str, loss: Any, formulas: dict[int, Function], z: np.ndarray) -> dict[str, Any]:
    row: dict[str, Any] = {"loss": name, "form": form}
    for label, formula in formulas.items():
        gradient, hessian = loss(np.full(len(z), label), z)
        wrong = np.abs(gradient - slope(formula, z))
        row[f"gradient, label {label}"] = wrong.max()
        row[f"Hessian, label {label}"] = np.abs(hessian - curvature(formula, z)).max()
        worst = wrong.argmax()
        at = {"worst at p": expit(z[worst]), "given there": gradient[worst]}
        at["differences there"] = slope(formula, z)[worst]
        row |= {f"{key}, label {label}": value for key, value in at.items()}
    return row


def _exact(loss: BinaryFocalLoss | MulticlassFocalLoss) -> Any:
    return lambda y, z: loss.gradient_hessian(y, z, hessian="exact")


def their_multiclass_forms(framework: str) -> Forms:
    """Yield a loss's name, its parameters in words and its derivatives."""
    configs = [("WCE", {"r": 2.0}), ("WCE", {"r": 5.0}), *(("FL", {"r": r}) for r in (0.5, 1.0, 2.0))]
    for m in SHIFTS:
        configs += [("ASL", {"r1": 0.1, "r2": 2.0, "m": m}), ("ACE", {"m": m}), ("AWE", {"r": 3.0, "m": m})]
    for name, config in configs:
        form = ", ".join(f"{key} = {value:g}" for key, value in config.items())
        yield name, form, objective(framework, name, config, np.arange(N_CLASSES), N_CLASSES)


def our_multiclass_forms() -> Forms:
    """Yield the same of our loss, with and without class weights."""
    for gamma, alpha in product((0.5, 1.0, 2.0), (None, (1.0, 2.0, 3.0, 4.0))):
        form = f"gamma = {gamma:g}" + (", alpha = (1, 2, 3, 4)" if alpha else "")
        yield "focal, ours", form, _exact(MulticlassFocalLoss(gamma, alpha))


def check_multiclass(forms: Iterable[Any]) -> pd.DataFrame:
    """Return three tests that need no formula.

    A loss of softmax probabilities has gradients that add up to 0; the gradients of any loss have symmetric slopes;
    and the Hessian is the slope of the gradient.
    """
    z, y = _sample()
    rows = []
    for name, form, derivatives in forms:
        shift = float(form.rpartition("m = ")[2]) if "m = " in form else -1.0
        kept = (np.abs(softmax(z, axis=1) - shift) > NEAR_KINK).all(axis=1)
        rows.append({"loss": name, "form": form, **_consistent(derivatives, y, z, kept)})
    return pd.DataFrame(rows)


def _sample() -> tuple[np.ndarray, np.ndarray]:
    return np.random.default_rng(0).normal(0, 1.5, (400, N_CLASSES)), np.tile(np.arange(N_CLASSES), 100)


def check_all() -> dict[str, pd.DataFrame]:
    """Return the checks of all losses, of two classes and of more."""
    several = check_multiclass([*their_multiclass_forms("xgboost"), *our_multiclass_forms()])
    z, y = _sample()
    pairs = zip(*(their_multiclass_forms(framework) for framework in ("xgboost", "lightgbm")), strict=True)
    differences = [np.abs(np.subtract(a[2](y, z), b[2](y, z))).max() for a, b in pairs]
    several["modules differ"] = pd.Series(differences)  # of gbdtCBL's two modules; ours has one
    return {"binary": check_binary([*their_binary_forms(), *our_binary_forms()]), "multiclass": several}


def _consistent(derivatives: Any, y: np.ndarray, z: np.ndarray, kept: np.ndarray) -> dict[str, float]:
    gradient, hessian = derivatives(y, z)
    slopes = np.stack([slope(lambda at: derivatives(y, at)[0], z, unit) for unit in np.eye(z.shape[1])], axis=1)[kept]
    diagonal = np.diagonal(slopes, axis1=1, axis2=2)
    return {
        "sum of gradients": np.abs(gradient[kept].sum(axis=1)).max(),
        "asymmetry": np.abs(slopes - slopes.transpose(0, 2, 1)).max(),
        "Hessian": np.abs(hessian[kept] - diagonal).max(),
    }
