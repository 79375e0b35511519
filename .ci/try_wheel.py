"""Check an installed wheel: `python .ci/try_wheel.py [options of pytest]`.

The kernel must use the widest instruction set that the processor has: compilers differ in how they ask for it, and one
that answers no makes a wheel that is right and several times slower. Then a small fit in each framework that is there,
and the numeric tests.
"""

import importlib.util
import platform
import sys
from pathlib import Path

import focalboost
from focalboost._kernel import instruction_set

ROOT = Path(__file__).parents[1]
KERNEL_TESTS = [ROOT / path for path in Path(__file__).with_name("kernel_tests.txt").read_text().split()]


def expected_instruction_set() -> str:
    """Return what the kernel should have chosen, as numpy sees the processor; its names are those of 1.26 to 2.5."""
    if platform.machine().lower() not in {"x86_64", "amd64"}:
        return "baseline"  # holds NEON on aarch64
    core = "numpy._core" if importlib.util.find_spec("numpy._core") else "numpy.core"
    features = importlib.import_module(f"{core}._multiarray_umath").__cpu_features__
    if not (features["AVX2"] and features["FMA3"]):
        return "baseline"
    return "avx512" if features["AVX512_SKX"] else "avx2"


def check_instruction_set() -> None:
    """Fail if the kernel runs another instruction set than the processor's widest."""
    expected = expected_instruction_set()
    if instruction_set != expected:
        sys.exit(f"the kernel runs {instruction_set}, this processor has {expected}")
    print("instruction set:", instruction_set)


def check_fits() -> None:
    """Fail if a model of a framework that is there does not learn the easiest of data."""
    X, y = [[float(i)] for i in range(100)], [i // 50 for i in range(100)]
    for framework, name, quiet in (
        ("lightgbm", "FocalLGBMClassifier", {"verbosity": -1}),
        ("xgboost", "FocalXGBClassifier", {}),
    ):
        if importlib.util.find_spec(framework) is None:
            print(f"NOT RUN: a fit, {framework} is not installed")
        elif (score := getattr(focalboost, name)(n_estimators=20, **quiet).fit(X, y).score(X, y)) < 0.9:
            sys.exit(f"{name} scores {score}")
        else:
            print(f"{name}: fitted, accuracy {score}")


def run_tests() -> None:
    """Run the numeric tests; src is not on the path, so that they import what is installed."""
    if importlib.util.find_spec("pytest") is None:
        print("NOT RUN: the numeric tests, pytest is not installed")
        return
    sys.exit(importlib.import_module("pytest").main(["-p", "no:cacheprovider", *sys.argv[1:], *map(str, KERNEL_TESTS)]))


if __name__ == "__main__":
    check_instruction_set()
    check_fits()
    run_tests()
