"""What a model file keeps beyond the framework's own: the loss, the prior and the labels, as one line of JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from .losses import AnyFocalLoss, BinaryFocalLoss, MulticlassFocalLoss, SigmoidFocalLoss

_LOSSES: dict[str, type[AnyFocalLoss]] = {
    kind.__name__: kind for kind in (BinaryFocalLoss, MulticlassFocalLoss, SigmoidFocalLoss)
}


@dataclass(frozen=True)
class Note:
    """How a model was trained, and whose labels its columns are."""

    loss: AnyFocalLoss
    prior: str
    classes: npt.NDArray[Any]
    multilabel: bool = False

    @classmethod
    def plain(cls, kind: type[AnyFocalLoss], n_classes: int, multilabel: bool = False) -> Self:
        """Describe a model that knows nothing of focalboost: trained on the log-loss, with the labels 0..K-1."""
        return cls(kind(0.0, score="log_odds"), "weighted", np.arange(n_classes), multilabel)

    def to_json(self) -> str:
        """Write it in one line; labels that JSON does not know are left out."""
        labels = self.classes.astype(np.int64) if self.classes.dtype.kind in "mM" else self.classes
        content = {
            "loss": type(self.loss).__name__,
            "gamma": self.loss.gamma,
            "alpha": self.loss.alpha,
            "prior": self.prior,
            "classes": labels.tolist(),
            "dtype": self.classes.dtype.str,
            "multilabel": self.multilabel,
        }
        try:
            return json.dumps(content, separators=(",", ":"))
        except TypeError:
            return json.dumps(content | {"classes": None}, separators=(",", ":"))

    @classmethod
    def from_json(cls, content: str) -> Self:
        """Read what `to_json` wrote."""
        held = json.loads(content)
        loss = _LOSSES[held["loss"]](held["gamma"], held["alpha"], score="log_odds")
        kind = np.dtype(held["dtype"])
        classes = np.array(held["classes"], dtype=np.int64 if kind.kind in "mM" else kind).astype(kind)
        return cls(loss, held["prior"], classes, held["multilabel"])
