"""FocalXGBClassifier: XGBClassifier with the focal loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_is_fitted

from .._estimator import PARAMETERS, Plan, check_names, make_plan, warn_of_order
from .._labels import as_labels
from .._note import Note
from .._validation import MULTICLASS
from ..losses import AnyFocalLoss, BinaryFocalLoss, MulticlassFocalLoss, SigmoidFocalLoss
from ._metrics import Evaluation, History, MeanShift, default_metric
from ._native import Trainer, as_booster, in_native_order, load, outputs, xgboost
from ._objective import (
    MAX_DELTA_STEP,
    FocalObjective,
    as_base_score,
    check_reach,
    label_weights,
    leaf_bound,
    warn_of_names,
)
from ._target import Target

# The attribute of a booster that holds what `Note` writes.
NOTE = "focalboost"

# Parameters of the estimator, which XGBoost itself is not to see.
OWN = (*PARAMETERS, "class_weight")
_OBJECTIVES = ("binary:logistic", "multi:softprob", "multi:softmax")


class FocalXGBClassifier(xgboost.XGBClassifier):  # type: ignore[misc,name-defined]
    """`xgboost.XGBClassifier` that trains on the focal loss.

    It trains in log-odds, and ``get_booster()`` is an ordinary XGBoost model: what it predicts is `predict_proba`.

    Parameters
    ----------
    objective : {"binary:logistic", "multi:softprob", "multi:softmax"} or None, default="binary:logistic"
        The log-loss that is replaced; which one follows from the labels, as in `xgboost.XGBClassifier`.
    max_delta_step : float or None, default=4.0
        XGBoost's own, which has no bound by default: how far a leaf may move the log-odds before the learning rate. In
        a leaf of rare rows alone a Newton step goes too far. 0 or None set no bound.
    class_weight : dict, "balanced" or None, default=None
        Weights by label, as in scikit-learn; `xgboost.XGBClassifier` has none. Evaluation sets are not weighed.
    focal_gamma : float, default=2.0
        Focusing parameter in [0, 40]; 0 is the log-loss. (``gamma`` is XGBoost's ``min_split_loss``, and ``alpha`` its
        ``reg_alpha``; under the short names they bring a warning.)
    focal_alpha : None, float, sequence, dict, "balanced" or "effective", default=None
        Class weights, as in `focalboost.BinaryFocalLoss`, `focalboost.MulticlassFocalLoss` and
        `focalboost.SigmoidFocalLoss`; a dict or a pandas Series has the labels as keys. Not together with
        ``class_weight`` or ``scale_pos_weight``.
    focal_prior : {"weighted", "sampled"}, default="weighted"
        Whose probabilities the model predicts: those of the problem that ``focal_alpha``, ``class_weight`` or
        ``scale_pos_weight`` weigh, as XGBoost does; or those of the data as sampled, with these weights undone.
    focal_multiclass : {"softmax", "ovr"}, default="softmax"
        For more than two classes. With "ovr" each class has its own sigmoid, and rows do not sum to 1.
    focal_mean_shift : bool, default=True
        End with the constant in log-odds that makes the predictions right on average on the training rows; see
        `focalboost.xgboost.FocalObjective.mean_shift`. ``evals_result()`` is that of the rounds before it.
    **kwargs
        All other parameters of `xgboost.XGBClassifier`, with their defaults there. ``eval_metric`` takes XGBoost's
        names, ``"focal"`` (the mean focal loss) and any number of callables, given what `predict_proba` predicts in
        that round. ``base_score``, if given, replaces the start.

    Attributes
    ----------
    focal_loss_ : the resolved loss, with alpha as numbers
    classes_ : ndarray of shape (n_classes,), the labels in sorted order; 0 and 1 for multilabel targets

    See Also
    --------
    focalboost.xgboost.FocalObjective : for `xgboost.train` and the stock estimator.

    Examples
    --------
    >>> from focalboost import FocalXGBClassifier
    >>> from sklearn.datasets import make_classification
    >>> X, y = make_classification(weights=[0.9], random_state=0)
    >>> FocalXGBClassifier(n_estimators=5).fit(X, y).predict_proba(X).shape
    (100, 2)
    """

    def __init__(
        self,
        *,
        objective: str | None = "binary:logistic",
        max_delta_step: float | None = MAX_DELTA_STEP,
        class_weight: Any = None,
        focal_gamma: float = 2.0,
        focal_alpha: Any = None,
        focal_prior: str = "weighted",
        focal_multiclass: str = "softmax",
        focal_mean_shift: bool = True,
        **kwargs: Any,
    ) -> None:
        check_names(kwargs)
        super().__init__(objective=objective, max_delta_step=max_delta_step, **kwargs)
        self.class_weight = class_weight
        self.focal_gamma = focal_gamma
        self.focal_alpha = focal_alpha
        self.focal_prior = focal_prior
        self.focal_multiclass = focal_multiclass
        self.focal_mean_shift = focal_mean_shift

    def fit(
        self,
        X: Any,
        y: Any,
        *,
        sample_weight: Any = None,
        base_margin: Any = None,
        eval_set: Sequence[tuple[Any, Any]] | None = None,
        verbose: bool | int | None = True,
        xgb_model: Any = None,
        sample_weight_eval_set: Sequence[Any] | None = None,
        base_margin_eval_set: Sequence[Any] | None = None,
        feature_weights: Any = None,
    ) -> Self:
        """Fit as `xgboost.XGBClassifier.fit`.

        Parameters
        ----------
        X, sample_weight, verbose, sample_weight_eval_set, feature_weights
            As there.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Labels of any kind that scikit-learn takes; with two dimensions multilabel targets, 0 or 1.
        base_margin, base_margin_eval_set
            As there: margins to start from, which the model does not hold; so there is no mean shift either.
        eval_set
            As there, with labels as in ``y``.
        xgb_model
            As there, of any gamma, the log-loss included. Training goes on from that model's log-odds.

        Returns
        -------
        self
        """
        params = {name: value for name, value in self.get_params().items() if name not in OWN}
        warn_of_names(params)
        check_objective(params["objective"])
        labels = as_labels(y)
        target, numbers = Target.of(labels, self.focal_multiclass == "ovr")
        _check_sizes(params, len(target.classes))
        by_label = label_weights(params["scale_pos_weight"])
        plan = make_plan(self, FocalObjective, target.classes, numbers, sample_weight, by_label)
        if xgb_model is not None:
            xgb_model = as_booster(xgb_model)
            _check_continuation(xgb_model, params["base_score"], target, isinstance(plan.loss, MulticlassFocalLoss))
        note = Note(plan.loss, self.focal_prior, target.classes, target.multilabel)
        history = self._history(params, plan, target, numbers, note)
        trainer = Trainer(**_native_params(params, plan, target, xgb_model is not None))
        shift = [MeanShift(plan.objective, lambda: trainer.data)] if self.focal_mean_shift else []
        trainer.callbacks = [history, *shift, *(self.callbacks or [])]
        trainer.metric, trainer.metric_names = history.metric, history.evaluation.by_xgboost
        columns = target.for_xgboost(numbers)
        trainer.fit(
            in_native_order(X),
            columns,
            sample_weight=plan.weight,
            base_margin=in_native_order(base_margin),
            eval_set=_evaluation_sets(eval_set, y, columns, target),
            verbose=verbose,
            xgb_model=xgb_model,
            sample_weight_eval_set=sample_weight_eval_set,
            base_margin_eval_set=base_margin_eval_set,
            feature_weights=feature_weights,
        )
        self._Booster: Any = trainer.get_booster()
        self.evals_result_: Any = getattr(trainer, "evals_result_", None)
        self._take(note)
        return self

    def _history(
        self,
        params: Mapping[str, Any],
        plan: Plan[FocalObjective],
        target: Target,
        numbers: npt.NDArray[np.intp],
        note: Note,
    ) -> History:
        """Return what measures in each round, and leaves the note in the booster."""
        default = default_metric(params, isinstance(plan.loss, MulticlassFocalLoss))
        evaluation = Evaluation.of(params["eval_metric"], default, plan.objective, not target.multilabel)
        if "aucpr" in evaluation.names and not target.columns:
            warn_of_order("aucpr is that of", "write a callable for that of {!r}", target.classes, numbers)
        return History(evaluation, **{NOTE: note.to_json()})

    def predict(
        self,
        X: Any,
        *,
        output_margin: bool = False,
        validate_features: bool = True,
        base_margin: Any = None,
        iteration_range: tuple[int, int] | None = None,
    ) -> npt.NDArray[Any]:
        """Label of the highest probability; all arguments as in `xgboost.XGBClassifier`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        output_margin, validate_features, base_margin, iteration_range
            As in the parent.

        Returns
        -------
        ndarray of shape (n_samples,), or (n_samples, n_labels) of 0 and 1 for multilabel targets
            With ``output_margin`` the margins, float32, as from `decision_function`.
        """
        if output_margin:
            margin: npt.NDArray[np.float32] = super().predict(
                in_native_order(X),
                output_margin=True,
                validate_features=validate_features,
                base_margin=base_margin,
                iteration_range=iteration_range,
            )
            return margin
        proba: npt.NDArray[np.float32] = self.predict_proba(X, validate_features, base_margin, iteration_range)
        if self._note.multilabel:
            return (proba > 0.5).astype(np.intp)
        # One class alone has the probabilities of two, as in the parent.
        labels: npt.NDArray[Any] = self.classes_[np.minimum(proba.argmax(axis=1), len(self.classes_) - 1)]
        return labels

    def decision_function(self, X: Any, **kwargs: Any) -> npt.NDArray[np.float32]:
        """Margins, the start value included.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        **kwargs
            As in `predict`.

        Returns
        -------
        ndarray of shape (n_samples,) or, for more than two classes, (n_samples, n_classes), float32
        """
        return self.predict(X, output_margin=True, **kwargs)

    def set_params(self, **params: Any) -> Self:
        """Set parameters, and raise for a misspelt name."""
        check_names(params)
        own: Self = super().set_params(**params)
        return own

    def load_model(self, fname: Any) -> None:
        """Read a model that this class, XGBoost or a checkpoint wrote.

        Of this class, the parameters focal_gamma, focal_alpha, focal_prior and focal_multiclass become those of the
        model, and ``classes_`` its labels; of another ``binary:logistic`` or ``multi:softprob`` model the labels are
        0..K-1, and the parameters stay: another fit may go on from it with this gamma.

        Parameters
        ----------
        fname : str, path or bytearray

        Raises
        ------
        ValueError
            For a model of another objective, or a file that ends too early.
        """
        booster = load(fname, n_jobs=self.n_jobs)
        held = booster.attr(NOTE)
        note = Note.from_json(held) if held else _plain_note(booster)
        own = {name: getattr(self, name) for name in ("objective", "base_score")}
        super().load_model(fname)
        # The parent makes parameters of what the model holds, and a new fit would start from them.
        for name, value in own.items():
            setattr(self, name, value)
        self._take(note)
        if held:
            self.focal_gamma, self.focal_alpha, self.focal_prior = note.loss.gamma, note.loss.alpha, note.prior
            self.focal_multiclass = MULTICLASS[isinstance(note.loss, SigmoidFocalLoss)]

    @property
    def classes_(self) -> npt.NDArray[Any]:
        """Labels in sorted order; 0 and 1 for multilabel targets."""
        check_is_fitted(self)
        return np.arange(2) if self._note.multilabel else self._note.classes

    def to_stock(self) -> Any:
        """Return the fitted model as an `xgboost.XGBClassifier`, for tools that want that very class.

        Its labels are 0..K-1.
        """
        check_is_fitted(self)
        params = {name: value for name, value in self.get_params().items() if name not in OWN}
        stock = xgboost.XGBClassifier(**params | {"objective": self._native_objective()})
        stock._Booster = self.get_booster()
        stock.n_classes_ = self.n_classes_
        return stock

    def get_xgb_params(self) -> dict[str, Any]:
        """Return XGBoost's own parameters; of a fitted model, with the objective that it holds."""
        params: dict[str, Any] = super().get_xgb_params()
        if self.__sklearn_is_fitted__():
            params["objective"] = self._native_objective()
        return params

    def _wrapper_params(self) -> set[str]:
        """Return the parameters that XGBoost itself is not to see: a hook of the parent."""
        return {*super()._wrapper_params(), *OWN}

    def _native_objective(self) -> str:
        return "multi:softprob" if isinstance(self.focal_loss_, MulticlassFocalLoss) else "binary:logistic"

    def _take(self, note: Note) -> None:
        self._note = note
        self.focal_loss_: AnyFocalLoss = note.loss
        self.n_classes_ = 2 if note.multilabel else len(note.classes)


