"""Turning a booster that was trained with a custom objective into an ordinary one."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, unquote

import numpy as np
import numpy.typing as npt

from .._callbacks import in_order
from .._frameworks import file_content
from .._validation import MULTICLASS, check_choice
from ..losses import AnyFocalLoss, BinaryFocalLoss, MulticlassFocalLoss, SigmoidFocalLoss
from ._native import lightgbm, without
from ._objective import FocalObjective


def to_builtin(
    booster: Any,
    start: Any,
    y: Any = None,
    sample_weight: npt.ArrayLike | None = None,
    *,
    multiclass: str = "softmax",
    note: str | None = None,
) -> Any:
    """Return a copy of a booster that holds its start value and a built-in objective.

    The copy is an ordinary LightGBM model, in this process and in any other: `predict` gives the calibrated
    probabilities, and explainers, exporters, `refit` and ``init_model`` take it for what it is.

    Parameters
    ----------
    booster : lightgbm.Booster
        Trained with `FocalObjective`. It is left as it is.
    start : float, array-like of shape (num_class,) or FocalObjective
        Where training started. Of an objective that `FocalObjective.prepare` made, what it holds; of another one what
        follows from `y`. 0 if training continued (``init_model``) from a booster that holds its start already.
    y : array-like of shape (n_samples,) or lightgbm.Dataset, default=None
        Training labels, where an objective has no start of its own. The two may change places.
    sample_weight : array-like of shape (n_samples,), default=None
    multiclass : {"softmax", "ovr"}, default="softmax"
        Of several margins, unless an objective tells: ``multiclass`` or ``multiclassova`` in LightGBM's terms.
    note : str, default=None
        One line to keep among the parameters in the model; see `find_note`.

    Returns
    -------
    lightgbm.Booster
        Without a training set; ``best_iteration``, ``best_score`` and ``params`` are kept.

    Raises
    ------
    TypeError
        If `booster` is no `lightgbm.Booster`.
    ValueError
        If it has a built-in objective already, no trees, or a random forest's averaged output; if the start has the
        wrong shape, is not finite or cannot be told.

    Notes
    -----
    The start is added to each leaf and inner node of the first tree of each class, to linear constants too, and that
    tree's shrinkage becomes 1, as LightGBM does it for its own objectives.
    """
    if not isinstance(booster, lightgbm.Booster):
        msg = f"booster must be a lightgbm.Booster, got {type(booster).__name__}; of an estimator take .booster_"
        raise TypeError(msg)
    n_models = int(booster.num_model_per_iteration())
    if isinstance(start, FocalObjective) or isinstance(y, FocalObjective):
        objective, y = in_order(FocalObjective, start, y)
        multiclass = objective.multiclass
        if objective.score != "log_odds":
            msg = "booster must be trained in log-odds to predict probabilities, got an objective in focal logits"
            raise ValueError(msg)
        start = _start_of(objective, y, sample_weight, n_models)
    check_choice("multiclass", multiclass, MULTICLASS)
    values = np.asarray(start, dtype=np.float64)
    if values.shape not in ((), (n_models,)) or not np.isfinite(values).all():
        msg = f"start must be a finite number, {n_models} of them, or a FocalObjective, got {start!r:.60}"
        raise ValueError(msg)

    header, trees = _parts(booster)
    name = "binary" if n_models == 1 else {"softmax": "multiclass", "ovr": "multiclassova"}[multiclass]
    header = _with_objective(header, name, n_models)
    for k, value in enumerate(np.broadcast_to(values, (n_models,)).tolist()):
        trees[k] = _shifted(trees[k], value)
    trees[-1] = _with_parameters(trees[-1], name, note)
    return _rebuilt(booster, header, trees, name)


def moved(booster: Any, by: npt.ArrayLike) -> Any:
    """Return a copy of a booster whose margins lie further by a constant, one for each class."""
    header, trees = _parts(booster, builtin=True)
    for k, value in enumerate(np.ravel(by).tolist()):
        trees[k] = _shifted(trees[k], value)
    return _rebuilt(booster, re.sub(r"^tree_sizes=.*\n", "", header, flags=re.MULTILINE), trees, None)


def find_note(booster: Any) -> str | None:
    """Return the note that `to_builtin` left in a model, which LightGBM keeps through files, copies and pickles."""
    found = re.search(rf"^\[{_NOTE} (.*): \]$", booster.model_to_string(num_iteration=1), flags=re.MULTILINE)
    return unquote(found[1]) if found else None


def check_continuation(init_model: Any, classes: npt.NDArray[Any] | None = None) -> Any:
    """Return what a training may go on from: a whole model whose margins are log-odds, the start inside.

    An estimator must have these `classes`.
    """
    check_whole(init_model)
    if init_model is None:
        return None
    booster = init_model
    if isinstance(init_model, lightgbm.LGBMModel):
        booster = init_model.booster_
    elif not isinstance(init_model, lightgbm.Booster):
        booster = lightgbm.Booster(model_file=init_model)
    if not re.search(r"^objective=", booster.model_to_string(num_iteration=1), flags=re.MULTILINE):
        msg = (
            "init_model must hold its start value and its objective, got a booster of a custom objective; "
            "pass it through focalboost.lightgbm.to_builtin first"
        )
        raise ValueError(msg)
    if (
        classes is not None
        and isinstance(init_model, lightgbm.LGBMClassifier)
        and not np.array_equal(init_model.classes_, classes)
    ):
        msg = f"init_model must have the labels of y, {classes}, got {init_model.classes_}"
        raise ValueError(msg)
    return init_model


_NOTE = "focalboost"
_SAFE = ' {}[]",<|='  # no colon, which ends a name
_LOSSES: dict[str, type[AnyFocalLoss]] = {
    "binary": BinaryFocalLoss,
    "multiclass": MulticlassFocalLoss,
    "multiclassova": SigmoidFocalLoss,
}


def objective_of(booster: Any) -> tuple[str, type[AnyFocalLoss]]:
    """Return the built-in objective of a model, which LightGBM 4.6 has not among its parameters, and its loss."""
    found = re.search(r"^objective=(\w+)", booster.model_to_string(num_iteration=1), flags=re.MULTILINE)
    if not found or found[1] not in _LOSSES:
        msg = f"model must have one of the objectives {list(_LOSSES)}, got {found[1] if found else None!r}"
        raise ValueError(msg)
    return found[1], _LOSSES[found[1]]


def _start_of(objective: FocalObjective, y: Any, sample_weight: Any, n_models: int) -> Any:
    if np.any(objective.start):
        return objective.start
    if y is None:
        msg = (
            "start must be a number, or a FocalObjective with its start, got one without; "
            "train with objective.prepare(y), or give the labels as in to_builtin(booster, objective, y)"
        )
        raise ValueError(msg)
    return objective.intercept(y, sample_weight, n_models)


def _parts(booster: Any, builtin: bool = False) -> tuple[str, list[str]]:
    """Return the head of a model's text, and its trees."""
    text = booster.model_to_string(num_iteration=-1)
    header, *trees = re.split(r"^(?=Tree=)", text, flags=re.MULTILINE)
    if not trees:
        msg = "booster must have at least one tree to hold its start value, got none"
        raise ValueError(msg)
    if not builtin and re.search(r"^objective=", header, flags=re.MULTILINE):
        msg = "booster must come from a custom objective, got one with a built-in objective, which holds its start"
        raise ValueError(msg)
    if re.search(r"^average_output$", header, flags=re.MULTILINE):
        msg = "booster must not average its trees (boosting='rf'): each would hold the start value again"
        raise ValueError(msg)
    return header, trees


