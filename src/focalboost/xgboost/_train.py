"""`train` and `cv` with the arguments of XGBoost's own, and the focal loss in the place of the log-loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .._estimator import check_names
from .._settings import labels_and_weights
from .._validation import check_flag
from .._warnings import warn
from ._metrics import Evaluation, History, MeanShift
from ._native import as_booster, xgboost
from ._objective import (
    MAX_DELTA_STEP,
    FocalMetric,
    FocalObjective,
    as_base_score,
    base_score,
    check_reach,
    label_weights,
    warn_of_names,
)

_OBJECTIVES = ("binary:logistic", "multi:softprob", "multi:softmax")


def train(
    params: dict[str, Any],
    dtrain: Any,
    num_boost_round: int = 10,
    *,
    obj: FocalObjective | None = None,
    custom_metric: Callable[..., Any] | None = None,
    xgb_model: Any = None,
    callbacks: Sequence[Any] | None = None,
    mean_shift: bool = True,
    **kwargs: Any,
) -> Any:
    """Train as `xgboost.train`, with the focal loss.

    Parameters
    ----------
    params : dict
        As there. ``objective`` may be ``binary:logistic``, ``multi:softprob`` or ``multi:softmax``, or missing;
        ``base_score`` is worked out unless given. ``eval_metric`` takes XGBoost's names, and ``"focal"``, the mean
        focal loss. ``scale_pos_weight`` weighs the positives, as it does for XGBoost's own objective.
        ``max_delta_step`` is 4.0 unless given, as in `FocalXGBClassifier`.
    dtrain, num_boost_round, callbacks, **kwargs
        As there.
    obj : FocalObjective, default=None
        None: ``FocalObjective()``, gamma 2.
    custom_metric : callable, default=None
        As there, given margins; not together with ``"focal"``.
    xgb_model
        As there: a model in log-odds, as XGBoost's own and those of `train` are. Its start is kept.
    mean_shift : bool, default=True
        End with the constant that makes the predictions right on average on the training rows; see
        `FocalObjective.mean_shift`. Evaluation results are those of the rounds before it. Left out where `dtrain` has a
        base_margin, beside which a model has no start.

    Returns
    -------
    xgboost.Booster
        An ordinary model: `predict` gives calibrated probabilities.

    Raises
    ------
    TypeError, ValueError
        For parameters and labels that the focal loss does not take.

    Examples
    --------
    >>> import xgboost
    >>> from focalboost.xgboost import FocalObjective, train
    >>> from sklearn.datasets import make_classification
    >>> X, y = make_classification(weights=[0.9], random_state=0)
    >>> data = xgboost.DMatrix(X, y)
    >>> train({"max_depth": 3}, data, 5, obj=FocalObjective(gamma=1.0)).predict(data).shape
    (100,)
    """
    check_flag("mean_shift", mean_shift)
    ready, objective = _started(params, dtrain, obj, num_boost_round, continued=xgb_model is not None)
    if xgb_model is not None:
        xgb_model = as_booster(xgb_model)
    ready, metric, history = _measured(ready, objective, custom_metric)
    shift = [MeanShift(objective, lambda: dtrain)] if mean_shift else []
    return xgboost.train(
        ready,
        dtrain,
        num_boost_round,
        obj=objective,
        custom_metric=metric,
        xgb_model=xgb_model,
        callbacks=[*history, *shift, *(callbacks or [])],
        **kwargs,
    )


def cv(
    params: dict[str, Any],
    dtrain: Any,
    num_boost_round: int = 10,
    *,
    obj: FocalObjective | None = None,
    metrics: str | Sequence[str] = (),
    custom_metric: Callable[..., Any] | None = None,
    fpreproc: Callable[..., Any] | None = None,
    **kwargs: Any,
) -> Any:
    """Cross-validate as `xgboost.cv`, with the focal loss; each fold starts from its own training rows.

    A name for alpha counts the rows of all folds, once.

    Parameters
    ----------
    params, obj, custom_metric
        As in `train`.
    metrics
        As in `xgboost.cv`, and ``"focal"``.
    dtrain, num_boost_round, fpreproc, **kwargs
        As in `xgboost.cv`.

    Returns
    -------
    dict or pandas.DataFrame
        As from `xgboost.cv`.
    """
    names = [metrics] if isinstance(metrics, str) else list(metrics)
    ready, objective = _started(params, dtrain, obj, num_boost_round, continued=False)
    ready, metric, _ = _measured(ready | ({"eval_metric": names} if names else {}), objective, custom_metric)

    def started(train_part: Any, test_part: Any, fold: Any) -> tuple[Any, Any, Any]:
        if fpreproc is not None:
            train_part, test_part, fold = fpreproc(train_part, test_part, fold)
        fold = dict(fold)
        if params.get("base_score") is None:
            num_class = int(params.get("num_class") or 0)
            fold["base_score"] = base_score(objective, train_part, num_class=num_class or None)
        return train_part, test_part, fold

    return xgboost.cv(ready, dtrain, num_boost_round, obj=objective, custom_metric=metric, fpreproc=started, **kwargs)


def _started(
    params: dict[str, Any], data: Any, objective: FocalObjective | None, rounds: int, continued: bool
) -> tuple[dict[str, Any], FocalObjective]:
    """Return the parameters with objective and start, and what trains."""
    if xgboost.collective.is_distributed():
        msg = (
            "train must run in one process, got a worker of several: the start and the scale follow from the labels of "
            "all; use focalboost.dask, or xgboost.train with a base_score and an objective made from all of them"
        )
        raise RuntimeError(msg)
    objective = FocalObjective() if objective is None else objective
    if not isinstance(objective, FocalObjective) or objective.score != "log_odds":
        msg = f"obj must be a FocalObjective in log-odds, got {objective!r:.80}; others are for xgboost.train"
        raise TypeError(msg)
    warn_of_names(params)
    check_names(params, native=True)
    ready = dict(params)
    num_class = int(ready.get("num_class") or 0)
    labels, _ = labels_and_weights(data)
    columns = labels.ndim == 2
    softmax = num_class > 1
    wanted = "multi:softprob" if softmax else "binary:logistic"
    given = ready.setdefault("objective", wanted)
    if given not in _OBJECTIVES or given.startswith("multi") != softmax:
        msg = (
            f"objective must be {wanted!r} for num_class={num_class}, as the focal loss takes its place, got {given!r}"
        )
        raise ValueError(msg)
    if softmax and objective.multiclass == "ovr":
        msg = (
            f"multiclass must be 'softmax' with num_class={num_class}, got 'ovr'; for one-vs-rest give a column of 0/1 "
            "labels for each class, and no num_class"
        )
        raise ValueError(msg)
    if ready.get("booster") != "gblinear":  # which has no leaves
        ready.setdefault("max_delta_step", MAX_DELTA_STEP)
    size = num_class if softmax else labels.shape[1] if columns else 1
    objective = objective.weighed(label_weights(ready.pop("scale_pos_weight", None)), size)
    objective = objective.normalize(data, num_class=size)
    if continued and ready.get("base_score") is not None:
        msg = f"base_score must not be given with xgb_model, whose start is kept, got {ready['base_score']!r}"
        raise ValueError(msg)
    if not continued and ready.get("base_score") is None:
        start = objective.intercept(data, num_class=size)
        ready["base_score"] = as_base_score(start, objective, columns)
        check_reach(ready, start, objective._start_hessian(data, None, size), softmax, rounds)
    return ready, objective


def _measured(
    params: dict[str, Any], objective: FocalObjective, custom_metric: Any
) -> tuple[dict[str, Any], Any, list[History]]:
    """Return the parameters without "focal" among the metrics, the custom metric, and what keeps its digits."""
    evaluation = Evaluation.of(params.get("eval_metric"), "", objective)
    if isinstance(custom_metric, FocalMetric) and custom_metric != FocalMetric.of(objective):
        msg = f"custom_metric is not that of the objective, got {custom_metric!r}; take {FocalMetric.of(objective)!r}"
        warn(msg)
    if "focal" not in evaluation.names:
        return params, custom_metric, []
    if custom_metric is not None:
        msg = (
            "custom_metric must be None where 'focal' is among the metrics, as XGBoost takes one; leave one of them out"
        )
        raise ValueError(msg)
    history = History(evaluation)
    names = evaluation.by_xgboost
    measured = {**params, "eval_metric": names, "disable_default_eval_metric": not names}
    return measured, history.metric, [history]
