"""FocalLGBMClassifier on a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.preprocessing import LabelEncoder

from .._estimator import PARAMETERS, Plan
from .._validation import check_start
from ..lightgbm import FocalLGBMClassifier, FocalObjective
from ..lightgbm._booster import moved
from ..lightgbm._native import lightgbm
from ..lightgbm._params import bounded, check_reach, keep_objective, label_weights, with_objective
from ._cluster import OnCluster
from ._shards import load

_FEWEST_ROWS = ("min_child_samples", "min_data_in_leaf", "min_data_per_leaf", "min_data", "min_samples_leaf")
_STOPPING = ("early_stopping_round", "early_stopping_rounds", "early_stopping", "n_iter_no_change")


class DaskFocalLGBMClassifier(OnCluster, FocalLGBMClassifier):  # type: ignore[misc]
    """`focalboost.FocalLGBMClassifier` on a Dask cluster, as `lightgbm.DaskLGBMClassifier` is `LGBMClassifier` on one.

    The fitted model needs no cluster: `to_local` returns it, and ``booster_`` is an ordinary LightGBM model.

    Parameters
    ----------
    client : distributed.Client, default=None
        None takes the current one.
    **kwargs
        As in `focalboost.FocalLGBMClassifier`.

    Notes
    -----
    The labels of all workers are encoded together, so that a worker may lack some; `lightgbm.DaskLGBMClassifier`
    encodes those of each worker by themselves. Partitions without rows are left out. X, y and weights are held in
    the memory of the workers during `fit`.

    LightGBM finds bins from the rows of single workers, so the trees are those of one machine only where features have
    few distinct values. ``pred_contrib`` is off by a constant, as upstream.
    """

    _local = FocalLGBMClassifier
    _margins = np.float64

    def __init__(self, *, client: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.client = client

    def fit(  # type: ignore[override]
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        feature_name: Any = "auto",
        categorical_feature: Any = "auto",
        callbacks: list[Callable[..., Any]] | None = None,
        **refused: Any,
    ) -> Self:
        """Fit on the workers that hold the data.

        Parameters
        ----------
        X : Dask array or data frame of shape (n_samples, n_features)
        y, sample_weight : Dask array, series or data frame of shape (n_samples,)
            In the partitions of X.
        feature_name, categorical_feature, callbacks
            As in `lightgbm.LGBMClassifier.fit`.
        **refused
            Evaluation sets.

        Returns
        -------
        self

        Raises
        ------
        TypeError
            If X, y or the weights are no Dask collection.
        ValueError
            If their partitions differ or hold a single row; for labels, weights and parameters as in
            `focalboost.FocalLGBMClassifier`; for evaluation sets and early stopping.
        """
        params = self.get_params()
        _refuse_on_clusters(params, refused)
        shards = load(self.client_, X, y, sample_weight)
        self._refuse(params, len(shards.classes))
        if 1 in shards.lengths:
            msg = "X must have partitions of 2 rows or more, as LightGBM refuses a single one; rechunk or repartition X"
            raise ValueError(msg)
        n_classes = len(shards.classes)
        rows = np.bincount(np.arange(n_classes), shards.rows, minlength=2)
        by_label = label_weights(params, rows, self.focal_multiclass == "ovr")
        plan, factors = self._make_plan_of(shards, FocalObjective, by_label)
        plan = replace(plan, objective=replace(plan.objective, start=check_start(plan.intercept)))
        check_reach(params, plan.intercept, plan.hessian, plan.loss, self.n_estimators)

        # A regressor takes class numbers as they are; a classifier would encode those of its worker again.
        inner = lightgbm.DaskLGBMRegressor(client=self.client_)
        own = ("client", "class_weight", *PARAMETERS)
        inner.set_params(**{k: v for k, v in with_objective(bounded(params), plan.objective).items() if k not in own})
        if n_classes > 2:
            inner.set_params(num_class=n_classes)
        inner.fit(
            shards.features(),
            shards.labels(),
            sample_weight=shards.row_weights(factors),
            feature_name=feature_name,
            categorical_feature=categorical_feature,
            callbacks=[keep_objective, *(callbacks or [])],
        )
        self._take_from(inner, plan, shards.classes)
        if self.focal_mean_shift:
            self._Booster = moved(self._Booster, shards.mean_shift(self.to_local(), plan.objective, factors))
        return self

    def _take_from(self, inner: Any, plan: Plan[FocalObjective], classes: npt.NDArray[Any]) -> None:
        """Become the fitted classifier of what a regressor has trained."""
        state = {k: v for k, v in vars(inner).items() if k.startswith("_") and k != "_other_params"}
        self.__dict__.update(state)
        self._le = LabelEncoder().fit(classes)
        self._classes, self._n_classes = classes, len(classes)
        self.fitted_ = True
        self._take(plan, classes, plan.intercept)
        self._objective = self._Booster.params["objective"]


def _refuse_on_clusters(params: dict[str, Any], refused: dict[str, Any]) -> None:
    """Raise for what needs to know the rows of other workers."""
    for name in refused:
        if not name.startswith("eval_"):
            msg = f"fit() got an unexpected keyword argument {name!r}"
            raise TypeError(msg)
    stopping = [name for name in _STOPPING if params.get(name)]
    if refused or stopping:
        given = next(iter([*refused, *stopping]))
        msg = (
            f"{given} must not be given on a cluster: LightGBM measures there what one worker holds, and workers that "
            "stop at different rounds leave each other waiting; fit all rounds, and choose their number on held-out "
            "rows with to_local().predict_proba(X, num_iteration=...)"
        )
        raise ValueError(msg)
    for name in _FEWEST_ROWS:
        if params.get(name) is not None and params[name] < 1:
            msg = f"{name} must be at least 1 on a cluster, where less can crash LightGBM, got {params[name]!r}"
            raise ValueError(msg)
