"""Starts, continuation, boosters, containers, multilabel targets and tiny data with FocalXGBClassifier."""

import numpy as np
import pandas as pd
import pytest
from messages import raises
from scipy.sparse import csc_matrix, csr_matrix
from scipy.special import expit
from sklearn.multioutput import MultiOutputClassifier

xgb = pytest.importorskip("xgboost")

from focalboost import FocalXGBClassifier, SigmoidFocalLoss  # noqa: E402
from focalboost.xgboost import FocalObjective, base_score  # noqa: E402

FAST = {"n_jobs": 1, "max_depth": 3, "n_estimators": 10}
UNSHIFTED = FAST | {"focal_mean_shift": False}  # what the history knows, and continuation leads to
KINDS = pytest.mark.parametrize(
    "n_classes, multiclass", [(2, "softmax"), (3, "softmax"), (3, "ovr")], ids=["binary", "softmax", "ovr"]
)


@pytest.fixture
def labels_of(make_data):
    """Features, 0/1 labels of several columns, and weights."""

    def make(n_labels=3):
        X, y, weight = make_data(3)
        columns = np.stack([y == 0, X[:, 1] > 1.0, (y == 2) | (X[:, 0] > 1.5), y == 1], axis=1)
        return X, columns[:, :n_labels].astype(int), weight

    return make


def model_of(given, path):
    """A model in each form that ``xgb_model`` takes."""
    given.save_model(path)
    return {
        "estimator": given,
        "booster": given.get_booster(),
        "path": path,
        "text": str(path),
        "bytes": given.get_booster().save_raw(),
    }


@KINDS
@pytest.mark.parametrize("kind", ["estimator", "booster", "path", "text", "bytes"])
def test_ten_and_ten_rounds_are_twenty(n_classes, multiclass, kind, make_data, tmp_path):
    X, y, weight = make_data(n_classes)
    fit = {"sample_weight": weight, "eval_set": [(X[:200], y[:200])], "verbose": False}
    settings = UNSHIFTED | {"focal_multiclass": multiclass, "eval_metric": "focal"}
    first = FocalXGBClassifier(**settings).fit(X, y, **fit)
    start = model_of(first, tmp_path / "model.ubj")[kind]
    both = FocalXGBClassifier(**settings).fit(X, y, xgb_model=start, **fit)
    whole = FocalXGBClassifier(**settings | {"n_estimators": 20}).fit(X, y, **fit)
    assert both.get_booster().num_boosted_rounds() == 20
    np.testing.assert_allclose(both.decision_function(X), whole.decision_function(X), rtol=1e-5, atol=1e-6)
    values, expected = (model.evals_result()["validation_0"]["focal"] for model in (both, whole))
    np.testing.assert_allclose(values, expected[10:], rtol=1e-5)
    assert first.get_booster().num_boosted_rounds() == 10  # left as it was


def test_training_goes_on_from_another_share_of_positives(make_data):
    X, y, _ = make_data(2)
    first = FocalXGBClassifier(**FAST).fit(X, y)
    rare = (y == 0) | (np.arange(len(y)) % 7 == 0)
    before = first.decision_function(X)
    both = FocalXGBClassifier(**UNSHIFTED | {"learning_rate": 1e-7}).fit(X[rare], y[rare], xgb_model=first)
    np.testing.assert_allclose(both.decision_function(X), before, atol=1e-4)  # the old trees keep their start


def test_training_goes_on_from_a_stock_model(make_data):
    X, y, _ = make_data(2)
    stock = xgb.XGBClassifier(**FAST).fit(X, y)
    both = FocalXGBClassifier(**UNSHIFTED).fit(X, y, xgb_model=stock)
    margins = both.predict(X, output_margin=True, iteration_range=(0, 10))
    np.testing.assert_array_equal(margins, stock.predict(X, output_margin=True))


