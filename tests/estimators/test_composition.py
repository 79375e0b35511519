"""The estimators inside scikit-learn's meta-estimators, and their calibration on real data."""

import numpy as np
import pytest
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    GroupShuffleSplit,
    StratifiedKFold,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_validate,
    train_test_split,
)
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

CV = StratifiedKFold(2)


@pytest.fixture
def credit(real_data):
    X, y = real_data("gmsc", 4000)
    return train_test_split(X, y, test_size=0.5, random_state=0, stratify=y)


def auc(model, X, y):
    return roc_auc_score(y, model.predict_proba(X)[:, 1])


def test_grid_search_in_a_pipeline(credit, any_family):
    X, X_test, y, y_test = credit
    scaler = StandardScaler().set_output(transform="pandas")
    pipeline = Pipeline([("scaler", scaler), ("focal", any_family.Focal(**any_family.fast))])
    grid = {
        "focal__focal_gamma": [0.0, 2.0],
        "focal__focal_alpha": [None, 0.25, "balanced"],
    }
    search = GridSearchCV(pipeline, grid, cv=CV, n_jobs=2, scoring="neg_log_loss", error_score="raise").fit(X, y)
    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all()
    assert len(set(scores)) == len(scores)  # each setting trained another model
    assert search.best_params_["focal__focal_alpha"] is None  # the log-loss is proper
    assert auc(search, X_test, y_test) > 0.75
    # What the search measured is what the estimator gives.
    best = pipeline.set_params(**search.best_params_)
    again = cross_validate(best, X, y, cv=CV, scoring="neg_log_loss")["test_score"].mean()
    assert again == pytest.approx(scores.max(), rel=1e-9)


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
@pytest.mark.parametrize("ensemble", [True, False])
def test_calibrated_classifier(method, ensemble, credit, any_family):
    X, X_test, y, y_test = credit
    model = CalibratedClassifierCV(any_family.Focal(**any_family.fast), method=method, ensemble=ensemble, cv=CV).fit(
        X, y
    )
    assert auc(model, X_test, y_test) > 0.75
    assert model.predict_proba(X_test)[:, 1].mean() == pytest.approx(y_test.mean(), abs=0.02)


def test_tuned_threshold(credit, any_family):
    X, X_test, y, _ = credit
    model = TunedThresholdClassifierCV(any_family.Focal(**any_family.fast), scoring="balanced_accuracy", cv=CV).fit(
        X, y
    )
    assert 0 < model.best_threshold_ < 0.3
    assert model.predict(X_test).mean() > 0.1
    fixed = FixedThresholdClassifier(any_family.Focal(**any_family.fast), threshold=0.05).fit(X, y)
    expected = any_family.Focal(**any_family.fast).fit(X, y).predict_proba(X_test)[:, 1] >= 0.05
    np.testing.assert_array_equal(fixed.predict(X_test), expected.astype(int))


@pytest.mark.parametrize("method", ["auto", "decision_function"])
def test_stacking_and_voting(method, credit, any_family):
    X, X_test, y, y_test = credit
    members = [("focal", any_family.Focal(**any_family.fast)), ("log", any_family.Stock(**any_family.fast))]
    members = members if method == "auto" else members[:1]
    model = StackingClassifier(members, LogisticRegression(), cv=CV, stack_method=method).fit(X, y)
    assert auc(model, X_test, y_test) > 0.75
    assert auc(VotingClassifier(members, voting="soft").fit(X, y), X_test, y_test) > 0.75


@pytest.mark.parametrize("method", ["predict_proba", "decision_function", "predict"])
def test_cross_val_predict(method, credit, any_family):
    X, _, y, _ = credit
    clf = any_family.Focal(**any_family.fast)
    predicted = cross_val_predict(clf, X, y, cv=CV, method=method)
    by_hand = np.empty_like(predicted)
    for train, test in CV.split(X, y):
        by_hand[test] = getattr(clf.fit(X.iloc[train], y.iloc[train]), method)(X.iloc[test])
    np.testing.assert_allclose(predicted, by_hand)
    if method == "predict_proba":
        np.testing.assert_allclose(predicted.sum(axis=1), 1)


def test_permutation_importance(credit, any_family):
    X, X_test, y, y_test = credit
    first = []
    for kind in (any_family.Focal, any_family.Stock):
        clf = kind(**any_family.fast).fit(X, y)
        result = permutation_importance(clf, X_test, y_test, scoring="roc_auc", n_repeats=2, random_state=0)
        first.append(result.importances_mean.argmax())
    assert first[0] == first[1]


def test_multi_output(credit, any_family):
    X, X_test, y, _ = credit
    two = np.stack([y, X["age"] > 50], axis=1).astype(int)
    model = MultiOutputClassifier(any_family.Focal(**any_family.fast)).fit(X, two)
    assert model.predict(X_test).shape == (len(X_test), 2)
    single = any_family.Focal(**any_family.fast).fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X_test)[0], single.predict_proba(X_test))


