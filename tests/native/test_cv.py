"""`cv` of both frameworks: each fold starts from its own training rows, and its boosters hold that start."""

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold

KINDS = pytest.mark.parametrize("n_classes", [2, 3], ids=["binary", "softmax"])


def folds_of(y):
    """Folds with unlike class shares."""
    order = np.lexsort((np.random.default_rng(0).random(len(y)), np.arange(len(y)) % 3 * (y > 0)))
    return [(np.setdiff1d(order, test), np.sort(test)) for test in np.array_split(order, 3)]


@pytest.fixture
def cross_validate(family):
    """Both frameworks' cv in the same words: values of each metric on the test parts, round by round."""
    lightgbm, adapter = family.module.__name__ == "lightgbm", family.adapter
    small = {"verbosity": -1, "num_threads": 1, "num_leaves": 7} if lightgbm else {"nthread": 1, "max_depth": 3}

    def run(X, y, weight=None, rounds=5, objective=None, params=None, **more):
        n_classes = int(y.max()) + 1
        given = small | ({"num_class": n_classes} if n_classes > 2 else {}) | (params or {})
        if lightgbm:
            given |= {"objective": objective} if objective is not None else {}
            before = dict(given)
            result = adapter.cv(given, family.module.Dataset(X, y, weight=weight), rounds, **more)
        else:
            before = dict(given)
            data = family.module.DMatrix(X, y, weight=weight)
            result = adapter.cv(given, data, rounds, obj=objective, as_pandas=False, **more)
        assert given == before
        cut = {"lightgbm": ("valid ", "-mean"), "xgboost": ("test-", "-mean")}[family.module.__name__]
        found = {k[len(cut[0]) : -5]: v for k, v in result.items() if k.startswith(cut[0]) and k.endswith(cut[1])}
        return found, result

    return run


@KINDS
@pytest.mark.parametrize("weighted", [False, True])
def test_each_fold_starts_from_its_own_training_part(family, cross_validate, n_classes, weighted, make_data):
    X, y, weight = make_data(n_classes)
    weight = weight if weighted else None
    folds = folds_of(y)
    name = {"lightgbm": ["binary_logloss", "multi_logloss"], "xgboost": ["logloss", "mlogloss"]}
    name = name[family.module.__name__][n_classes > 2]
    found, result = cross_validate(
        X, y, weight, 1, params={"learning_rate": 1e-12}, folds=folds, metrics=[name, "focal"]
    )
    expected = []
    for rows, test in folds:
        share = np.bincount(y[rows], None if weight is None else weight[rows])
        proba = np.tile(share / share.sum(), (len(test), 1))
        own = None if weight is None else weight[test]
        expected.append(log_loss(y[test], proba, sample_weight=own, labels=np.arange(n_classes)))
    assert np.std(expected) > 1e-3
    assert found[name] == pytest.approx([np.mean(expected)], rel=1e-5)
    spread = next(v for k, v in result.items() if name in k and k.endswith(("-stdv", "-std")) and "train" not in k)
    assert spread == pytest.approx([np.std(expected)], rel=1e-3)
    assert found["focal"] != found[name]


def by_hand(family, X, y, folds, objective, rounds=8):
    """Log-loss on the test part of each fold, trained on the other part alone."""
    framework, train, losses = family.module, family.adapter.train, []
    more = {"num_class": int(y.max()) + 1} if y.max() > 1 else {}
    for rows, test in folds:
        if framework.__name__ == "lightgbm":
            params = {"verbosity": -1, "num_threads": 1, "num_leaves": 7}
            part = framework.Dataset(X, y, params=params).construct().subset(sorted(rows))
            booster = train(params | more | {"objective": objective}, part, rounds, mean_shift=False)
            proba = booster.predict(X[test])
        else:
            part = framework.DMatrix(X, y).slice(rows)
            booster = train({"nthread": 1, "max_depth": 3} | more, part, rounds, obj=objective, mean_shift=False)
            proba = booster.predict(framework.DMatrix(X[test]))
        losses.append(log_loss(y[test], proba, labels=np.arange(y.max() + 1)))
    return losses


@KINDS
@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_values_are_those_of_training_on_each_fold(family, cross_validate, n_classes, gamma, make_data):
    X, y, _ = make_data(n_classes)
    folds = list(StratifiedKFold(3).split(X, y))
    name = {"lightgbm": "multi_logloss", "xgboost": "mlogloss"}[family.module.__name__]
    name = name if n_classes > 2 else name.replace("multi_", "binary_").replace("mlog", "log")
    objective = family.adapter.FocalObjective(gamma)
    found, _ = cross_validate(X, y, None, 8, objective, folds=folds, metrics=name)
    # The scale is one for all folds, whose shares differ by a row.
    expected = np.mean(by_hand(family, X, y, folds, objective))
    assert found[name][-1] == pytest.approx(expected, rel=1e-6 if gamma == 0 else 1e-4)
    assert found[name][-1] < found[name][0]


