"""What comes between the rounds: metrics that are not XGBoost's own, notes in checkpoints, the mean shift at the end.

Margins are log-odds, so XGBoost's metrics by name are right, and computed by it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._settings import labels_and_weights
from ._native import move_start, training_margins, xgboost
from ._objective import FocalMetric, FocalObjective

Result = tuple[str, float]


@dataclass(frozen=True)
class Evaluation:
    """The metrics of a fit.

    Parameters
    ----------
    objective : FocalObjective
    names : tuple of str
        In the order of the user, ``"focal"`` among them.
    callables : tuple of callables
        As `xgboost.XGBClassifier` takes one: of labels and probabilities, with sample_weight where there are weights.
    exclusive : bool
        Whether labels are class numbers, also where XGBoost has a column for each class.
    """

    objective: FocalObjective
    names: tuple[str, ...]
    callables: tuple[Callable[..., Any], ...]
    exclusive: bool = True

    @classmethod
    def of(cls, eval_metric: Any, default: str, objective: FocalObjective, exclusive: bool = True) -> Evaluation:
        """Read XGBoost's parameter ``eval_metric``; where it holds no name, `default` is measured, unless empty."""
        several = isinstance(eval_metric, Sequence) and not isinstance(eval_metric, str)
        metrics = eval_metric if several else [] if eval_metric is None else [eval_metric]
        for metric in metrics:
            if not (isinstance(metric, str) or callable(metric)):
                msg = f"eval_metric must be a name, a callable, or a list of them, got {metric!r}"
                raise TypeError(msg)
        names = [m for m in metrics if isinstance(m, str)] or ([default] if default else [])
        callables = tuple(m for m in metrics if not isinstance(m, str))
        return cls(objective, tuple(dict.fromkeys(names)), callables, exclusive)

    @property
    def by_xgboost(self) -> list[str]:
        """Names of the metrics that XGBoost computes."""
        return [name for name in self.names if name != "focal"]

    @property
    def order(self) -> list[str]:
        """Names of our metrics behind those of XGBoost that the user gave before them."""
        return [*self.names, *map(_name, self.callables)]

    def __call__(self, margin: Any, data: Any) -> list[Result]:
        """Return (name, value) of each metric that is not XGBoost's; called by XGBoost."""
        labels, weight = labels_and_weights(data)
        results = []
        if "focal" in self.names:
            results.append(("focal", float(FocalMetric.of(self.objective)(labels, margin, weight))))  # type: ignore[arg-type]
        if self.callables:
            proba = self.objective.predict_proba(margin)
            proba = proba[:, 1] if proba.shape[1] == 2 and np.ndim(margin) == 1 else proba
            own = labels.argmax(axis=1) if labels.ndim == 2 and self.exclusive else labels
            results += [(_name(f), self._called(f, own.astype(np.intp), margin, proba, weight)) for f in self.callables]
        return results

    @staticmethod
    def _called(function: Any, y: Any, margin: Any, proba: Any, weight: Any) -> float:
        """Call the user's function as XGBoost does."""
        predicted = margin if isinstance(function, FocalMetric) else proba
        return float(function(y, predicted) if weight is None else function(y, predicted, sample_weight=weight))


def default_metric(params: Mapping[str, Any], softmax: bool) -> str:
    """Return the name of XGBoost's metric where none is asked for, empty where the parameters want none."""
    if params.get("disable_default_eval_metric"):
        return ""
    return "mlogloss" if softmax else "logloss"


def _name(function: Any) -> str:
    """Return the name of a metric; a partial has that of its function."""
    return str(getattr(getattr(function, "func", function), "__name__", type(function).__name__))


class History(xgboost.callback.TrainingCallback):  # type: ignore[misc,name-defined]
    """Keeps all digits of our metrics, which XGBoost prints with six and reads back; and a note in every checkpoint.

    Parameters
    ----------
    evaluation : Evaluation
    attributes : str
        Attributes of the booster from the first round on.
    """

    def __init__(self, evaluation: Evaluation, **attributes: str) -> None:
        super().__init__()
        self.evaluation = evaluation
        self._attributes = attributes
        self._results: list[list[Result]] = []

    @property
    def metric(self) -> Callable[[Any, Any], list[Result]] | None:
        """The ``custom_metric`` of `xgboost.train`; None where all metrics are XGBoost's."""
        return self._evaluate if "focal" in self.evaluation.names or self.evaluation.callables else None

    def _evaluate(self, margin: Any, data: Any) -> list[Result]:
        self._results.append(self.evaluation(margin, data))
        return self._results[-1]

    def before_training(self, model: Any) -> Any:
        """Write the attributes."""
        if self._attributes:
            model.set_attr(**self._attributes)
        return model

    def after_iteration(self, model: Any, epoch: int, evals_log: dict[str, OrderedDict[str, list[float]]]) -> bool:
        """Put the digits back, and the metrics in their order; runs before early stopping reads them."""
        if self.metric is not None:
            for log, results in zip(evals_log.values(), self._results, strict=True):
                for name, value in results:
                    log[name][-1] = value
                for name in self.evaluation.order:
                    if name in log:
                        log.move_to_end(name)
            self._results.clear()
        return False


class MeanShift(xgboost.callback.TrainingCallback):  # type: ignore[misc,name-defined]
    """Moves the start of a trained model, while XGBoost still holds its margins of the training rows.

    Before early stopping cuts the model, if it does.

    Parameters
    ----------
    objective : FocalObjective
    data : callable
        Returns the DMatrix of the training rows.
    """

    def __init__(self, objective: FocalObjective, data: Callable[[], Any]) -> None:
        super().__init__()
        self._objective, self._data = objective, data

    def after_training(self, model: Any) -> Any:
        """Move the start; called by XGBoost. Beside a base_margin a model has none."""
        data = self._data()
        if not len(data.get_base_margin()):
            move_start(model, self._objective.mean_shift(data, training_margins(model, data)))
        return model
