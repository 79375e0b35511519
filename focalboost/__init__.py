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
