"""Figures in scikit-learn's Display convention: the losses, row weights, a score against gamma, probabilities by link.

Each class is made by one of its ``from_...`` methods, which draw too; `plot` draws again.
"""

from ._calibration import LinkCalibrationDisplay
from ._curves import FocalLossDisplay, RowWeightDisplay
from ._score import ScoreByGammaDisplay

__all__ = ["FocalLossDisplay", "LinkCalibrationDisplay", "RowWeightDisplay", "ScoreByGammaDisplay"]
