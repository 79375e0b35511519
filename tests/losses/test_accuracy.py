"""Relative errors against mpmath over the whole range of margins, for every instruction set of this processor."""

import functools
import os
import subprocess
import sys
from pathlib import Path

import accuracy_cases as cases
import log_odds_oracles as log_odds
import numpy as np
import pytest
from oracles import binary_mp, expected_mp, rows_mp

from focalboost import BinaryFocalLoss, MulticlassFocalLoss, SigmoidFocalLoss

PROBLEMS = ("binary", *(f"softmax-{k}" for k in cases.SOFTMAX_CLASSES))
# Relative error where the truth is above the floor, absolute error of the floor's size below it.
BARS = {
    "f64": (1e-13, 1e-290),
    "f32": (1e-6, 1e-32),
    # Half a unit in the last place of float32, where it is a normal number.
    "f64-f32": (6e-8, 1.2e-38),
    "f32-f64": (1e-13, 1e-290),
}


def run(instruction_set, *arguments):
    environment = {**os.environ, "FOCALBOOST_SIMD": instruction_set}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def supported_sets():
    """Return the names in the error about an unknown set."""
    error = run("nonsense", "-c", "import focalboost").stderr
    return error.split("must be one of ")[1].split(" on this processor")[0].split(", ")


SETS = supported_sets()


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What each instruction set computes; one process each."""
    folder = tmp_path_factory.mktemp("results")
    found = {}
    for name in SETS:
        process = run(name, Path(cases.__file__), folder / f"{name}.npz")
        assert process.returncode == 0, process.stderr
        with np.load(folder / f"{name}.npz") as file:
            found[name] = dict(file)
    return found


@pytest.fixture(scope="module")
def truths():
    """Loss, gradient, exact and upper Hessian for each problem and type of margin: arrays (n_gammas, n, ...)."""
    found = {}
    for dtype in (np.float64, np.float32):
        z, y = cases.binary_margins()
        found["binary", dtype] = binary_mp(z.astype(dtype).astype(float), y, cases.GAMMAS)
        for k in cases.SOFTMAX_CLASSES:
            z, y = cases.softmax_margins(k)
            alpha = cases.SOFTMAX_ALPHA[:k]
            found[f"softmax-{k}", dtype] = rows_mp(z.astype(dtype).astype(float), y, cases.GAMMAS, alpha)
    return found


# The mean over the labels takes K times as long to compute: of every so many rows.
EVERY = {"binary": 3, "softmax-2": 4, "softmax-3": 4, "softmax-5": 5, "softmax-20": 11}


@pytest.fixture(scope="module")
def expected_truths():
    """The expected Hessian as in `truths`, without alpha; of some rows."""
    found = {}
    for dtype in (np.float64, np.float32):
        for name, step in EVERY.items():
            binary = name == "binary"
            z, _ = cases.binary_margins() if binary else cases.softmax_margins(int(name.split("-")[1]))
            rows = z[::step].astype(dtype).astype(float)
            rows = np.stack([np.zeros_like(rows), rows], axis=1) if binary else rows
            truth = np.stack([expected_mp(row, cases.GAMMAS) for row in rows], axis=1)
            found[name, dtype] = truth[..., 1] if binary else truth
    return found


def worst(found, truth, bar, scale=None):
    """Return the largest error in units of what is allowed, which is relative to `scale`, by default the truth."""
    relative, floor = bar
    allowed = relative * (np.abs(truth) if scale is None else scale)
    error = np.abs(found.astype(np.float64) - truth)
    assert np.isfinite(error).all()
    return (error / np.where(np.abs(truth) > floor, allowed, np.maximum(allowed, floor))).max()


@pytest.mark.parametrize("instruction_set", SETS)
@pytest.mark.parametrize("precision", cases.PRECISIONS)
@pytest.mark.parametrize("problem", PROBLEMS)
def test_relative_error(results, truths, expected_truths, instruction_set, precision, problem):
    margins, output = cases.PRECISIONS[precision]
    errors = {}
    for i, gamma in enumerate(cases.GAMMAS):
        loss, gradient, exact, upper = (part[i] for part in truths[problem, margins])
        found = {
            kind: results[instruction_set][f"{problem}/{gamma}/{precision}/{kind}"]
            for kind in (
                *(f"gradient-{h}" for h in cases.HESSIANS),
                "exact",
                "upper",
                *(["loss"] if margins == output else []),
            )
        }
        bar = BARS[precision]
        # Each Hessian comes from a pass of its own.
        for kind in (f"gradient-{h}" for h in cases.HESSIANS):
            errors[kind, gamma] = worst(found[kind], gradient, bar)
        errors["upper", gamma] = worst(found["upper"], upper, bar)
        # The exact Hessian is the upper one less a term >= 0: its error is relative to the sum of the two.
        errors["exact", gamma] = worst(found["exact"], exact, bar, 2 * upper - exact)
        expected = results[instruction_set][f"{problem}/{gamma}/{precision}/expected"][:: EVERY[problem]]
        truth = expected_truths[problem, margins][i]
        if problem != "binary":
            k = truth.shape[1]
            labels = cases.softmax_margins(k)[1][:: EVERY[problem]]
            truth = truth * cases.SOFTMAX_ALPHA[:k][labels][:, None]
        errors["expected", gamma] = worst(expected, truth, bar)
        if "loss" in found:
            errors["loss", gamma] = worst(found["loss"], loss, bar)
    too_large = {name: error for name, error in errors.items() if not error <= 1}
    assert not too_large, "errors in units of the allowed error"


@pytest.fixture(scope="module")
def log_odds_truths():
    """Return a function of classes, gamma and type of margin: loss, gradient, expected, exact, its scale."""

    @functools.cache
    def truths(n_classes, gamma, dtype):
        f, y = cases.log_odds_rows(n_classes)
        f = f.astype(dtype).astype(float)
        if n_classes == 1:
            rows = [log_odds.binary_row(*row, gamma) for row in zip(f, y, strict=True)]
            return tuple(np.array(part) for part in zip(*rows, strict=True))
        exact = (np.ptp(f, axis=1) < 50) & (dtype is np.float64)  # differences of many digits take their time
        rows = [log_odds.softmax_row(*row, gamma, exact=own) for *row, own in zip(f, y, exact, strict=True)]
        loss, gradient, expected, second = zip(*rows, strict=True)
        second = np.stack([h if own else np.full(n_classes, np.nan) for h, own in zip(second, exact, strict=True)])
        return np.array(loss), np.stack(gradient), np.stack(expected), second, np.abs(second) + np.stack(expected)

    return truths


# Of softmax one root is found for each row, and everything else follows from it.
LOG_ODDS_BARS = BARS | {"softmax": (1e-12, 1e-290), "softmax-f32": (1e-6, 1e-32)}


@pytest.mark.parametrize("precision", cases.PRECISIONS)
@pytest.mark.parametrize("gamma", cases.LOG_ODDS_GAMMAS)
@pytest.mark.parametrize("n_classes", [1, 2, 3, pytest.param(5, marks=pytest.mark.slow)])
def test_relative_error_in_log_odds(results, log_odds_truths, n_classes, gamma, precision):
    margins, output = cases.PRECISIONS[precision]
    loss, gradient, expected, exact, scale = log_odds_truths(n_classes, gamma, margins)
    bar = LOG_ODDS_BARS[precision]
    if n_classes > 1:
        bar = LOG_ODDS_BARS["softmax" if output is np.float64 else "softmax-f32"]
    known = np.isfinite(exact)
    errors = {}
    for instruction_set in SETS:
        found = {
            kind: results[instruction_set][f"log-odds-{n_classes}/{gamma}/{precision}/{kind}"]
            for kind in ("gradient-expected", "gradient-exact", "expected", "exact")
        }
        errors[instruction_set, "gradient"] = worst(found["gradient-expected"], gradient, bar)
        errors[instruction_set, "the same gradient"] = worst(found["gradient-exact"], gradient, bar)
        errors[instruction_set, "expected"] = worst(found["expected"], expected, bar)
        if known.any():
            errors[instruction_set, "exact"] = worst(found["exact"][known], exact[known], bar, scale[known])
        if margins is output:
            values = results[instruction_set][f"log-odds-{n_classes}/{gamma}/{precision}/loss"]
            errors[instruction_set, "loss"] = worst(values, loss, bar)
    too_large = {name: error for name, error in errors.items() if not error <= 1}
    assert not too_large, "errors in units of the allowed error"


@pytest.mark.parametrize("instruction_set", SETS)
@pytest.mark.parametrize("precision, bar", [("f64", 1e-13), ("f32", 1e-6)])
@pytest.mark.parametrize("problem", PROBLEMS)
def test_relative_error_of_the_sum(results, truths, instruction_set, precision, bar, problem):
    margins = cases.PRECISIONS[precision][0]
    for i, gamma in enumerate(cases.GAMMAS):
        losses = truths[problem, margins][0][i]
        expected = np.sum(cases.weights(len(losses)).astype(margins).astype(float) * losses)
        assert results[instruction_set][f"{problem}/{gamma}/{precision}/sum"] == pytest.approx(expected, rel=bar, abs=0)


def test_instruction_sets_with_fused_operations_agree_to_the_last_bit(results):
    fused = [name for name in SETS if name != "baseline"]
    if len(fused) < 2:
        pytest.skip(f"this processor has only {', '.join(SETS)}")
    first, *others = fused
    different = [
        (other, key)
        for other in others
        for key, value in results[first].items()
        if value.tobytes() != results[other][key].tobytes()
    ]
    assert not different


@pytest.mark.parametrize("instruction_set", SETS)
def test_environment_variable_selects_the_instruction_set(instruction_set):
    process = run(instruction_set, "-c", "import focalboost; print(focalboost._kernel.instruction_set)")
    assert process.stdout.strip() == instruction_set


def test_unknown_instruction_set():
    process = run("nonsense", "-c", "import focalboost")
    assert process.returncode == 1
    last = process.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: FOCALBOOST_SIMD must be one of baseline")
    assert "got 'nonsense'" in last


@pytest.mark.parametrize("gamma", [*cases.GAMMAS, 100.0, 1e6])
@pytest.mark.parametrize("dtype, huge", [(np.float32, 1e30), (np.float64, 1e300)])
@pytest.mark.parametrize("hessian", cases.HESSIANS)
def test_finite_for_finite_margins(gamma, dtype, huge, hessian):
    size = np.concatenate([[0.0], np.geomspace(np.finfo(dtype).tiny, huge, 200)])
    z = np.concatenate([size, -size]).astype(dtype)
    y = np.arange(len(z)) % 2
    pairs = np.stack([z, z[::-1], np.roll(z, 7)], axis=1)
    for loss, labels, margins in [
        (BinaryFocalLoss(gamma), y, z),
        (BinaryFocalLoss(gamma), 1 - y, z),
        (SigmoidFocalLoss(gamma), y, pairs),
        (MulticlassFocalLoss(gamma), y, pairs),
        (MulticlassFocalLoss(gamma), 2 * y, pairs),
    ]:
        for array in (*loss.gradient_hessian(labels, margins, hessian=hessian), loss.loss(labels, margins)):
            assert np.isfinite(array).all()


def test_gradient_never_has_the_wrong_sign_or_exceeds_its_limit():
    # |g| <= alpha (1 + gamma / e): phi q is largest where gamma v L is.
    z, y = cases.binary_margins()
    for gamma in cases.GAMMAS:
        gradient = BinaryFocalLoss(gamma).gradient_hessian(y, z)[0]
        assert (np.where(y == 1, -gradient, gradient) >= 0).all()
        assert np.abs(gradient).max() <= 1 + gamma / np.e


def test_denormal_numbers_survive():
    tiny = np.array([5e-324, 1e-310])
    z = np.linspace(-800, 800, 60_000)
    loss, softmax = BinaryFocalLoss(2.0), MulticlassFocalLoss(2.0)
    loss.gradient_hessian(z > 0, z, n_threads=2)
    softmax.gradient_hessian(z > 0, np.stack([z, -z], axis=1).astype(np.float32), n_threads=2)
    loss(z > 0, z)
    assert (tiny * np.ones(2) > 0).all()
    assert float("5e-324") * float("1.0") != 0
    assert np.float32(1e-45) * np.float32(1) != 0


ENVIRONMENT = """
import ctypes, ctypes.util
import numpy as np

libm = ctypes.CDLL(ctypes.util.find_library("m"))

def environment():
    tiny = np.float64(5e-324) * np.ones(8), np.float32(1e-45) * np.ones(8, dtype=np.float32)
    rounding = [float.hex(x) for x in (1 + 2.0**-53, 1 + 3 * 2.0**-53, -1 - 3 * 2.0**-53, 2 / 3, -2 / 3)]
    return libm.fegetround(), [part.tobytes() for part in tiny], rounding

before = environment()
import focalboost
assert environment() == before
z = np.linspace(-800, 800, 60_000)
for threads in (1, 2):
    focalboost.BinaryFocalLoss(2.5).gradient_hessian(z > 0, z, n_threads=threads)
    focalboost.MulticlassFocalLoss().loss(z > 0, np.stack([z, -z], axis=1), n_threads=threads)
assert environment() == before
assert before[0] == 0 and np.frombuffer(before[1][0]).all()
print("the same")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="NOT TESTED: the name of the C library's mathematics is another")
def test_floating_point_environment_is_left_alone(in_new_process):
    """Rounding and denormal numbers of the process, by import and by call."""
    assert in_new_process(ENVIRONMENT) == "the same\n"
