"""What holds for the objectives and metrics of both frameworks, in both of their calling forms, on any data."""

import importlib
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import problems
from scipy.special import expit, softmax

ADAPTERS = {
    name: importlib.import_module(f"focalboost.{name}")
    for name in ("lightgbm", "xgboost")
    if importlib.util.find_spec(name)
}
# As each framework hands margins over.
LAYOUTS = {"lightgbm": (np.float64, "F"), "xgboost": (np.float32, "C")}

pytestmark = pytest.mark.parametrize("framework", LAYOUTS)


def adapter(framework, p, **options):
    """Return the framework's objective, metric, and its margins for a problem."""
    package = ADAPTERS.get(framework) or pytest.importorskip(framework)
    settings = {"multiclass": "ovr" if p.kind == "ovr" else "softmax", "score": p.loss.score}
    dtype, order = LAYOUTS[framework]
    margin = p.z.clip(-1e38, 1e38).astype(dtype, order=order)
    objective = package.FocalObjective(p.loss.gamma, p.loss.alpha, **settings, **options)
    return objective, package.FocalMetric(p.loss.gamma, p.loss.alpha, **settings), margin


def dataset(p, absent):
    """Stand for the framework's data set: labels and weights in float32, as both keep them."""
    weight = absent if p.weight is None else p.weight.astype(np.float32)
    return SimpleNamespace(get_label=lambda: p.y.astype(np.float32), get_weight=lambda: weight)


FRAMEWORK_KINDS = {"kinds": ("binary", "softmax", "ovr"), "infinite": False}
IN_LOG_ODDS = problems(**FRAMEWORK_KINDS, scores=("log_odds",))
IN_FOCAL_LOGITS = problems(**FRAMEWORK_KINDS)
# Of a training that begins at even odds; margins of any kind are drawn here.
EVEN = pytest.mark.filterwarnings("ignore:training starts at margins of 0:UserWarning")


def assert_both_forms_are_one(framework, p, hessian):
    objective, metric, margin = adapter(framework, p, hessian=hessian)
    weight = None if p.weight is None else p.weight.astype(np.float32)
    data = dataset(p, None if framework == "lightgbm" else np.empty(0, dtype=np.float32))
    for native, sklearn in zip(objective(margin, data), objective(p.y, margin, weight), strict=True):
        assert native.tobytes() == sklearn.tobytes()
        assert native.dtype == np.float32
        assert native.shape == margin.shape
        assert np.isfinite(native).all()
    values = [
        next(part for part in (result if isinstance(result, tuple) else (result,)) if isinstance(part, float))
        for result in (metric(margin, data), metric(p.y, margin, weight))
    ]
    np.testing.assert_array_equal(*values)
    assert values[0] >= 0 or (weight is not None and not weight.any())


@EVEN
@given(p=IN_LOG_ODDS, hessian=st.sampled_from(["expected", "exact"]))
def test_both_forms_are_one(framework, p, hessian):
    assert_both_forms_are_one(framework, p, hessian)


@EVEN
@given(p=IN_FOCAL_LOGITS, hessian=st.sampled_from(["bounded", "upper", "exact", "expected"]))
def test_both_forms_are_one_for_focal_logits(framework, p, hessian):
    assert_both_forms_are_one(framework, p, hessian)


@EVEN
@given(p=st.one_of(IN_LOG_ODDS, IN_FOCAL_LOGITS))
def test_derivatives_are_those_of_the_loss(framework, p):
    objective, _, margin = adapter(framework, p, hessian="expected")
    factor = objective._softmax_factor(margin.shape[1]) if p.kind == "softmax" else 1.0
    wide = margin.astype(np.float64)
    expected = p.loss.gradient_hessian(p.y, wide, p.weight, hessian="expected", hessian_factor=factor)
    # Float arithmetic takes what is below 1e-32 before the weights for 0.
    largest = p.loss._alpha_array(p.loss._n_columns(margin)).max() * (1 if p.weight is None else max(1, p.weight.max()))
    for a, b in zip(objective(p.y, margin, p.weight), expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-32 * max(1, largest))


@EVEN
@given(p=IN_FOCAL_LOGITS, max_step=st.floats(0.01, 100))
def test_no_constant_leaf_steps_further_than_max_step(framework, p, max_step):
    objective, _, margin = adapter(framework, p, max_step=max_step)
    gradient, hessian = (part.astype(np.float64).sum(axis=0) for part in objective(p.y, margin, p.weight))
    assert (np.abs(gradient) <= max_step * hessian * (1 + 1e-5) + 1e-30).all()


@EVEN
@given(p=IN_LOG_ODDS, prior=st.sampled_from(["weighted", "sampled"]))
def test_the_mean_shift_makes_the_sums_right(framework, p, prior):
    """Where a shift can: each label has weight, and no margin is beyond what a shift could bring back."""
    objective, _, margin = adapter(framework, p, prior=prior)
    margin = margin.astype(np.float64).clip(-50, 50)
    shift = objective.mean_shift(p.y, margin, p.weight)
    assert np.isfinite(shift).all()
    weight = np.ones(len(p.y)) if p.weight is None else p.weight.copy()
    alpha = p.loss._alpha_array(p.loss._n_columns(margin))
    moved = margin + shift
    if p.kind == "softmax":
        weight = weight * alpha[p.y] if prior == "weighted" else weight
        counts = np.bincount(p.y, weight, margin.shape[1])
        if (counts > 0).all() and np.ptp(weight[weight > 0]) < 100:
            sums = (softmax(moved, axis=1) * weight[:, None]).sum(axis=0)
            np.testing.assert_allclose(sums, counts, rtol=1e-6)
        return
    own = p.own.astype(float)
    by_row = np.where(p.own, alpha[..., 1], alpha[..., 0]) if prior == "weighted" else np.ones(p.own.shape)
    by_row = by_row * (weight if own.ndim == 1 else weight[:, None])
    for o, w, m in zip(*(np.atleast_2d(part.T) for part in (own, by_row, moved)), strict=True):
        if 0 < (o * w).sum() < w.sum() and np.ptp(w[w > 0]) < 100:
            assert (expit(m) * w).sum() == pytest.approx((o * w).sum(), rel=1e-6)
