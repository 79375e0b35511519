"""Turning a booster that was trained with a custom objective into an ordinary one."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt

from .._frameworks import file_content
from .._validation import MULTICLASS, check_choice
from ._native import lightgbm


def to_builtin(
    booster: Any,
    intercept: npt.ArrayLike,
    num_class: int | None = None,
    *,
    multiclass: str = "softmax",
) -> Any:
    """Return a copy of a booster that holds its start value and a built-in objective.

    The copy is an ordinary LightGBM model, in this process and in any other: `predict` gives probabilities (the
    ``logit`` link), and explainers and exporters know what it is.

    Parameters
    ----------
    booster : lightgbm.Booster
        Trained with `FocalObjective`. It is left as it is.
    intercept : float or array-like of shape (num_class,)
        Where training started: what `FocalObjective.intercept` gave for the init_score. 0 if there was no
        init_score, or if training continued (``init_model``) from a booster that holds its start already.
    num_class : int, default=None
        Number of classes, checked against the booster if given.
    multiclass : {"softmax", "ovr"}, default="softmax"
        As in the objective: ``multiclass`` or ``multiclassova`` in LightGBM's terms.

    Returns
    -------
    lightgbm.Booster
        Without a training set; ``best_iteration`` and ``best_score`` are kept.

    Raises
    ------
    TypeError
        If `booster` is no `lightgbm.Booster`.
    ValueError
        If it has a built-in objective already, no trees, a random forest's averaged output, or another
        number of classes; if the intercept has the wrong shape or is not finite.

    Notes
    -----
    The start is added to each leaf of the first tree of each class, as LightGBM does for its own objectives; with
    linear leaves, to their constants too.
    """
    if not isinstance(booster, lightgbm.Booster):
        msg = f"booster must be a lightgbm.Booster, got {type(booster).__name__}; of an estimator take .booster_"
        raise TypeError(msg)
    check_choice("multiclass", multiclass, MULTICLASS)
    n_models = int(booster.num_model_per_iteration())
    n_classes = max(2, n_models)
    if num_class is not None and num_class != n_classes:
        msg = f"num_class must be {n_classes}, as the booster has {n_models} trees an iteration, got {num_class}"
        raise ValueError(msg)
    start = np.asarray(intercept, dtype=np.float64)
    if start.shape not in ((), (n_models,)) or not np.isfinite(start).all():
        msg = f"intercept must be a finite number or {n_models} of them, one per class, got {intercept!r}"
        raise ValueError(msg)

    text = booster.model_to_string(num_iteration=-1)
    header, *trees = re.split(r"^(?=Tree=)", text, flags=re.MULTILINE)
    if not trees:
        msg = "booster must have at least one tree to hold its start value, got none"
        raise ValueError(msg)
    if re.search(r"^objective=", header, flags=re.MULTILINE):
        msg = "booster must come from a custom objective, got one with a built-in objective, which holds its start"
        raise ValueError(msg)
    if re.search(r"^average_output$", header, flags=re.MULTILINE):
        msg = "booster must not average its trees (boosting='rf'): each would hold the start value again"
        raise ValueError(msg)

    name = "binary" if n_models == 1 else {"softmax": "multiclass", "ovr": "multiclassova"}[multiclass]
    header = _with_objective(header, name, n_models)
    starts = np.broadcast_to(start, (n_models,)).tolist()
    for k, value in enumerate(starts):
        trees[k] = _shifted(trees[k], value)
    trees[-1] = _with_parameters(trees[-1], name)

    converted = lightgbm.Booster(model_str=header + "".join(trees))
    converted.best_iteration = booster.best_iteration
    converted.best_score = booster.best_score
    converted.params["objective"] = name
    return converted


def _with_objective(header: str, name: str, n_models: int) -> str:
    terms = {"binary": " sigmoid:1", "multiclass": f" num_class:{n_models}"}
    line = f"objective={name}" + terms.get(name, f" num_class:{n_models} sigmoid:1")
    # LightGBM aborts the process on a tree of another length than tree_sizes says; without the line it looks itself.
    header = re.sub(r"^tree_sizes=.*\n", "", header, flags=re.MULTILINE)
    return re.sub(r"^(?=max_feature_idx=)", line + "\n", header, count=1, flags=re.MULTILINE)


def _shifted(tree: str, value: float) -> str:
    def shift(line: re.Match[str]) -> str:
        numbers = (repr(float(number) + value) for number in line[2].split())
        return f"{line[1]}={' '.join(numbers)}"

    return re.sub(r"^(leaf_value|leaf_const)=(.+)$", shift, tree, flags=re.MULTILINE)


def _with_parameters(last: str, name: str) -> str:
    """Rewrite the parameters that follow the last tree: exporters read the objective there."""
    metric = "binary_logloss" if name == "binary" else "multi_logloss"
    last = re.sub(r"^\[objective: .*\]$", f"[objective: {name}]", last, flags=re.MULTILINE)
    return re.sub(r"^\[metric: .*\]$", f"[metric: {metric}]", last, flags=re.MULTILINE)


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
