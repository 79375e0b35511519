"""Focal loss for XGBoost: estimator, objective, metric and start value."""

from ._classifier import FocalXGBClassifier
from ._objective import FocalMetric, FocalObjective, base_score

__all__ = ["FocalMetric", "FocalObjective", "FocalXGBClassifier", "base_score"]
