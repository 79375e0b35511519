"""DaskFocalXGBClassifier on two workers is FocalXGBClassifier on one machine."""

import pickle

import numpy as np
import pandas as pd
import pytest
from dask_data import few_values, spread

xgb = pytest.importorskip("xgboost")
pytest.importorskip("distributed")

import dask.array as da  # noqa: E402
import dask.dataframe as dd  # noqa: E402
import xgboost.dask  # noqa: E402

from focalboost import FocalXGBClassifier  # noqa: E402
from focalboost.dask import DaskFocalXGBClassifier  # noqa: E402
from focalboost.xgboost import FocalMetric, FocalObjective, base_score  # noqa: E402

SAME = {"n_estimators": 10, "max_depth": 3, "n_jobs": 1}
SHARDS = {"even": (300, 300), "unequal": (540, 60), "several and empty": (100, 0, 200, 150, 0, 150)}
# The sums of float32 gradients are added up worker by worker.
CLOSE = {"rtol": 1e-5, "atol": 1e-6}


def fit_both(client, X, y, weights=None, lengths=(300, 300), **params):
    local = FocalXGBClassifier(**SAME, **params).fit(X, y, sample_weight=weights)
    given = [None if part is None else spread(client, part, lengths) for part in (X, y, weights)]
    dask = DaskFocalXGBClassifier(client=client, **SAME, **params)
    return local, dask.fit(given[0], given[1], sample_weight=given[2])


def assert_same(local, dask, X):
    np.testing.assert_array_equal(dask.classes_, local.classes_)
    np.testing.assert_allclose(dask.to_local().decision_function(X), local.decision_function(X), **CLOSE)
    np.testing.assert_allclose(dask.to_local().predict_proba(X), local.predict_proba(X), **CLOSE)
    np.testing.assert_array_equal(dask.to_local().predict(X), local.predict(X))
    np.testing.assert_allclose(dask.feature_importances_, local.feature_importances_, **CLOSE)
    assert dask.focal_loss_ == local.focal_loss_


@pytest.mark.parametrize("n_classes, multiclass", [(2, "softmax"), (4, "softmax"), (4, "ovr")])
@pytest.mark.parametrize("lengths", SHARDS.values(), ids=SHARDS)
def test_trees_of_one_machine(cluster, n_classes, multiclass, lengths):
    X, y, weights = few_values(n_classes)
    local, dask = fit_both(cluster, X, y, weights, lengths, focal_multiclass=multiclass)
    assert_same(local, dask, X)


def test_workers_that_lack_classes(cluster):
    X, y, _ = few_values(3)
    order = np.argsort(y, kind="stable")
    X, y = X[order], np.array(["c", "a", "b"])[y[order]]
    first = int(np.sum(y == y[0]))
    local, dask = fit_both(cluster, X, y, lengths=(first, len(y) - first))
    assert_same(local, dask, X)


@pytest.mark.parametrize(
    "params",
    [
        {"focal_alpha": "balanced"},
        {"focal_alpha": "effective"},
        {"focal_alpha": {0: 2.0, 1: 1.0}},
        {"scale_pos_weight": 2.5},
        {"base_score": 0.2},
        {"focal_alpha": "balanced", "focal_prior": "sampled"},
        {"scale_pos_weight": 2.5, "focal_prior": "sampled"},
        {"focal_mean_shift": False},
        {"max_delta_step": 0},
        {"max_delta_step": 0.1},
        {"tree_method": "approx"},
    ],
    ids=str,
)
def test_parameters(cluster, params):
    X, y, weights = few_values(2)
    order = np.argsort(y, kind="stable")
    local, dask = fit_both(cluster, X[order], y[order], weights, (400, 200), **params)
    assert_same(local, dask, X)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("metric", ["focal", None, "error"], ids=str)
