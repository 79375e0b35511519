"""FocalLGBMClassifier: LGBMClassifier with the focal loss."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.preprocessing import LabelEncoder
from sklearn.utils.validation import check_is_fitted

from .._estimator import PARAMETERS, Plan, check_names, make_plan, warn_of_order
from .._kernel._threads import available_threads
from .._labels import as_labels, exclusive_classes
from .._note import Note
from .._validation import MULTICLASS, check_start
from ..losses import AnyFocalLoss, SigmoidFocalLoss
from ._booster import check_continuation, find_note, objective_of, to_builtin
from ._evaluation_sets import evaluation_sets
from ._metrics import Evaluation, estimator_metrics
from ._native import given, lightgbm
from ._objective import FocalObjective
from ._params import (
    BINARY,
    MAX_DELTA_STEP,
    ONE_VERSUS_REST,
    SOFTMAX,
    bounded,
    check_reach,
    foreign,
    keep_objective,
    label_weights,
    refuse,
    with_objective,
)
from ._train import LastRound


class FocalLGBMClassifier(lightgbm.LGBMClassifier):  # type: ignore[misc,name-defined]
    """`lightgbm.LGBMClassifier` that trains on the focal loss.

    It trains in log-odds, and ``booster_`` is an ordinary LightGBM model: what it predicts is `predict_proba`.

    Parameters
    ----------
    boosting_type, num_leaves, max_depth, learning_rate, n_estimators, subsample_for_bin, objective, class_weight, \
