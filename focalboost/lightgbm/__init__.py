"""Focal loss for LightGBM: estimator, objective, metric, start value, and conversion to an ordinary model."""

from ._booster import to_builtin
from ._classifier import FocalLGBMClassifier
from ._objective import FocalMetric, FocalObjective, init_score

__all__ = ["FocalLGBMClassifier", "FocalMetric", "FocalObjective", "init_score", "to_builtin"]
