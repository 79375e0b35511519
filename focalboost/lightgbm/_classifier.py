"""FocalLGBMClassifier: LGBMClassifier with the focal loss."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.utils import assert_all_finite
from sklearn.utils.multiclass import check_classification_targets

from .._estimator import PARAMETERS, Plan, encode, exclusive_classes, make_plan, probabilities
from .._kernel._threads import available_threads
from ..losses import AnyFocalLoss, SigmoidFocalLoss
from ._booster import check_whole, to_builtin
from ._metrics import Evaluation, metric_names
from ._native import lightgbm
from ._objective import FocalObjective, per_row, per_set

_OBJECTIVES = {
    "binary": {"binary"},
    "multiclass": {"multiclass", "softmax"},
    "multiclassova": {"multiclassova", "multiclass_ova", "ova", "ovr"},
}
_ALIASES = {
    "objective": ("objective", "objective_type", "app", "application", "loss"),
    "metric": ("metric", "metrics", "metric_types"),
    "max_delta_step": ("max_delta_step", "max_tree_output", "max_leaf_output"),
    "boosting": ("boosting_type", "boosting", "boost"),
    "is_unbalance": ("is_unbalance", "unbalance", "unbalanced_sets"),
}
_TAKES_EVAL_X = "eval_X" in signature(lightgbm.LGBMClassifier.fit).parameters  # LightGBM 4.7


class FocalLGBMClassifier(lightgbm.LGBMClassifier):  # type: ignore[misc,name-defined]
    """`lightgbm.LGBMClassifier` that trains on the focal loss.

    It starts at the minimiser of the focal risk, and the trained ``booster_`` is an ordinary LightGBM model with
    that start inside: its own ``predict`` gives the ``logit`` link.

    Parameters
    ----------
    boosting_type, num_leaves, max_depth, learning_rate, n_estimators, subsample_for_bin, objective, class_weight, \