@pytest.mark.parametrize("change", ["classes", "labels", "ovr", "multilabel", "base_score"])
def test_models_that_training_cannot_go_on_from(change, make_data):
    X, y, _ = make_data(3)
    first = FocalXGBClassifier(**FAST).fit(X, y)
    clf = FocalXGBClassifier(**FAST)
    if change == "classes":
        with raises(ValueError, "xgb_model", "'binary:logistic' and 1", "'multi:softprob' and 3"):
            clf.fit(X, y > 0, xgb_model=first)
    elif change == "labels":
        with raises(ValueError, "xgb_model", "labels", "['a' 'b' 'c']", "[0 1 2]"):
            clf.fit(X, np.array(["a", "b", "c"])[y], xgb_model=first.get_booster())
    elif change == "ovr":
        with raises(ValueError, "xgb_model", "'binary:logistic' and 3", "'multi:softprob' and 3"):
            clf.set_params(focal_multiclass="ovr").fit(X, y, xgb_model=first)
    elif change == "multilabel":
        first = FocalXGBClassifier(**FAST, focal_multiclass="ovr").fit(X, y)
        with raises(ValueError, "xgb_model", "labels"):
            clf.fit(X, np.eye(3, dtype=int)[y], xgb_model=first)
    else:
        with raises(ValueError, "base_score", "xgb_model", "None"):
            clf.set_params(base_score=0.5).fit(X, y, xgb_model=first)


@KINDS
@pytest.mark.parametrize(
    "params",
    [
        {"booster": "dart", "rate_drop": 0.5},
        {"subsample": 0.5, "colsample_bytree": 0.6},
        {"num_parallel_tree": 3, "subsample": 0.5},
        {"tree_method": "exact"},
        {"grow_policy": "lossguide", "max_leaves": 4},
        {"monotone_constraints": (1, 0, 0, 0, 0)},
        {"multi_strategy": "multi_output_tree", "tree_method": "hist"},
        {"min_split_loss": 1e9},
    ],
    ids=lambda params: next(iter(params)),
)
@pytest.mark.filterwarnings("ignore:.*booster=.* is deprecated")  # dart, by XGBoost 3.4
def test_the_model_predicts_what_training_evaluated(n_classes, multiclass, params, make_data, focal_by_hand):
    X, y, _ = make_data(n_classes)
    clf = FocalXGBClassifier(**UNSHIFTED | params, focal_multiclass=multiclass, eval_metric="focal", random_state=0)
    clf.fit(X, y, eval_set=[(X[:400], y[:400])], verbose=False)
    value = focal_by_hand(y[:400], clf.decision_function(X[:400]), 2.0, multiclass=multiclass)
    assert clf.evals_result()["validation_0"]["focal"][-1] == pytest.approx(value, rel=1e-5)
    start = np.broadcast_to(clf.focal_loss_.intercept(y, None, n_classes), clf.decision_function(X).shape)
    prior = focal_by_hand(y, start, 2.0, multiclass=multiclass)
    reached = focal_by_hand(y, clf.decision_function(X), 2.0, multiclass=multiclass)
    if "min_split_loss" in params:
        assert reached == pytest.approx(prior, rel=1e-5)  # no split is worth that much
    else:
        assert reached < 0.97 * prior


def test_monotone_constraints_hold(make_data):
    X, y, _ = make_data(2)
    for sign in (1, -1):
        clf = FocalXGBClassifier(**FAST, monotone_constraints=(sign, 0, 0, 0, 0)).fit(X, y)
        grid = np.repeat(X[:20], 50, axis=0)
        grid[:, 0] = np.tile(np.linspace(-3, 3, 50), 20)
        steps = sign * np.diff(clf.predict_proba(grid)[:, 1].reshape(20, 50), axis=1)
        assert steps.min() >= -1e-7


