"""Starts, continuation, boosting modes, containers, and tiny data with FocalLGBMClassifier."""

import numpy as np
import pandas as pd
import pytest
from messages import raises
from scipy.sparse import csc_matrix, csr_matrix
from scipy.special import expit

lgb = pytest.importorskip("lightgbm")

from focalboost import FocalLGBMClassifier  # noqa: E402

FAST = {"n_jobs": 1, "verbosity": -1, "num_leaves": 7, "min_child_samples": 5, "n_estimators": 10}
UNSHIFTED = FAST | {"focal_mean_shift": False}  # what the history knows, and continuation leads to
KINDS = pytest.mark.parametrize(
    "n_classes, multiclass", [(2, "softmax"), (3, "softmax"), (3, "ovr")], ids=["binary", "softmax", "ovr"]
)


@KINDS
def test_a_start_of_the_users_own_is_not_in_the_model(n_classes, multiclass, make_data):
    X, y, _ = make_data(n_classes)
    shape = (len(y),) if n_classes == 2 else (len(y), n_classes)
    start = np.random.default_rng(0).normal(size=shape)
    clf = FocalLGBMClassifier(**UNSHIFTED, focal_multiclass=multiclass)
    clf.fit(X, y, init_score=start, eval_X=X[:200], eval_y=y[:200], eval_init_score=[start[:200]], eval_metric="focal")
    loss = clf.focal_loss_
    labels = (y[:, None] == np.arange(n_classes)).astype(float) if multiclass == "ovr" else y
    value = loss.loss(labels, clf.decision_function(X) + start)
    value = value.sum(axis=1) if value.ndim == 2 else value
    assert clf.evals_result_["valid_0"]["focal"][-1] == pytest.approx(value[:200].mean(), rel=1e-9)
    assert abs(clf.decision_function(X).mean()) < 2  # no other start was added


