"""Training goes on from what stock and other gammas have trained, as all have one unit: log-odds."""

import copy

import families
import numpy as np
import pytest
from messages import raises
from sklearn.metrics import log_loss

KINDS = pytest.mark.parametrize(
    "n_classes, multiclass", [(2, "softmax"), (3, "softmax"), (3, "ovr")], ids=["binary", "softmax", "ovr"]
)
GAMMAS = pytest.mark.parametrize("gamma", [0.0, 2.0, 5.0])


def go_on(family, clf, X, y, model, **more):
    name = {"lightgbm": "init_model", "xgboost": "xgb_model"}[family.module.__name__]
    return clf.fit(X, y, **{name: model}, **more)


def mean_log_loss(y, proba):
    """Of the true class, also where rows do not sum to 1."""
    return -np.log(np.asarray(proba, dtype=float)[np.arange(len(y)), y]).mean()


def stock_model(family, n_classes, multiclass, X, y, **more):
    """A model of the framework's own class with the margins of these labels."""
    params = family.fast | {"n_estimators": 20} | more
    if multiclass == "ovr":
        if family.module.__name__ == "xgboost":
            return family.Stock(**params).fit(X, np.eye(n_classes, dtype=int)[y])
        params["objective"] = "multiclassova"
    return family.Stock(**params).fit(X, y)


@KINDS
@GAMMAS
def test_one_more_round_on_a_stock_model(family, n_classes, multiclass, gamma, make_data):
    """The old margins in another unit took the log-loss to twice and more."""
    X, y, _ = make_data(n_classes)
    stock = stock_model(family, n_classes, multiclass, X, y)
    before = mean_log_loss(y, stock.predict_proba(X))
    fast = family.fast | {"n_estimators": 1, "focal_mean_shift": False}
    clf = go_on(family, family.Focal(**fast, focal_gamma=gamma, focal_multiclass=multiclass), X, y, stock)
    assert mean_log_loss(y, clf.predict_proba(X)) <= before * (1 + 1e-3)
    booster = family.booster(clf)
    if family.module.__name__ == "lightgbm":
        old = booster.predict(X, num_iteration=20)
    else:
        old = booster.predict(family.module.DMatrix(X), iteration_range=(0, 20))
    expected = stock.predict_proba(X)
    np.testing.assert_allclose(old, expected[:, 1] if n_classes == 2 else expected, rtol=1e-6)


@KINDS
@pytest.mark.parametrize("old, new", [(5.0, 1.0), (0.0, 5.0), (2.0, 0.0), (10.0, 0.5)])
def test_one_more_round_of_another_gamma(family, n_classes, multiclass, old, new, make_data):
    X, y, _ = make_data(n_classes)
    fast = family.fast | {"focal_mean_shift": False, "focal_multiclass": multiclass}
    first = family.Focal(**fast | {"n_estimators": 20}, focal_gamma=old).fit(X, y)
    before = mean_log_loss(y, first.predict_proba(X))
    clf = go_on(family, family.Focal(**fast | {"n_estimators": 1}, focal_gamma=new), X, y, first)
    assert mean_log_loss(y, clf.predict_proba(X)) <= before * (1 + 1e-3)


def test_one_more_round_of_another_alpha(family, make_data):
    """Towards the problem of the new weights."""
    X, y, _ = make_data(2)
    fast = family.fast | {"focal_mean_shift": False}
    first = family.Focal(**fast | {"n_estimators": 20}).fit(X, y)
    clf = go_on(family, family.Focal(**fast | {"n_estimators": 1}, focal_alpha=(1.0, 4.0)), X, y, first)
    weight = np.where(y == 1, 4.0, 1.0)
    losses = [log_loss(y, model.predict_proba(X), sample_weight=weight) for model in (first, clf)]
    assert losses[1] < losses[0]
    # As sampled, those weights are undone, and the margins are where they were.
    fast |= {"focal_alpha": (1.0, 4.0), "focal_prior": "sampled"}
    clf = go_on(family, family.Focal(**fast | {"n_estimators": 1}), X, y, first)
    assert log_loss(y, clf.predict_proba(X)) <= log_loss(y, first.predict_proba(X)) * (1 + 1e-3)


@KINDS
@GAMMAS
def test_ten_and_ten_rounds_are_twenty(family, n_classes, multiclass, gamma, make_data):
    X, y, weight = make_data(n_classes)
    fast = family.fast | {"focal_mean_shift": False, "focal_multiclass": multiclass, "focal_gamma": gamma}
    first = family.Focal(**fast | {"n_estimators": 10}).fit(X, y, sample_weight=weight)
    both = go_on(family, family.Focal(**fast | {"n_estimators": 10}), X, y, first, sample_weight=weight)
    whole = family.Focal(**fast | {"n_estimators": 20}).fit(X, y, sample_weight=weight)
    rtol = 1e-12 if family.module.__name__ == "lightgbm" else 1e-6
    np.testing.assert_allclose(both.predict_proba(X), whole.predict_proba(X), rtol=rtol, atol=rtol)


@pytest.mark.parametrize("gamma", [0.5, 5.0])
def test_with_the_shift_the_sums_are_right_again(family, gamma, make_data):
    X, y, _ = make_data(2)
    first = family.Focal(**family.fast, focal_gamma=5.0).fit(X, y)
    clf = go_on(family, family.Focal(**family.fast, focal_gamma=gamma), X, y, first)
    assert clf.predict_proba(X)[:, 1].sum() == pytest.approx(y.sum(), rel=1e-4)


