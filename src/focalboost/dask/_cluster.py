"""What the estimators share: the client, predictions on a cluster, and the way back to one machine."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from distributed import get_client

from .._callbacks import LabelWeights
from .._estimator import Objective, Plan, make_plan
from ._collections import by_partition
from ._shards import Shards, class_factors, counted_alpha


class OnCluster:
    """First base of an estimator, beside its local namesake, whose model it holds."""

    _local: ClassVar[Any]
    _margins: ClassVar[Any]  # dtype of the local estimator's

    client: Any
    classes_: Any
    class_weight: Any
    focal_alpha: Any
    focal_multiclass: str

    @property
    def client_(self) -> Any:
        """The client in use."""
        return get_client() if self.client is None else self.client

    def _make_plan_of(
        self, shards: Shards, kind: type[Objective], label_weights: LabelWeights | None
    ) -> tuple[Plan[Objective], npt.NDArray[np.float64] | None]:
        """Return what a fit needs beyond the parent's, and what ``class_weight`` weighs each class with."""
        factors = class_factors(self.class_weight, shards)
        local = self.to_local()
        local.focal_alpha = counted_alpha(self.focal_alpha, shards.rows, self.focal_multiclass)
        if factors is not None:
            local.class_weight = dict(zip(shards.classes.tolist(), factors, strict=True))
        numbers = np.arange(len(shards.classes))
        return make_plan(local, kind, shards.classes, numbers, shards.weights, label_weights), factors

    def to_local(self) -> Any:
        """Return the same estimator without a cluster: for a fitted one, the same model."""
        local = self._local()
        local.__setstate__({name: value for name, value in self.__getstate__().items() if name != "client"})
        return local

    def predict(self, X: Any) -> Any:
        """Label of each row.

        Parameters
        ----------
        X : Dask array or data frame, or array-like, of shape (n_samples, n_features)

        Returns
        -------
        dask.array.Array, not computed yet, or ndarray, of shape (n_samples,)
        """
        return by_partition(self.to_local(), "predict", X, self.classes_.dtype, ())

    def predict_proba(self, X: Any) -> Any:
        """Probability of each class.

        Parameters
        ----------
        X : Dask array or data frame, or array-like, of shape (n_samples, n_features)

        Returns
        -------
        dask.array.Array, not computed yet, or ndarray, of shape (n_samples, n_classes), float64
        """
        return by_partition(self.to_local(), "predict_proba", X, self._margins, (max(2, len(self.classes_)),))

    def decision_function(self, X: Any) -> Any:
        """Margins, the start value included.

        Parameters
        ----------
        X : Dask array or data frame, or array-like, of shape (n_samples, n_features)

        Returns
        -------
        dask.array.Array, not computed yet, or ndarray, of shape (n_samples,) or (n_samples, n_classes)
        """
        columns = (len(self.classes_),) if len(self.classes_) > 2 else ()
        return by_partition(self.to_local(), "decision_function", X, self._margins, columns)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the client behind, which belongs to this process."""
        state: dict[str, Any] = dict(super().__getstate__())  # type: ignore[call-overload]
        if "_other_params" in state:  # where LightGBM notes each parameter again
            state["_other_params"] = {k: v for k, v in state["_other_params"].items() if k != "client"}
        return state | {"client": None}
