"""Fits side by side: in threads, in worker processes, after a fork, next to other OpenMP run-times.

Each case runs in a process of its own with a time limit, so that a deadlock or an abort is a failure. Each fit must
give the predictions of the same fit alone.
"""

import importlib
import sys

import pytest

FRAMEWORKS = ("lightgbm", "xgboost")
LIMIT = 120

# Margins from the frameworks' own interfaces, on rows enough for two threads in each pass of the kernel.
SETUP = """
import os, sys
framework = sys.argv[1]
import numpy as np

rng = np.random.default_rng(0)
X = rng.normal(size=(40_000, 4)).astype(np.float32)
y = (X[:, 0] + X[:, 1] ** 2 + rng.normal(size=len(X)) > 3).astype(int)

def fit(seed=0, threads=2):
    order = np.random.default_rng(seed).permutation(len(X))
    A, b = X[order], y[order]
    if framework == "lightgbm":
        import lightgbm
        from focalboost.lightgbm import FocalObjective
        objective = FocalObjective().prepare(b)
        params = {"objective": objective, "verbosity": -1, "num_threads": threads, "deterministic": True}
        return lightgbm.train(params, lightgbm.Dataset(A, b), 3).predict(X[:1000], raw_score=True)
    import xgboost
    from focalboost.xgboost import FocalObjective, base_score
    objective = FocalObjective().normalize(b)
    params = {"objective": "binary:logistic", "base_score": base_score(objective, b), "nthread": threads}
    booster = xgboost.train(params, xgboost.DMatrix(A, b), 3, obj=objective)
    return booster.predict(xgboost.DMatrix(X[:1000]), output_margin=True)

def close(found, expected):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
"""
IN_THREADS = """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(3) as pool:
    found = list(pool.map(fit, range(4)))
close(found, [fit(seed) for seed in range(4)])
print("right")
"""
IN_JOBLIB = """
import joblib
found = joblib.Parallel(n_jobs=2, backend=sys.argv[2])(joblib.delayed(fit)(seed) for seed in range(3))
close(found, [fit(seed) for seed in range(3)])
print("right")
"""
# Fits in children of a process that has not fitted: the usual pool of workers.
IN_FORKED_WORKERS = """
import multiprocessing
with multiprocessing.get_context("fork").Pool(2) as pool:
    found = pool.map(fit, range(2))
close(found, [fit(seed) for seed in range(2)])
print("right")
"""
SHARED_PROCESSORS = """
import importlib, joblib, json, threadpoolctl
name = {"lightgbm": "FocalLGBMClassifier", "xgboost": "FocalXGBClassifier"}[framework]

def threads(n_jobs):
    kind = getattr(importlib.import_module(f"focalboost.{framework}"), name)
    quiet = {"verbose": -1} if framework == "lightgbm" else {}
    clf = kind(n_estimators=1, n_jobs=n_jobs, **quiet).fit(X, y)
    if framework == "lightgbm":
        return int(clf.booster_.model_to_string().split("[num_threads: ")[1].split("]")[0])
    number = int(json.loads(clf.get_booster().save_config())["learner"]["generic_param"]["nthread"])
    # 0 leaves it to OpenMP.
    openmp = [pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "openmp"]
    return number or max(openmp)

workers = joblib.Parallel(n_jobs=2)
assert 2 * max(workers(joblib.delayed(threads)(None) for _ in range(2))) <= max(2, joblib.cpu_count())
assert workers(joblib.delayed(threads)(n) for n in (1, 2)) == [1, 2]  # an own number is kept
print("right")
"""
BESIDE_TORCH = """
import torch
torch.set_num_threads(2)
def work():
    return float((torch.ones(600, 600) @ torch.ones(600, 600)).sum())
"""
BESIDE_NUMBA = """
import numba
@numba.njit(parallel=True)
def total(values):
    result = 0.0
    for i in numba.prange(len(values)):
        result += values[i]
    return result
def work():
    return total(np.ones(1_000_000))
"""
BESIDE = """
expected = work()
alone = fit()
from concurrent.futures import ThreadPoolExecutor
close([fit()], [alone])
assert work() == expected
with ThreadPoolExecutor(1) as pool:  # at the same time, from one other thread
    others = [pool.submit(work) for _ in range(20)]
    found = fit()
    assert all(other.result() == expected for other in others)
close([found], [alone])
print("right")
"""

pytestmark = pytest.mark.parametrize("framework", FRAMEWORKS)


@pytest.fixture
def run(framework, in_new_process):
    """Run a script with the framework's name as first argument, and see that it comes to its end."""
    pytest.importorskip(framework)

    def check(script, *arguments, **environment):
        assert in_new_process(SETUP + script, framework, *arguments, timeout=LIMIT, **environment) == "right\n"

    return check


def test_fits_in_threads(run):
    run(IN_THREADS)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_fits_in_joblib(backend, run):
    run(IN_JOBLIB, backend)


def test_workers_share_the_processors(run):
    run(SHARED_PROCESSORS)


@pytest.mark.slow
def test_fits_with_one_thread_by_the_environment(run):
    run(IN_THREADS, OMP_NUM_THREADS="1")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="NOT TESTED: processes are forked on Linux")
def test_fits_in_forked_workers(run):
    run(IN_FORKED_WORKERS)


@pytest.mark.slow
@pytest.mark.parametrize("framework_first", [True, False])
@pytest.mark.parametrize("other", ["torch", "numba"])
def test_fits_beside_another_openmp(other, framework_first, framework, run):
    if importlib.util.find_spec(other) is None:
        pytest.skip(f"NOT TESTED beside the OpenMP run-time of {other}, which is not installed")
    first = f"import {framework}\n" if framework_first else ""
    beside = {"torch": BESIDE_TORCH, "numba": BESIDE_NUMBA}[other]
    # numba's other pools are not OpenMP, and this one takes calls from one thread at a time.
    run(first + beside + BESIDE, NUMBA_THREADING_LAYER="omp", NUMBA_NUM_THREADS="2")
