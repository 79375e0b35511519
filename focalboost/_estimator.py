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
from ._validation import check_flag
from .losses import AnyFocalLoss

Objective = TypeVar("Objective", bound=FocalObjectiveBase)

PARAMETERS = ("focal_gamma", "focal_alpha", "focal_prior", "focal_multiclass", "focal_mean_shift")


@dataclass(frozen=True)
class Plan(Generic[Objective]):
    """What a fit needs beyond the parent's.

    ``loss`` is the loss with the user's alpha; ``objective`` is what trains, and may weigh label 1 further
    (scale_pos_weight). ``weight`` is that of the rows, class weights included.
    """

    loss: AnyFocalLoss
    objective: Objective
    intercept: float | npt.NDArray[np.float64]
    weight: npt.NDArray[np.float32] | None


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
    check_flag("focal_mean_shift", estimator.focal_mean_shift)
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
    num_class = y.shape[1] if columns else len(classes) if len(classes) > 2 else 1
    if label_weights is not None and num_class > 1 and not columns:
        msg = f"scale_pos_weight and is_unbalance are for two classes, got {num_class}; use focal_alpha"
        raise ValueError(msg)
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
            multiclass="ovr" if columns else estimator.focal_multiclass,
            prior=estimator.focal_prior,
            class_weight=None if by_class is None else tuple(by_class.tolist()),
        ).resolve(y, sample_weight, num_class)
        loss = objective.loss(num_class)
        if label_weights is not None:
            objective = replace(objective, alpha=(label_weights,) * num_class if columns else label_weights)
        objective = objective.normalize(y, weight, num_class)
        return Plan(loss, objective, objective.intercept(y, weight, num_class), weight)


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
