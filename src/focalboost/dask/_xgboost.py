"""FocalXGBClassifier on a Dask cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from xgboost import dask as xgboost_dask

from .._estimator import Plan
from .._labels import encode
from .._note import Note
from ..losses import MulticlassFocalLoss
from ..xgboost import FocalObjective
from ..xgboost._classifier import NOTE, FocalXGBClassifier, check_objective
from ..xgboost._metrics import Evaluation, History, Result, default_metric
from ..xgboost._native import move_start, over_workers
from ..xgboost._objective import as_base_score, check_reach, label_weights, leaf_bound, warn_of_names
from ._cluster import OnCluster
from ._shards import Shards, load


class DaskFocalXGBClassifier(OnCluster, FocalXGBClassifier):  # type: ignore[misc]
    """`focalboost.FocalXGBClassifier` on a Dask cluster, as `xgboost.dask.DaskXGBClassifier` is `XGBClassifier` on one.

    The fitted model needs no cluster: `to_local` returns it, and ``get_booster()`` is an ordinary XGBoost model.

    Parameters
    ----------
    client : distributed.Client, default=None
        None takes the current one.
    **kwargs
        As in `focalboost.FocalXGBClassifier`. ``eval_metric`` takes XGBoost's names, of which it approximates areas on
        a cluster; ``"focal"``, over the rows of all workers; and callables, of which the mean over the workers is
        taken, by the weight of their rows.

    Notes
    -----
    X, y and weights are held in the memory of the workers during `fit`. XGBoost sketches quantiles worker by worker,
    so the trees are those of one machine only where features have few distinct values.
    """

    _local = FocalXGBClassifier
    _margins = np.float32

    def __init__(self, *, client: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.client = client

    def fit(  # type: ignore[override]
        self,
        X: Any,
        y: Any,
        *,
        sample_weight: Any = None,
        eval_set: Sequence[tuple[Any, Any]] | None = None,
        sample_weight_eval_set: Sequence[Any] | None = None,
        verbose: bool | int = True,
    ) -> Self:
        """Fit on the workers that hold the data.

        Parameters
        ----------
        X : Dask array or data frame of shape (n_samples, n_features)
        y, sample_weight : Dask array, series or data frame of shape (n_samples,)
            In the partitions of X. Labels of any kind that scikit-learn takes.
        eval_set, sample_weight_eval_set
            Pairs like X and y, and a weight for each or None. The last one is for early stopping.
        verbose
            As in `xgboost.XGBClassifier.fit`.

        Returns
        -------
        self

        Raises
        ------
        TypeError
            If X, y or the weights are no Dask collection.
        ValueError
            If their partitions differ; for labels, weights and parameters as in `focalboost.FocalXGBClassifier`.
        """
        check_objective(self.objective)
        warn_of_names(self.get_params())
        shards = load(self.client_, X, y, sample_weight)
        plan, factors = self._make_plan_of(shards, FocalObjective, label_weights(self.scale_pos_weight))
        softmax = isinstance(plan.loss, MulticlassFocalLoss)
        columns = len(shards.classes) > 2 and not softmax
        params = self.to_local().get_xgb_params()
        evaluation = ClusterEvaluation.of(self.eval_metric, default_metric(params, softmax), plan.objective)
        note = Note(plan.loss, self.focal_prior, shards.classes)
        history = History(evaluation, **{NOTE: note.to_json()})

        train = self._matrix(shards, columns, factors)
        evals = self._evaluation_sets(eval_set or [], sample_weight_eval_set, shards, columns, train)
        trained = xgboost_dask.train(
            self.client_,
            self._native_params(params, plan, len(shards.classes), evaluation),
            train,
            self.get_num_boosting_rounds(),
            evals=evals or None,
            obj=plan.objective,
            custom_metric=history.metric,
            early_stopping_rounds=self.early_stopping_rounds,
            callbacks=[history, *(self.callbacks or [])],
            verbose_eval=verbose,
        )
        self._Booster = trained["booster"]
        self.evals_result_ = trained["history"] if evals else None
        self._take(note)
        if self.focal_mean_shift:
            move_start(self._Booster, shards.mean_shift(self.to_local(), plan.objective, factors))
        return self

    def _native_params(
        self, params: dict[str, Any], plan: Plan[FocalObjective], n_classes: int, evaluation: Evaluation
    ) -> dict[str, Any]:
        """Return XGBoost's parameters with the objective whose margins these are, the start, and its own metrics."""
        softmax = isinstance(plan.loss, MulticlassFocalLoss)
        native = {**params, "objective": "multi:softprob" if softmax else "binary:logistic"}
        native |= {"num_class": n_classes} if softmax else {}
        native["max_delta_step"] = leaf_bound(params) or 0
        if self.base_score is None:
            native["base_score"] = as_base_score(plan.intercept, plan.objective, n_classes > 2 and not softmax)
            check_reach(native, plan.intercept, plan.hessian, softmax, self.get_num_boosting_rounds())
        return native | {"disable_default_eval_metric": True, "eval_metric": evaluation.by_xgboost}

    def _evaluation_sets(
        self, eval_set: Sequence[tuple[Any, Any]], sample_weights: Any, shards: Shards, columns: bool, train: Any
    ) -> list[tuple[Any, str]]:
        """Return evaluation sets as XGBoost takes them, with the labels of the training set."""
        evals = []
        weights = sample_weights or [None] * len(eval_set)
        for i, ((X, y), weight) in enumerate(zip(eval_set, weights, strict=True)):
            held_out = load(self.client_, X, y, weight)
            encode(held_out.classes, shards.classes, "eval_set")
            held_out = replace(held_out, classes=shards.classes)
            evals.append((self._matrix(held_out, columns, None, train), f"validation_{i}"))
        return evals

    def _wrapper_params(self) -> set[str]:
        return {*super()._wrapper_params(), "client"}

    def _matrix(self, shards: Shards, columns: bool, factors: Any, train: Any = None) -> Any:
        """Return the rows as XGBoost takes them; those of an evaluation set share the bins of `train`."""
        binned = self.tree_method in (None, "auto", "hist")
        kind = xgboost_dask.DaskQuantileDMatrix if binned else xgboost_dask.DaskDMatrix
        return kind(
            self.client_,
            shards.features(),
            shards.label_columns() if columns else shards.labels(),
            weight=shards.row_weights(factors),
            missing=self.missing,
            feature_types=self.feature_types,
            enable_categorical=self.enable_categorical,
            **({"ref": train, "max_bin": self.max_bin} if binned else {}),
        )


@dataclass(frozen=True)
class ClusterEvaluation(Evaluation):
    """The metrics of a fit, over the rows of all workers."""

    def __call__(self, margin: Any, data: Any) -> list[Result]:
        """Return (name, value) of each metric that is not XGBoost's; called by XGBoost on each worker."""
        weight = data.get_weight()
        total = float(weight.sum() if len(weight) else data.num_row())
        names = [name for name in self.order if name not in self.by_xgboost]
        # A worker without rows has to take part all the same.
        local = super().__call__(margin, data) if total > 0 else [(name, 0.0) for name in names]
        whole, *sums = over_workers([total, *(total * value for _, value in local)])
        return [(name, value / whole) for (name, _), value in zip(local, sums, strict=True)]
