"""`train` and `cv` of both frameworks: their own functions, with the focal loss in the place of the log-loss."""

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

KINDS = {"binary": 2, "softmax": 3, "softmax-7": 7}
kinds = pytest.mark.parametrize("n_classes", KINDS.values(), ids=KINDS)


@pytest.fixture
def native(family):
    """Both frameworks' functions in the same words; `objective` is FocalObjective or None."""
    framework, adapter = family.module, family.adapter
    lightgbm = framework.__name__ == "lightgbm"
    if lightgbm:
        base = {"verbosity": -1, "num_threads": 1, "num_leaves": 7, "deterministic": True, "force_row_wise": True}
        names = {2: ("binary", "binary_logloss"), 3: ("multiclass", "multi_logloss")}
    else:
        base = {"nthread": 1, "max_depth": 3}
        names = {2: ("binary:logistic", "logloss"), 3: ("multi:softprob", "mlogloss")}

    def data(X, y=None, weight=None, reference=None):
        if not lightgbm:
            return framework.DMatrix(X, y, weight=weight)
        return framework.Dataset(X, y, weight=weight, reference=reference, free_raw_data=False)

    def params(n_classes, **more):
        return base | ({"num_class": n_classes} if n_classes > 2 else {}) | more

    def train(given, dtrain, rounds=10, objective=None, evals=None, **more):
        """Return the booster, and the history of `evals`."""
        history = {}
        if lightgbm:
            given = given | ({"objective": objective} if objective is not None else {})
            callbacks = [framework.record_evaluation(history)] if evals else []
            if (stop := more.pop("early_stopping_rounds", None)) is not None:
                callbacks.append(framework.early_stopping(stop, verbose=False))
            booster = adapter.train(
                given, dtrain, rounds, valid_sets=evals, valid_names=["test"] if evals else None,
                callbacks=callbacks, **more,
            )  # fmt: skip
        else:
            pairs = [(part, "test") for part in evals or []]
            more |= {"evals": pairs, "evals_result": history, "verbose_eval": False}
            booster = adapter.train(given, dtrain, rounds, obj=objective, **more)
        return booster, history.get("test")

    def predict(booster, X, **more):
        return booster.predict(X if lightgbm else framework.DMatrix(X), **more)

    def stock(given, dtrain, rounds, n_classes):
        given = given | {"objective": names[min(n_classes, 3)][0]}
        return framework.train(given, dtrain, rounds)

    return SimpleNamespace(
        adapter=adapter,
        framework=framework,
        lightgbm=lightgbm,
        data=data,
        params=params,
        train=train,
        predict=predict,
        stock=stock,
        logloss=lambda n_classes: names[min(n_classes, 3)][1],
        margin="raw_score" if lightgbm else "output_margin",
    )


@kinds
@pytest.mark.parametrize("weighted", [False, True])
def test_at_gamma_0_it_is_the_frameworks_own(native, n_classes, weighted, make_data):
    """The start included; where leaves are unbounded here too."""
    X, y, weight = make_data(n_classes)
    weight = weight if weighted else None
    params = native.params(n_classes, max_delta_step=0)
    objective = native.adapter.FocalObjective(0.0)
    ours, _ = native.train(params, native.data(X, y, weight), objective=objective, mean_shift=False)
    if not native.lightgbm and n_classes > 2:  # XGBoost estimates this start in float32, good to four digits
        params |= {"base_score": native.adapter.base_score(objective, y, weight)}
    stock = native.stock(params, native.data(X, y, weight), 10, n_classes)
    np.testing.assert_allclose(native.predict(ours, X), native.predict(stock, X), rtol=1e-6, atol=1e-6)