def test_gamma_0_is_the_frameworks_own(family, cross_validate, make_data):
    X, y, _ = make_data(2)
    folds = list(StratifiedKFold(3).split(X, y))
    framework, lightgbm = family.module, family.module.__name__ == "lightgbm"
    name = "binary_logloss" if lightgbm else "logloss"
    objective, unbounded = family.adapter.FocalObjective(0.0), {"max_delta_step": 0}
    found, _ = cross_validate(X, y, None, 6, objective, unbounded, folds=folds, metrics=[name, "auc"])
    if lightgbm:
        params = {"verbosity": -1, "num_threads": 1, "num_leaves": 7, "objective": "binary", "metric": [name, "auc"]}
        stock = framework.cv(params, framework.Dataset(X, y), 6, folds=folds)
        expected = {metric: stock[f"valid {metric}-mean"] for metric in found}
    else:
        params = {"nthread": 1, "max_depth": 3, "objective": "binary:logistic"}
        stock = framework.cv(params, framework.DMatrix(X, y), 6, folds=folds, metrics=[name, "auc"], as_pandas=False)
        expected = {metric: stock[f"test-{metric}-mean"] for metric in found}
    assert list(found) == list(expected)
    np.testing.assert_allclose(found[name], expected[name], rtol=1e-5)
    np.testing.assert_allclose(found["auc"], expected["auc"], atol=1e-3)


@KINDS
def test_boosters_of_lightgbm_hold_their_starts(n_classes, make_data):
    lgb = pytest.importorskip("lightgbm")
    from focalboost.lightgbm import FocalObjective, cv

    X, y, _ = make_data(n_classes)
    folds = folds_of(y)
    params = {"verbosity": -1, "num_threads": 1, "num_leaves": 7, "objective": FocalObjective(2.0)}
    params |= {"num_class": n_classes} if n_classes > 2 else {}
    data = lgb.Dataset(X, y, free_raw_data=False)
    result = cv(params | {"learning_rate": 1e-12}, data, 1, folds=folds, return_cvbooster=True)
    for booster, (rows, _) in zip(result["cvbooster"].boosters, folds, strict=True):
        share = np.bincount(y[rows]) / len(rows)
        found = booster.predict(X)
        np.testing.assert_allclose(found, share[1] if n_classes == 2 else np.tile(share, (len(X), 1)), rtol=1e-6)
    folds = list(StratifiedKFold(3).split(X, y))
    result = cv(params, lgb.Dataset(X, y), 20, folds=folds, return_cvbooster=True)
    for booster, (_, test) in zip(result["cvbooster"].boosters, folds, strict=True):
        found = booster.predict(X[test])
        score = roc_auc_score(y[test], found) if n_classes == 2 else np.mean(found.argmax(axis=1) == y[test])
        assert score > 0.6
    assert len(result["cvbooster"].predict(X)) == 3


@KINDS
@pytest.mark.parametrize("start", ["init_model", "init_score"])
def test_folds_of_lightgbm_start_from_what_is_given(start, n_classes, make_data):
    """At gamma 0 as LightGBM's own do."""
    lgb = pytest.importorskip("lightgbm")
    from focalboost.lightgbm import FocalObjective, cv

    X, y, weight = make_data(n_classes)
    own, metric = [("binary", "binary_logloss"), ("multiclass", "multi_logloss")][n_classes > 2]
    params = {"verbosity": -1, "num_threads": 1, "num_leaves": 7, "metric": metric, "max_delta_step": 0}
    params |= {"num_class": n_classes} if n_classes > 2 else {}
    first = lgb.train(params | {"objective": own}, lgb.Dataset(X, y), 10)
    score = np.asfortranarray(first.predict(X, raw_score=True)) if start == "init_score" else None
    given = {"init_model": first} if start == "init_model" else {}
    ends = []
    for run, objective in ((lgb.cv, own), (cv, FocalObjective(0.0))):
        data = lgb.Dataset(X, y, weight=weight, init_score=score, free_raw_data=False)
        found = run(params | {"objective": objective}, data, 5, nfold=3, seed=0, return_cvbooster=True, **given)
        ends.append((found[f"valid {metric}-mean"], *(booster.predict(X) for booster in found["cvbooster"].boosters)))
    for stock, focal in zip(*ends, strict=True):
        np.testing.assert_allclose(focal, stock, rtol=1e-5, atol=1e-9)