@KINDS
@pytest.mark.parametrize("kind", ["estimator", "booster", "text", "path"])
def test_ten_and_ten_rounds_are_twenty(n_classes, multiclass, kind, make_data, tmp_path):
    X, y, weight = make_data(n_classes)
    fit = {"sample_weight": weight, "eval_X": X[:200], "eval_y": y[:200], "eval_metric": "focal"}
    first = FocalLGBMClassifier(**UNSHIFTED, focal_multiclass=multiclass).fit(X, y, **fit)
    path = tmp_path / "model.txt"
    first.booster_.save_model(path)
    start = {"estimator": first, "booster": first.booster_, "text": str(path), "path": path}[kind]
    both = FocalLGBMClassifier(**UNSHIFTED, focal_multiclass=multiclass).fit(X, y, init_model=start, **fit)
    whole = FocalLGBMClassifier(**UNSHIFTED | {"n_estimators": 20}, focal_multiclass=multiclass).fit(X, y, **fit)
    assert both.booster_.num_trees() == whole.booster_.num_trees()
    np.testing.assert_allclose(both.decision_function(X), whole.decision_function(X), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(both.booster_.predict(X), whole.booster_.predict(X), rtol=1e-9)
    values, expected = (model.evals_result_["valid_0"]["focal"] for model in (both, whole))
    np.testing.assert_allclose(values, expected[10:], rtol=1e-9)
    assert first.booster_.num_trees() == whole.booster_.num_trees() // 2  # left as it was


@pytest.mark.parametrize("names", [("eval_X",), ("eval_y",), ("eval_set", "eval_X", "eval_y")])
def test_half_an_evaluation_set_and_two_ways_of_one(names, make_data):
    X, y, _ = make_data(2, 60)
    given = {"eval_X": X, "eval_y": y, "eval_set": [(X, y)]}
    with raises(ValueError, "eval_X and eval_y must be given together"):
        FocalLGBMClassifier(**FAST).fit(X, y, **{name: given[name] for name in names})


def test_training_cannot_go_on_with_other_labels(make_data):
    X, y, _ = make_data(3)
    first = FocalLGBMClassifier(**FAST).fit(X, np.array(["a", "b", "c"])[y])
    for labels in (y, y > 0):
        with raises(ValueError, "init_model", "labels of y", "'a' 'b' 'c'"):
            FocalLGBMClassifier(**FAST).fit(X, labels, init_model=first)


MODES = [
    {"boosting_type": "dart", "drop_rate": 0.5},
    {"data_sample_strategy": "goss", "learning_rate": 0.5},
    {"subsample": 0.5, "subsample_freq": 1},
    {"linear_tree": True},
    {"monotone_constraints": [1, 0, 0, 0, 0]},
    {"use_quantized_grad": True},
    {"extra_trees": True},
    {"num_leaves": 2, "learning_rate": 1.0},
    {"min_split_gain": 1e9},
]


@KINDS
@pytest.mark.parametrize("params", MODES, ids=lambda params: next(iter(params)))
def test_the_model_predicts_what_training_evaluated(n_classes, multiclass, params, make_data, focal_by_hand):
    X, y, _ = make_data(n_classes)
    clf = FocalLGBMClassifier(**{**UNSHIFTED, **params}, focal_multiclass=multiclass, random_state=0)
    clf.fit(X, y, eval_X=X[:400], eval_y=y[:400], eval_metric="focal")
    value = focal_by_hand(y[:400], clf.decision_function(X[:400]), 2.0, multiclass=multiclass)
    result = clf.evals_result_["valid_0"]["focal"]
    assert result[-1] == pytest.approx(value, rel=1e-6)
    if "min_split_gain" not in params:
        prior = focal_by_hand(
            y, np.full_like(clf.decision_function(X), 0) + _start(clf, y, n_classes), 2.0, multiclass=multiclass
        )
        assert focal_by_hand(y, clf.decision_function(X), 2.0, multiclass=multiclass) < 0.97 * prior


def _start(clf, y, n_classes):
    return clf.focal_loss_.intercept(y, None, n_classes)


def test_monotone_constraints_hold(make_data):
    X, y, _ = make_data(2)
    for sign in (1, -1):
        clf = FocalLGBMClassifier(**FAST, monotone_constraints=[sign, 0, 0, 0, 0]).fit(X, y)
        grid = np.repeat(X[:20], 50, axis=0)
        grid[:, 0] = np.tile(np.linspace(-3, 3, 50), 20)
        steps = sign * np.diff(clf.predict_proba(grid)[:, 1].reshape(20, 50), axis=1)
        assert steps.min() >= -1e-12


@pytest.mark.parametrize("given, held", [({}, "1"), ({"quant_train_renew_leaf": False}, "0")])
def test_quantised_gradients_renew_leaves(given, held, make_data):
    X, y, _ = make_data(2)
    clf = FocalLGBMClassifier(**FAST, use_quantized_grad=True, **given).fit(X, y)
    assert f"[quant_train_renew_leaf: {held}]" in clf.booster_.model_to_string()
    assert "quant_train_renew_leaf" not in clf.get_params() or given


def test_steps_are_bounded(make_data):
    X, y, _ = make_data(2)
    for params in ({}, {"use_quantized_grad": True}):
        fast = UNSHIFTED | {"n_estimators": 1, "learning_rate": 1.0}
        clf = FocalLGBMClassifier(**fast, max_delta_step=0.5, **params)
        steps = clf.fit(X, y).decision_function(X) - clf.focal_loss_.intercept(y)
        assert 0.1 < np.abs(steps).max() <= 0.5 * (1 + 1e-6)


def test_threads_do_not_matter(make_data):
    X, y, _ = make_data(3)
    settings = FAST | {"deterministic": True, "force_row_wise": True}
    raw = [FocalLGBMClassifier(**{**settings, "n_jobs": n}).fit(X, y).decision_function(X) for n in (1, 2)]
    np.testing.assert_allclose(*raw, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("make", [csr_matrix, csc_matrix, lambda X: pd.DataFrame(X).add_prefix("f"), np.asfortranarray])
def test_containers(make, make_data):
    X, y, _ = make_data(2)
    X = np.where(np.abs(X) < 0.5, 0.0, X)
    plain = FocalLGBMClassifier(**FAST).fit(X, y)
    other = FocalLGBMClassifier(**FAST).fit(make(X), y, eval_X=make(X), eval_y=y)
    np.testing.assert_allclose(other.predict_proba(make(X)), plain.predict_proba(X), rtol=1e-9)
    assert other.n_features_in_ == 5


def test_float32_features(make_data):
    X, y, _ = make_data(2)
    X = X.astype(np.float32)
    raw = [FocalLGBMClassifier(**FAST).fit(part, y).decision_function(part) for part in (X, X.astype(np.float64))]
    np.testing.assert_allclose(*raw, rtol=1e-9)


def test_pyarrow(make_data):
    pa = pytest.importorskip("pyarrow")
    X, y, weight = make_data(2)
    table = pa.table({f"f{i}": X[:, i] for i in range(5)})
    try:
        lgb.LGBMClassifier(**FAST).fit(table, pa.chunked_array([y]))
    except Exception as error:
        pytest.skip(f"this LightGBM takes no pyarrow table: {error}")
    plain = FocalLGBMClassifier(**FAST).fit(X, y, sample_weight=weight)
    other = FocalLGBMClassifier(**FAST).fit(table, pa.chunked_array([y]), sample_weight=pa.chunked_array([weight]))
    np.testing.assert_allclose(other.predict_proba(table), plain.predict_proba(X), rtol=1e-9)
    assert list(other.feature_name_) == table.column_names


def test_polars(make_data):
    pl = pytest.importorskip("polars")
    X, y, _ = make_data(2)
    frame = pl.DataFrame({f"f{i}": X[:, i] for i in range(5)})
    stock = lgb.LGBMClassifier(**FAST)
    try:
        stock.fit(frame, y).predict_proba(frame)
    except Exception:
        pytest.skip("this LightGBM takes no polars frame")
    plain = FocalLGBMClassifier(**FAST).fit(X, y)
    other = FocalLGBMClassifier(**FAST).fit(frame, pl.Series(y))
    np.testing.assert_allclose(other.predict_proba(frame), plain.predict_proba(X), rtol=1e-9)


def test_categories_and_missing_values(make_data):
    X, y, _ = make_data(2)
    frame = pd.DataFrame(X, columns=list("abcde"))
    frame["d"] = pd.Categorical(frame["d"].astype(int).astype(str))
    frame.loc[::7, "a"] = np.nan
    clf = FocalLGBMClassifier(**FAST).fit(frame, y)
    assert list(clf.feature_names_in_) == list("abcde")
    assert np.isfinite(clf.predict_proba(frame)).all()
    # The categories are kept in the model: another order of them is read by name.
    other = frame.assign(d=frame["d"].cat.reorder_categories(frame["d"].cat.categories[::-1]))
    np.testing.assert_array_equal(clf.predict_proba(other), clf.predict_proba(frame))
    by_number = frame.assign(d=frame["d"].cat.codes).to_numpy(dtype=float)
    numbers = FocalLGBMClassifier(**FAST).fit(by_number, y, categorical_feature=[3])
    np.testing.assert_allclose(numbers.predict_proba(by_number), clf.predict_proba(frame), rtol=1e-9)


@KINDS
def test_contributions_sum_to_the_margin(n_classes, multiclass, make_data):
    X, y, _ = make_data(n_classes)
    clf = FocalLGBMClassifier(**FAST, focal_multiclass=multiclass).fit(X, y)
    parts = clf.predict(X, pred_contrib=True)
    margin = clf.decision_function(X)
    total = parts.sum(axis=1) if n_classes == 2 else parts.reshape(len(X), n_classes, 6).sum(axis=2)
    np.testing.assert_allclose(total, margin, rtol=1e-9, atol=1e-9)
    leaves = clf.predict(X, pred_leaf=True)
    np.testing.assert_array_equal(leaves, clf.predict_proba(X, pred_leaf=True))
    assert leaves.shape == (len(X), clf.booster_.num_trees())


TINY = {
    "constant features": (np.ones((40, 2)), np.arange(40) % 4 == 0),
    "two rows": (np.array([[0.0], [1.0]]), [0, 1]),
    "three rows, three classes": (np.array([[0.0], [1.0], [2.0]]), [0, 1, 2]),
    "constant, three classes": (np.zeros((30, 3)), np.arange(30) % 3),
    "all missing": (np.full((20, 2), np.nan), np.arange(20) % 2),
    "ten rows": (np.arange(10.0)[:, None], np.arange(10) > 6),
    "no leaf is large enough": (np.arange(30.0)[:, None], np.arange(30) > 20),
}


@pytest.mark.parametrize("multiclass", ["softmax", "ovr"])
@pytest.mark.parametrize("name", TINY)
@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_tiny_data_gives_the_prior(name, multiclass, gamma):
    X, y = TINY[name][0], np.asarray(TINY[name][1])
    settings = {"n_jobs": 1, "verbosity": -1, "n_estimators": 5, "min_child_samples": 20}
    stock = lgb.LGBMClassifier(**settings).fit(X, y)
    clf = FocalLGBMClassifier(**settings, focal_gamma=gamma, focal_multiclass=multiclass)
    clf.fit(X, y, eval_X=X, eval_y=y)
    prior = np.unique(y, return_counts=True)[1] / len(y)
    np.testing.assert_allclose(clf.predict_proba(X), np.broadcast_to(prior, (len(y), len(prior))), rtol=1e-6)
    np.testing.assert_allclose(clf.predict_proba(X), stock.predict_proba(X), rtol=1e-6)
    np.testing.assert_array_equal(clf.classes_, stock.classes_)
    again = FocalLGBMClassifier(**settings, focal_gamma=gamma, focal_multiclass=multiclass)
    again.fit(X, y, init_model=clf)
    np.testing.assert_allclose(again.predict_proba(X), clf.predict_proba(X), rtol=1e-6)


@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("label", [0, 1, 7, "only"])
def test_one_class(label, constant, make_data):
    X, _, _ = make_data(2, 100)
    X = np.ones_like(X) if constant else X
    y = np.full(100, label)
    stock = lgb.LGBMClassifier(**FAST).fit(X, y)
    clf = FocalLGBMClassifier(**FAST).fit(X, y, eval_X=X, eval_y=y)
    assert list(clf.classes_) == [label]
    assert clf.predict_proba(X).shape == stock.predict_proba(X).shape
    np.testing.assert_allclose(clf.predict_proba(X), stock.predict_proba(X), atol=1e-3)
    np.testing.assert_array_equal(clf.predict(X), stock.predict(X))
    assert np.isfinite(clf.decision_function(X)).all()
    np.testing.assert_allclose(clf.booster_.predict(X), expit(clf.decision_function(X)), rtol=1e-9)


def test_a_class_with_one_row(make_data):
    X, y, _ = make_data(2, 200)
    y = np.zeros_like(y)
    y[17] = 1
    clf = FocalLGBMClassifier(**FAST).fit(X, y)
    proba = clf.predict_proba(X)
    assert np.isfinite(proba).all()
    assert 0 < proba[:, 1].mean() < 0.2
