"""`train` and `cv` with the arguments of LightGBM's own, and the focal loss in the place of the log-loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np

from .._validation import FloatArray, check_flag
from .._warnings import warn
from ._booster import check_continuation, moved, to_builtin
from ._metrics import Evaluation, metric_names, split_metrics
from ._native import given, lightgbm, without
from ._objective import FocalObjective, in_every_row
from ._params import (
    BINARY,
    ONE_VERSUS_REST,
    SOFTMAX,
    bounded,
    check_native,
    check_reach,
    keep_objective,
    label_weights,
    refuse,
    with_objective,
)


def train(
    params: dict[str, Any],
    train_set: Any,
    num_boost_round: int = 100,
    valid_sets: list[Any] | None = None,
    valid_names: list[str] | None = None,
    feval: Any = None,
    init_model: Any = None,
    callbacks: list[Callable[..., Any]] | None = None,
    *,
    mean_shift: bool = True,
) -> Any:
    """Train as `lightgbm.train`, with the focal loss.

    Parameters
    ----------
    params : dict
        As there. ``objective`` may be a `FocalObjective`; the name of a log-loss or none at all means
        ``FocalObjective()``, gamma 2. ``metric`` takes LightGBM's classification metrics and ``"focal"``.
        ``scale_pos_weight`` and ``is_unbalance`` weigh the positives, as they do for LightGBM's own objective.
        ``max_delta_step`` is 2.0 unless given, as in `FocalLGBMClassifier`.
    train_set, num_boost_round, valid_sets, valid_names, callbacks
        As there.
    feval
        As there; called with probabilities, as with LightGBM's own objective.
    init_model
        As there: a model that holds its start, trained with a log-loss or with `train`.
    mean_shift : bool, default=True
        End with the constant that makes the predictions right on average on the training rows; see
        `FocalObjective.mean_shift`. Evaluation results are those of the rounds before it.

    Returns
    -------
    lightgbm.Booster
        An ordinary model, without a training set: `predict` gives calibrated probabilities.

    Raises
    ------
    TypeError, ValueError
        For parameters and labels that the focal loss does not take.

    Examples
    --------
    >>> import lightgbm
    >>> from focalboost.lightgbm import FocalObjective, train
    >>> from sklearn.datasets import make_classification
    >>> X, y = make_classification(weights=[0.9], random_state=0)
    >>> params = {"objective": FocalObjective(gamma=1.0), "verbosity": -1}
    >>> train(params, lightgbm.Dataset(X, y), 5).predict(X).shape
    (100,)
    """
    check_flag("mean_shift", mean_shift)
    init_model = check_continuation(init_model)
    run = Run(params, feval, num_boost_round, held=init_model is not None)
    last = LastRound()
    booster = lightgbm.train(
        run.params(),
        train_set,
        num_boost_round,
        valid_sets=valid_sets,
        valid_names=valid_names,
        feval=run.evaluate,
        init_model=init_model,
        keep_training_booster=True,
        callbacks=[keep_objective, last, *(callbacks or [])],
    )
    trained = to_builtin(booster, run.objective.start, multiclass=run.objective.multiclass)
    shift = run.shift(booster, train_set, last) if mean_shift or last.stuck else None
    if mean_shift and shift is None:
        warn(
            "mean_shift has no effect with boosting='dart' here, as LightGBM does not tell its training margins; use "
            "FocalLGBMClassifier, or add objective.mean_shift(y, margin) to the start yourself"
        )
    return moved(trained, shift) if mean_shift and shift is not None else trained


def cv(
    params: dict[str, Any],
    train_set: Any,
    num_boost_round: int = 100,
    *args: Any,
    metrics: Any = None,
    feval: Any = None,
    init_model: Any = None,
    fpreproc: Callable[..., Any] | None = None,
    callbacks: list[Callable[..., Any]] | None = None,
    return_cvbooster: bool = False,
    **kwargs: Any,
) -> dict[str, Any]:
    """Cross-validate as `lightgbm.cv`, with the focal loss; each fold starts from its own training rows.

    With `init_model`, or where the training set has an ``init_score``, folds start there instead. A name for alpha, and
    ``is_unbalance``, count the rows of the first fold, once.

    Parameters
    ----------
    params, metrics, feval, init_model
        As in `train`; `metrics` takes the place of ``metric`` in `params`, as in `lightgbm.cv`.
    train_set, num_boost_round, fpreproc, callbacks, return_cvbooster, *args, **kwargs
        As in `lightgbm.cv`.

    Returns
    -------
    dict
        As from `lightgbm.cv`. The boosters of a ``"cvbooster"`` hold their starts.
    """
    if metrics is not None:
        params = without(params, "metric") | {"metric": metrics}
    init_model = check_continuation(init_model)
    run = Run(params, feval, num_boost_round, held=True)
    num_class = int(given(params, "num_class") or 1)
    starts: list[Any] = []

    def started(dtrain: Any, dtest: Any, fold_params: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
        if fpreproc is not None:
            dtrain, dtest, fold_params = fpreproc(dtrain, dtest, fold_params)
        dtrain.construct()
        dtest.construct()
        if not starts:
            run.complete(dtrain, num_class)
        if dtrain.get_init_score() is not None:
            starts.append(0.0)
            return dtrain, dtest, fold_params
        start = run.objective.intercept(dtrain, num_class=num_class)
        if not starts:
            run.check(dtrain, num_class, start)
        starts.append(start)
        for data in (dtrain, dtest):
            data.set_init_score(in_every_row(start, data.num_data()))
        return dtrain, dtest, fold_params

    result: dict[str, Any] = lightgbm.cv(
        run.params(),
        train_set,
        num_boost_round,
        *args,
        feval=run.evaluate,
        init_model=init_model,
        fpreproc=started,
        callbacks=[keep_objective, *(callbacks or [])],
        return_cvbooster=return_cvbooster,
        **kwargs,
    )
    if return_cvbooster:
        folds = result["cvbooster"]
        folds.boosters = [
            to_builtin(booster, start, multiclass=run.objective.multiclass)
            for booster, start in zip(folds.boosters, starts, strict=True)
        ]
    return result


class Run:
    """One training: its objective, which is complete once LightGBM has shown the training set.

    Parameters
    ----------
    params : dict
        As in `train`.
    feval : callable, list of callables or None
    rounds : int
    held : bool
        Whether the margins hold their start: in init_score, or in the model that training goes on from.
    """

    def __init__(self, params: dict[str, Any], feval: Any, rounds: int, held: bool) -> None:
        check_native(params)
        refuse(params)
        self.objective = _objective(params)
        self._params = params
        self._functions = tuple(split_metrics("feval", feval)[1])
        self._held, self._rounds = held, rounds
        self._ready = False
        num_class = int(given(params, "num_class") or 1)
        named, functions = split_metrics("metric", given(params, "metric"))
        if functions:
            msg = "metric must hold names, got a callable; give it as feval"
            raise TypeError(msg)
        self._names = metric_names("metric", named or ["logloss"], num_class)

    def __deepcopy__(self, memo: Any) -> Self:
        """Stay the same: LightGBM copies parameters, and this learns during the training."""
        return self

    def params(self) -> dict[str, Any]:
        """Return the parameters for LightGBM."""
        return with_objective(bounded(self._params), self)

    def __call__(self, margin: FloatArray, data: Any) -> tuple[FloatArray, FloatArray]:
        """Return gradient and Hessian; called by LightGBM."""
        if not self._ready:
            self.complete(data, 1 if margin.ndim == 1 else margin.shape[1])
        return self.objective(margin, data)

    def complete(self, data: Any, num_class: int) -> None:
        """Take class weights, scale and start from a training set."""
        weighed = self.weighed(data, num_class)
        held = self._held or data.get_init_score() is not None
        self.objective = (weighed.normalize if held else weighed.prepare)(data, num_class=num_class)
        if not held:
            self.check(data, num_class, self.objective.start)
        self._ready = True

    def check(self, data: Any, num_class: int, start: Any) -> None:
        """Warn of what keeps the training from leaving its start."""
        hessian = self.objective._start_hessian(data, None, num_class)
        check_reach(self._params, start, hessian, self.objective.loss(num_class), self._rounds)

    def weighed(self, data: Any, num_class: int) -> FocalObjective:
        """Return the objective with the weights by label that the parameters ask for."""
        rows = np.bincount(np.asarray(data.get_label()).astype(np.intp), minlength=max(2, num_class))
        own = label_weights(self._params, rows, self.objective.multiclass == "ovr")
        return self.objective.weighed(own, num_class)

    def evaluate(self, margin: FloatArray, data: Any) -> list[tuple[str, float, bool]]:
        """Return all metrics; called by LightGBM."""
        return Evaluation(self.objective, tuple(self._names), self._functions)(margin, data)

    def shift(self, booster: Any, train_set: Any, last: LastRound) -> Any:
        """Return the mean shift of a booster that still has its training set, at its best iteration, if it tells."""
        margin = last.margin(booster.best_iteration)
        if margin is None:
            margin = training_margins(booster)
        if margin is None:
            return None
        shift = self.objective.mean_shift(train_set, margin + np.array(self.objective.start))
        last.check(self._params, self.objective, shift)
        return shift


def training_margins(booster: Any) -> FloatArray | None:
    """Return LightGBM's own margins of its training rows after the best iteration, or None where it has none.

    The booster loses its later trees: rolling back is how to leave them out, as the rows themselves may be gone. Dart
    drops trees before it tells.
    """
    if str(given(booster.params, "boosting")) == "dart":
        return None
    held: list[FloatArray] = []

    def keep(margin: FloatArray, data: Any) -> tuple[str, float, bool]:
        held.append(np.array(margin))
        return "", 0.0, False

    if booster.best_iteration > 0:
        for _ in range(booster.current_iteration() - booster.best_iteration):
            booster.rollback_one_iter()
    booster.eval_train(keep)
    return held[0]


class LastRound:
    """A callback that looks at the last round: whether it has a tree, and the margins of the training rows after it."""

    before_iteration = False
    order = 25  # before early stopping, which ends a round with an exception

    def __init__(self) -> None:
        self._margin: FloatArray | None = None
        self._rounds = 0
        self.stuck = False

    def __call__(self, env: Any) -> None:
        """Look at a round; called by LightGBM."""
        self.stuck = env.model.current_iteration() <= env.iteration  # it goes on though nothing can be split
        if env.iteration == env.end_iteration - 1:
            self._margin, self._rounds = training_margins(env.model), env.model.current_iteration()

    def margin(self, best: int) -> FloatArray | None:
        """Return the margins of the best iteration, or None where the last is another or LightGBM does not tell."""
        return self._margin if best <= 0 or best == self._rounds else None

    def check(self, params: Mapping[str, Any], objective: FocalObjective, shift: Any) -> None:
        """Warn where nothing could be split as all leaves would step as far as they may, from margins that were given.

        From the objective's own start they would not; there a last round has no tree where its sample has no positive.
        """
        if np.any(objective.start):
            return
        bound = float(given(bounded(params), "max_delta_step") or 0.0)
        if self.stuck and 0 < bound <= np.abs(shift).max():
            warn(
                f"max_delta_step={bound:g} is too low for the margins that training starts from: on average they are "
                f"{np.abs(shift).max():.2g} in log-odds from the labels, all leaves would take the longest step, and "
                "no tree is left to split; take max_delta_step=0, or move the margins"
            )


def _objective(params: dict[str, Any]) -> FocalObjective:
    wanted = given(params, "objective")
    if isinstance(wanted, FocalObjective):
        if wanted.score != "log_odds":
            msg = "objective must train in log-odds here, got one in focal logits; use lightgbm.train and its margins"
            raise ValueError(msg)
        return wanted
    num_class = int(given(params, "num_class") or 1)
    known = isinstance(wanted, str) and wanted in BINARY + SOFTMAX + ONE_VERSUS_REST
    if known and (wanted in BINARY) != (num_class < 2):
        msg = (
            f"num_class must be {'1' if wanted in BINARY else 'above 1'} for the objective {wanted!r}, got {num_class}"
        )
        raise ValueError(msg)
    if wanted is None or (isinstance(wanted, str) and wanted in BINARY + SOFTMAX):
        return FocalObjective()
    if isinstance(wanted, str) and wanted in ONE_VERSUS_REST:
        return FocalObjective(multiclass="ovr")
    msg = f"objective must be a FocalObjective, or the log-loss in whose place it comes, got {wanted!r}"
    raise ValueError(msg)
