"""Peak memory of a training over the stock one, and the time of the import: each in processes of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .report import Figure, Skipped
from .scales import Scale

PART = "Memory and import"
ROOT = Path(__file__).parents[1]

# The peak is counted from the start of the training (Linux): making and binning the rows takes more.
TRAINING = """
import re, sys
from pathlib import Path
from benchmarks.frameworks import Idle, LightGBM, XGBoost, synthetic

framework, kind, n_rows = {"LightGBM": LightGBM, "XGBoost": XGBoost}[sys.argv[1]], sys.argv[2], int(sys.argv[3])
X, y = synthetic(n_rows, 4)
problem = framework(X, y)
del X
Path("/proc/self/clear_refs").write_text("5")
objective = problem.prepared(2.0)
if kind == "stock":
    problem.stock(5)
else:
    problem.train(objective if kind == "focal" else Idle(n_rows), 5)
print(1024 * int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1]))
"""

IMPORT = """
import time
import sklearn.base
start = time.perf_counter()
import focalboost
print(time.perf_counter() - start)
"""


def figures(scale: Scale) -> Iterator[Figure | Skipped]:
    """Memory in units of the gradient and Hessian arrays; the import beyond scikit-learn's base in milliseconds."""
    n = scale.memory_rows
    for framework in ("LightGBM", "XGBoost"):
        name = f"{framework}, {n:,} rows: peak over stock / gradient and Hessian"
        if not Path("/proc/self/clear_refs").exists():
            yield Skipped(PART, name, "the peak is read from /proc, which is not there")
            continue
        kinds = ("focal", "idle", "stock")
        peaks = np.array([[measure(TRAINING, framework, kind, n) for kind in kinds] for _ in range(scale.pairs)])
        focal, idle = ((peaks[:, i] - peaks[:, 2]) / (8 * n) for i in range(2))
        yield Figure.of_values(PART, name, focal, "x", "<= 1.2")
        idle_name = f"{framework}, {n:,} rows: the same with an objective that computes nothing"
        yield Figure.of_values(PART, idle_name, idle, "x")
    seconds = [measure(IMPORT) for _ in range(scale.pairs)]
    yield Figure.of_values(
        PART, "import focalboost, beyond import sklearn.base", [1e3 * s for s in seconds], "ms", "<= 50"
    )


def measure(script: str, *arguments: object) -> float:
    """Return the number that a script prints in a process of its own."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if result.returncode:
        msg = f"a measuring process failed:\n{result.stderr}"
        raise RuntimeError(msg)
    return float(result.stdout)