def test_boosters_of_lightgbm_without_a_start_are_refused(make_data):
    lgb = pytest.importorskip("lightgbm")
    from focalboost.lightgbm import FocalObjective, cv

    X, y, _ = make_data(2)
    bare = lgb.train({"verbosity": -1, "objective": FocalObjective().prepare(y)}, lgb.Dataset(X, y), 2)
    with pytest.raises(ValueError, match="init_model must hold its start value"):
        cv({"verbosity": -1}, lgb.Dataset(X, y, free_raw_data=False), 2, init_model=bare)


def test_folds_of_xgboost_start_from_a_base_margin(make_data):
    xgb = pytest.importorskip("xgboost")
    from focalboost.xgboost import FocalObjective, cv

    X, y, _ = make_data(2)
    margin = np.random.default_rng(0).normal(size=len(y)).astype(np.float32)
    params = {"nthread": 1, "max_depth": 3, "objective": "binary:logistic", "max_delta_step": 0}
    stock, focal = (
        run(params, xgb.DMatrix(X, y, base_margin=margin), 5, nfold=3, seed=0, as_pandas=False, **objective)
        for run, objective in ((xgb.cv, {}), (cv, {"obj": FocalObjective(0.0)}))
    )
    np.testing.assert_allclose(focal["test-logloss-mean"], stock["test-logloss-mean"], rtol=1e-5)


def test_early_stopping(family, cross_validate, make_data):
    X, y, _ = make_data(2)
    lightgbm = family.module.__name__ == "lightgbm"
    name = "binary_logloss" if lightgbm else "logloss"
    stop = {"callbacks": [family.module.early_stopping(3, verbose=False)]} if lightgbm else {"early_stopping_rounds": 3}
    found, _ = cross_validate(X, y, None, 100, params={"learning_rate": 0.6}, metrics=name, nfold=3, seed=0, **stop)
    assert len(found[name]) == np.argmin(found[name]) + 1 < 97


def test_a_function_of_the_user_before_each_fold(family, cross_validate, make_data):
    X, y, _ = make_data(2)
    seen = []

    def fpreproc(dtrain, dtest, params):
        seen.append(sorted(set(dict(params)) & {"learning_rate", "base_score"}))
        return dtrain, dtest, {**dict(params), "learning_rate": 1e-12}

    folds = folds_of(y)
    name = "binary_logloss" if family.module.__name__ == "lightgbm" else "logloss"
    found, _ = cross_validate(X, y, None, 3, folds=folds, metrics=name, fpreproc=fpreproc)
    assert len(seen) == 3
    assert np.ptp(found[name]) < 1e-9


def test_scale_pos_weight(family, cross_validate, make_data):
    X, y, _ = make_data(2)
    name = "binary_logloss" if family.module.__name__ == "lightgbm" else "logloss"
    more = {"metrics": name, "nfold": 3, "seed": 0}
    one, _ = cross_validate(X, y, None, 5, params={"scale_pos_weight": 4.0}, **more)
    two, _ = cross_validate(X, y, None, 5, family.adapter.FocalObjective(2.0, (1.0, 4.0)), **more)
    np.testing.assert_allclose(one[name], two[name], rtol=1e-9)
    plain, _ = cross_validate(X, y, None, 5, **more)
    assert abs(one[name][-1] - plain[name][-1]) > 1e-3


@pytest.mark.parametrize("name", ["balanced", "effective"])
def test_alpha_by_name(family, cross_validate, name, make_data):
    """It counts rows once: those of all folds, or of the first."""
    X, y, _ = make_data(2)
    folds = list(StratifiedKFold(3).split(X, y))
    metric = "binary_logloss" if family.module.__name__ == "lightgbm" else "logloss"
    found, _ = cross_validate(X, y, None, 5, family.adapter.FocalObjective(2.0, name), folds=folds, metrics=metric)
    counted = family.adapter.FocalObjective(2.0, name).resolve(y)
    expected, _ = cross_validate(X, y, None, 5, counted, folds=folds, metrics=metric)
    np.testing.assert_allclose(found[metric], expected[metric], rtol=1e-3)
    plain, _ = cross_validate(X, y, None, 5, folds=folds, metrics=metric)
    assert abs(plain[metric][-1] - found[metric][-1]) > 1e-3


def test_weights_of_the_start_are_those_of_the_data(family, cross_validate, make_data):
    """The start of a fold that weighs nothing but even rows."""
    X, y, _ = make_data(2)
    weight = np.where(y == 1, np.sum(y == 0) / np.sum(y == 1), 1.0).astype(np.float32)
    name = "binary_logloss" if family.module.__name__ == "lightgbm" else "logloss"
    folds = list(StratifiedKFold(3).split(X, y))
    found, _ = cross_validate(X, y, weight, 1, params={"learning_rate": 1e-12}, metrics=name, folds=folds)
    assert found[name][0] == pytest.approx(np.log(2), abs=1e-4)