def check_objective(objective: Any) -> None:
    if objective is not None and (not isinstance(objective, str) or objective not in _OBJECTIVES):
        msg = (
            f"objective must be None or one of {_OBJECTIVES}, as the focal loss takes its place, "
            f"got {objective!r}; for one-vs-rest set focal_multiclass='ovr'"
        )
        raise ValueError(msg)


def _native_params(
    params: Mapping[str, Any], plan: Plan[FocalObjective], target: Target, from_model: bool
) -> dict[str, Any]:
    """Return XGBoost's parameters with the objective, the leaf bound and, unless it goes on from a model, the start."""
    native = {**params, "objective": plan.objective, "eval_metric": None, "max_delta_step": leaf_bound(params)}
    if native["base_score"] is None and not from_model:
        native["base_score"] = as_base_score(plan.intercept, plan.objective, target.columns)
        softmax = isinstance(plan.loss, MulticlassFocalLoss)
        check_reach(native, plan.intercept, plan.hessian, softmax, native["n_estimators"])
    return native


def _evaluation_sets(eval_set: Any, y: Any, columns: npt.NDArray[np.intp], target: Target) -> Any:
    """Return evaluation sets as XGBoost takes them; it knows the training set by its labels being the same object."""
    if eval_set is None:
        return None
    return [
        (in_native_order(X), columns if own is y else target.for_xgboost(target.numbers(own, "eval_set")))
        for X, own in eval_set
    ]