def test_interaction_constraints_hold(make_data):
    X, y, _ = make_data(2)
    frame = pd.DataFrame(X, columns=list("abcde"))
    clf = FocalXGBClassifier(**FAST, interaction_constraints=[["a", "b"], ["c", "d", "e"]]).fit(frame, y)
    trees = clf.get_booster().trees_to_dataframe()
    for _, tree in trees.groupby("Tree"):
        used = set(tree["Feature"]) - {"Leaf"}
        assert used <= {"a", "b"} or used <= {"c", "d", "e"}


def test_a_base_score_of_the_users_own(make_data):
    X, y, _ = make_data(2)
    clf = FocalXGBClassifier(**UNSHIFTED | {"learning_rate": 1e-12}, base_score=0.2).fit(X, y)
    np.testing.assert_allclose(clf.decision_function(X), np.log(0.2 / 0.8), rtol=1e-6)


def test_steps_are_bounded(make_data):
    X, y, _ = make_data(2)
    settings = UNSHIFTED | {"n_estimators": 1, "learning_rate": 1.0, "reg_lambda": 0}
    clf = FocalXGBClassifier(**settings, max_delta_step=0.5).fit(X, y)
    steps = clf.decision_function(X) - clf.focal_loss_.intercept(y)
    assert 0.1 < np.abs(steps).max() <= 0.5 * (1 + 1e-6)


def test_threads_do_not_matter(make_data):
    X, y, _ = make_data(3)
    raw = [FocalXGBClassifier(**FAST | {"n_jobs": n}).fit(X, y).decision_function(X) for n in (1, 2)]
    np.testing.assert_allclose(*raw, rtol=1e-5, atol=1e-6)


@KINDS
def test_contributions_sum_to_the_margin(n_classes, multiclass, make_data):
    X, y, _ = make_data(n_classes)
    clf = FocalXGBClassifier(**FAST, focal_multiclass=multiclass).fit(X, y)
    data = xgb.DMatrix(X)
    parts = clf.get_booster().predict(data, pred_contribs=True)
    np.testing.assert_allclose(parts.sum(axis=-1), clf.decision_function(X), rtol=1e-5, atol=1e-5)
    assert clf.apply(X).shape[0] == len(X)


@pytest.mark.parametrize("n_labels", [2, 3, 4])
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "sample_weight"])
def test_multilabel_targets(n_labels, weighted, labels_of, focal_by_hand):
    X, Y, weight = labels_of(n_labels)
    weight = weight if weighted else None
    clf = FocalXGBClassifier(**UNSHIFTED, focal_alpha=0.25, eval_metric=["logloss", "error", "focal"])
    clf.fit(X, Y, sample_weight=weight, eval_set=[(X[:300], Y[:300])], verbose=False)
    assert clf.focal_loss_ == SigmoidFocalLoss(2.0, 0.25, score="log_odds")
    proba, margin = clf.predict_proba(X), clf.decision_function(X)
    assert proba.shape == margin.shape == Y.shape
    np.testing.assert_allclose(proba, expit(margin), rtol=1e-6)
    assert np.abs(proba.sum(axis=1) - 1).max() > 0.1
    np.testing.assert_array_equal(clf.predict(X), (proba > 0.5).astype(int))
    np.testing.assert_array_equal(clf.get_booster().predict(xgb.DMatrix(X)), proba)
    np.testing.assert_array_equal(clf.classes_, [0, 1])
    # Each column is a binary problem of its own.
    for k in range(n_labels):
        single = FocalXGBClassifier(**UNSHIFTED, focal_alpha=0.25).fit(X, Y[:, k], sample_weight=weight)
        np.testing.assert_allclose(proba[:, k], single.predict_proba(X)[:, 1], rtol=1e-5)
    result = {name: values[-1] for name, values in clf.evals_result()["validation_0"].items()}
    seen = proba[:300]
    log_loss = -np.log(np.where(Y[:300] == 1, seen, 1 - seen)).mean()
    assert result["logloss"] == pytest.approx(log_loss, rel=1e-6)
    assert result["error"] == pytest.approx(np.mean((seen > 0.5) != Y[:300]))
    by_hand = sum(focal_by_hand(Y[:300, k], margin[:300, k], 2.0, (0.75, 0.25)) for k in range(n_labels))
    assert result["focal"] == pytest.approx(by_hand, rel=1e-6)
    assert clf.score(X, Y) > 0.4