min_split_gain, min_child_weight, min_child_samples, subsample, subsample_freq, colsample_bytree, reg_alpha, \
reg_lambda, random_state, n_jobs, importance_type, **kwargs
        As in `lightgbm.LGBMClassifier`. ``objective`` may be None or the name of the log-loss that is replaced;
        ``boosting_type="rf"`` is refused, as LightGBM has it for built-in objectives only; ``n_jobs=None`` takes no
        more threads than OMP_NUM_THREADS, which joblib sets in its workers, or than the process has processors.
    focal_gamma : float, default=2.0
        Focusing parameter in [0, 1e6]; 0 is the log-loss.
    focal_alpha : None, float, sequence, dict, "balanced" or "effective", default=None
        Class weights, as in `focalboost.BinaryFocalLoss`, `focalboost.MulticlassFocalLoss` and
        `focalboost.SigmoidFocalLoss`; a dict has the labels as keys. Not together with ``class_weight``,
        ``scale_pos_weight`` or ``is_unbalance``.
    focal_hessian : {"bounded", "upper", "exact", "expected"}, default="expected"
        See `focalboost.BinaryFocalLoss.gradient_hessian`.
    focal_max_step : float or None, default=2.0
        Bound of a leaf's step before the learning rate, at least 0.01: by how much it may move the log-odds of the
        probability (`focalboost.lightgbm.FocalObjective.max_delta_step`), or with the bounded Hessian the margin. None
        sets no bound, and it does not hold for linear trees. ``max_delta_step``, if given and not 0, takes its place.
    focal_link : {"focal", "logit", "posterior"}, default="focal"
        From margins to `predict_proba`: gamma inverted; nothing inverted; gamma and alpha inverted.
    focal_multiclass : {"softmax", "ovr"}, default="softmax"
        For more than two classes.
    focal_normalize : bool, default=True
        Scale the loss so that ``min_child_weight``, ``reg_lambda`` and their like mean what they mean for the log-loss;
        see `focalboost.lightgbm.FocalObjective.normalize`.

    Attributes
    ----------
    focal_loss_ : the resolved loss, with alpha as numbers

    See Also
    --------
    focalboost.lightgbm.FocalObjective : for `lightgbm.train` and the stock estimator.

    Examples
    --------
    >>> from focalboost import FocalLGBMClassifier
    >>> from sklearn.datasets import make_classification
    >>> X, y = make_classification(weights=[0.9], random_state=0)
    >>> FocalLGBMClassifier(n_estimators=5, verbose=-1).fit(X, y).predict_proba(X).shape
    (100, 2)
    """

    def __init__(
        self,
        *,
        boosting_type: str = "gbdt",
        num_leaves: int = 31,
        max_depth: int = -1,
        learning_rate: float = 0.1,
        n_estimators: int = 100,
        subsample_for_bin: int = 200000,
        objective: str | None = None,
        class_weight: Any = None,
        min_split_gain: float = 0.0,
        min_child_weight: float = 1e-3,
        min_child_samples: int = 20,
        subsample: float = 1.0,
        subsample_freq: int = 0,
        colsample_bytree: float = 1.0,
        reg_alpha: float = 0.0,
        reg_lambda: float = 0.0,
        random_state: Any = None,
        n_jobs: int | None = None,
        importance_type: str = "split",
        focal_gamma: float = 2.0,
        focal_alpha: Any = None,
        focal_hessian: str = "expected",
        focal_max_step: float | None = 2.0,
        focal_link: str = "focal",
        focal_multiclass: str = "softmax",
        focal_normalize: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            boosting_type=boosting_type,
            num_leaves=num_leaves,
            max_depth=max_depth,
            learning_rate=learning_rate,
            n_estimators=n_estimators,
            subsample_for_bin=subsample_for_bin,
            objective=objective,
            class_weight=class_weight,
            min_split_gain=min_split_gain,
            min_child_weight=min_child_weight,
            min_child_samples=min_child_samples,
            subsample=subsample,
            subsample_freq=subsample_freq,
            colsample_bytree=colsample_bytree,
            reg_alpha=reg_alpha,
            reg_lambda=reg_lambda,
            random_state=random_state,
            n_jobs=n_jobs,
            importance_type=importance_type,
            **kwargs,
        )
        self.focal_gamma = focal_gamma
        self.focal_alpha = focal_alpha
        self.focal_hessian = focal_hessian
        self.focal_max_step = focal_max_step
        self.focal_link = focal_link
        self.focal_multiclass = focal_multiclass
        self.focal_normalize = focal_normalize

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        init_score: Any = None,
        eval_set: Any = None,
        eval_names: list[str] | None = None,
        eval_sample_weight: Any = None,
        eval_class_weight: Any = None,
        eval_init_score: Any = None,
        eval_metric: Any = None,
        feature_name: Any = "auto",
        categorical_feature: Any = "auto",
        callbacks: list[Callable[..., Any]] | None = None,
        init_model: Any = None,
        *,
        eval_X: Any = None,
        eval_y: Any = None,
    ) -> Self:
        """Fit as `lightgbm.LGBMClassifier.fit`.

        Parameters
        ----------
        X, y, sample_weight, eval_set, eval_names, eval_sample_weight, eval_class_weight, feature_name, \