@KINDS
def test_from_a_checkpoint(n_classes, multiclass, make_data, tmp_path):
    """Of XGBoost, written during the fit: it knows the labels, and the training goes on."""
    xgb = pytest.importorskip("xgboost")
    family = families.load("xgboost")
    X, y, _ = make_data(n_classes)
    labels = np.array(["no", "perhaps", "yes"])[y]
    fast = family.fast | {"focal_mean_shift": False, "focal_multiclass": multiclass}
    saved = xgb.callback.TrainingCheckPoint(tmp_path, name="fit", interval=5)
    whole = family.Focal(**fast | {"n_estimators": 20}, callbacks=[saved]).fit(X, labels)
    path = sorted(tmp_path.glob("fit_*"), key=lambda file: int(file.stem.rpartition("_")[2]))[1]
    first = family.Focal()
    first.load_model(path)
    assert list(first.classes_) == list(whole.classes_)
    rounds = first.get_booster().num_boosted_rounds()
    assert 0 < rounds < 20
    np.testing.assert_array_equal(first.predict_proba(X), whole.predict_proba(X, iteration_range=(0, rounds)))
    for model in (path, first):
        both = family.Focal(**fast | {"n_estimators": 20 - rounds}).fit(X, labels, xgb_model=model)
        np.testing.assert_allclose(both.predict_proba(X), whole.predict_proba(X), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("way", ["estimator", "copy", "file", "stock file"])
def test_from_what_was_loaded(family, way, make_data, tmp_path):
    X, y, _ = make_data(2)
    fast = family.fast | {"focal_mean_shift": False}
    first = family.Focal(**fast).fit(X, y)
    path = tmp_path / {"lightgbm": "model.txt", "xgboost": "model.ubj"}[family.module.__name__]
    source = family.Stock(**family.fast).fit(X, y) if way == "stock file" else first
    family.booster(source).save_model(path)
    loaded = copy.deepcopy(first)
    if "file" in way:
        if family.module.__name__ == "lightgbm":
            loaded = family.Focal.from_booster(path)
        else:
            loaded = family.Focal()
            loaded.load_model(path)
    clf = go_on(family, family.Focal(**fast), X, y, loaded)
    expected = go_on(family, family.Focal(**fast), X, y, source)
    np.testing.assert_allclose(clf.predict_proba(X), expected.predict_proba(X), rtol=1e-6)


# ---- refit -------------------------------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("decay", [0.0, 0.9])
def test_refit_of_lightgbm_at_gamma_0_is_that_of_its_own_model(n_classes, multiclass, decay, make_data):
    pytest.importorskip("lightgbm")
    family = families.load("lightgbm")
    X, y, _ = make_data(n_classes)
    X_new, y_new, _ = make_data(n_classes, seed=1)
    stock = stock_model(family, n_classes, multiclass, X, y, reg_lambda=0.7).booster_
    same = family.fast | {"n_estimators": 20, "reg_lambda": 0.7} | family.log_loss
    ours = family.Focal(**same, focal_multiclass=multiclass).fit(X, y).booster_
    for booster in (stock, ours):
        assert "shrinkage=1\n" in booster.model_to_string()
    found, expected = (model.refit(X_new, y_new, decay_rate=decay).predict(X) for model in (ours, stock))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@KINDS
@pytest.mark.parametrize("gamma", [2.0, 5.0])
def test_refit_of_lightgbm_is_harmless_at_any_gamma(n_classes, multiclass, gamma, make_data):
    pytest.importorskip("lightgbm")
    family = families.load("lightgbm")
    X, y, _ = make_data(n_classes)
    X_new, y_new, _ = make_data(n_classes, seed=1)
    clf = family.Focal(**family.fast, focal_gamma=gamma, focal_multiclass=multiclass).fit(X, y)
    found = clf.booster_.refit(X_new, y_new, decay_rate=0.5).predict(X_new)
    proba = np.stack([1 - found, found], axis=1) if n_classes == 2 else found
    assert mean_log_loss(y_new, proba) <= mean_log_loss(y_new, clf.predict_proba(X_new)) * 1.001


# ---- what is refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["booster", "file", "estimator", "train"])
def test_a_booster_that_does_not_hold_its_start(way, make_data, tmp_path):
    lgb = pytest.importorskip("lightgbm")
    family = families.load("lightgbm")
    X, y, _ = make_data(2)
    objective = family.adapter.FocalObjective(2.0).prepare(y)
    booster = lgb.train({"objective": objective, "verbosity": -1}, lgb.Dataset(X, y), 3)
    given = booster
    if way == "file":
        given = tmp_path / "model.txt"
        booster.save_model(given)
    elif way == "estimator":
        given = lgb.LGBMClassifier(objective=objective, n_estimators=3, verbose=-1).fit(X, y)
    with raises(ValueError, "init_model must hold its start", "custom objective", "focalboost.lightgbm.to_builtin"):
        if way == "train":
            family.adapter.train({"verbosity": -1}, lgb.Dataset(X, y), 3, init_model=given)
        else:
            family.Focal(**family.fast).fit(X, y, init_model=given)
    converted = family.adapter.to_builtin(booster, objective)
    clf = family.Focal(**family.fast).fit(X, y, init_model=converted)
    assert log_loss(y, clf.predict_proba(X)) < log_loss(y, converted.predict(X))
