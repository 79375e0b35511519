"""Focal loss for XGBoost: estimator, training, objective, metric and start value."""

from ._classifier import FocalXGBClassifier
from ._objective import FocalMetric, FocalObjective, base_score
from ._train import cv, train

__all__ = ["FocalMetric", "FocalObjective", "FocalXGBClassifier", "base_score", "cv", "train"]