categorical_feature, callbacks, eval_X, eval_y
            As there. ``eval_X`` and ``eval_y`` work on LightGBM 4.6 too, and ``eval_y`` holds labels as ``y`` does.
        init_score, eval_init_score
            As there: with ``init_score`` training starts from it, and the model does not hold it.
        eval_metric : str, callable, or list of them, default=None
            The names of LightGBM's classification metrics, and ``"focal"``: the mean focal loss. Names and callables
            are given what `predict_proba` predicts in that round.
        init_model
            As there. Training goes on from that model's margins.

        Returns
        -------
        self
        """
        assert_all_finite(y)
        check_classification_targets(y)
        classes, encoded = exclusive_classes(y)
        params = self.get_params()
        self._refuse(params, len(classes))
        check_whole(init_model)
        if isinstance(init_model, lightgbm.LGBMClassifier) and not np.array_equal(init_model.classes_, classes):
            msg = f"init_model must have the labels of y, {classes}, got {init_model.classes_}"
            raise ValueError(msg)
        by_label = label_weights(params, np.bincount(encoded, minlength=2))
        plan = make_plan(self, FocalObjective, classes, encoded, sample_weight, by_label)
        names, functions = _split_metrics(eval_metric)
        # As the parent: the names of the parameter come last, its default where eval_metric does not name it already.
        given = next((params[name] for name in _ALIASES["metric"] if params.get(name) is not None), None)
        last = metric_names([given] if isinstance(given, str) else given or [], len(classes))
        first = [name for name in metric_names(names, len(classes)) if name not in last]
        ordered = [*first, *last] if given is not None else metric_names([*first, "logloss"], len(classes))
        evaluation = Evaluation(plan.loss, self.focal_link, tuple(ordered), tuple(functions))

        if (eval_X is None) != (eval_y is None) or (eval_X is not None and eval_set is not None):
            msg = "eval_X and eval_y must be given together, and not with eval_set, got another choice of the three"
            raise ValueError(msg)
        several = isinstance(eval_y, tuple)
        codes = (
            [] if eval_y is None else [encode(part, classes, "eval_y") for part in (eval_y if several else (eval_y,))]
        )
        evaluated: dict[str, Any] = {}
        if _TAKES_EVAL_X and codes:
            evaluated = {"eval_X": eval_X, "eval_y": tuple(codes) if several else codes[0]}
        elif codes:
            eval_set = list(zip(eval_X, eval_y, strict=True)) if several else [(eval_X, eval_y)]
        own_start = init_score is None and init_model is None
        if own_start:
            init_score = per_row(plan.intercept, len(encoded))
            sets = [eval_set] if isinstance(eval_set, tuple) else eval_set or []
            lengths = [len(part) for part in codes] or [len(labels) for _, labels in sets]
            eval_init_score = [per_set(plan.intercept, n, eval_init_score, i) for i, n in enumerate(lengths)]

        self._plan = plan
        try:
            super().fit(
                X,
                y,
                sample_weight=sample_weight,
                init_score=init_score,
                eval_set=eval_set,
                eval_names=eval_names,
                eval_sample_weight=eval_sample_weight,
                eval_class_weight=eval_class_weight,
                eval_init_score=eval_init_score,
                eval_metric=[evaluation] if evaluation.names or evaluation.callables else None,
                feature_name=feature_name,
                categorical_feature=categorical_feature,
                callbacks=[keep_objective, *(callbacks or [])],
                init_model=init_model,
                **evaluated,
            )
        finally:
            del self._plan
        self.focal_loss_: AnyFocalLoss = plan.loss
        start = plan.intercept if own_start else 0.0
        self._Booster: Any = to_builtin(self.booster_, start, multiclass=self.focal_multiclass)
        return self

    def predict_proba(
        self,
        X: Any,
        raw_score: bool = False,
        start_iteration: int = 0,
        num_iteration: int | None = None,
        pred_leaf: bool = False,
        pred_contrib: bool = False,
        validate_features: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Probability of each class through ``focal_link``; all arguments as in `lightgbm.LGBMClassifier`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        raw_score, start_iteration, num_iteration, pred_leaf, pred_contrib, validate_features, **kwargs
            As in the parent.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), float64
            Rows sum to 1, one-vs-rest included.
        """
        other = raw_score or pred_leaf or pred_contrib
        result = super().predict_proba(
            X,
            raw_score=raw_score or not other,
            start_iteration=start_iteration,
            num_iteration=num_iteration,
            pred_leaf=pred_leaf,
            pred_contrib=pred_contrib,
            validate_features=validate_features,
            **kwargs,
        )
        return result if other else probabilities(self.focal_loss_, result, self.focal_link)

    def decision_function(self, X: Any, **kwargs: Any) -> npt.NDArray[np.float64]:
        """Margins, the start value included.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        **kwargs
            As in `predict_proba`.

        Returns
        -------
        ndarray of shape (n_samples,) or, for more than two classes, (n_samples, n_classes), float64
        """
        margin: npt.NDArray[np.float64] = self.predict_proba(X, raw_score=True, **kwargs)
        return margin

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a pickle or a copy; LightGBM's copy of a booster forgets the best iteration."""
        super().__setstate__(state)
        if self.__sklearn_is_fitted__():
            self._Booster.best_iteration = self._best_iteration

    def to_stock(self) -> Any:
        """Return the fitted model as a `lightgbm.LGBMClassifier`, for tools that want that very class.

        Its `predict_proba` is the ``logit`` link, unnormalised for one-vs-rest.
        """
        stock = lightgbm.LGBMClassifier()
        kept = {name: value for name, value in self.__dict__.items() if not name.startswith("focal_")}
        stock.__dict__.update(kept)
        stock._other_params = {k: v for k, v in self._other_params.items() if k not in PARAMETERS}
        return stock

    def _process_params(self, stage: str) -> dict[str, Any]:
        """Return the native parameters of a fit or a prediction: a hook of the parent."""
        params: dict[str, Any] = super()._process_params(stage)
        if stage == "fit":
            plan: Plan[FocalObjective] = self._plan
            self._objective = "binary"
            if self._n_classes > 2:
                self._objective = "multiclassova" if isinstance(plan.loss, SigmoidFocalLoss) else "multiclass"
            params = with_plan(params, plan)
        return {name: value for name, value in params.items() if name not in PARAMETERS}

    def _process_n_jobs(self, n_jobs: int | None) -> int:
        """Return the number of threads: a hook of the parent, which by default takes all cores in every worker."""
        threads: int = super()._process_n_jobs(n_jobs)
        return min(threads, available_threads()) if n_jobs is None else threads

    def _refuse(self, params: dict[str, Any], n_labels: int) -> None:
        """Raise for what a custom objective cannot do, before any training."""
        boosting = [str(params[name]) for name in _ALIASES["boosting"] if params.get(name) is not None]
        if any(name in ("rf", "random_forest") for name in boosting):
            msg = "boosting_type must not be 'rf': LightGBM has random forests for built-in objectives only; use 'gbdt'"
            raise ValueError(msg)
        own = "binary" if n_labels <= 2 else "multiclassova" if self.focal_multiclass == "ovr" else "multiclass"
        for name in _ALIASES["objective"]:
            value = params.get(name)
            if value is not None and (not isinstance(value, str) or value not in _OBJECTIVES[own]):
                msg = (
                    f"objective must be None or {own!r} here, as the focal loss takes its place, got {name}={value!r}; "
                    "for one-vs-rest set focal_multiclass='ovr'"
                )
                raise ValueError(msg)


