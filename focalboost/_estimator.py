"""What the estimators of both frameworks share: labels, class weights, and the plan of a fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt
from sklearn.utils import column_or_1d
from sklearn.utils.class_weight import compute_sample_weight

from ._callbacks import FocalObjectiveBase
from ._validation import LINKS, check_choice, check_flag
from .losses import AnyFocalLoss, SigmoidFocalLoss

Objective = TypeVar("Objective", bound=FocalObjectiveBase)

PARAMETERS = (
    "focal_gamma",
    "focal_alpha",
    "focal_hessian",
    "focal_max_step",
    "focal_link",
    "focal_multiclass",
    "focal_normalize",
)


@dataclass(frozen=True)
class Plan(Generic[Objective]):
    """What a fit needs beyond the parent's.

    ``loss`` is what margins are read with; ``objective`` is what trains, and may weigh label 1 further
    (scale_pos_weight), which no link inverts. ``max_delta_step`` is what bounds the framework's leaves where the user
    does not; None where the Hessian bounds the rows, or nothing is to be bounded.
    """

    loss: AnyFocalLoss
    objective: Objective
    intercept: float | npt.NDArray[np.float64]
    max_delta_step: float | None


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
    label_weights: tuple[float, float] | None,
) -> Plan[Objective]:
    """Check the focal parameters against labels and weights, and work out loss, objective and start.

    Parameters
    ----------
    estimator : a classifier with the parameters in PARAMETERS and, perhaps, class_weight
    kind : class of the framework's objective
    classes : ndarray of shape (n_classes,), the labels in sorted order
    y : ndarray of shape (n_samples,), positions in `classes`; or of shape (n_samples, n_labels), 0/1 labels
    sample_weight : array-like of shape (n_samples,) or None, without class weights
    label_weights : weights of labels 0 and 1 by scale_pos_weight or is_unbalance, if given
    """
    check_choice("focal_link", estimator.focal_link, LINKS)
    normalize = check_flag("focal_normalize", estimator.focal_normalize)
    class_weight = getattr(estimator, "class_weight", None)
    alpha = alpha_by_class(estimator.focal_alpha, classes)
    for name, value in (("class_weight", class_weight), ("scale_pos_weight or is_unbalance", label_weights)):
        if alpha is not None and value is not None:
            msg = (
                f"{name} must not be given with focal_alpha, as both weigh the classes, "
                f"got {value!r} and {alpha!r}; use one of them"
            )
            raise ValueError(msg)
    columns = y.ndim == 2
    n_classes = y.shape[1] if columns else max(2, len(classes))
    if label_weights is not None and n_classes > 2 and not columns:
        msg = f"scale_pos_weight and is_unbalance are for two classes, got {n_classes}; use focal_alpha"
        raise ValueError(msg)
    # The bounded Hessian needs a number, which bounds the rows; with the others it bounds the leaves, or None does not.
    by_row = estimator.focal_hessian == "bounded"
    step = {} if estimator.focal_max_step is None and not by_row else {"max_step": estimator.focal_max_step}
    with estimator_names():
        objective = kind(
            estimator.focal_gamma,
            alpha,
            multiclass="ovr" if columns else estimator.focal_multiclass,
            hessian=estimator.focal_hessian,
            **step,
        ).resolve(y, sample_weight, n_classes)
        loss = objective.loss_of(y, n_classes)
        if label_weights is not None:
            objective = replace(objective, alpha=(label_weights,) * n_classes if columns else label_weights)
        weight = sample_weight
        if class_weight is not None:
            by_class = compute_sample_weight(class_weight, classes[y])
            weight = by_class if weight is None else np.multiply(weight, by_class)
        # In float32, as the frameworks hold them: the start is theirs to the last digit.
        weight = None if weight is None else np.asarray(weight, dtype=np.float32)
        intercept = objective.intercept(y, weight, n_classes)
        bound = objective.max_delta_step(y, weight, n_classes) if step and not by_row else None
        return Plan(loss, objective.normalize(y, weight, n_classes) if normalize else objective, intercept, bound)


def exclusive_classes(y: Any) -> tuple[npt.NDArray[Any], npt.NDArray[np.intp]]:
    """Return the labels in sorted order, and their positions for each row."""
    labels = column_or_1d(y)
    classes = np.unique(labels)
    # np.unique's own inverse sorts indices: 1,000,000 float labels take 24 times as long.
    codes = np.searchsorted(classes, labels)
    return classes, codes


def encode(y: Any, classes: npt.NDArray[Any], name: str) -> npt.NDArray[np.intp]:
    """Return the positions of labels in `classes`, which must hold them all; `name` is that of the argument."""
    labels = column_or_1d(y)
    unknown = np.setdiff1d(labels, classes)
    if len(unknown):
        msg = f"{name} must hold labels of the training set, got {unknown[0]!r}"
        raise ValueError(msg)
    codes: npt.NDArray[np.intp] = np.searchsorted(classes, labels)
    return codes


def alpha_by_class(alpha: Any, classes: npt.NDArray[Any]) -> Any:
    """Bring a dict from original labels to weights into class order."""
    if not isinstance(alpha, Mapping):
        return alpha
    known = {label.item() if isinstance(label, np.generic) else label for label in classes}
    if set(alpha) != known:
        msg = f"focal_alpha as a dict must have the class labels as keys, {sorted(known, key=str)}, got {list(alpha)}"
        raise ValueError(msg)
    return tuple(alpha[label] for label in (c.item() if isinstance(c, np.generic) else c for c in classes))


def probabilities(
    loss: AnyFocalLoss, margin: npt.ArrayLike, link: str, *, exclusive: bool = True
) -> npt.NDArray[np.float64]:
    """Return class probabilities; one-vs-rest is divided by its row sum where the classes exclude each other."""
    check_choice("focal_link", link, LINKS)
    result = loss.predict_proba(margin, link)
    divide = exclusive and isinstance(loss, SigmoidFocalLoss)
    return result / result.sum(axis=1, keepdims=True) if divide else result
