"""What the tests of error messages share."""

import re

import numpy as np
import pytest

from focalboost import BinaryFocalLoss, MulticlassFocalLoss, SigmoidFocalLoss

KINDS = (BinaryFocalLoss, MulticlassFocalLoss, SigmoidFocalLoss)
Y = np.array([0, 1, 1, 0])
Z = np.array([0.5, -1.0, 2.0, 0.0])
ZK = np.stack([Z, -Z, 2 * Z], axis=1)
MARGINS = {BinaryFocalLoss: Z, MulticlassFocalLoss: ZK, SigmoidFocalLoss: ZK}


def raises(error, *parts):
    """Expect an error whose message holds all the parts, in this order."""
    return pytest.raises(error, match=".*".join(map(re.escape, parts)))


def calls(loss):
    """Everything that takes labels, margins and weights."""
    return (loss.gradient_hessian, loss.loss, loss, lambda *a: loss(*a, reduction="none"))