min_split_gain, min_child_weight, min_child_samples, subsample, subsample_freq, colsample_bytree, reg_alpha, \
reg_lambda, random_state, n_jobs, importance_type, **kwargs
        As in `lightgbm.LGBMClassifier`. ``objective`` may be None or the name of the log-loss that is replaced;
        ``boosting_type="rf"`` is refused, as LightGBM has it for built-in objectives only; ``n_jobs=None`` takes no
        more threads than OMP_NUM_THREADS, which joblib sets in its workers, or than the process has processors.
    max_delta_step : float, default=2.0
        LightGBM's own, which has no bound by default: how far a leaf may move the log-odds before the learning rate. In
        a leaf of rare rows alone a Newton step goes too far. 0 sets no bound; it does not hold for linear trees.
    focal_gamma : float, default=2.0
        Focusing parameter in [0, 40]; 0 is the log-loss.
    focal_alpha : None, float, sequence, dict, "balanced" or "effective", default=None
        Class weights, as in `focalboost.BinaryFocalLoss`, `focalboost.MulticlassFocalLoss` and
        `focalboost.SigmoidFocalLoss`; a dict has the labels as keys. Not together with ``class_weight``,
        ``scale_pos_weight`` or ``is_unbalance``.
    focal_prior : {"weighted", "sampled"}, default="weighted"
        Whose probabilities the model predicts: those of the problem that ``focal_alpha``, ``class_weight``,
        ``scale_pos_weight`` or ``is_unbalance`` weigh, as LightGBM does; or those of the data as sampled, with these
        weights undone.
    focal_multiclass : {"softmax", "ovr"}, default="softmax"
        For more than two classes. With "ovr" each class has its own sigmoid, and rows do not sum to 1.
    focal_mean_shift : bool, default=True
        End with the constant in log-odds that makes the predictions right on average on the training rows; see
        `focalboost.lightgbm.FocalObjective.mean_shift`. ``evals_result_`` is that of the rounds before it.

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
        max_delta_step: float = MAX_DELTA_STEP,
        focal_gamma: float = 2.0,
        focal_alpha: Any = None,
        focal_prior: str = "weighted",
        focal_multiclass: str = "softmax",
        focal_mean_shift: bool = True,
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
        self.max_delta_step = max_delta_step
        self.focal_gamma = focal_gamma
        self.focal_alpha = focal_alpha
        self.focal_prior = focal_prior
        self.focal_multiclass = focal_multiclass
        self.focal_mean_shift = focal_mean_shift

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
            As there, of any gamma, the log-loss included. Training goes on from that model's log-odds.

        Returns
        -------
        self
        """
        labels = as_labels(y, warn=True)
        classes, codes = exclusive_classes(labels)
        init_model = check_continuation(init_model, classes)
        plan = self._make_plan(classes, codes, sample_weight, init_score is not None or init_model is not None)
        evaluation = self._evaluation(eval_metric, plan, classes, codes)
        eval_set, evaluated = evaluation_sets(eval_set, eval_X, eval_y, y, labels, classes)
        last = LastRound()
        self._plan = plan
        try:
            super().fit(
                X,
                labels,
                sample_weight=sample_weight,
                init_score=init_score,
                eval_set=eval_set,
                eval_names=eval_names,
                eval_sample_weight=eval_sample_weight,
                eval_class_weight=eval_class_weight,
                eval_init_score=eval_init_score,
                eval_metric=evaluation,
                feature_name=feature_name,
                categorical_feature=categorical_feature,
                callbacks=[keep_objective, last, *(callbacks or [])],
                init_model=init_model,
                **evaluated,
            )
        finally:
            del self._plan
        shift = self._mean_shift(plan, X, codes, init_score, last)
        self._take(plan, classes, np.array(plan.objective.start) + shift)
        return self

    def _make_plan(
        self, classes: npt.NDArray[Any], codes: npt.NDArray[np.intp], sample_weight: Any, from_model: bool
    ) -> Plan[FocalObjective]:
        """Return what a fit needs beyond the parent's; where training goes on from a model or margins, no start."""
        params = self.get_params()
        self._refuse(params, len(classes))
        by_label = label_weights(params, np.bincount(codes, minlength=2), self.focal_multiclass == "ovr")
        plan = make_plan(self, FocalObjective, classes, codes, sample_weight, by_label)
        if from_model:
            return plan
        check_reach(params, plan.intercept, plan.hessian, plan.loss, self.n_estimators)
        return replace(plan, objective=replace(plan.objective, start=check_start(plan.intercept)))

    def _evaluation(
        self, eval_metric: Any, plan: Plan[FocalObjective], classes: npt.NDArray[Any], codes: npt.NDArray[np.intp]
    ) -> list[Evaluation] | None:
        """Return what LightGBM calls in the place of its own metrics."""
        names, functions = estimator_metrics(eval_metric, self.get_params(), len(classes))
        if "average_precision" in names:
            warn_of_order("average_precision is that of", "write a callable for that of {!r}", classes, codes)
        return [Evaluation(plan.objective, names, functions)] if names or functions else None

    def _mean_shift(
        self, plan: Plan[FocalObjective], X: Any, codes: npt.NDArray[np.intp], init_score: Any, last: LastRound
    ) -> Any:
        """Return the constant that makes the trained model right on average, from the margins of the last round."""
        if not (self.focal_mean_shift or last.stuck):
            return 0.0
        if (margin := last.margin(self.best_iteration_)) is None:
            margin = self.predict_proba(X, raw_score=True)
            margin = margin if init_score is None else margin + np.reshape(init_score, margin.shape, order="F")
        shift = plan.objective.mean_shift(codes, margin + np.array(plan.objective.start), plan.weight)
        last.check(self.get_params(), plan.objective, shift)
        return shift if self.focal_mean_shift else 0.0

    def _take(self, plan: Plan[FocalObjective], classes: npt.NDArray[Any], start: npt.ArrayLike) -> None:
        """Turn the trained booster into an ordinary model that holds its start and the labels."""
        self.focal_loss_: AnyFocalLoss = plan.loss
        note = Note(plan.loss, self.focal_prior, classes).to_json()
        self._Booster: Any = to_builtin(self.booster_, start, multiclass=self.focal_multiclass, note=note)

    def set_params(self, **params: Any) -> Self:
        """Set parameters, and raise for names that would have no effect."""
        check_names(params)
        foreign(params, "focal_{}")
        own: Self = super().set_params(**params)
        return own

    def decision_function(
        self,
        X: Any,
        *,
        start_iteration: int = 0,
        num_iteration: int | None = None,
        validate_features: bool = False,
        **kwargs: Any,
    ) -> npt.NDArray[np.float64]:
        """Margins, the start value included; on LightGBM 4.6 too, which has none.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        start_iteration, num_iteration, validate_features, **kwargs
            As in `predict_proba`.

        Returns
        -------
        ndarray of shape (n_samples,) or, for more than two classes, (n_samples, n_classes), float64
        """
        margin: npt.NDArray[np.float64] = self.predict_proba(
            X,
            raw_score=True,
            start_iteration=start_iteration,
            num_iteration=num_iteration,
            validate_features=validate_features,
            **kwargs,
        )
        return margin

    @classmethod
    def from_booster(cls, model: Any, classes: npt.ArrayLike | None = None) -> Self:
        """Make a fitted estimator of an ordinary LightGBM model, or of one that an estimator saved.

        Parameters
        ----------
        model : lightgbm.Booster, or path of a model file
            Of the objective binary, multiclass or multiclassova. A booster of this class, saved by
            ``booster_.save_model`` or copied, knows its labels, gamma, alpha and prior; of another one the parameters
            are the defaults.
        classes : array-like of shape (n_classes,), default=None
            Labels in sorted order; None takes those that the model knows, or else 0..K-1.

        Returns
        -------
        FocalLGBMClassifier
            Fitted: it predicts, and another fit may go on from it (``init_model``).

        Raises
        ------
        ValueError
            For a model of another objective, or another number of classes.
        """
        check_continuation(model)
        booster = model if isinstance(model, lightgbm.Booster) else lightgbm.Booster(model_file=model)
        found = find_note(booster)
        objective, loss = objective_of(booster)
        n_classes = max(2, int(booster.num_model_per_iteration()))
        note = Note.from_json(found) if found else Note.plain(loss, n_classes)
        labels = note.classes if classes is None else np.asarray(classes)
        if len(labels) != n_classes and not (len(labels) == 1 and found):
            msg = f"classes must hold {n_classes} labels in sorted order, as the model has them, got {labels}"
            raise ValueError(msg)
        own = cls(focal_multiclass=MULTICLASS[isinstance(note.loss, SigmoidFocalLoss)])
        if found:
            own.set_params(focal_gamma=note.loss.gamma, focal_alpha=note.loss.alpha, focal_prior=note.prior)
        own.__dict__.update(
            focal_loss_=note.loss,
            fitted_=True,
            _Booster=booster,
            _objective=objective,
            _le=LabelEncoder().fit(labels),
            _classes=labels,
            _n_classes=len(labels),
            _n_features=booster.num_feature(),
            _n_features_in=booster.num_feature(),
            _fitted_with_feature_names=not all(map(re.compile(r"Column_\d+").fullmatch, booster.feature_name())),
            _best_iteration=booster.best_iteration,
            _best_score=booster.best_score,
        )
        return own

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a pickle or a copy; LightGBM's copy of a booster forgets the best iteration."""
        super().__setstate__(state)
        if self.__sklearn_is_fitted__():
            self._Booster.best_iteration = self._best_iteration

    def to_stock(self) -> Any:
        """Return the fitted model as a `lightgbm.LGBMClassifier`, for tools that want that very class."""
        check_is_fitted(self)
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
            params = with_objective(bounded(params), plan.objective)
        return {name: value for name, value in params.items() if name not in PARAMETERS}

    def _process_n_jobs(self, n_jobs: int | None) -> int:
        """Return the number of threads: a hook of the parent, which by default takes all cores in every worker."""
        threads: int = super()._process_n_jobs(n_jobs)
        return min(threads, available_threads()) if n_jobs is None else threads

    def _refuse(self, params: dict[str, Any], n_labels: int) -> None:
        """Raise for what a custom objective cannot do, before any training."""
        refuse(params)
        own = BINARY if n_labels <= 2 else ONE_VERSUS_REST if self.focal_multiclass == "ovr" else SOFTMAX
        value = given(params, "objective")
        if value is not None and (not isinstance(value, str) or value not in own):
            msg = (
                f"objective must be None or {own[0]!r} here, as the focal loss takes its place, got {value!r}; "
                "for one-vs-rest set focal_multiclass='ovr'"
            )
            raise ValueError(msg)
