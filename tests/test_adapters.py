"""Objectives and metrics of both frameworks, called directly: forms, layouts, weights, alpha, threads."""

import copy
import importlib
import os
import pickle
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.base import clone

from focalboost import BinaryFocalLoss, MulticlassFocalLoss, SigmoidFocalLoss, _kernel
from focalboost._kernel import _threads

FRAMEWORKS = ("lightgbm", "xgboost")
KINDS = ("binary", "softmax", "ovr")


@pytest.fixture(params=FRAMEWORKS)
def framework(request):
    """The adapter, and a data set and margins as its framework hands them over."""
    package = pytest.importorskip(request.param)
    adapter = importlib.import_module(f"focalboost.{request.param}")
    if request.param == "lightgbm":

        def data(y, weight=None, **params):
            X = np.arange(2.0 * len(y)).reshape(-1, 2)
            return package.Dataset(X, y, weight=weight, params={"verbosity": -1, **params}).construct()

        dtype, order = np.float64, "F"
    else:

        def data(y, weight=None, **params):
            return package.DMatrix(np.arange(2.0 * len(y)).reshape(-1, 2), y, weight=weight)

        dtype, order = np.float32, "C"
    return SimpleNamespace(
        name=request.param,
        objective=adapter.FocalObjective,
        metric=adapter.FocalMetric,
        adapter=adapter,
        data=data,
        dtype=dtype,
        order=order,
        margins=lambda z: np.array(z, dtype=dtype, order=order),
    )


def settings(kind, **more):
    return {"multiclass": "ovr" if kind == "ovr" else "softmax", **more}


def problem(kind, n=500, n_classes=3, seed=0):
    rng = np.random.default_rng(seed)
    k = 2 if kind == "binary" else n_classes
    z = rng.normal(scale=3, size=n if kind == "binary" else (n, k))
    return rng.integers(0, k, n), z, rng.uniform(0.1, 3, n).astype(np.float32)


def loss_of(kind, gamma, alpha=None):
    return {"binary": BinaryFocalLoss, "softmax": MulticlassFocalLoss, "ovr": SigmoidFocalLoss}[kind](gamma, alpha)


def value(metric_result):
    return next(part for part in np.atleast_1d(np.array(metric_result, dtype=object)) if isinstance(part, float))