def test_metadata_routing(credit, family):
    X, _, y, _ = credit
    weight = np.where(y == 1, 5.0, 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        clf = family.Focal(**family.fast).set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
        fit = cross_validate(clf, X, y, cv=CV, params={"sample_weight": weight}, return_estimator=True)
        search = GridSearchCV(clf, {"focal_gamma": [1.0]}, cv=CV, error_score="raise").fit(X, y, sample_weight=weight)
        scaler = StandardScaler().set_output(transform="pandas").set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, clf).fit(X, y, sample_weight=weight)
        requests = clf.get_metadata_routing().fit.requests
        parents = family.Stock().get_metadata_routing().fit.requests
    # LightGBM 4.6 has no eval_X and eval_y of its own.
    assert set(requests) - {"eval_X", "eval_y"} == set(parents) - {"eval_X", "eval_y"}
    plain = family.Focal(**family.fast)
    train = next(CV.split(X, y))[0]
    plain.fit(X.iloc[train], y.iloc[train], sample_weight=weight[train])
    np.testing.assert_array_equal(fit["estimator"][0].predict_proba(X), plain.predict_proba(X))
    whole = family.Focal(**family.fast, focal_gamma=1.0).fit(X, y, sample_weight=weight)
    np.testing.assert_array_equal(search.predict_proba(X), whole.predict_proba(X))
    assert pipeline.predict_proba(X)[:, 1].mean() > 1.5 * y.mean()


@pytest.mark.parametrize("name", ["gmsc", "shuttle"])
def test_early_stopping_in_a_pipeline_of_search(name, real_data, family):
    X, y = real_data(name, 3000)
    kept = y.isin(y.value_counts().index[:3])
    X, X_test, y, y_test = train_test_split(X[kept], y[kept], test_size=0.4, random_state=0, stratify=y[kept])
    y, y_test = (np.searchsorted(np.unique(y), part) for part in (y, y_test))
    clf = family.Focal(**family.fast | {"n_estimators": 60, "learning_rate": 0.3}, focal_mean_shift=False)
    search = family.search(GridSearchCV(clf, {"focal_gamma": [0.0, 1.0]}, cv=CV), X, y, X_test, y_test, 3)
    best = search.best_estimator_
    values = next(iter(family.history(best).values()))
    assert family.best_round(best) == np.argmin(values) + 1
    expected = log_loss(y_test, best.predict_proba(X_test), labels=best.classes_)
    assert min(values) == pytest.approx(expected, rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gmsc", "bio"])
@pytest.mark.parametrize("gamma", [1.0, 2.0])
def test_calibration_is_that_of_the_log_loss(name, gamma, real_data, family):
    X, y = real_data(name)
    if name == "bio":  # proteins of one group are not independent
        train, test = next(GroupShuffleSplit(1, test_size=0.4, random_state=0).split(X, y, X.index))
        X, X_test, y, y_test = X.iloc[train], X.iloc[test], y.iloc[train], y.iloc[test]
    else:
        X, X_test, y, y_test = train_test_split(X, y, test_size=0.4, random_state=0, stratify=y)
    settings = family.quiet | {"n_estimators": 60}
    stock = log_loss(y_test, family.Stock(**settings).fit(X, y).predict_proba(X_test))
    clf = family.Focal(**settings, focal_gamma=gamma).fit(X, y)
    proba = clf.predict_proba(X_test)
    focal = log_loss(y_test, proba)
    print(f"log-loss: stock {stock:.4f}, focal {focal:.4f}")
    assert focal < 1.01 * stock
    # In bio the share of positives differs between the halves.
    if name == "gmsc":
        assert proba[:, 1].mean() == pytest.approx(y_test.mean(), rel=0.1)


def test_optuna_searches_gamma_and_alpha(credit, family):
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    X, X_test, y, y_test = credit

    def objective(trial):
        gamma = trial.suggest_float("focal_gamma", 0.0, 3.0)
        alpha = trial.suggest_categorical("focal_alpha", [None, "balanced"])
        clf = family.Focal(**family.fast, focal_gamma=gamma, focal_alpha=alpha)
        return cross_validate(clf, X, y, cv=CV, scoring="neg_log_loss")["test_score"].mean()

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(objective, n_trials=6)
    assert len({trial.value for trial in study.trials}) == 6
    assert study.best_params["focal_alpha"] is None
    assert auc(family.Focal(**family.fast, **study.best_params).fit(X, y), X_test, y_test) > 0.75


def test_the_sampled_prior_undoes_alpha(real_data, family):
    X, y = real_data("gmsc", 20000)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.5, random_state=0, stratify=y)
    settings = family.fast | {"n_estimators": 20}
    weighted, sampled = (
        log_loss(
            y_test,
            family.Focal(**settings, focal_alpha="balanced", focal_prior=prior).fit(X, y).predict_proba(X_test),
        )
        for prior in ("weighted", "sampled")
    )
    stock = log_loss(y_test, family.Stock(**settings).fit(X, y).predict_proba(X_test))
    assert sampled < 1.03 * stock
    assert weighted > 1.5 * stock
