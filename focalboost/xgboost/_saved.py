"""What a model file keeps beyond XGBoost's own: the loss, the link and the labels, as one attribute of the booster."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from ..losses import AnyFocalLoss, BinaryFocalLoss, MulticlassFocalLoss, SigmoidFocalLoss

_NAME = "focalboost"
_LOSSES: dict[str, type[AnyFocalLoss]] = {
    kind.__name__: kind for kind in (BinaryFocalLoss, MulticlassFocalLoss, SigmoidFocalLoss)
}


@dataclass(frozen=True)
class Saved:
    """How the margins of a booster become probabilities of labels."""

    loss: AnyFocalLoss
    link: str
    classes: npt.NDArray[Any]
    multilabel: bool

    def write(self, booster: Any) -> None:
        """Keep it in a booster, and so in every file and copy of it."""
        content = {
            "loss": type(self.loss).__name__,
            "gamma": self.loss.gamma,
            "alpha": self.loss.alpha,
            "link": self.link,
            "classes": self.classes.tolist(),
            "dtype": self.classes.dtype.str,
            "multilabel": self.multilabel,
        }
        booster.set_attr(**{_NAME: json.dumps(content)})

    @classmethod
    def find(cls, booster: Any) -> Self | None:
        """Read it from a booster, or return None for one that FocalXGBClassifier did not train."""
        content = booster.attr(_NAME)
        if content is None:
            return None
        held = json.loads(content)
        loss = _LOSSES[held["loss"]](held["gamma"], held["alpha"])
        classes = np.array(held["classes"], dtype=held["dtype"])
        return cls(loss, held["link"], classes, held["multilabel"])
