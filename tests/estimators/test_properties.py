"""What holds for the estimators on any small data: labels, weights and features of every kind."""

import importlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from problems import layouts, weights

# Class and fast parameters of each estimator: tests run over all of them.
ESTIMATORS = {
    "lightgbm": ("FocalLGBMClassifier", {"verbosity": -1, "min_child_samples": 1, "min_data_in_bin": 1}),
    # Exact splits: bins would follow the weights of the rows.
    "xgboost": ("FocalXGBClassifier", {"tree_method": "exact", "min_child_weight": 1e-3}),
}
FAST = {"n_estimators": 3, "max_depth": 3, "n_jobs": 1}
LABELS = {
    "integers": [-7, 0, 3, 40],
    "unsigned": np.array([1, 2, 200, 255], dtype=np.uint8),
    "floats": [-1.0, 0.0, 2.0, 1e6],
    "truth": [False, True],
    "text": ["", "no", "yes", "été"],
    "objects": np.array(["b", "a", "c"], dtype=object),
}
FOCAL = {
    "focal_gamma": st.sampled_from([0.0, 0.5, 1.0, 2.0, 10.0, 40.0]),
    "focal_prior": st.sampled_from(["weighted", "sampled"]),
    "focal_multiclass": st.sampled_from(["softmax", "ovr"]),
    "focal_mean_shift": st.booleans(),
    "max_delta_step": st.sampled_from([0.0, 0.5, 4.0]),
}

pytestmark = [pytest.mark.parametrize("framework", ESTIMATORS), pytest.mark.usefixtures("needs_framework")]


@pytest.fixture
def needs_framework(framework):
    pytest.importorskip(framework)


def estimator(framework, **params):
    name, fast = ESTIMATORS[framework]
    return getattr(importlib.import_module(f"focalboost.{framework}"), name)(**FAST, **fast, **params)


@st.composite
def tables(draw):
    """Draw features, with gaps, ties and constants, codes of 2 to 4 classes, each of them there, and weights."""
    n_classes, n, columns = draw(st.integers(2, 4)), draw(st.integers(4, 40)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    X = rng.normal(size=(n, columns)).astype(draw(st.sampled_from([np.float32, np.float64])))
    X[:, 0] = np.round(X[:, 0])
    X[rng.random(X.shape) < draw(st.sampled_from([0.0, 0.3, 1.0]))] = np.nan
    codes = rng.permutation(np.concatenate([np.arange(n_classes), rng.integers(0, n_classes, n - n_classes)]))
    weight = draw(st.none() | st.lists(weights(largest=1e6), min_size=n, max_size=n).map(np.array))
    if weight is not None:
        weight[np.unique(codes, return_index=True)[1]] = 1.0  # no class without weight
    return X, codes, weight


@settings(max_examples=30)
@given(table=tables(), kind=st.sampled_from(sorted(LABELS)), params=st.fixed_dictionaries(FOCAL), layout=layouts())
def test_probabilities_of_any_data(framework, table, kind, params, layout):
    X, codes, weight = table
    names = np.asarray(LABELS[kind])[: codes.max() + 1]
    codes = np.minimum(codes, len(names) - 1)
    y = names[codes]
    clf = estimator(framework, **params).fit(X, y, sample_weight=weight)
    np.testing.assert_array_equal(clf.classes_, np.unique(y))
    probability = clf.predict_proba(X)
    assert probability.shape == (len(X), len(clf.classes_))
    assert ((probability >= 0) & (probability <= 1)).all()
    if params["focal_multiclass"] == "softmax" or len(clf.classes_) < 3:
        np.testing.assert_allclose(probability.sum(axis=1), 1, rtol=1e-6)
    assert np.isfinite(clf.decision_function(X)).all()
    assert set(clf.predict(X)) <= set(clf.classes_)
    # Names, layouts and a pass through float64 change nothing.
    wide = estimator(framework, **params).fit(layout(X.astype(np.float64)), names[codes], sample_weight=weight)
    np.testing.assert_array_equal(wide.predict_proba(X), probability)


@settings(max_examples=15)
@given(table=tables(), power=st.lists(st.integers(-3, 3), min_size=4, max_size=4))
def test_alpha_is_a_weight_of_the_class(framework, table, power):
    """Powers of 2, which weights in float32 hold."""
    X, codes, weight = table
    alpha = 2.0 ** np.array(power[: codes.max() + 1])
    one = estimator(framework, focal_alpha=alpha).fit(X, codes, sample_weight=weight)
    by_row = alpha[codes] if weight is None else alpha[codes] * weight
    two = estimator(framework).fit(X, codes, sample_weight=by_row)
    np.testing.assert_allclose(one.predict_proba(X), two.predict_proba(X), rtol=1e-6, atol=1e-12)


@settings(max_examples=15)
@given(table=tables(), gamma=FOCAL["focal_gamma"])
def test_threads_do_not_matter(framework, table, gamma):
    X, codes, weight = (None if part is None else np.concatenate([part] * 20) for part in table)
    one, two = (
        estimator(framework, focal_gamma=gamma).set_params(n_jobs=n).fit(X, codes, sample_weight=weight) for n in (1, 2)
    )
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))
