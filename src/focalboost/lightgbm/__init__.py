"""Focal loss for LightGBM: estimator, training, objective, metric, start value, and conversion to an ordinary model."""

from ._booster import to_builtin
from ._classifier import FocalLGBMClassifier
from ._objective import FocalMetric, FocalObjective, init_score
from ._train import cv, train

__all__ = ["FocalLGBMClassifier", "FocalMetric", "FocalObjective", "cv", "init_score", "to_builtin", "train"]
