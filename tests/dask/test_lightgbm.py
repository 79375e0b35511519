"""DaskFocalLGBMClassifier on two workers is FocalLGBMClassifier on one machine."""

import pickle

import numpy as np
import pandas as pd
import pytest
from dask_data import few_values, spread
from sklearn.base import clone

lgb = pytest.importorskip("lightgbm")
pytest.importorskip("distributed")

import dask.array as da  # noqa: E402
import dask.dataframe as dd  # noqa: E402

from focalboost import FocalLGBMClassifier  # noqa: E402
from focalboost.dask import DaskFocalLGBMClassifier  # noqa: E402

# LightGBM says so in every fit on a cluster, whether n_jobs was given or not.
pytestmark = pytest.mark.filterwarnings("ignore:Parameter n_jobs will be ignored:UserWarning")

# With every value a bin of its own, two workers grow the trees of one machine.
SAME = {
    "n_estimators": 10,
    "num_leaves": 7,
    "min_child_samples": 1,
    "min_child_weight": 0.5,
    "min_data_in_bin": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
SHARDS = {"even": (300, 300), "unequal": (540, 60), "several and empty": (100, 0, 200, 150, 0, 150)}


def fit_both(client, X, y, weights=None, lengths=(300, 300), **params):
    local = FocalLGBMClassifier(**SAME, **params).fit(X, y, sample_weight=weights)
    given = [None if part is None else spread(client, part, lengths) for part in (X, y, weights)]
    return local, DaskFocalLGBMClassifier(client=client, **SAME, **params).fit(*given)


def booster_form(probability):
    return probability[:, 1] if probability.shape[1] == 2 else probability


def assert_same(local, dask, X):
    np.testing.assert_array_equal(dask.classes_, local.classes_)
    # The mean shift is one of sums over the workers.
    np.testing.assert_allclose(dask.to_local().decision_function(X), local.decision_function(X), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(dask.to_local().predict_proba(X), local.predict_proba(X), rtol=1e-9)
    np.testing.assert_array_equal(dask.to_local().predict(X), local.predict(X))
    np.testing.assert_array_equal(dask.booster_.predict(X), booster_form(dask.to_local().predict_proba(X)))
    np.testing.assert_array_equal(dask.feature_importances_, local.feature_importances_)
    assert dask.focal_loss_ == local.focal_loss_


@pytest.mark.parametrize("n_classes, multiclass", [(2, "softmax"), (4, "softmax"), (4, "ovr")])
@pytest.mark.parametrize("lengths", SHARDS.values(), ids=SHARDS)
def test_trees_of_one_machine(cluster, n_classes, multiclass, lengths):
    X, y, weights = few_values(n_classes)
    local, dask = fit_both(cluster, X, y, weights, lengths, focal_multiclass=multiclass)
    assert_same(local, dask, X)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_workers_that_lack_classes(cluster, n_classes):
    X, y, _ = few_values(n_classes)
    order = np.argsort(y, kind="stable")
    X, y = X[order], np.array(["c", "a", "b"])[y[order]]
    first = int(np.sum(y == y[0]))
    local, dask = fit_both(cluster, X, y, lengths=(first, len(y) - first))
    assert_same(local, dask, X)
    # The stock estimator of the cluster takes what each worker holds for all there is.
    assert (dask.to_local().predict(X) == y).mean() > 0.6


@pytest.mark.parametrize(
    "params",
    [
        {"focal_alpha": "balanced"},
        {"focal_alpha": "effective"},
        {"focal_alpha": {0: 2.0, 1: 1.0, 2: 3.0}},
        {"focal_alpha": "effective", "focal_multiclass": "ovr"},
        {"class_weight": {0: 0.5, 1: 1.0, 2: 4.0}},
        {"focal_gamma": 0.0, "focal_mean_shift": False},
        {"focal_prior": "sampled", "focal_alpha": "balanced", "linear_tree": False},
        {"focal_prior": "sampled", "class_weight": {0: 0.5, 1: 1.0, 2: 4.0}},
    ],
    ids=str,
)
def test_class_weights_are_counted_on_all_workers(cluster, params):
    X, y, weights = few_values(3)
    order = np.argsort(y, kind="stable")
    local, dask = fit_both(cluster, X[order], y[order], weights, (400, 200), **params)
    assert_same(local, dask, X)


@pytest.mark.parametrize("lengths", SHARDS.values(), ids=SHARDS)
@pytest.mark.parametrize("n_classes, multiclass", [(2, "softmax"), (4, "softmax"), (4, "ovr")])
def test_predictions_are_right_on_average_over_all_workers(cluster, n_classes, multiclass, lengths):
    X, y, weights = few_values(n_classes)
    _, dask = fit_both(cluster, X, y, weights, lengths, focal_gamma=5.0, focal_multiclass=multiclass)
    found = dask.to_local().predict_proba(X)
    np.testing.assert_allclose(weights @ found, np.bincount(y, weights), rtol=1e-8)


@pytest.mark.parametrize("params", [{}, {"max_delta_step": 0.1}, {"max_delta_step": 0.0}])
def test_leaves_are_bounded_as_on_one_machine(cluster, params):
    """With a tight bound many splits tie, and LightGBM's own objectives grow other trees on a cluster too."""
    local, dask = (
        clf.booster_.model_to_string().split("[max_delta_step: ")[1].split("]")[0]
        for clf in fit_both(cluster, *few_values(3), **params)
    )
    assert local == dask
    assert float(local) == params.get("max_delta_step", 2.0)


@pytest.mark.parametrize("params", [{"class_weight": "balanced"}, {"is_unbalance": True}, {"scale_pos_weight": 2.5}])
def test_counts_that_rounding_touches(cluster, params):
    """Rows weigh n / (K n_k): their sum over one machine has other last digits."""
    X, y, _ = few_values(2)
    order = np.argsort(y, kind="stable")
    local, dask = fit_both(cluster, X[order], y[order], None, (400, 200), **params)
    np.testing.assert_allclose(dask.to_local().predict_proba(X), local.predict_proba(X), rtol=1e-6)


def test_predictions_stay_on_the_cluster(cluster):
    X, y, _ = few_values(3)
    y = np.array(["no", "perhaps", "yes"])[y]
    _, dask = fit_both(cluster, X, y)
    local = dask.to_local()
    known, with_empty = spread(cluster, X, (200, 400)), spread(cluster, X, (200, 0, 400))
    for method in ("predict", "predict_proba", "decision_function"):
        here = getattr(local, method)(X)
        lazy = getattr(dask, method)(known)
        assert isinstance(lazy, da.Array)
        assert (lazy.dtype, lazy.shape, lazy.chunks[0]) == (here.dtype, here.shape, (200, 400))
        np.testing.assert_array_equal(lazy.compute(), here)
        np.testing.assert_array_equal(getattr(dask, method)(with_empty).compute(), here)
        np.testing.assert_array_equal(getattr(dask, method)(X), here)


@pytest.mark.parametrize("columns", [(3, 3), (1, 5)])
def test_partitions_across_columns(cluster, columns):
    X, y, _ = few_values(2)
    local, dask = fit_both(cluster, X, y)
    blocks = da.from_array(X, chunks=((300, 300), columns))
    again = DaskFocalLGBMClassifier(client=cluster, **SAME).fit(blocks, da.from_array(y, chunks=((300, 300),)))
    assert_same(local, again, X)
    np.testing.assert_array_equal(dask.predict_proba(blocks).compute(), dask.to_local().predict_proba(X))


def test_data_frames(cluster):
    X, y, weights = few_values(2)
    frame = pd.DataFrame(X, columns=list("abcdef")).astype({"f": "category"})
    local = FocalLGBMClassifier(**SAME).fit(frame, pd.Series(y, name="target"), sample_weight=weights)
    whole = dd.from_pandas(frame.assign(target=y, weight=weights), npartitions=3)
    dask = DaskFocalLGBMClassifier(client=cluster, **SAME)
    dask.fit(whole[list("abcdef")], whole["target"], whole["weight"])
    assert_same(local, dask, frame)
    assert dask.feature_name_ == list("abcdef")
    lazy = dask.predict_proba(whole[list("abcdef")])
    np.testing.assert_array_equal(lazy.compute(), dask.to_local().predict_proba(frame))


def test_the_only_client_is_found(cluster):
    X, y, _ = few_values(2)
    dask = DaskFocalLGBMClassifier(**SAME)
    dask.fit(spread(cluster, X, (600,)), spread(cluster, y, (600,)))
    assert dask.client_ is cluster
    assert_same(FocalLGBMClassifier(**SAME).fit(X, y), dask, X)


def test_copies_leave_the_client_behind(cluster):
    X, y, _ = few_values(2)
    local, dask = fit_both(cluster, X, y)
    copy = pickle.loads(pickle.dumps(dask))
    assert copy.get_params()["client"] is None
    np.testing.assert_array_equal(copy.predict_proba(X), dask.to_local().predict_proba(X))
    assert type(dask.to_local()) is FocalLGBMClassifier
    assert "client" not in dask.to_local().get_params()
    assert dask.to_local().get_params() == local.get_params()
    unfitted = clone(DaskFocalLGBMClassifier(focal_gamma=1.0, min_data_in_bin=1))
    assert (unfitted.focal_gamma, unfitted.get_params()["min_data_in_bin"]) == (1.0, 1)


REFUSED = {
    "array": (
        lambda X, y, w: (np.zeros((600, 6)), y, w),
        TypeError,
        "X must be a Dask array or data frame, got ndarray",
    ),
    "partitions": (lambda X, y, w: (X, y.rechunk(200), w), ValueError, "y must have one partition for each of X, 2"),
    "lengths": (lambda X, y, w: (X, y.rechunk(((200, 400),)), w), ValueError, "300 rows in one of X and"),
    "weights": (lambda X, y, w: (X, y, w - 1.0), ValueError, "sample_weight must hold finite numbers >= 0"),
    "labels": (lambda X, y, w: (X, y + 0.5, w), ValueError, "Unknown label type"),
    "missing": (lambda X, y, w: (X, da.where(y == 1, np.nan, y), w), ValueError, "Input y contains NaN"),
    "one row": (
        lambda X, y, w: (X.rechunk(((599, 1), 6)), y.rechunk(((599, 1),)), None),
        ValueError,
        "X must have partitions of 2 rows or more",
    ),
}


@pytest.mark.parametrize("change, error, message", REFUSED.values(), ids=REFUSED)
def test_wrong_data(cluster, change, error, message):
    given = change(*(spread(cluster, part, (300, 300)) for part in few_values(2)))
    with pytest.raises(error, match=message):
        DaskFocalLGBMClassifier(client=cluster, **SAME).fit(*given)


@pytest.mark.parametrize(
    "params, more, error, message",
    [
        ({}, {"eval_set": []}, ValueError, "eval_set must not be given on a cluster"),
        ({}, {"eval_X": None}, ValueError, r"to_local\(\).predict_proba\(X, num_iteration=...\)"),
        ({"early_stopping_round": 5}, {}, ValueError, "early_stopping_round must not be given"),
        ({"n_iter_no_change": 5}, {}, ValueError, "n_iter_no_change must not be given"),
        ({"min_data_in_leaf": 0}, {}, ValueError, "min_data_in_leaf must be at least 1 on a cluster"),
        ({}, {"wait": 5}, TypeError, "unexpected keyword argument 'wait'"),
        ({"focal_gamma": -1.0}, {}, ValueError, "focal_gamma must be"),
        ({"focal_alpha": "balanced", "class_weight": "balanced"}, {}, ValueError, "class_weight must not be given"),
        ({"boosting_type": "rf"}, {}, ValueError, "boosting_type must not be 'rf'"),
    ],
)
def test_wrong_parameters(cluster, params, more, error, message):
    X, y, _ = few_values(2)
    with pytest.raises(error, match=message):
        DaskFocalLGBMClassifier(client=cluster, **params).fit(
            spread(cluster, X, (300, 300)), spread(cluster, y, (300, 300)), **more
        )
