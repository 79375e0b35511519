"""Labels of every kind that numpy, pandas, polars and arrow hold, as numpy arrays without missing values."""

from __future__ import annotations

from datetime import date
from numbers import Integral, Real
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils.multiclass import check_classification_targets


def as_labels(y: Any, name: str = "y", warn: bool = False) -> npt.NDArray[Any]:
    """Return labels as an array whose dtype tells what they are; `name` is that of the argument.

    With `warn` scikit-learn's warning tells of a column that is made flat.

    Parameters
    ----------
    y : array-like of shape (n_samples,), (n_samples, 1) or (n_samples, n_labels)

    Returns
    -------
    ndarray of shape (n_samples,) or (n_samples, n_labels)
        Objects are strings only: numbers, booleans and dates that came as objects have a dtype of their own.

    Raises
    ------
    ValueError
        For missing or continuous values, and labels of several kinds.
    """
    if y is None:
        msg = f"{name} must hold labels. Expected array-like (array or non-string sequence), got None"
        raise ValueError(msg)
    labels = np.asarray(y)
    if labels.dtype.kind == "U" and isinstance(y, list | tuple):
        kept = np.asarray(y, dtype=object)  # where numbers have not become strings
        labels = labels if all(isinstance(value, str) for value in kept.flat) else kept
    if labels.ndim == 0:
        msg = f"{name} must be an array of labels, got {type(y).__name__}"
        raise TypeError(msg)
    if labels.ndim != 2 or labels.shape[1] == 1:
        labels = column_or_1d(labels, warn=warn)
    if labels.dtype == object or labels.dtype.kind == "T":
        labels = _typed(labels.astype(object), name)
    if labels.dtype.kind in "mM" and np.isnat(labels).any():
        raise _missing_error(name, "NaT")
    assert_all_finite(labels, input_name=name)
    check_classification_targets(labels)
    return labels


def exclusive_classes(y: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[np.intp]]:
    """Return the labels in sorted order, and their positions for each row; `y` comes from `as_labels`."""
    labels = column_or_1d(y)
    classes = np.unique(labels)
    # np.unique's own inverse sorts indices: 1,000,000 float labels take 24 times as long.
    codes = np.searchsorted(classes, labels)
    return classes, codes


def encode(y: Any, classes: npt.NDArray[Any], name: str) -> npt.NDArray[np.intp]:
    """Return the positions of labels in `classes`, which must hold them all; `name` is that of the argument."""
    labels = column_or_1d(as_labels(y, name)) if len(y) else np.zeros(0, classes.dtype)
    if labels.dtype.kind != classes.dtype.kind and "O" in (labels.dtype.kind, classes.dtype.kind):
        labels = labels.astype(object)
    unknown = np.setdiff1d(labels, classes)
    if len(unknown):
        msg = f"{name} must hold labels of the training set, got {unknown[:1].tolist()[0]!r}"
        raise ValueError(msg)
    codes: npt.NDArray[np.intp] = np.searchsorted(classes, labels)
    return codes


def _typed(labels: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    """Give an array of objects the dtype of what it holds."""
    values = labels.ravel().tolist()
    for value in values:
        if value is None or type(value).__name__ == "NAType" or value != value:
            raise _missing_error(name, value)
    for kind, dtype in ((str, object), (bool | np.bool_, bool), (Integral, None), (Real, float), (date, "datetime64")):
        if all(isinstance(value, kind) for value in values):
            typed = np.array(values, dtype=dtype).reshape(labels.shape)
            if kind is Integral and typed.dtype == object:
                msg = f"{name} must hold integers of 64 bits, got {max(values, key=abs)}; give such labels as strings"
                raise ValueError(msg)
            return typed
    kinds = sorted({type(value).__name__ for value in values})
    msg = f"{name} must hold labels of one kind, numbers, strings, booleans or dates, got {', '.join(kinds)}"
    raise ValueError(msg)


def _missing_error(name: str, value: Any) -> ValueError:
    return ValueError(f"{name} must not hold missing labels, got {value}; leave these rows out")
