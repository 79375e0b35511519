"""Dask arrays and data frames as lists of partitions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from dask import array, delayed


def by_rows(collection: Any) -> Any:
    """Return a collection whose partitions have all its columns."""
    two_dimensional = isinstance(collection, array.Array) and collection.ndim == 2
    return collection.rechunk({1: -1}) if two_dimensional else collection


def partitions(collection: Any) -> list[Any]:
    """Return the partitions of a collection."""
    return list(np.ravel(by_rows(collection).to_delayed()))


def array_of(parts: Sequence[tuple[Any, int | float]], dtype: npt.DTypeLike, columns: tuple[int, ...] = ()) -> Any:
    """Return one array of the (partition, length) pairs, whose rows have the shape `columns`."""
    arrays = [array.from_delayed(part, shape=(length, *columns), dtype=dtype) for part, length in parts]
    return array.concatenate(arrays)


def by_partition(model: Any, method: str, X: Any, dtype: npt.DTypeLike, columns: tuple[int, ...]) -> Any:
    """Apply a method of a fitted model to X: to a Dask collection partition by partition, lazily.

    Parameters
    ----------
    model : classifier
    method : str
        Of the model; it takes rows and returns an array.
    X : Dask collection or array-like of shape (n_samples, n_features)
    dtype, columns
        Of what the method returns, `columns` being the shape of a row.

    Returns
    -------
    dask.array.Array with the partitions of X, or ndarray
    """
    if not hasattr(X, "to_delayed"):
        return getattr(model, method)(X)
    known = isinstance(X, array.Array)
    parts = partitions(X)
    lengths = X.chunks[0] if known else (np.nan,) * len(parts)
    sent = delayed(model)
    tasks = [delayed(_apply)(sent, method, part, dtype, columns) for part in parts]
    return array_of(list(zip(tasks, lengths, strict=True)), dtype, columns)


def _apply(model: Any, method: str, part: Any, dtype: npt.DTypeLike, columns: tuple[int, ...]) -> npt.NDArray[Any]:
    if part.shape[0] == 0:  # models refuse it
        return np.empty((0, *columns), dtype=dtype)
    result: npt.NDArray[Any] = getattr(model, method)(part)
    return result