@kinds
@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_it_is_what_the_estimator_trains(native, family, n_classes, gamma, make_data):
    X, y, weight = make_data(n_classes)
    clf = family.Focal(**family.fast, focal_gamma=gamma).fit(X, y, sample_weight=weight)
    more = {"min_child_samples": 5} if native.lightgbm else {}
    params = native.params(n_classes, **more)
    objective = native.adapter.FocalObjective(gamma)
    booster, _ = native.train(params, native.data(X, y, weight), 8, objective)
    expected = clf.predict_proba(X)
    expected = expected[:, 1] if n_classes == 2 else expected
    np.testing.assert_allclose(native.predict(booster, X), expected, rtol=1e-6, atol=1e-6)
    assert type(booster) is native.framework.Booster


def test_gamma_2_without_an_objective(native, make_data):
    X, y, _ = make_data(2)
    one, _ = native.train(native.params(2), native.data(X, y))
    two, _ = native.train(native.params(2), native.data(X, y), objective=native.adapter.FocalObjective(2.0))
    np.testing.assert_array_equal(native.predict(one, X), native.predict(two, X))


@kinds
@pytest.mark.parametrize("weighted", [False, True])
def test_metrics_by_name_are_scikit_learns(native, n_classes, weighted, make_data, focal_by_hand):
    X, y, _ = make_data(n_classes)
    X_test, y_test, weight = make_data(n_classes, 300, seed=1)
    weight = weight if weighted else None
    names = [native.logloss(n_classes), *(["auc"] if n_classes == 2 else []), "focal"]
    params = native.params(n_classes, **{"metric" if native.lightgbm else "eval_metric": names})
    dtrain = native.data(X, y)
    test = native.data(X_test, y_test, weight, reference=dtrain)
    booster, history = native.train(params, dtrain, evals=[test], mean_shift=False)
    assert list(history) == names
    found, margin = native.predict(booster, X_test), native.predict(booster, X_test, **{native.margin: True})
    expected = log_loss(y_test, found, sample_weight=weight, labels=np.arange(n_classes))
    assert history[names[0]][-1] == pytest.approx(expected, rel=1e-6)
    if n_classes == 2:
        assert history["auc"][-1] == pytest.approx(roc_auc_score(y_test, found, sample_weight=weight), abs=1e-6)
    by_hand = focal_by_hand(y_test, margin, 2.0, None, weight)
    assert history["focal"][-1] == pytest.approx(by_hand, rel=1e-6)


def test_early_stopping(native, make_data):
    X, y, _ = make_data(2)
    X_test, y_test, _ = make_data(2, 300, seed=1)
    name = {"metric" if native.lightgbm else "eval_metric": native.logloss(2)}
    params = native.params(2, learning_rate=0.5, **name)
    dtrain = native.data(X, y)
    test = native.data(X_test, y_test, reference=dtrain)
    booster, history = native.train(params, dtrain, 100, evals=[test], early_stopping_rounds=4, mean_shift=True)
    (values,) = history.values()
    best = booster.best_iteration if native.lightgbm else booster.best_iteration + 1
    assert best == np.argmin(values) + 1 == len(values) - 4 < 96
    rounds = {} if native.lightgbm else {"iteration_range": (0, best)}
    assert native.predict(booster, X, **rounds).sum() == pytest.approx(y.sum(), rel=1e-5)


def test_functions_of_the_user(native, make_data):
    """LightGBM's are given probabilities, as with its own objective; XGBoost's margins, as with a custom one."""
    X, y, _ = make_data(2)
    seen = []

    def mean(predicted, data):
        seen.append((np.array(predicted), np.array(data.get_label())))
        return ("mean", float(np.mean(predicted)), False) if native.lightgbm else ("mean", float(np.mean(predicted)))

    dtrain = native.data(X, y)
    test = native.data(X[:200], y[:200], reference=dtrain)
    more = {"feval" if native.lightgbm else "custom_metric": mean}
    booster, history = native.train(native.params(2), dtrain, 5, evals=[test], mean_shift=False, **more)
    expected = native.predict(booster, X[:200], **({} if native.lightgbm else {native.margin: True}))
    np.testing.assert_allclose(seen[-1][0], expected, rtol=1e-6)
    np.testing.assert_array_equal(seen[-1][1], y[:200])
    assert history["mean"][-1] == pytest.approx(expected.mean(), abs=1e-6)
    assert len(history["mean"]) == 5