def _rebuilt(booster: Any, header: str, trees: list[str], name: str | None) -> Any:
    rebuilt = lightgbm.Booster(model_str=header + "".join(trees))
    rebuilt.best_iteration = booster.best_iteration
    rebuilt.best_score = booster.best_score
    params = booster.params if name is None else without(booster.params, "objective", "metric") | {"objective": name}
    rebuilt.params = dict(params)
    return rebuilt


def _with_objective(header: str, name: str, n_models: int) -> str:
    terms = {"binary": " sigmoid:1", "multiclass": f" num_class:{n_models}"}
    line = f"objective={name}" + terms.get(name, f" num_class:{n_models} sigmoid:1")
    # LightGBM aborts the process on a tree of another length than tree_sizes says; without the line it looks itself.
    header = re.sub(r"^tree_sizes=.*\n", "", header, flags=re.MULTILINE)
    return re.sub(r"^(?=max_feature_idx=)", line + "\n", header, count=1, flags=re.MULTILINE)


def _shifted(tree: str, value: float) -> str:
    if value == 0:
        return tree

    def shift(line: re.Match[str]) -> str:
        numbers = (repr(float(number) + value) for number in line[2].split())
        return f"{line[1]}={' '.join(numbers)}"

    tree = re.sub(r"^(leaf_value|leaf_const|internal_value)=(.+)$", shift, tree, flags=re.MULTILINE)
    return re.sub(r"^shrinkage=.*$", "shrinkage=1", tree, flags=re.MULTILINE)


def _with_parameters(last: str, name: str, note: str | None) -> str:
    """Rewrite the parameters that follow the last tree: exporters read the objective there."""
    metric = "binary_logloss" if name == "binary" else "multi_logloss"
    last = re.sub(r"^\[objective: .*\]$", f"[objective: {name}]", last, flags=re.MULTILINE)
    last = re.sub(r"^\[metric: .*\]$", f"[metric: {metric}]", last, flags=re.MULTILINE)
    if note is None:
        return last
    # As the name of a parameter without a value: LightGBM keeps those and passes over them; of others it warns.
    line = f"[{_NOTE} {quote(note, safe=_SAFE)}: ]\n"
    return re.sub(r"^(?=end of parameters$)", lambda _: line, last, count=1, flags=re.MULTILINE)


def check_whole(model: Any) -> None:
    """Raise ValueError for a model file that was cut: LightGBM's reader ends the process on most of them.

    Parameters
    ----------
    model : str or path; anything else, and a file that is not there, is left to LightGBM
    """
    content = file_content(model)
    if content is None:
        return
    missing = [mark for mark in (b"end of trees", b"end of parameters") if b"\n" + mark not in content]
    if missing:
        msg = (
            f"init_model must be a whole model file of LightGBM, got {str(model)!r} without {missing[0].decode()!r}; "
            "copy or save it again"
        )
        raise ValueError(msg)
