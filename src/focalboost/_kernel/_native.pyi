from typing import Any

import numpy as np
import numpy.typing as npt

instruction_set: str
LABEL_INVALID: int
MARGIN_NAN: int
MARGIN_UNDEFINED: int
WEIGHT_INVALID: int
UPPER: int
EXACT: int
EXPECTED: int

def derivatives(
    softmax: bool,
    margin: npt.NDArray[Any],
    label: npt.NDArray[Any],
    weight: npt.NDArray[Any] | None,
    alpha: npt.NDArray[np.float64],
    gamma: float,
    curvature: int,
    inverse_step: float,
    hessian_factor: float,
    gradient: npt.NDArray[Any],
    hessian: npt.NDArray[Any],
    threads: int,
    openmp: int = 0,
    precise: bool = False,
    wide: npt.NDArray[np.float64] | None = None,
    narrow: npt.NDArray[np.float32] | None = None,
    slopes: npt.NDArray[np.float64] | None = None,
    wide_rate: float = 0.0,
    narrow_rate: float = 0.0,
    origin: float = 0.0,
) -> int: ...
def losses(
    softmax: bool,
    margin: npt.NDArray[Any],
    label: npt.NDArray[Any],
    weight: npt.NDArray[Any] | None,
    alpha: npt.NDArray[np.float64],
    gamma: float,
    loss: npt.NDArray[Any] | None,
    threads: int,
    openmp: int = 0,
    wide: npt.NDArray[np.float64] | None = None,
    narrow: npt.NDArray[np.float32] | None = None,
    slopes: npt.NDArray[np.float64] | None = None,
    wide_rate: float = 0.0,
    narrow_rate: float = 0.0,
    origin: float = 0.0,
) -> tuple[int, float, float]: ...