@pytest.mark.parametrize("alpha", [None, "balanced", [0.2, 0.5, 0.8], {0: 0.2, 1: 0.5, 2: 0.8}], ids=str)
def test_alpha_of_multilabel_targets(alpha, labels_of):
    X, Y, _ = labels_of(3)
    clf = FocalXGBClassifier(**FAST, focal_alpha=alpha).fit(X, Y)
    given = [0.2, 0.5, 0.8] if isinstance(alpha, dict) else alpha
    assert clf.focal_loss_ == SigmoidFocalLoss(2.0, given, score="log_odds").resolve(Y)


def test_scale_pos_weight_of_multilabel_targets_is_the_parents(labels_of):
    X, Y, _ = labels_of(2)
    ours = FocalXGBClassifier(**UNSHIFTED, focal_gamma=0.0, max_delta_step=0, scale_pos_weight=3.0).fit(X, Y)
    start = base_score(FocalObjective(0.0, ((1.0, 3.0),) * 2, multiclass="ovr"), Y)
    stock = xgb.XGBClassifier(**FAST, scale_pos_weight=3.0, base_score=start).fit(X, Y)
    np.testing.assert_allclose(ours.predict_proba(X), stock.predict_proba(X), rtol=1e-5)


@pytest.mark.parametrize(
    "bad, parts",
    [
        (np.array([[0, 2, 1]] * 600), ["y", "0 and 1", "MultiOutputClassifier"]),
        (np.array([["a", "b", "c"]] * 600), ["y", "0 and 1"]),
    ],
    ids=["numbers", "strings"],
)
def test_two_dimensions_with_other_labels(bad, parts, labels_of):
    X, _, _ = labels_of(3)
    with raises(ValueError, *parts):
        FocalXGBClassifier(**FAST).fit(X, bad)


def test_an_evaluation_set_of_other_columns(labels_of):
    X, Y, _ = labels_of(3)
    for bad in (Y[:, :2], Y + 1):
        with raises(ValueError, "eval_set", "0 and 1", "3 columns"):
            FocalXGBClassifier(**FAST).fit(X, Y, eval_set=[(X, bad)], verbose=False)


def test_multi_output_classifier_is_the_same_as_multilabel(labels_of):
    X, Y, _ = labels_of(3)
    whole = FocalXGBClassifier(**FAST).fit(X, Y).predict_proba(X)
    single = MultiOutputClassifier(FocalXGBClassifier(**FAST)).fit(X, Y).predict_proba(X)
    np.testing.assert_allclose(whole, np.stack([part[:, 1] for part in single], axis=1), rtol=1e-5)


def test_native_training_on_columns_is_the_estimators(labels_of):
    X, Y, weight = labels_of(3)
    objective = FocalObjective(2.0, "balanced", multiclass="ovr").normalize(Y, weight)
    params = {"objective": "binary:logistic", "base_score": base_score(objective, Y, weight), "max_depth": 3}
    params |= {"nthread": 1, "max_delta_step": 4.0}
    booster = xgb.train(params, xgb.QuantileDMatrix(X, Y, weight=weight), 10, obj=objective)
    clf = FocalXGBClassifier(**UNSHIFTED, focal_alpha="balanced").fit(X, Y, sample_weight=weight)
    np.testing.assert_array_equal(booster.inplace_predict(X, predict_type="margin"), clf.decision_function(X))


