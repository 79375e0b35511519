"""A user's own CSV file as features and a 0/1 target."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

# More distinct texts than this are names, dates or numbers of documents, not categories.
MAX_CATEGORIES = 1000
# Each class is split in three: 20 % of 20 rows is 4.
MIN_ROWS_PER_CLASS = 20


class UnusableTable(ValueError):  # noqa: N818 (what is wrong is in the message)
    """The file cannot be read, or holds no two-valued target."""


def read_table(path: Path, target: str) -> tuple[pd.DataFrame, np.ndarray, str]:
    """Read features, labels and a line about them.

    Texts become pandas categories. Rows without a target are dropped. Of the target's two values the later in sorted
    order is class 1, as in scikit-learn.

    Raises
    ------
    UnusableTable
        With what to do about it.
    """
    try:
        frame = pd.read_csv(path, low_memory=False)
    except (OSError, ValueError) as error:  # pandas' parser errors and UnicodeDecodeError are ValueErrors
        msg = f"{path} cannot be read as a CSV file: {error}"
        raise UnusableTable(msg) from error
    if target not in frame.columns:
        msg = f"{path} has no column {target!r}; its columns: {', '.join(map(str, frame.columns))}"
        raise UnusableTable(msg)

    notes = []
    known = frame[target].notna()
    if not known.all():
        notes.append(f"{(~known).sum():,} rows without a target were left out")
        frame = frame[known]
    y, labels = _binary(frame[target], target)
    X, unused = _features(frame.drop(columns=target))
    if unused:
        notes.append(f"columns left out, with more than {MAX_CATEGORIES} texts: {', '.join(unused)}")
    if not X.shape[1]:
        msg = f"{path} has no usable column beside the target {target!r}"
        raise UnusableTable(msg)
    notes.append(f"positive: {target} = {labels[1]!r}, {y.mean():.2%}; negative: {labels[0]!r}")
    return X, y, "\n".join([f"{path.name}: {len(y):,} rows, {X.shape[1]} columns", *notes])


def _binary(column: pd.Series, target: str) -> tuple[np.ndarray, list[object]]:
    labels = sorted(column.unique().tolist())
    if len(labels) != 2:
        shown = ", ".join(map(repr, labels[:5])) + (", ..." if len(labels) > 5 else "")
        msg = f"the target {target!r} must have two values, it has {len(labels)}: {shown}"
        raise UnusableTable(msg)
    y = (column == labels[1]).to_numpy().astype(np.int64)
    rarest = int(np.bincount(y, minlength=2).min())
    if rarest < MIN_ROWS_PER_CLASS:
        msg = f"each value of {target!r} needs {MIN_ROWS_PER_CLASS} rows to be split in three, the rarer has {rarest}"
        raise UnusableTable(msg)
    return y, labels


def _features(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    columns, unused = {}, []
    for name, column in frame.items():
        if pd.api.types.is_bool_dtype(column):
            columns[name] = column.astype(np.int8)
        elif pd.api.types.is_numeric_dtype(column):
            columns[name] = column.where(np.isfinite(column))  # XGBoost refuses infinities
        elif column.nunique() <= MAX_CATEGORIES:
            columns[name] = column.astype("category")
        else:
            unused.append(str(name))
    # Both frameworks refuse some characters in names, and the names do not matter here.
    X = pd.DataFrame(columns).set_axis([f"f{k}" for k in range(len(columns))], axis=1)
    return X.reset_index(drop=True), unused