def test_early_stopping_by_the_rows_of_all_workers(cluster, n_classes, metric):
    name = "merror" if metric == "error" and n_classes > 2 else metric
    X, y, weights = few_values(n_classes)
    X_held, y_held, weights_held = few_values(n_classes, n=250, seed=1)
    params = SAME | {"n_estimators": 200, "learning_rate": 0.5, "early_stopping_rounds": 3, "eval_metric": name}
    local = FocalXGBClassifier(**params).fit(
        X,
        y,
        sample_weight=weights,
        eval_set=[(X_held, y_held)],
        sample_weight_eval_set=[weights_held],
        verbose=False,
    )
    dask = DaskFocalXGBClassifier(client=cluster, **params).fit(
        spread(cluster, X, (400, 200)),
        spread(cluster, y, (400, 200)),
        sample_weight=spread(cluster, weights, (400, 200)),
        # On one worker alone, and next to nothing on the other.
        eval_set=[(spread(cluster, X_held, (250,)), spread(cluster, y_held, (250,)))] * 2
        + [(spread(cluster, X_held, (245, 5)), spread(cluster, y_held, (245, 5)))],
        sample_weight_eval_set=[spread(cluster, weights_held, (250,))] * 2 + [spread(cluster, weights_held, (245, 5))],
        verbose=False,
    )
    assert 0 < local.best_iteration < 199
    assert dask.best_iteration == local.best_iteration
    assert_same(local, dask, X_held)
    (expected,) = local.evals_result()["validation_0"].values()
    for values in dask.evals_result().values():
        np.testing.assert_allclose(next(iter(values.values())), expected, rtol=1e-5)


@pytest.mark.parametrize("n_classes, multiclass", [(2, "softmax"), (4, "softmax"), (4, "ovr")])
def test_predictions_are_right_on_average_over_all_workers(cluster, n_classes, multiclass):
    X, y, weights = few_values(n_classes)
    lengths = (100, 0, 200, 150, 0, 150)
    _, dask = fit_both(cluster, X, y, weights, lengths, focal_gamma=5.0, focal_multiclass=multiclass)
    found = dask.to_local().predict_proba(X)
    np.testing.assert_allclose(weights @ found, np.bincount(y, weights), rtol=1e-5)
    np.testing.assert_array_equal(dask.get_booster().predict(xgb.DMatrix(X)), found[:, 1] if n_classes == 2 else found)


def test_metrics_by_name_are_xgboosts_own(cluster):
    X, y, _ = few_values(2)
    params = SAME | {"eval_metric": ["logloss", "auc", "focal"]}
    local = FocalXGBClassifier(**params).fit(X, y, eval_set=[(X, y)], verbose=False).evals_result()
    pair = spread(cluster, X, (300, 300)), spread(cluster, y, (300, 300))
    dask = DaskFocalXGBClassifier(client=cluster, **params).fit(*pair, eval_set=[pair], verbose=False).evals_result()
    found, expected = dask["validation_0"], local["validation_0"]
    assert list(found) == list(expected)
    for name in ("logloss", "focal"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-5)
    np.testing.assert_allclose(found["auc"], expected["auc"], atol=0.02)  # a mean over the workers


def test_native_training(cluster, focal_by_hand):
    X, y, weights = few_values(2)
    objective = FocalObjective(2.0, 0.3)
    params = {
        "objective": "binary:logistic",
        "max_depth": 3,
        "base_score": base_score(objective, [0, 1], np.bincount(y, weights)),
        "disable_default_eval_metric": True,
    }
    data = xgboost.dask.DaskDMatrix(
        cluster,
        spread(cluster, X, (550, 50)),
        spread(cluster, y, (550, 50)),
        weight=spread(cluster, weights, (550, 50)),
    )
    trained = xgboost.dask.train(
        cluster, params, data, 10, obj=objective, custom_metric=FocalMetric(2.0, 0.3), evals=[(data, "train")]
    )
    alone = xgb.train(params, xgb.DMatrix(X, y, weight=weights), 10, obj=objective)
    margin = trained["booster"].predict(xgb.DMatrix(X), output_margin=True)
    np.testing.assert_allclose(margin, alone.predict(xgb.DMatrix(X), output_margin=True), **CLOSE)
    expected = focal_by_hand(y, margin, 2.0, (0.7, 0.3), weights)
    assert trained["history"]["train"]["focal"][-1] == pytest.approx(expected, abs=1e-6)  # XGBoost keeps six digits