@pytest.mark.parametrize("hessian", ["bounded", "upper", "exact", "expected"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weighted", [False, True])
def test_both_forms_give_the_derivatives_of_the_loss(framework, kind, hessian, weighted):
    y, z, weight = problem(kind)
    weight = weight if weighted else None
    z = framework.margins(z)
    objective = framework.objective(1.5, **settings(kind, hessian=hessian, max_step=3.0))
    native = objective(z, framework.data(y, weight))
    wrapped = objective(y, z, weight)
    factor = {"lightgbm": 1.5, "xgboost": 2.0}[framework.name] if kind == "softmax" else 1.0
    expected = loss_of(kind, 1.5).gradient_hessian(
        y, z.astype(np.float64), weight, hessian=hessian, max_step=3.0, hessian_factor=factor
    )
    for one, other, truth in zip(native, wrapped, expected, strict=True):
        assert one.tobytes("A") == other.tobytes("A")
        assert one.dtype == np.float32
        # Float margins are computed in float, others in double. The exact Hessian is a difference.
        rtol, atol = (6e-8, 1e-37) if framework.name == "lightgbm" else (2e-6, 1e-6 * (hessian == "exact"))
        np.testing.assert_allclose(one, truth, rtol=rtol, atol=atol)


@pytest.mark.parametrize("n_classes", [3, 7])
def test_hessian_factor_is_the_framework_s(framework, n_classes):
    y, z, _ = problem("softmax", n_classes=n_classes)
    z = framework.margins(z)
    p = softmax(z.astype(np.float64), axis=1)
    factor = {"lightgbm": n_classes / (n_classes - 1), "xgboost": 2.0}[framework.name]
    gradient, hessian = framework.objective(0.0, hessian="upper")(y, z)
    np.testing.assert_allclose(hessian, factor * p * (1 - p), rtol=2e-6)
    np.testing.assert_allclose(gradient, p - np.eye(n_classes)[y], rtol=2e-5, atol=1e-7)


@pytest.mark.parametrize("given", ["C", "F"])
@pytest.mark.parametrize("kind", ["softmax", "ovr"])
def test_output_has_the_layout_of_the_margins(framework, kind, given):
    y, z, _ = problem(kind)
    objective = framework.objective(2.0, **settings(kind))
    for part in objective(y, np.array(z, dtype=framework.dtype, order=given)):
        assert part.shape == z.shape
        assert part.flags[f"{given}_CONTIGUOUS"]
        assert np.shares_memory(part, part.ravel(order=given))


def test_one_column_is_one_margin(framework):
    y, z, weight = problem("binary")
    z = framework.margins(z)
    objective, metric = framework.objective(2.0, 0.25), framework.metric(2.0, 0.25)
    for flat, column in zip(objective(y, z, weight), objective(y, z[:, None], weight), strict=True):
        assert column.shape == (len(z), 1)
        np.testing.assert_array_equal(flat, column[:, 0])
    assert metric(y, z, weight) == metric(y, z[:, None], weight)


@pytest.mark.parametrize("shape", [(0,), (0, 1), (0, 3)])
@pytest.mark.parametrize("alpha", [None, "balanced"])
def test_empty_shard(framework, shape, alpha):
    empty = np.empty(shape, dtype=framework.dtype)
    for part in framework.objective(2.0, alpha)(np.empty(0), empty):
        assert part.shape == shape
        assert part.dtype == np.float32


@pytest.mark.parametrize("kind", KINDS)
def test_weights_are_applied_once(framework, kind):
    y, z, _ = problem(kind)
    z = framework.margins(z)
    objective = framework.objective(2.0, **settings(kind))
    plain = objective(z, framework.data(y))
    double = objective(z, framework.data(y, np.full(len(y), 2.0)))
    for one, two in zip(plain, double, strict=True):
        np.testing.assert_array_equal(2 * one, two)
    counts = np.random.default_rng(1).integers(0, 4, len(y))
    weighted = objective(z, framework.data(y, counts))
    repeated = objective(framework.margins(np.repeat(z, counts, axis=0)), framework.data(np.repeat(y, counts)))
    for one, two in zip(weighted, repeated, strict=True):
        np.testing.assert_allclose(one.sum(axis=0, dtype=float), two.sum(axis=0, dtype=float), rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("alpha", [None, "given"])
def test_metric_is_the_weighted_mean_loss(framework, kind, weighted, alpha, focal_by_hand):
    y, z, weight = problem(kind)
    weight = weight if weighted else None
    alpha = alpha and {"binary": (0.5, 2.0), "softmax": (0.5, 2.0, 1.0), "ovr": 0.3}[kind]
    by_hand = (0.7, 0.3) if alpha == 0.3 else alpha
    z = framework.margins(z)
    metric = framework.metric(2.0, alpha, **settings(kind))
    assert metric.__name__ == "focal"
    expected = focal_by_hand(y, z, 2.0, by_hand, weight, "ovr" if kind == "ovr" else "softmax")
    rel = 1e-13 if framework.name == "lightgbm" else 1e-6
    native, wrapped = metric(z, framework.data(y, weight)), metric(y, z, weight)
    if framework.name == "lightgbm":
        assert native == wrapped
        assert (native[0], native[2]) == ("focal", False)
    else:
        assert native == ("focal", wrapped)
    assert native[1] == pytest.approx(expected, rel=rel)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["balanced", "effective"])
def test_named_alpha_is_that_of_the_training_rows(framework, kind, name):
    y, z, weight = problem(kind, n=400)
    y[:200] = 0
    z = framework.margins(z)
    objective = framework.objective(2.0, name, **settings(kind))
    resolved = objective.resolve(y, weight)
    assert not isinstance(resolved.alpha, str)
    n, counts = len(y), np.bincount(y)
    if name == "balanced":
        counts = np.bincount(y, weights=weight)
        n = counts.sum()
    if kind == "ovr":
        counts = np.stack([n - counts, counts], axis=1)
    if name == "balanced":
        expected = n / (counts.shape[-1] * counts)
    else:
        expected = (1 - 0.9999) / (1 - 0.9999**counts)
        expected /= expected.mean(axis=-1, keepdims=True)
    np.testing.assert_allclose(resolved.alpha, expected, rtol=1e-6)
    for one, two in zip(objective(z, framework.data(y, weight)), resolved(y, z, weight), strict=True):
        np.testing.assert_array_equal(one, two)
    np.testing.assert_allclose(objective.intercept(y, weight), resolved.intercept(y, weight), rtol=1e-14)
    metric = framework.metric(2.0, resolved.alpha, **settings(kind))
    assert np.isfinite(value(metric(y, z, weight)))


@pytest.mark.parametrize(
    "alpha, same",
    [(0.25, (0.75, 0.25)), ({0: 0.5, 1: 3.0}, (0.5, 3.0)), ([0.5, 3], (0.5, 3.0)), (np.array([0.5, 3]), (0.5, 3.0))],
)
def test_ways_to_write_alpha(framework, alpha, same):
    y, z, weight = problem("binary")
    one, two = framework.objective(2.0, alpha), framework.objective(2.0, same)
    for a, b in zip(one(y, z, weight), two(y, z, weight), strict=True):
        np.testing.assert_array_equal(a, b)
    assert one.intercept(y) == two.intercept(y)
    assert one.resolve(y) == one
    assert hash(two) == hash(framework.objective(2.0, same))


@pytest.mark.parametrize("name", ["balanced", "effective"])
def test_metric_refuses_a_named_alpha(framework, name):
    with pytest.raises(ValueError, match=rf"alpha must be numbers in a metric, got '{name}'.*resolve"):
        framework.metric(2.0, name)


def test_number_for_alpha_has_no_meaning_in_softmax(framework):
    y, z, _ = problem("softmax")
    with pytest.raises(ValueError, match="alpha must hold one weight per class"):
        framework.objective(2.0, 0.25)(framework.margins(z), framework.data(y))
    framework.objective(2.0, 0.25, multiclass="ovr")(framework.margins(z), framework.data(y))


@pytest.mark.parametrize("bad", [-1, 3, 0.5, np.nan])
def test_label_that_is_no_class_number(framework, bad):
    y, z, _ = problem("softmax")
    y = y.astype(np.float64)
    y[7] = bad
    with pytest.raises(ValueError, match=r"y_true must hold integers in 0..2"):
        framework.objective(2.0)(y, framework.margins(z))
    with pytest.raises(ValueError, match=r"y_true must hold integers in 0..2"):
        framework.metric(2.0)(y, framework.margins(z))


@pytest.mark.parametrize(
    "parameters, error, words",
    [
        ({"gamma": -1}, ValueError, "gamma must be"),
        ({"gamma": "2"}, TypeError, "gamma must be"),
        ({"alpha": 0.0}, ValueError, "alpha must be"),
        ({"alpha": "balance"}, ValueError, "alpha must be one of"),
        ({"multiclass": "ova"}, ValueError, "multiclass must be one of"),
        ({"hessian": "newton"}, ValueError, "hessian must be one of"),
        ({"max_step": 0}, ValueError, "max_step must be"),
    ],
)
def test_parameters_are_checked_when_given(framework, parameters, error, words):
    with pytest.raises(error, match=words):
        framework.objective(**parameters)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("link", ["focal", "logit", "posterior"])
def test_predict_proba(framework, kind, link):
    _, z, _ = problem(kind)
    objective = framework.objective(2.0, "balanced" if link != "posterior" else None, **settings(kind))
    expected = loss_of(kind, 2.0).predict_proba(z, link)
    np.testing.assert_array_equal(objective.predict_proba(z, link), expected)
    assert expected.shape == (500, 2 if kind == "binary" else 3)


@pytest.mark.parametrize("what", ["objective", "metric"])
def test_is_a_value(framework, what):
    make = getattr(framework, what)
    one = make(1.5, (0.5, 2.0))
    for other in (make(gamma=1.5, alpha=[0.5, 2]), pickle.loads(pickle.dumps(one)), copy.deepcopy(one)):
        assert other == one
        assert hash(other) == hash(one)
    assert clone(one, safe=False) == one
    assert make(1.0) != make(2.0)
    assert make(1.0) != make(1.0, multiclass="ovr")
    assert "gamma=1.5" in repr(one)
    assert one != framework.objective(1.5, (0.5, 2.0), hessian="exact")


def test_frameworks_objectives_differ():
    lightgbm, xgboost = (pytest.importorskip(f"focalboost.{name}", exc_type=ImportError) for name in FRAMEWORKS)
    assert lightgbm.FocalObjective(1.0) != xgboost.FocalObjective(1.0)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_do_not_depend_on_lightgbm_s_thread_count(kind):
    lightgbm = pytest.importorskip("lightgbm")
    adapter = importlib.import_module("focalboost.lightgbm")
    objective, metric = adapter.FocalObjective(2.0, **settings(kind)), adapter.FocalMetric(2.0, **settings(kind))
    y, z, weight = problem(kind, 200_000)
    z = np.asfortranarray(z)
    results = set()
    for threads in (1, 2):
        for name in ("num_threads", "n_jobs"):
            data = lightgbm.Dataset(z[:, None] if z.ndim == 1 else z, y, weight=weight)
            data.params = {name: threads, "verbosity": -1}
            data.construct()
            results.add((*(part.tobytes("A") for part in objective(z, data)), metric(z, data)))
    assert len(results) == 1


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems' frameworks need not use OpenMP so")
def test_the_framework_s_threads_are_found_and_used(framework, monkeypatch):
    native = framework.adapter._objective._native
    assert native.OPENMP != 0
    given = []
    derivatives = _kernel._native.derivatives

    def spy(*arguments):
        given.append(arguments[-3:-1])
        return derivatives(*arguments)

    monkeypatch.setattr(_kernel, "_native", SimpleNamespace(**{**vars(_kernel._native), "derivatives": spy}))
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    y, z, weight = problem("binary", 200_000)
    with_pool = framework.objective(2.0)(y, z, weight)
    address = native.OPENMP
    monkeypatch.setattr(native, "OPENMP", 0)
    without_pool = framework.objective(2.0)(y, z, weight)
    assert given == [(2, address), (2, 0)]
    for one, two in zip(with_pool, without_pool, strict=True):
        np.testing.assert_array_equal(one, two)


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
