"""Every rule about parameters and arrays, and every message about breaking one.

A message names the parameter, the rule, the value got and the remedy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]
Pair: TypeAlias = tuple[float, float]
# What a user may give, and what the losses keep.
AlphaLike: TypeAlias = float | str | Sequence[float] | Sequence[Pair] | Mapping[int, float] | Array | None
Alpha: TypeAlias = float | str | tuple[float, ...] | tuple[Pair, ...] | None

HESSIANS = ("bounded", "upper", "exact", "expected")
LINKS = ("logit", "focal", "posterior")
SCORES = ("focal_logit", "log_odds")
# Which Hessians a score has, the default first.
HESSIANS_OF = {"focal_logit": HESSIANS, "log_odds": ("expected", "exact")}
PRIORS = ("weighted", "sampled")
REDUCTIONS = ("mean", "sum", "none")
MULTICLASS = ("softmax", "ovr")
ALPHA_RULES = ("balanced", "effective")

# q**gamma at an even margin is already 0 in double precision at gamma = 1100.
MAX_GAMMA = 1e6
# The curves of a focal loss in log-odds are tabulated; at gamma = 40 they vary by 12 orders of magnitude.
MAX_LOG_ODDS_GAMMA = 40.0
# The kernel reads labels as float32, which holds every integer up to here.
MAX_CLASSES = 2**24
# Within these, no product of weight, alpha and derivative leaves the range of float32: up to gamma = 1e6 a derivative
# is below 10.
MAX_WEIGHT = 1e20
MIN_ALPHA, MAX_ALPHA = 1e-15, 1e15
SCALE_RULE = f"a finite number in [{MIN_ALPHA:g}, {MAX_ALPHA:g}]"  # of scale_pos_weight
MIN_STEP = 0.01
MIN_FACTOR, MAX_FACTOR = 0.01, 100.0


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> str:
    """Return `value` if it is one of `choices`."""
    if not isinstance(value, str) or value not in choices:
        msg = f"{name} must be one of {', '.join(map(repr, choices))}, got {value!r}"
        raise ValueError(msg)
    return value


def check_number(name: str, value: Any, rule: str, low: float, high: float = math.inf) -> float:
    """Return a finite number in [low, high] as float; `rule` says so in words."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        msg = f"{name} must be {rule}, got {value!r} of type {type(value).__name__}"
        raise TypeError(msg)
    try:
        number = float(value)
    except OverflowError:  # an int beyond float64
        number = math.inf
    if not (math.isfinite(number) and low <= number <= high):
        msg = f"{name} must be {rule}, got {value!r}"
        raise ValueError(msg)
    return number


def check_gamma(gamma: Any, score: str = "focal_logit") -> float:
    """Return gamma as float in [0, MAX_GAMMA], or for log-odds in [0, MAX_LOG_ODDS_GAMMA]."""
    most = MAX_LOG_ODDS_GAMMA if score == "log_odds" else MAX_GAMMA
    return check_number("gamma", gamma, f"a finite number in [0, {most:g}]", 0.0, most)


def check_hessian(hessian: Any, score: str) -> str:
    """Return the name of a Hessian that the score has; None for its default."""
    return HESSIANS_OF[score][0] if hessian is None else check_choice("hessian", hessian, HESSIANS_OF[score])


def check_max_step(max_step: Any) -> float:
    """Return max_step as float, at least MIN_STEP."""
    return check_number("max_step", max_step, f"a finite number >= {MIN_STEP:g}", MIN_STEP)


def check_hessian_factor(factor: Any) -> float:
    """Return hessian_factor as float in [MIN_FACTOR, MAX_FACTOR]."""
    rule = f"a number in [{MIN_FACTOR:g}, {MAX_FACTOR:g}]"
    return check_number("hessian_factor", factor, rule, MIN_FACTOR, MAX_FACTOR)


def check_n_threads(n_threads: Any) -> int | None:
    """Return a positive int, or None."""
    if n_threads is None:
        return None
    if isinstance(n_threads, bool) or not isinstance(n_threads, Integral):
        msg = f"n_threads must be a positive integer or None, got {n_threads!r}"
        raise TypeError(msg)
    if n_threads < 1:
        msg = f"n_threads must be a positive integer or None, got {n_threads}; None lets focalboost choose"
        raise ValueError(msg)
    return int(n_threads)