def test_data_frames_and_predictions(cluster):
    X, y, weights = few_values(3)
    y = np.array(["no", "perhaps", "yes"])[y]
    frame = pd.DataFrame(X, columns=list("abcdef"))
    local = FocalXGBClassifier(**SAME).fit(frame, y, sample_weight=weights)
    whole = dd.from_pandas(frame.assign(target=y, weight=weights), npartitions=3)
    features = whole[list("abcdef")]
    dask = DaskFocalXGBClassifier(**SAME)
    dask.fit(features, whole["target"], sample_weight=whole["weight"])
    assert dask.client_ is cluster
    assert_same(local, dask, frame)
    for method in ("predict", "predict_proba", "decision_function"):
        lazy, here = getattr(dask, method)(features), getattr(local, method)(frame)
        assert isinstance(lazy, da.Array)
        assert lazy.ndim == here.ndim
        if method == "predict":
            np.testing.assert_array_equal(lazy.compute(), here)
        else:
            assert lazy.dtype == here.dtype
            np.testing.assert_allclose(lazy.compute(), here, **CLOSE)


def test_copies_and_files(cluster, tmp_path):
    X, y, _ = few_values(2)
    local, dask = fit_both(cluster, X, y)
    copy = pickle.loads(pickle.dumps(dask))
    assert copy.get_params()["client"] is None
    dask.save_model(tmp_path / "model.json")
    loaded = FocalXGBClassifier()
    loaded.load_model(tmp_path / "model.json")
    for other in (copy, loaded, dask.to_local()):
        np.testing.assert_allclose(other.predict_proba(X), local.predict_proba(X), **CLOSE)
    assert type(dask.to_local()) is FocalXGBClassifier
    assert "client" not in dask.to_local().get_params()
    probability = xgb.Booster(model_file=tmp_path / "model.json").predict(xgb.DMatrix(X))
    np.testing.assert_allclose(probability, local.to_stock().predict_proba(X)[:, 1], **CLOSE)


@pytest.mark.parametrize(
    "params, message",
    [
        ({"focal_gamma": -1.0}, "focal_gamma must be"),
        ({"objective": "reg:squarederror"}, "objective must be None or one of"),
        ({"focal_alpha": "balanced", "scale_pos_weight": 2.0}, "scale_pos_weight must not be given"),
    ],
)
def test_wrong_parameters(cluster, params, message):
    X, y, _ = few_values(2)
    with pytest.raises(ValueError, match=message):
        DaskFocalXGBClassifier(client=cluster, **params).fit(
            spread(cluster, X, (300, 300)), spread(cluster, y, (300, 300))
        )


def test_unknown_labels_in_an_evaluation_set(cluster):
    X, y, _ = few_values(2)
    pair = spread(cluster, X, (300, 300)), spread(cluster, y, (300, 300))
    with pytest.raises(ValueError, match=r"eval_set must hold labels of the training set, got .*2"):
        DaskFocalXGBClassifier(client=cluster).fit(*pair, eval_set=[(pair[0], pair[1] + 1)])


class Pages(xgb.DataIter):
    """Rows in pieces, which XGBoost keeps in files."""

    def __init__(self, X, y, folder):
        self.pieces = list(zip(np.array_split(X, 4), np.array_split(y, 4), strict=True))
        self.position = 0
        super().__init__(cache_prefix=str(folder / "pages"))

    def next(self, input_data):
        if self.position == len(self.pieces):
            return False
        data, label = self.pieces[self.position]
        input_data(data=data, label=label)
        self.position += 1
        return True

    def reset(self):
        self.position = 0


@pytest.mark.parametrize("n_classes", [2, 3])
def test_training_out_of_core(n_classes, tmp_path):
    X, y, _ = few_values(n_classes)
    objective = FocalObjective(2.0)
    params = {"objective": "binary:logistic", "base_score": base_score(objective, y), "max_depth": 3}
    if n_classes > 2:
        params |= {"objective": "multi:softprob", "num_class": n_classes}
    paged = xgb.train(params, xgb.ExtMemQuantileDMatrix(Pages(X, y, tmp_path)), 10, obj=objective)
    whole = xgb.train(params, xgb.QuantileDMatrix(X, y), 10, obj=objective)
    np.testing.assert_array_equal(paged.predict(xgb.DMatrix(X)), whole.predict(xgb.DMatrix(X)))