@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_scale_pos_weight(native, gamma, make_data):
    X, y, _ = make_data(2)
    objective = native.adapter.FocalObjective(gamma)
    weighed, _ = native.train(native.params(2, scale_pos_weight=3.0), native.data(X, y), objective=objective)
    by_alpha = native.adapter.FocalObjective(gamma, (1.0, 3.0))
    same, _ = native.train(native.params(2), native.data(X, y), objective=by_alpha)
    plain, _ = native.train(native.params(2), native.data(X, y), objective=objective)
    np.testing.assert_array_equal(native.predict(weighed, X), native.predict(same, X))
    assert (native.predict(weighed, X) - native.predict(plain, X)).mean() > 0.05


@pytest.mark.parametrize("scale", [3.0, 0.25])
def test_scale_pos_weight_weighs_as_in_the_frameworks(native, scale, make_data):
    """From the same start: LightGBM's is the rate without the weight, XGBoost's a single step."""
    X, y, _ = make_data(2)
    objective, params = native.adapter.FocalObjective(0.0), native.params(2, scale_pos_weight=scale, max_delta_step=0)
    ours, _ = native.train(params, native.data(X, y), objective=objective, mean_shift=False)
    weighed = native.adapter.FocalObjective(0.0, (1.0, scale))
    data, start = native.data(X, y), 0.0
    if native.lightgbm:
        start = weighed.intercept(y)
        data.set_init_score(np.full(len(y), start))
    else:
        params |= {"base_score": native.adapter.base_score(weighed, y)}
    stock = native.stock(params, data, 10, 2)
    margins = [native.predict(model, X, **{native.margin: True}) for model in (ours, stock)]
    np.testing.assert_allclose(margins[0], margins[1] + start, rtol=1e-5, atol=1e-5)


@kinds
def test_what_the_user_gives_stays_as_it_was(native, n_classes, make_data):
    X, y, weight = make_data(n_classes)
    dtrain = native.data(X, y, weight)
    test = native.data(X[:100], y[:100], reference=dtrain)
    params = native.params(n_classes, **{"metric" if native.lightgbm else "eval_metric": ["focal"]})
    before = dict(params)
    first, _ = native.train(params, dtrain, 5, evals=[test])
    again, _ = native.train(params, dtrain, 5, evals=[test])
    assert params == before
    np.testing.assert_array_equal(native.predict(first, X), native.predict(again, X))
    stock, fresh = (
        native.stock(native.params(n_classes), data, 5, n_classes) for data in (dtrain, native.data(X, y, weight))
    )
    np.testing.assert_array_equal(native.predict(stock, X), native.predict(fresh, X))
    for data, labels in ((dtrain, y), (test, y[:100])):
        np.testing.assert_array_equal(data.get_label(), labels)
        start = data.get_init_score() if native.lightgbm else data.get_base_margin()
        assert start is None or len(start) == 0
    np.testing.assert_array_equal(dtrain.get_weight(), weight)


@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_training_goes_on(native, gamma, make_data):
    X, y, _ = make_data(2)
    objective = native.adapter.FocalObjective(gamma)
    name = {"lightgbm": "init_model", "xgboost": "xgb_model"}[native.framework.__name__]
    stock = native.stock(native.params(2), native.data(X, y), 20, 2)
    before = log_loss(y, native.predict(stock, X))
    clf, _ = native.train(native.params(2), native.data(X, y), 1, objective, mean_shift=False, **{name: stock})
    assert log_loss(y, native.predict(clf, X)) <= before * (1 + 1e-3)
    first, _ = native.train(native.params(2), native.data(X, y), 6, objective, mean_shift=False)
    both, _ = native.train(native.params(2), native.data(X, y), 4, objective, mean_shift=False, **{name: first})
    whole, _ = native.train(native.params(2), native.data(X, y), 10, objective, mean_shift=False)
    np.testing.assert_allclose(native.predict(both, X), native.predict(whole, X), rtol=1e-6)
