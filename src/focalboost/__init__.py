"""Focal loss as a first-class objective of LightGBM, XGBoost and scikit-learn's gradient boosting.

The losses need no framework; `focalboost.lightgbm` and `focalboost.xgboost` need theirs, and say so.
"""

from importlib.metadata import version

from ._class_weights import effective_alpha
from ._frameworks import installed as _installed
from .losses import BinaryFocalLoss, MulticlassFocalLoss, SigmoidFocalLoss
from .probability import focal_loss

__version__ = version("focalboost")

_FRAMEWORKS = {
    "FocalHistGradientBoostingClassifier": "sklearn",
    "FocalLGBMClassifier": "lightgbm",
    "FocalXGBClassifier": "xgboost",
}
_INSTALLED = [name for name, framework in _FRAMEWORKS.items() if _installed(framework)]

__all__ = [  # noqa: PLE0604 (the estimators whose framework is there)
    "BinaryFocalLoss",
    *_INSTALLED,
    "MulticlassFocalLoss",
    "SigmoidFocalLoss",
    "__version__",
    "effective_alpha",
    "focal_loss",
]


def __getattr__(name: str) -> object:
    """Import an estimator, and its framework with it, when it is first asked for."""
    if name in _INSTALLED:
        from importlib import import_module  # noqa: PLC0415

        return getattr(import_module(f"focalboost.{_FRAMEWORKS[name]}"), name)
    remedy = f": pip install 'focalboost[{_FRAMEWORKS[name]}]'" if name in _FRAMEWORKS else ""
    msg = f"module 'focalboost' has no attribute {name!r}{remedy}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted({*globals(), *_INSTALLED})
