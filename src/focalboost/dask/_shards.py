"""A training set that is spread over a cluster: checked, counted, and its labels made class numbers."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt
from dask import array, delayed
from distributed import get_client
from sklearn.utils import column_or_1d
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets

from .._class_weights import balanced_alpha, effective_alpha
from .._labels import as_labels, encode
from .._mean_shift import Sums, TrainingRows, mean_shift
from .._validation import MAX_WEIGHT, check_weights, weight_error, zero_weights_error
from ._collections import array_of, by_rows, partitions

Float64Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Counts:
    """Rows and weight of each class in one partition."""

    n_rows: int
    classes: npt.NDArray[Any]
    rows: Float64Array
    weights: Float64Array


@dataclass(frozen=True)
class Shards:
    """A training set, and the classes of all its rows.

    It holds the persisted collections: the workers keep them as long as something here refers to them, and delayed
    partitions do not. ``rows`` and ``weights`` are the number and the total weight of the rows of each of ``classes``;
    ``lengths`` are the rows of each partition.
    """

    X: Any
    y: Any
    sample_weight: Any
    lengths: tuple[int, ...]
    classes: npt.NDArray[Any]
    rows: Float64Array
    weights: Float64Array

    def labels(self) -> Any:
        """Return class numbers, without the partitions that hold no row."""
        return self._vector([delayed(encode)(part, self.classes, "y") for part in partitions(self.y)], np.intp)

    def label_columns(self) -> Any:
        """Return a column of 0/1 labels for each class, without the partitions that hold no row."""
        parts = [delayed(_one_hot)(part, self.classes) for part in partitions(self.y)]
        return self._vector(parts, np.float64, (len(self.classes),))

    def row_weights(self, class_weights: Float64Array | None) -> Any:
        """Return the weight of each row, times that of its class; None where neither is given."""
        if class_weights is None and self.sample_weight is None:
            return None
        by_class = np.ones(len(self.classes)) if class_weights is None else class_weights
        labels = partitions(self.y)
        weights = [None] * len(labels) if self.sample_weight is None else partitions(self.sample_weight)
        parts = zip(labels, weights, strict=True)
        return self._vector([_weigh_delayed(y, w, self.classes, by_class) for y, w in parts], np.float64)

    def mean_shift(self, model: Any, objective: Any, class_weights: Float64Array | None) -> Float64Array:
        """Return the shift that makes a fitted model right on average on all these rows.

        Parameters
        ----------
        model : fitted classifier of this machine
        objective : FocalObjective
            What it was trained with.
        class_weights : ndarray of shape (n_classes,), or None
            As in `row_weights`.
        """
        labels, X = partitions(self.y), partitions(self.X)
        given = [None] * len(X) if self.sample_weight is None else partitions(self.sample_weight)
        by_class = np.ones(len(self.classes)) if class_weights is None else class_weights
        weighed = class_weights is not None or self.sample_weight is not None
        weights = [
            _weigh_delayed(y, w, self.classes, by_class) if weighed else None
            for y, w in zip(labels, given, strict=True)
        ]
        sent = delayed(model)
        tasks = [
            delayed(_training_rows)(sent, objective, part, y, w, self.classes)
            for part, y, w, length in zip(X, labels, weights, self.lengths, strict=True)
            if length
        ]
        client = get_client()
        parts = client.compute(tasks)

        def sums(shift: Float64Array) -> Sums:
            every = client.gather(client.map(_sums, parts, shift=shift, pure=False))
            whole: Sums = reduce(operator.add, every)
            return whole

        softmax = objective.multiclass == "softmax"
        n_columns = len(self.classes) if len(self.classes) > 2 else 1
        return mean_shift(sums, n_columns, softmax and n_columns > 1)

    def features(self) -> Any:
        """Return X without the partitions that hold no row."""
        filled = [i for i, length in enumerate(self.lengths) if length]
        return self.X.blocks[filled] if isinstance(self.X, array.Array) else self.X.partitions[filled]

    def _vector(self, parts: list[Any], dtype: npt.DTypeLike, columns: tuple[int, ...] = ()) -> Any:
        filled = [(part, length) for part, length in zip(parts, self.lengths, strict=True) if length]
        return array_of(filled, dtype, columns)


def load(client: Any, X: Any, y: Any, sample_weight: Any = None) -> Shards:
    """Bring a training set into the memory of the workers, and count its classes there.

    Raises
    ------
    TypeError
        For anything but Dask arrays and data frames.
    ValueError
        For partitions that do not match, labels that are missing or continuous, weights that are negative or infinite.
    """
    given = {"X": X, "y": y} | ({} if sample_weight is None else {"sample_weight": sample_weight})
    for name, value in given.items():
        if not hasattr(value, "to_delayed"):
            msg = f"{name} must be a Dask array or data frame, got {type(value).__name__}; see dask.array.from_array"
            raise TypeError(msg)
    kept = dict(zip(given, client.persist([by_rows(value) for value in given.values()]), strict=True))
    parts = {name: partitions(value) for name, value in kept.items()}
    for name, some in parts.items():
        if len(some) != len(parts["X"]):
            msg = (
                f"{name} must have one partition for each of X, {len(parts['X'])} of them, got {len(some)}; "
                "rechunk or repartition it as X"
            )
            raise ValueError(msg)
    tasks = [delayed(count)(*row) for row in zip(*parts.values(), strict=True)]
    counted: list[Counts] = client.gather(client.compute(tasks))

    filled = [part for part in counted if part.n_rows]
    if not filled:
        msg = "X must have at least one row, got none in any partition"
        raise ValueError(msg)
    classes = np.unique(np.concatenate([part.classes for part in filled]))
    check_classification_targets(classes)
    totals = np.zeros((2, len(classes)))
    for part in filled:
        totals[:, np.searchsorted(classes, part.classes)] += part.rows, part.weights
    if not totals[1].any():
        raise zero_weights_error()
    lengths = tuple(part.n_rows for part in counted)
    return Shards(kept["X"], kept["y"], kept.get("sample_weight"), lengths, classes, *totals)


def count(X: Any, y: Any, sample_weight: Any = None) -> Counts:
    """Count the classes of one partition."""
    labels = column_or_1d(as_labels(y)) if len(y) else np.asarray(y)
    if X.shape[0] != len(labels):
        msg = f"X and y must have the same partitions, got {X.shape[0]} rows in one of X and {len(labels)} in that of y"
        raise ValueError(msg)
    weights = check_weights(None if sample_weight is None else column_or_1d(sample_weight), len(labels))
    if weights is not None and not (valid := (weights >= 0) & (weights <= MAX_WEIGHT)).all():
        raise weight_error(weights[~valid][0])
    classes, codes = np.unique(labels, return_inverse=True)
    n_classes = len(classes)
    rows = np.bincount(codes, minlength=n_classes).astype(np.float64)
    return Counts(len(labels), classes, rows, np.bincount(codes, weights, n_classes).astype(np.float64))


def class_factors(class_weight: Any, shards: Shards) -> Float64Array | None:
    """Return what ``class_weight`` weighs each class with."""
    if class_weight is None:
        return None
    if class_weight == "balanced":
        return np.array(balanced_alpha(shards.rows))
    factors: Float64Array = compute_sample_weight(class_weight, shards.classes)
    return factors


def counted_alpha(alpha: Any, rows: Float64Array, multiclass: str) -> Any:
    """Resolve ``"effective"``, which counts rows whatever they weigh; other values are returned as they are."""
    if not isinstance(alpha, str) or alpha != "effective":
        return alpha
    if multiclass == "ovr" and len(rows) > 2:
        return tuple(effective_alpha((rows.sum() - own, own)) for own in rows)
    return effective_alpha(rows)


def _one_hot(y: Any, classes: npt.NDArray[Any]) -> Float64Array:
    return np.eye(len(classes))[encode(y, classes, "y")]


def _weigh(y: Any, sample_weight: Any, classes: npt.NDArray[Any], by_class: Float64Array) -> Float64Array:
    weights = by_class[encode(y, classes, "y")]
    return weights if sample_weight is None else weights * column_or_1d(sample_weight)


_weigh_delayed = delayed(_weigh)


def _training_rows(
    model: Any, objective: Any, X: Any, y: Any, weight: Float64Array | None, classes: npt.NDArray[Any]
) -> TrainingRows:
    rows: TrainingRows = objective._training_rows(encode(y, classes, "y"), model.decision_function(X), weight)
    return rows


def _sums(rows: TrainingRows, shift: Float64Array) -> Sums:
    return rows.sums(shift)
