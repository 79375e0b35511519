"""Objectives and metrics of both frameworks, called directly: forms, layouts, weights, alpha, threads."""

import copy
import importlib
import pickle
import sys
from types import SimpleNamespace

import adapters
import numpy as np
import pytest
from adapters import FRAMEWORKS, KINDS, loss_of, problem, settings, value
from scipy.special import softmax
from sklearn.base import clone

from focalboost import _kernel


@pytest.fixture(params=FRAMEWORKS)
def framework(request):
    return adapters.load(request.param)


@pytest.mark.parametrize(
    "score, hessian",
    [("log_odds", name) for name in ("expected", "exact")]
    + [("focal_logit", name) for name in ("bounded", "upper", "exact", "expected")],
)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weighted", [False, True])
def test_both_forms_give_the_derivatives_of_the_loss(framework, kind, score, hessian, weighted):
    y, z, weight = problem(kind)
    weight = weight if weighted else None
    z = framework.margins(z)
    objective = framework.objective(1.5, **settings(kind, score=score, hessian=hessian, max_step=3.0))
    native = objective(z, framework.data(y, weight))
    wrapped = objective(y, z, weight)
    factor = {"lightgbm": 1.5, "xgboost": 2.0}[framework.name] if kind == "softmax" else 1.0
    expected = loss_of(kind, 1.5, score=score).gradient_hessian(
        y, z.astype(np.float64), weight, hessian=hessian, max_step=3.0, hessian_factor=factor
    )
    for one, other, truth in zip(native, wrapped, expected, strict=True):
        assert one.tobytes("A") == other.tobytes("A")
        assert one.dtype == np.float32
        # Float margins are computed in float, others in double. The exact Hessian is a difference.
        rtol, atol = (6e-8, 1e-37) if framework.name == "lightgbm" else (2e-6, 1e-6 * (hessian == "exact"))
        np.testing.assert_allclose(one, truth, rtol=rtol, atol=atol)


def test_the_default_is_the_expected_hessian_in_log_odds(framework):
    y, z, _ = problem("binary")
    z = framework.margins(z)
    for more, same in (
        ({}, {"score": "log_odds", "hessian": "expected"}),
        ({"score": "focal_logit"}, {"hessian": "bounded"}),
    ):
        for one, two in zip(
            framework.objective(2.0, **more)(y, z), framework.objective(2.0, **more | same)(y, z), strict=True
        ):
            np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("n_classes", [3, 7])
def test_hessian_factor_is_the_framework_s(framework, n_classes):
    y, z, _ = problem("softmax", n_classes=n_classes)
    z = framework.margins(z)
    p = softmax(z.astype(np.float64), axis=1)
    factor = {"lightgbm": n_classes / (n_classes - 1), "xgboost": 2.0}[framework.name]
    gradient, hessian = framework.objective(0.0)(y, z)
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
        ({"hessian": "bounded"}, ValueError, "hessian must be one of 'expected', 'exact', got 'bounded'"),
        ({"gamma": 40.1}, ValueError, r"gamma must be a finite number in \[0, 40\]"),
        ({"gamma": 1e7, "score": "focal_logit"}, ValueError, r"gamma must be a finite number in \[0, 1e\+06\]"),
        ({"score": "logit"}, ValueError, "score must be one of"),
        ({"prior": "posterior"}, ValueError, "prior must be one of 'weighted', 'sampled'"),
        ({"prior": "sampled", "score": "focal_logit"}, ValueError, "prior must be 'weighted' for focal logits"),
        ({"class_weight": "balanced"}, ValueError, "class_weight must hold one weight for each class"),
        ({"class_weight": 2.0}, (TypeError, ValueError), "must"),
        ({"start": float("nan")}, ValueError, "start must be a finite number"),
        ({"start": "0"}, TypeError, "start must be a finite number"),
        ({"max_step": 0}, ValueError, "max_step must be"),
    ],
)
def test_parameters_are_checked_when_given(framework, parameters, error, words):
    with pytest.raises(error, match=words):
        framework.objective(**parameters)


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
    assert make(1.0) != make(1.0, prior="sampled")
    assert make(1.0) != make(1.0, score="focal_logit")
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

    def spy(*arguments, **curves):
        given.append(arguments[-3:-1])
        return derivatives(*arguments, **curves)

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