def with_plan(params: dict[str, Any], plan: Plan[FocalObjective]) -> dict[str, Any]:
    """Put a focal objective in the place of LightGBM's own objective and metric, and a bound on leaves without one."""
    own = {*_ALIASES["objective"], *_ALIASES["metric"]}
    bound = {}
    if plan.max_delta_step is not None and not any(params.get(name) for name in _ALIASES["max_delta_step"]):
        own.update(_ALIASES["max_delta_step"])
        bound = {"max_delta_step": plan.max_delta_step}
    others = {name: value for name, value in params.items() if name not in own}
    # Without it the leaves of quantised gradients step up to 36, whatever the bound; with it, 1.9.
    renewed = {"quant_train_renew_leaf": True} if params.get("use_quantized_grad") else {}
    return renewed | others | bound | {"objective": plan.objective, "metric": "None"}


def keep_objective(env: Any) -> None:
    """Spare LightGBM's reset of an objective that is "none" already: without usable features it is an error."""
    env.model._Booster__set_objective_to_none = True


keep_objective.before_iteration = True  # type: ignore[attr-defined]
keep_objective.order = 0  # type: ignore[attr-defined]


def label_weights(params: dict[str, Any], rows: npt.NDArray[Any]) -> tuple[float, float] | None:
    """Return what LightGBM's binary objective weighs labels 0 and 1 with, where the user asks for it.

    `rows` holds the number of rows of each.
    """
    scale = float(params.get("scale_pos_weight") or 1.0)
    if not any(params.get(name) for name in _ALIASES["is_unbalance"]):
        return None if scale == 1.0 else (1.0, scale)
    if scale != 1.0:
        msg = f"scale_pos_weight must not be given with is_unbalance=True, got {scale}; use one of them"
        raise ValueError(msg)
    negative, positive = np.maximum(rows[:2], 1)
    return (1.0, float(negative / positive)) if negative > positive else (float(positive / negative), 1.0)


def _split_metrics(eval_metric: Any) -> tuple[list[str], list[Callable[..., Any]]]:
    metrics = eval_metric if isinstance(eval_metric, list | tuple) else [] if eval_metric is None else [eval_metric]
    for metric in metrics:
        if not (isinstance(metric, str) or callable(metric)):
            msg = f"eval_metric must be a name, a callable, or a list of them, got {metric!r}"
            raise TypeError(msg)
    return [m for m in metrics if isinstance(m, str)], [m for m in metrics if not isinstance(m, str)]
