"""Labels as XGBoost takes them: class numbers, or a 0/1 column for each class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.utils import check_array
from sklearn.utils.multiclass import type_of_target

from .._labels import encode, exclusive_classes


@dataclass(frozen=True)
class Target:
    """What a fit knows of its labels.

    ``classes`` are the labels in sorted order or, where `multilabel`, the numbers of the columns. With `columns`
    XGBoost gets a column of 0/1 labels for each class, and its ``binary:logistic`` a margin for each.
    """

    classes: npt.NDArray[Any]
    multilabel: bool = False
    columns: bool = False

    @classmethod
    def of(cls, y: npt.NDArray[Any], one_versus_rest: bool) -> tuple[Self, npt.NDArray[np.intp]]:
        """Take labels of shape (n_samples,) or (n_samples, n_labels), from `as_labels`; return their `numbers` too."""
        kind = type_of_target(y)
        if kind == "multilabel-indicator":
            target = cls(np.arange(np.shape(y)[1]), multilabel=True, columns=True)
            return target, target.numbers(y, "y")
        if kind == "multiclass-multioutput":
            msg = (
                "y must have one dimension, or two with labels 0 and 1, got more values in shape "
                f"{np.shape(y)}; for several targets use sklearn.multioutput.MultiOutputClassifier"
            )
            raise ValueError(msg)
        classes, codes = exclusive_classes(y)
        return cls(classes, columns=one_versus_rest and len(classes) > 2), codes

    def numbers(self, y: Any, name: str) -> npt.NDArray[np.intp]:
        """Return class numbers, or the 0/1 labels of a multilabel target; `name` is that of the argument."""
        if not self.multilabel:
            return encode(y, self.classes, name)
        labels: npt.NDArray[Any] = check_array(y, dtype=None, input_name=name)
        if labels.shape[1] != len(self.classes) or not np.isin(labels, (0, 1)).all():
            msg = (
                f"{name} must hold 0 and 1 in {len(self.classes)} columns, as the training labels, "
                f"got values {np.unique(labels)[:5]} in shape {labels.shape}"
            )
            raise ValueError(msg)
        return labels.astype(np.intp)

    def for_xgboost(self, numbers: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        """Return the labels of a DMatrix."""
        if self.columns and not self.multilabel:
            one_hot: npt.NDArray[np.intp] = np.eye(len(self.classes), dtype=np.intp)[numbers]
            return one_hot
        return numbers
