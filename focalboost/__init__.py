"""Focal loss as a first-class objective of LightGBM and XGBoost.

The losses need neither framework; `focalboost.lightgbm` and `focalboost.xgboost` need theirs, and say so.
"""

from importlib.metadata import version

from ._class_weights import effective_alpha
from .losses import BinaryFocalLoss, MulticlassFocalLoss, SigmoidFocalLoss
from .probability import focal_loss

__version__ = version("focalboost")

__all__ = [
    "BinaryFocalLoss",
    "MulticlassFocalLoss",
    "SigmoidFocalLoss",
    "__version__",
    "effective_alpha",
    "focal_loss",
]

_ESTIMATORS = {"FocalLGBMClassifier": "lightgbm", "FocalXGBClassifier": "xgboost"}


def __getattr__(name: str) -> object:
    """Import an estimator, and its framework with it, when it is first asked for."""
    if name in _ESTIMATORS:
        from importlib import import_module  # noqa: PLC0415

        return getattr(import_module(f"focalboost.{_ESTIMATORS[name]}"), name)
    msg = f"module 'focalboost' has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted([*globals(), *_ESTIMATORS])