@pytest.mark.parametrize("make", [csr_matrix, csc_matrix, lambda X: pd.DataFrame(X).add_prefix("f"), np.asfortranarray])
def test_containers(make, make_data):
    X, y, _ = make_data(2)
    X = np.where(np.abs(X) < 0.5, np.nan, X) if make is not csr_matrix and make is not csc_matrix else np.abs(X) + 1
    plain = FocalXGBClassifier(**FAST).fit(X, y)
    other = FocalXGBClassifier(**FAST).fit(make(X), y, eval_set=[(make(X), y)], verbose=False)
    np.testing.assert_array_equal(other.predict_proba(make(X)), plain.predict_proba(X))
    assert other.n_features_in_ == 5


@pytest.mark.parametrize("library", ["pyarrow", "polars"])
def test_data_frames_of_other_libraries(library, make_data):
    module = pytest.importorskip(library)
    X, y, weight = make_data(2)
    make = module.table if library == "pyarrow" else module.DataFrame
    frame = make({f"f{i}": X[:, i] for i in range(5)})
    labels = module.chunked_array([y]) if library == "pyarrow" else module.Series(y)
    plain = FocalXGBClassifier(**FAST).fit(X, y, sample_weight=weight)
    other = FocalXGBClassifier(**FAST).fit(frame, labels, sample_weight=weight)
    np.testing.assert_array_equal(other.predict_proba(frame), plain.predict_proba(X))
    assert list(other.feature_names_in_) == [f"f{i}" for i in range(5)]


TINY = {
    "constant features": (np.ones((40, 2)), np.arange(40) % 4 == 0),
    "two rows": (np.array([[0.0], [0.0]]), [0, 1]),
    "constant, three classes": (np.zeros((30, 3)), np.arange(30) % 3),
    "all missing": (np.full((20, 2), np.nan), np.arange(20) % 2),
}


@pytest.mark.parametrize("multiclass", ["softmax", "ovr"])
@pytest.mark.parametrize("name", TINY)
@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_features_without_information_give_the_prior(name, multiclass, gamma):
    X, y = TINY[name][0], np.asarray(TINY[name][1]).astype(int)
    settings = {"n_jobs": 1, "n_estimators": 5, "focal_gamma": gamma, "focal_multiclass": multiclass}
    clf = FocalXGBClassifier(**settings).fit(X, y, eval_set=[(X, y)], verbose=False)
    stock = xgb.XGBClassifier(n_jobs=1, n_estimators=5).fit(X, y)
    prior = np.bincount(y) / len(y)
    np.testing.assert_allclose(clf.predict_proba(X), np.broadcast_to(prior, (len(y), len(prior))), rtol=1e-5)
    np.testing.assert_allclose(clf.predict_proba(X), stock.predict_proba(X), rtol=1e-4)


@pytest.mark.parametrize("label", [0, 1, 7, "only"])
def test_one_class(label, make_data):
    X, _, _ = make_data(2, 100)
    clf = FocalXGBClassifier(**FAST).fit(X, np.full(100, label))
    stock = xgb.XGBClassifier(**FAST).fit(X, np.zeros(100))
    assert list(clf.classes_) == [label]
    assert clf.predict_proba(X).shape == stock.predict_proba(X).shape
    np.testing.assert_allclose(clf.predict_proba(X), stock.predict_proba(X), atol=1e-3)
    assert set(clf.predict(X)) == {label}
    assert np.isfinite(clf.decision_function(X)).all()


def test_a_class_with_one_row(make_data):
    X, y, _ = make_data(2, 200)
    y = np.zeros_like(y)
    y[17] = 1
    proba = FocalXGBClassifier(**FAST).fit(X, y).predict_proba(X)
    assert np.isfinite(proba).all()
    assert 0 < proba[:, 1].mean() < 0.2


def test_early_stopping_needs_an_evaluation_set(make_data):
    X, y, _ = make_data(2)
    with raises(ValueError, "at least 1 validation dataset"):
        FocalXGBClassifier(**FAST, early_stopping_rounds=3).fit(X, y)
