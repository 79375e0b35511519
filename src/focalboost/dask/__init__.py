"""Training on a Dask cluster: each estimator here is its namesake with Dask collections in place of arrays.

A cluster reduces only the number and the weight of the rows of each class, which the start value and the class weights
follow from. Each worker then computes the derivatives of its own rows, and the framework adds up the histograms.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._lightgbm import DaskFocalLGBMClassifier
    from ._xgboost import DaskFocalXGBClassifier

__all__ = ["DaskFocalLGBMClassifier", "DaskFocalXGBClassifier"]

_ESTIMATORS = {"DaskFocalLGBMClassifier": "lightgbm", "DaskFocalXGBClassifier": "xgboost"}


def __getattr__(name: str) -> object:
    """Import an estimator, and its framework with it, when it is first asked for."""
    if name in _ESTIMATORS:
        from importlib import import_module  # noqa: PLC0415

        from .._frameworks import require  # noqa: PLC0415

        require("distributed", "dask", (2024, 8))
        framework = _ESTIMATORS[name]
        import_module(f"focalboost.{framework}")  # says what to install
        return getattr(import_module(f"focalboost.dask._{framework}"), name)
    msg = f"module 'focalboost.dask' has no attribute {name!r}"
    raise AttributeError(msg)
