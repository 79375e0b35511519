"""What the estimators of all frameworks share: labels, class weights, and the plan of a fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt
from sklearn.utils.class_weight import compute_sample_weight

from ._callbacks import FocalObjectiveBase, LabelWeights
from ._settings import flat
from ._validation import by_index, check_flag
from ._warnings import warn
from .losses import AnyFocalLoss

Objective = TypeVar("Objective", bound=FocalObjectiveBase)

PARAMETERS = ("focal_gamma", "focal_alpha", "focal_prior", "focal_multiclass", "focal_mean_shift")


def check_names(names: Iterable[str], native: bool = False) -> None:
    """Raise for a name that is nearly one of PARAMETERS: the frameworks take any name, and pass over it."""
    for name in names:
        near = get_close_matches(name, PARAMETERS, 1, 0.75)
        if not near and "focal" not in name:
            continue
        if native:
            msg = f"{name} is a name of the estimators, not of train and cv: make a FocalObjective with it"
            raise TypeError(msg)
        if name not in PARAMETERS:
            meant = f"did you mean {near[0]}? " if near else ""
            msg = f"{name} is no parameter: {meant}there are {', '.join(PARAMETERS)}"
            raise TypeError(msg)


def warn_of_order(what: str, remedy: str, classes: npt.NDArray[Any], y: npt.NDArray[np.intp]) -> None:
    """Warn where something means the last of two names in sorted order, and that is the more frequent one."""
    if len(classes) == 2 and classes.dtype.kind not in "biuf" and 2 * np.count_nonzero(y) > len(y):
        first, last = classes.tolist()
        msg = f"{what} {last!r}, the last label in sorted order and the more frequent one; {remedy.format(first, last)}"
        warn(msg)


@dataclass(frozen=True)
class Plan(Generic[Objective]):
    """What a fit needs beyond the parent's.

    ``loss`` is the loss with the user's alpha; ``objective`` is what trains, and may weigh label 1 further
    (scale_pos_weight). ``weight`` is that of the rows, class weights included; ``hessian`` that of all rows at the
    start, and what it is without weights.
    """

    loss: AnyFocalLoss
    objective: Objective
    intercept: float | npt.NDArray[np.float64]
    weight: npt.NDArray[np.float32] | None
    hessian: tuple[float, float]


@contextmanager
def estimator_names() -> Iterator[None]:
    """Let the message of a rule name the estimator's parameter: gamma is focal_gamma there."""
    try:
        yield
    except (TypeError, ValueError) as error:
        words = str(error).split(" ", 1)
        if len(words) == 2 and f"focal_{words[0].split('=')[0]}" in PARAMETERS:
            msg = f"focal_{error}"
            raise type(error)(msg) from None
        raise


def make_plan(
    estimator: Any,
    kind: type[Objective],
    classes: npt.NDArray[Any],
    y: npt.NDArray[np.intp],
    sample_weight: Any,
    label_weights: LabelWeights | None,
) -> Plan[Objective]:
    """Check the focal parameters against labels and weights, and work out loss, objective and start.

    Parameters
    ----------
    estimator : a classifier with the parameters in PARAMETERS, but perhaps focal_multiclass, and perhaps class_weight
    kind : class of the framework's objective
    classes : ndarray of shape (n_classes,), the labels in sorted order
    y : ndarray of shape (n_samples,), positions in `classes`; or of shape (n_samples, n_labels), 0/1 labels
    sample_weight : array-like of shape (n_samples,) or None, without class weights
    label_weights : as `FocalObjectiveBase.weighed` takes them
    """
    check_flag("focal_mean_shift", estimator.focal_mean_shift)
    class_weight = getattr(estimator, "class_weight", None)
    alpha = alpha_by_class(estimator.focal_alpha, classes)
    if alpha is not None and class_weight is not None:
        msg = (
            "class_weight must not be given with focal_alpha, as both weigh the classes, "
            f"got {class_weight!r} and {alpha!r}; use one of them"
        )
        raise ValueError(msg)
    columns = y.ndim == 2
    if columns and class_weight is not None:
        msg = f"class_weight must be None for multilabel targets, got {class_weight!r}; give focal_alpha pairs"
        raise ValueError(msg)
    num_class = y.shape[1] if columns else len(classes) if len(classes) > 2 else 1
    if not columns and isinstance(alpha, float):
        remedy = f"name both, as in focal_alpha={{{{{{0!r}}: {alpha:g}, {{1!r}}: {1 - alpha:g}}}}}"
        warn_of_order(f"focal_alpha={alpha:g} weighs", remedy, classes, y)
    if not columns and label_weights is not None and label_weights[0] == "scale_pos_weight":
        remedy = f"name them, as in class_weight={{{{{{0!r}}: {label_weights[1]:g}, {{1!r}}: 1}}}}"
        warn_of_order(f"scale_pos_weight={label_weights[1]} weighs", remedy, classes, y)
    sample_weight = None if sample_weight is None else flat(np.asarray(sample_weight))
    weight, by_class = sample_weight, None
    if class_weight is not None:
        by_row = compute_sample_weight(class_weight, classes[y])
        weight = by_row if weight is None else np.multiply(weight, by_row)
        by_class = np.ones(max(2, len(classes)))
        by_class[y] = by_row
    # In float32, as the frameworks hold them: the start is theirs to the last digit.
    weight = None if weight is None else np.asarray(weight, dtype=np.float32)
    with estimator_names():
        objective = kind(
            estimator.focal_gamma,
            alpha,
            multiclass="ovr" if columns else getattr(estimator, "focal_multiclass", "softmax"),
            prior=estimator.focal_prior,
            class_weight=None if by_class is None else tuple(by_class.tolist()),
        ).resolve(y, sample_weight, num_class)
        loss = objective.loss(num_class)
        objective = objective.weighed(label_weights, num_class).normalize(y, weight, num_class)
        start, hessian = objective.intercept(y, weight, num_class), objective._start_hessian(y, weight, num_class)
        return Plan(loss, objective, start, weight, hessian)


def alpha_by_class(alpha: Any, classes: npt.NDArray[Any]) -> Any:
    """Bring a dict, or a pandas Series, from original labels to weights into class order."""
    alpha = by_index(alpha)
    if not isinstance(alpha, Mapping):
        return alpha
    known = {label.item() if isinstance(label, np.generic) else label for label in classes}
    if set(alpha) != known:
        msg = f"focal_alpha as a dict must have the class labels as keys, {sorted(known, key=str)}, got {list(alpha)}"
        raise ValueError(msg)
    return tuple(alpha[label] for label in (c.item() if isinstance(c, np.generic) else c for c in classes))
