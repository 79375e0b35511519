"""Focal loss for XGBoost: objective, metric and start value."""

from ._objective import FocalMetric, FocalObjective, base_score

__all__ = ["FocalMetric", "FocalObjective", "base_score"]
