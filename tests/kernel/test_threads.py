"""Results do not depend on the number of threads, nor on where a row lies in a block."""

import os

import numpy as np
import pytest

from focalboost import BinaryFocalLoss, MulticlassFocalLoss, SigmoidFocalLoss
from focalboost._kernel import _threads

# Around the borders of blocks (512 rows), chunks (4096) and shares of a thread (16384).
SIZES = (1, 2, 511, 512, 513, 4095, 4096, 4097, 16383, 16384, 16385, 32769, 49153, 200_001)
LOSSES = {
    "binary": BinaryFocalLoss(2.0, 0.25),
    "softmax-3": MulticlassFocalLoss(1.5, (0.5, 1.0, 3.0)),
    "softmax-40": MulticlassFocalLoss(0.5),
    "sigmoid": SigmoidFocalLoss(2.0, (0.2, 0.5, 0.7)),
}
COLUMNS = {"binary": None, "softmax-3": 3, "softmax-40": 40, "sigmoid": 3}


def problem(name, n, dtype=np.float64):
    rng = np.random.default_rng(n)
    k = COLUMNS[name]
    z = rng.normal(scale=4, size=n if k is None else (n, k)).astype(dtype)
    return rng.integers(0, k or 2, n), z, rng.uniform(0, 2, n)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("name", ["binary", "softmax-3", "sigmoid"])
def test_same_bits_for_any_number_of_threads(name, n, dtype):
    y, z, weight = problem(name, n, dtype)
    loss = LOSSES[name]
    one = (*loss.gradient_hessian(y, z, weight, n_threads=1), loss.loss(y, z, weight, n_threads=1))
    for threads in (2, 3):
        more = (*loss.gradient_hessian(y, z, weight, n_threads=threads), loss.loss(y, z, weight, n_threads=threads))
        assert [a.tobytes() for a in one] == [a.tobytes() for a in more]


@pytest.mark.parametrize("n", [16385, 49153, 200_001])
@pytest.mark.parametrize("name", ["binary", "softmax-3", "sigmoid"])
def test_same_bits_of_sum_and_mean(name, n, monkeypatch):
    y, z, weight = problem(name, n)
    results = set()
    for threads in ("1", "2", "3"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        loss = LOSSES[name]
        results.add((loss(y, z, weight), loss(y, z), loss(y, z, weight, reduction="sum")))
    assert len(results) == 1
    mean, plain, total = results.pop()
    losses = LOSSES[name].loss(y, z)
    assert mean == pytest.approx(np.average(losses, weights=weight), rel=1e-13)
    assert plain == pytest.approx(losses.mean(), rel=1e-13)
    assert total == pytest.approx(losses @ weight, rel=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", LOSSES)
def test_a_row_does_not_depend_on_its_neighbours(name, dtype):
    y, z, weight = problem(name, 4611, dtype)
    loss = LOSSES[name]
    whole = (*loss.gradient_hessian(y, z, weight), loss.loss(y, z, weight))
    for rows in (slice(0, 1), slice(511, 514), slice(4095, 4098), slice(3, 4000), slice(4600, None)):
        part = (*loss.gradient_hessian(y[rows], z[rows], weight[rows]), loss.loss(y[rows], z[rows], weight[rows]))
        assert [a[rows].tobytes() for a in whole] == [a.tobytes() for a in part]


def test_number_of_threads(monkeypatch):
    monkeypatch.setattr(_threads.os, "sched_getaffinity", lambda _: set(range(6)), raising=False)
    for setting, expected in {"3": 3, " 4 ": 4, "2,8": 2, "0": 6, "-1": 6, "many": 6, "": 6}.items():
        monkeypatch.setenv("OMP_NUM_THREADS", setting)
        assert _threads.available_threads() == expected
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert _threads.available_threads() == 6
    monkeypatch.delattr(_threads.os, "sched_getaffinity")
    monkeypatch.setattr(_threads.os, "cpu_count", lambda: None)
    assert _threads.available_threads() == 1


def test_a_pass_gets_threads_for_its_size(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    most = _threads.MIN_VALUES_PER_THREAD
    cases = {1: 1, most: 1, 2 * most - 1: 1, 2 * most: 2, 3 * most: 3, 100 * most: 4}
    assert {n: _threads.thread_count(None, n) for n in cases} == cases
    assert _threads.thread_count(7, 1) == 7


FORK = """
import multiprocessing, os, sys
import numpy as np
from focalboost import BinaryFocalLoss

os.environ["OMP_NUM_THREADS"] = "2"
rng = np.random.default_rng(0)
y, z = rng.integers(0, 2, 200_000), rng.normal(size=200_000)
loss = BinaryFocalLoss(2.0)


def work():
    return loss.gradient_hessian(y, z)[0].sum(), loss(y, z)


def child(queue):
    queue.put(work())


before = work()
context = multiprocessing.get_context("fork")
queue = context.Queue()
process = context.Process(target=child, args=(queue,))
process.start()
assert queue.get(timeout=30) == before
process.join(timeout=30)
assert process.exitcode == 0
assert work() == before
print("same")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_computes_the_same(in_new_process):
    # In a process of its own: Python 3.12 warns of a fork beside threads, which other tests leave behind.
    assert in_new_process(FORK, timeout=100).strip() == "same"