def _check_sizes(params: Mapping[str, Any], n_classes: int) -> None:
    """Raise for sizes of the model that are not those of the labels."""
    for name in ("num_class", "num_target"):
        if params.get(name) is not None and (name, params[name], n_classes > 2) != ("num_class", n_classes, True):
            msg = f"{name} must be left out, as it follows from the {n_classes} labels of y, got {params[name]!r}"
            raise ValueError(msg)


def _plain_note(booster: Any) -> Note:
    """Return what is known of a model that XGBoost trained by itself."""
    name, size = outputs(booster)
    if name in ("multi:softprob", "multi:softmax"):
        return Note.plain(MulticlassFocalLoss, size)
    if name != "binary:logistic":
        msg = f"fname must be a model of binary:logistic or multi:softprob, got {name!r}; load it with xgboost.Booster"
        raise ValueError(msg)
    return Note.plain(BinaryFocalLoss, 2) if size == 1 else Note.plain(SigmoidFocalLoss, size, multilabel=True)


def _check_continuation(booster: Any, base_score: Any, target: Target, softmax: bool) -> None:
    """Raise for a model that these labels cannot go on from."""
    if base_score is not None:
        msg = (
            f"base_score must not be given with xgb_model, got {base_score!r}: it would move the trees that the "
            "model has; set it to None, which keeps the model's own"
        )
        raise ValueError(msg)
    expected = (
        "multi:softprob" if softmax else "binary:logistic",
        len(target.classes) if softmax or target.columns else 1,
    )
    if outputs(booster) != expected:
        msg = "xgb_model must have the objective {!r} and {} margins a row for these labels, got {!r} and {}"
        raise ValueError(msg.format(*expected, *outputs(booster)))
    held = booster.attr(NOTE)
    note = Note.from_json(held) if held else None
    if note is not None and (note.classes.tolist(), note.multilabel) != (target.classes.tolist(), target.multilabel):
        msg = f"xgb_model must have the labels of y, {target.classes}, got {note.classes}"
        raise ValueError(msg)
