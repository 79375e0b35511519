"""Paired differences: how large, how sure, and how large one would have had to be to show.

Splits of one set share rows, so the variance of a mean over them is more than that of independent ones: it is taken as
Nadeau and Bengio (Machine Learning 52, 2003) do, with the ratio of test to training rows added to 1 / n.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t

LEVEL, POWER = 0.05, 0.8


@dataclass(frozen=True)
class Difference:
    """A mean difference, the half width of its 95 % interval, and what would show in four of five studies like it."""

    mean: float
    half_width: float
    detectable: float

    @property
    def shows(self) -> bool:
        """Whether the interval leaves out 0."""
        return abs(self.mean) > self.half_width

    def text(self, digits: int) -> str:
        """Return mean, half width, and in brackets the detectable difference; bold where the interval leaves out 0.

        A single split has a mean alone.
        """
        if np.isnan(self.half_width):
            return f"{self.mean:+.{digits}f}"
        value = f"{self.mean:+.{digits}f} ± {self.half_width:.{digits}f}"
        return f"**{value}**" if self.shows else f"{value} ({self.detectable:.{digits}f})"


def difference(values: pd.Series | np.ndarray, test_to_train: float = 0.0) -> Difference:
    """Return the mean of paired differences; `test_to_train` is 0 for those that share no rows, as of several sets."""
    values = np.asarray(values, dtype=np.float64)
    n = len(values)
    if n < 2:
        return Difference(float(values.mean()), float("nan"), float("nan"))
    error = np.std(values, ddof=1) * np.sqrt(1 / n + test_to_train)
    quantile = t.ppf(1 - LEVEL / 2, n - 1)
    return Difference(float(values.mean()), float(quantile * error), float((quantile + t.ppf(POWER, n - 1)) * error))