def check_flag(name: str, value: Any) -> bool:
    """Return True or False."""
    if not isinstance(value, bool | np.bool_):
        msg = f"{name} must be True or False, got {value!r}"
        raise TypeError(msg)
    return bool(value)


def check_scale(scale: Any) -> float | tuple[float, ...]:
    """Return the factor of the loss, or those of its columns."""
    rule = f"a number in [{MIN_ALPHA:g}, {MAX_ALPHA:g}], or with multiclass='ovr' one for each class"
    if isinstance(scale, Sequence) and not isinstance(scale, str):
        return tuple(check_number("scale", value, rule, MIN_ALPHA, MAX_ALPHA) for value in scale)
    return check_number("scale", scale, rule, MIN_ALPHA, MAX_ALPHA)


def check_start(start: Any) -> float | tuple[float, ...]:
    """Return what is added to each margin, or to those of each column."""
    rule = "a finite number, or one for each margin of a row"
    if isinstance(start, np.ndarray):
        start = start.tolist()
    if isinstance(start, Sequence) and not isinstance(start, str):
        return tuple(check_number("start", value, rule, -math.inf) for value in start)
    return check_number("start", start, rule, -math.inf)


def check_scaled_alpha(alpha: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return what weighs the classes in the end; the bounds of alpha hold for it, but for rounding."""
    if alpha.max() > MAX_ALPHA * (1 + 1e-9) or alpha.min() < MIN_ALPHA * (1 - 1e-9):
        msg = f"scale times alpha must be in [{MIN_ALPHA:g}, {MAX_ALPHA:g}], got {alpha.min():g} to {alpha.max():g}"
        raise ValueError(msg)
    return alpha


def by_index(alpha: Any) -> Any:
    """Return a pandas Series as a dict from its index, and anything else as it is."""
    return alpha.to_dict() if hasattr(alpha, "to_dict") else alpha


def check_alpha(alpha: Any) -> Alpha:
    """Bring alpha to a hashable form: None, a name, a number in (0, 1), or a tuple of numbers > 0 or of pairs."""
    if alpha is None:
        return None
    if isinstance(alpha, str):
        return check_choice("alpha", alpha, ALPHA_RULES)
    alpha = by_index(alpha)
    if isinstance(alpha, Mapping):
        keys = list(alpha)
        if sorted(keys, key=str) != sorted(range(len(keys)), key=str) or len(keys) < 2:
            msg = (
                f"alpha as a dict must have the keys 0..K-1, one for each encoded class, got {keys!r}; "
                "encode the labels, or give a sequence in class order"
            )
            raise ValueError(msg)
        alpha = [alpha[k] for k in range(len(keys))]
    if isinstance(alpha, np.ndarray):
        alpha = alpha.tolist()
    if isinstance(alpha, Sequence):
        alpha = [value.tolist() if isinstance(value, np.ndarray) else value for value in alpha]
        if len(alpha) == 0:
            msg = "alpha must hold one weight per class, got an empty sequence"
            raise ValueError(msg)
        if all(isinstance(value, Sequence) and len(value) == 2 for value in alpha):
            return tuple((_check_weight(pair[0]), _check_weight(pair[1])) for pair in alpha)
        return tuple(_check_weight(value) for value in alpha)
    return check_unit_alpha(alpha)


def _check_weight(value: Any) -> float:
    rule = f"finite numbers > 0, one per class, in [{MIN_ALPHA:g}, {MAX_ALPHA:g}]"
    return check_number("alpha", value, rule, MIN_ALPHA, MAX_ALPHA)


def check_unit_alpha(alpha: Any, closed: bool = False) -> float:
    """Return a scalar alpha, the weight of label 1 beside 1 - alpha for label 0."""
    rule = f"None, a number in {'[0, 1]' if closed else '(0, 1)'}, a sequence, a dict, 'balanced' or 'effective'"
    number = check_number("alpha", alpha, rule, 0.0, 1.0)
    if number in (0.0, 1.0) and not closed:
        msg = f"alpha must be {rule}, got {alpha!r}; at 0 and 1 one class has no weight and no finite margin"
        raise ValueError(msg)
    return number


def check_raw_prediction(raw_prediction: Any, n_dims: tuple[int, ...], name: str = "raw_prediction") -> FloatArray:
    """Return the margins as a native, aligned float32 or float64 array, without a copy where they are one."""
    array = np.asarray(raw_prediction)
    if array.dtype.kind not in "fiub":
        msg = f"{name} must be an array of numbers, got dtype {array.dtype}"
        raise TypeError(msg)
    if array.ndim not in n_dims:
        shapes = " or ".join({1: "(n_samples,)", 2: "(n_samples, n_classes)"}[d] for d in n_dims)
        msg = f"{name} must have shape {shapes}, got shape {array.shape}"
        raise ValueError(msg)
    if array.size == 0:
        msg = f"{name} must not be empty, got shape {array.shape}"
        raise ValueError(msg)
    dtype = np.float32 if array.dtype.newbyteorder("=") == np.float32 else np.float64
    return np.require(array, dtype=dtype, requirements="A")


def check_labels(y_true: Any, n_samples: int, n_columns: int | None = None) -> Array:
    """Return labels as float32 of shape (n_samples,), or (n_samples, n_columns) where they have two dimensions.

    Their values are left to the kernel, which sees each once anyway.
    """
    array = np.asarray(y_true)
    if array.dtype.kind not in "fiub":
        msg = (
            f"y_true must hold class numbers 0..K-1, got dtype {array.dtype}; "
            "encode the labels, for example with sklearn.preprocessing.LabelEncoder"
        )
        raise TypeError(msg)
    expected = (n_samples,) if array.ndim != 2 or n_columns is None else (n_samples, n_columns)
    if array.shape != expected:
        msg = f"y_true must have shape {expected}, as raw_prediction has {n_samples} rows, got shape {array.shape}"
        raise ValueError(msg)
    if array.dtype == np.float32:
        return np.require(array, requirements="A")
    with np.errstate(over="ignore"):
        narrow = array.astype(np.float32)
    if array.dtype.kind != "b" and not np.array_equal(narrow, array, equal_nan=array.dtype.kind == "f"):
        bad = array[narrow != array].flat[0]
        msg = f"y_true must hold class numbers 0..K-1, got {bad}"
        raise ValueError(msg)
    return narrow


def check_class_numbers(y_true: Any, n_classes: int | None) -> npt.NDArray[np.intp]:
    """Return labels of shape (n_samples,) as integers in 0..n_classes-1."""
    array = np.asarray(y_true)
    if array.ndim != 1 or array.size == 0:
        msg = f"y_true must have shape (n_samples,) and not be empty, got shape {array.shape}"
        raise ValueError(msg)
    labels = check_labels(array, array.shape[0])
    highest = MAX_CLASSES if n_classes is None else n_classes
    valid = (labels >= 0) & (labels < highest) & (labels == np.floor(labels))
    if not valid.all():
        raise label_error(labels[~valid][0], n_classes)
    return labels.astype(np.intp)


def check_weights(sample_weight: Any, n_samples: int) -> Array | None:
    """Return weights as float32 or float64 of shape (n_samples,); their values are left to the kernel."""
    if sample_weight is None:
        return None
    array = np.asarray(sample_weight)
    if array.dtype.kind not in "fiub":
        msg = f"sample_weight must be an array of numbers, got dtype {array.dtype}"
        raise TypeError(msg)
    if array.shape != (n_samples,):
        msg = f"sample_weight must have shape ({n_samples},), one weight for each row, got shape {array.shape}"
        raise ValueError(msg)
    dtype = np.float32 if array.dtype.newbyteorder("=") == np.float32 else np.float64
    return np.require(array, dtype=dtype, requirements="A")


def check_weight_values(sample_weight: Any, n_samples: int) -> Array | None:
    """Return weights that are finite and >= 0, and not all 0."""
    weights = check_weights(sample_weight, n_samples)
    if weights is None:
        return None
    valid = (weights >= 0) & (weights <= MAX_WEIGHT)
    if not valid.all():
        raise weight_error(weights[~valid][0])
    if not weights.any():
        raise zero_weights_error()
    return weights


def label_error(value: Any, n_classes: int | None) -> ValueError:
    """Error for a label that is no class number."""
    allowed = "integers >= 0" if n_classes is None else f"integers in 0..{n_classes - 1}"
    return ValueError(
        f"y_true must hold {allowed}, got {float(value):g}; "
        "encode the labels, for example with sklearn.preprocessing.LabelEncoder"
    )


def weight_error(value: Any) -> ValueError:
    """Error for a weight that is negative or not finite."""
    return ValueError(f"sample_weight must hold finite numbers >= 0, at most {MAX_WEIGHT:g}, got {float(value):g}")


def zero_weights_error() -> ValueError:
    """Error for weights that sum to 0."""
    return ValueError("sample_weight must have a positive sum, got only zeros")
