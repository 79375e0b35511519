"""Going on from other models: the log-loss, another gamma or alpha, checkpoints, files; and LightGBM's refit."""

import numpy as np
import pytest
from sklearn.metrics import log_loss

AS_IT_IS = {"focal_mean_shift": False}


def loss_of(clf, X, y):
    return log_loss(y, clf.predict_proba(X), labels=np.unique(y))


def more(family, clf, X, y, model):
    name = {"lightgbm": "init_model", "xgboost": "xgb_model"}[family.module.__name__]
    return family.fit(clf, X, y, **{name: model})


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0, 5.0])
def test_one_more_round_on_a_log_loss_model(family, make_data, n_classes, gamma):
    X, y, _ = make_data(n_classes)
    stock = family.fit(family.Stock(**family.fast | {"n_estimators": 30}), X, y)
    clf = family.Focal(**family.fast | {"n_estimators": 1}, focal_gamma=gamma, **AS_IT_IS)
    more(family, clf, X, y, stock)
    assert loss_of(clf, X, y) <= loss_of(stock, X, y) * 1.001


@pytest.mark.parametrize("first, then", [(5.0, 1.0), (0.0, 5.0), (2.0, 0.5)])
def test_one_more_round_with_another_gamma(family, make_data, first, then):
    X, y, _ = make_data(2)
    before = family.fit(family.Focal(**family.fast | {"n_estimators": 30}, focal_gamma=first, **AS_IT_IS), X, y)
    clf = family.Focal(**family.fast | {"n_estimators": 1}, focal_gamma=then, **AS_IT_IS)
    more(family, clf, X, y, before)
    assert loss_of(clf, X, y) <= loss_of(before, X, y) * 1.001


@pytest.mark.parametrize("gamma", [0.0, 2.0])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_ten_and_ten_rounds_are_twenty(family, make_data, n_classes, gamma):
    X, y, _ = make_data(n_classes)
    settings = {"focal_gamma": gamma, **AS_IT_IS}
    whole = family.fit(family.Focal(**family.fast | {"n_estimators": 20}, **settings), X, y)
    half = family.fit(family.Focal(**family.fast | {"n_estimators": 10}, **settings), X, y)
    clf = family.Focal(**family.fast | {"n_estimators": 10}, **settings)
    more(family, clf, X, y, half)
    np.testing.assert_allclose(clf.predict_proba(X), whole.predict_proba(X), atol=10 * family.rounding)


def test_the_sum_is_right_after_going_on(family, make_data):
    X, y, _ = make_data(2)
    stock = family.fit(family.Stock(**family.fast), X, y)
    clf = family.Focal(**family.fast, focal_gamma=5.0)
    more(family, clf, X, y, stock)
    assert clf.predict_proba(X)[:, 1].sum() == pytest.approx(y.sum(), rel=1e-5)


def test_going_on_from_a_file(family, make_data, tmp_path):
    X, y, _ = make_data(2)
    first = family.fit(family.Focal(**family.fast, **AS_IT_IS), X, y)
    path = str(tmp_path / "model.json")
    family.booster(first).save_model(path)
    from_file, from_model = (
        more(family, family.Focal(**family.fast, **AS_IT_IS), X, y, model) for model in (path, first)
    )
    np.testing.assert_array_equal(from_file.predict_proba(X), from_model.predict_proba(X))


def test_lightgbm_refuses_a_booster_without_its_start(make_data):
    lgb = pytest.importorskip("lightgbm")
    from focalboost import FocalLGBMClassifier
    from focalboost.lightgbm import FocalObjective, train

    X, y, _ = make_data(2)
    params = {"objective": FocalObjective(2.0).prepare(y), "verbosity": -1}
    booster = lgb.train(params, lgb.Dataset(X, y), 3)
    for call in (
        lambda: FocalLGBMClassifier(verbosity=-1).fit(X, y, init_model=booster),
        lambda: train({"verbosity": -1}, lgb.Dataset(X, y), 1, init_model=booster),
    ):
        with pytest.raises(ValueError, match=r"init_model must hold its start value.*to_builtin"):
            call()


@pytest.mark.parametrize("decay", [0.0, 0.9])
def test_lightgbm_refit_at_gamma_0_is_that_of_the_stock_model(make_data, decay):
    lgb = pytest.importorskip("lightgbm")
    from focalboost import FocalLGBMClassifier

    X, y, _ = make_data(2, n=1200)
    same = {"n_estimators": 10, "n_jobs": 1, "verbosity": -1, "reg_lambda": 0.7}
    stock = lgb.LGBMClassifier(**same).fit(X[:600], y[:600]).booster_
    ours = FocalLGBMClassifier(**same, focal_gamma=0.0, max_delta_step=0.0, **AS_IT_IS).fit(X[:600], y[:600]).booster_
    for booster in (stock, ours):
        assert "shrinkage=1\n" in booster.model_to_string()
    refitted = [model.refit(X[600:], y[600:], decay_rate=decay).predict(X) for model in (ours, stock)]
    np.testing.assert_allclose(*refitted, rtol=1e-13)


@pytest.mark.parametrize("gamma", [2.0, 5.0])
def test_lightgbm_refit_is_harmless_at_any_gamma(make_data, gamma):
    pytest.importorskip("lightgbm")
    from focalboost import FocalLGBMClassifier

    X, y, _ = make_data(2, n=1200)
    clf = FocalLGBMClassifier(n_estimators=10, n_jobs=1, verbosity=-1, focal_gamma=gamma).fit(X[:600], y[:600])
    again = clf.booster_.refit(X[600:], y[600:], decay_rate=0.5)
    assert log_loss(y[600:], again.predict(X[600:])) <= log_loss(y[600:], clf.booster_.predict(X[600:])) * 1.001
