"""Focal loss for the gradient boosting of scikit-learn itself: no other framework is needed."""

from ._classifier import FocalHistGradientBoostingClassifier

__all__ = ["FocalHistGradientBoostingClassifier"]
