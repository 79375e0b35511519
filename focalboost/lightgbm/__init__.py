"""Focal loss for LightGBM: objective, metric, start value, and conversion to an ordinary model."""

from ._booster import to_builtin
from ._objective import FocalMetric, FocalObjective, init_score

__all__ = ["FocalMetric", "FocalObjective", "init_score", "to_builtin"]
