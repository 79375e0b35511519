"""The machinery of the benchmark study, at a small size: equal budgets, measures, resuming, the report."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, softmax
from sklearn.calibration import calibration_curve
from sklearn.datasets import make_classification
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    f1_score,
    log_loss,
    roc_auc_score,
)
from sklearn.utils.class_weight import compute_class_weight

pytest.importorskip("lightgbm")
pytest.importorskip("xgboost")
pytest.importorskip("imblearn")
pytest.importorskip("matplotlib")

from study import measures, ranks, runner, tables
from study.learners import Model, fit
from study.methods import DEFAULTS, METHODS, MULTICLASS_METHODS, SHARED, SWEEP, VARIANTS, configurations
from study.problems import Problem, folds, hold_out
from study.rebalancing import rebalance
from study.report import write
from study.runner import KEY, OtherBudget, Plan, read, record_path, run

from focalboost import BinaryFocalLoss, MulticlassFocalLoss

ROOT = Path(__file__).parents[1]
SMALL = ("log-loss", "log-loss, regularised", "SMOTE", "focal 2", "focal", "focal, alpha", "focal, regularised")
BOTH = pytest.mark.parametrize("framework", ["lightgbm", "xgboost"])


def problem(n_classes=2, n=300, name="toy"):
    weights = [0.8, 0.2] if n_classes == 2 else [0.7, 0.2, 0.1]
    X, y = make_classification(
        n, 5, n_informative=4, n_redundant=0, n_classes=n_classes, weights=weights, flip_y=0.1, random_state=0
    )
    return Problem(name, X, y.astype(np.int64))


@pytest.mark.parametrize("methods", [METHODS, MULTICLASS_METHODS, VARIANTS])
@pytest.mark.parametrize("n_draws", [1, 4, 25])
def test_every_method_has_the_same_budget(methods, n_draws):
    drawn = {name: configurations(space, n_draws, seed=3) for name, space in methods.items()}
    shared = [[{key: config[key] for key in SHARED} for config in configs] for configs in drawn.values()]
    assert all(len(configs) == n_draws for configs in drawn.values())
    assert all(part == shared[0] for part in shared)  # the same trees, draw by draw
    for name, space in methods.items():
        for config in drawn[name]:
            assert set(config) == {*SHARED, *space}
            assert all(config[key] in values for key, values in {**SHARED, **space}.items())
        assert drawn[name] == configurations(space, n_draws, seed=3)


def test_draws_do_not_repeat_until_the_space_is_used_up():
    size = np.prod([len(values) for values in SHARED.values()])
    drawn = [json.dumps(config) for config in configurations({}, int(size), seed=0)]
    assert len(set(drawn)) == size


def test_no_draws_are_the_defaults():
    for space in SWEEP.values():
        assert configurations(space, 0, seed=5) == [DEFAULTS | {key: values[0] for key, values in space.items()}]


@BOTH
@pytest.mark.parametrize("n_classes", [2, 3])
def test_fewer_rounds_of_a_model_are_a_model_of_fewer_rounds(framework, n_classes):
    data = problem(n_classes)
    for own in ({}, {"gamma": 2.0}):
        long = fit(framework, data, DEFAULTS | own, 12, seed=0)
        short = fit(framework, data, DEFAULTS | own, 5, seed=0)
        np.testing.assert_allclose(long.margins(data.X, 5), short.margins(data.X, 5), rtol=1e-6, atol=1e-7)


@BOTH
@pytest.mark.parametrize("n_classes", [2, 3])
def test_stock_margins_are_those_of_gamma_0(framework, n_classes):
    """At gamma 0, unbounded, ours is the frameworks' own objective; softmax margins agree up to a constant a row."""
    data = problem(n_classes)
    stock = fit(framework, data, DEFAULTS, 10, seed=0)
    focal = fit(framework, data, DEFAULTS | {"gamma": 0.0, "max_delta_step": 0.0, "mean_shift": False}, 10, seed=0)
    assert stock.loss.gamma == focal.loss.gamma == 0
    stock, focal = (model.probabilities(model.margins(data.X, 10), "logit") for model in (stock, focal))
    # XGBoost starts its own softmax at .5 for each class.
    np.testing.assert_allclose(stock, focal, atol=1e-5 if framework == "lightgbm" or n_classes == 2 else 0.1)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_weights_and_resampling_change_shares_as_they_say(n_classes):
    data = problem(n_classes)
    counts = np.bincount(data.y)
    balanced = rebalance(data, {"weight": 1.0}, seed=0)
    expected = compute_class_weight("balanced", classes=np.arange(n_classes), y=data.y)
    np.testing.assert_allclose(balanced.weight, expected[data.y])
    np.testing.assert_allclose(balanced.class_weight, expected)
    for key, aim in (("oversample", counts.max()), ("smote", counts.max()), ("undersample", counts.min())):
        full = np.bincount(rebalance(data, {key: 1.0}, seed=0).y)
        assert (full == aim).all()
        half = rebalance(data, {key: 0.5}, seed=0)
        np.testing.assert_allclose(np.bincount(half.y), np.sqrt(counts * aim), atol=0.5)
        np.testing.assert_allclose(half.class_weight, np.bincount(half.y) / counts)
    unchanged = rebalance(data, {}, seed=0)
    assert (unchanged.weight, unchanged.class_weight) == (None, None)
    assert unchanged.X is data.X


def test_smote_respects_categories():
    data = problem()
    X = data.X.copy()
    X[:, 0] = np.random.default_rng(0).integers(0, 3, len(X))
    rows = rebalance(Problem("toy", X, data.y, categorical=(0,)), {"smote": 1.0}, seed=0)
    assert set(np.unique(rows.X[:, 0])) == {0, 1, 2}


@pytest.fixture(scope="module")
def scored():
    """Labels, margins and a model of them whose class 1 weighs 3 times as much."""
    rng = np.random.default_rng(1)
    margin = rng.normal(-1, 1.5, 2000)
    y = (rng.random(2000) < expit(margin)).astype(int)
    model = Model(lambda X, rounds: margin, BinaryFocalLoss(0.0, (1.0, 3.0)))
    return y, margin, model


def test_binary_measures_are_scikit_learns(scored):
    y, margin, model = scored
    values = measures.binary(y, margin, model, measures.thresholds(y, expit(margin)))
    odds = np.exp(margin) / 3  # the prior of the data again
    p = odds / (1 + odds)
    for name, expected in {
        "average_precision": average_precision_score(y, margin),
        "roc_auc": roc_auc_score(y, margin),
        "log_loss": log_loss(y, p),
        "brier": brier_score_loss(y, p),
        "log_loss_focal": log_loss(y, expit(margin)),
        "log_loss_logit": log_loss(y, expit(margin)),
        "f1": f1_score(y, margin >= 0),
        "balanced_accuracy": balanced_accuracy_score(y, margin >= 0),
    }.items():
        assert values[name] == pytest.approx(expected, rel=1e-9), name


def test_tuned_thresholds_are_the_best_there_are(scored):
    y, margin, _ = scored
    y, p = y[:80], expit(margin[:80])
    tuned = measures.thresholds(y, p)
    for name, score in (("f1", f1_score), ("balanced_accuracy", balanced_accuracy_score)):
        assert score(y, p >= tuned[name]) == pytest.approx(max(score(y, p >= t) for t in p), rel=1e-12)


def test_calibration_error_is_that_of_scikit_learns_curve(scored):
    y, margin, _ = scored
    p = expit(margin)
    observed, predicted = calibration_curve(y, p, n_bins=10, strategy="quantile")  # 200 rows in each bin
    assert measures.calibration_error(y, p) == pytest.approx(np.abs(observed - predicted).mean(), rel=1e-9)


def test_multiclass_measures_are_scikit_learns():
    rng = np.random.default_rng(2)
    margin = rng.normal(0, 1, (900, 3))
    y = np.array([rng.choice(3, p=row) for row in softmax(margin, axis=1)])
    loss = MulticlassFocalLoss(2.0)
    p = loss.predict_proba(margin)
    values = measures.multiclass(y, margin, Model(lambda X, rounds: margin, loss))
    one_hot = np.eye(3)[y]
    for name, expected in {
        "average_precision": average_precision_score(one_hot, p, average="macro"),
        "roc_auc": roc_auc_score(y, p, multi_class="ovr"),
        "log_loss": log_loss(y, p),
        "log_loss_logit": log_loss(y, softmax(margin, axis=1)),
        "brier": ((one_hot - p) ** 2).sum(axis=1).mean(),
        "f1": f1_score(y, margin.argmax(axis=1), average="macro"),
        "balanced_accuracy": balanced_accuracy_score(y, margin.argmax(axis=1)),
    }.items():
        assert values[name] == pytest.approx(expected, rel=1e-9), name


def test_splits_hold_every_row_once_and_groups_together():
    data = problem()
    tests = np.concatenate([test for _, test in folds(data, 5, seed=0)])
    assert sorted(tests) == list(range(len(data.y)))
    assert all(
        (a[1] == b[1]).all() for a, b in zip(folds(data, 2, seed=0), folds(data, 7, seed=0), strict=False)
    )  # more splits leave the first as they are
    grouped = Problem("toy", data.X, data.y, groups=np.repeat(np.arange(60), 5))
    train, test = hold_out(grouped, 0.3, seed=0)
    assert not set(grouped.groups[train]) & set(grouped.groups[test])
    train, _ = hold_out(data, 0.3, seed=0, cap=60)
    assert abs(len(train) - 60) <= 1
    assert abs(data.y[train].mean() - data.y.mean()) < 0.02


@pytest.fixture(scope="module")
def small_run(tmp_path_factory):
    """A run over two small sets of two classes and one of three, under names of real ones."""
    sets = {
        "yeast4": problem(2, 200, "yeast4"),
        "abalone19": problem(2, 240, "abalone19"),
        "bank": problem(2, 9000, "bank"),  # more than 1,000 positives to train on
        "kr-vs-k": problem(3, 240, "kr-vs-k"),
    }
    groups = {"open": ["yeast4", "abalone19"], "large": ["bank"], "multiclass": ["kr-vs-k"], "saturated": []}
    plan = Plan(
        splits={"open": 2, "large": 1, "multiclass": 1, "saturated": 1},
        draws=dict.fromkeys(groups, 1) | {"open": 2},
        caps={"large": 300, "multiclass": 200},
    )
    path = tmp_path_factory.mktemp("study") / "small.csv.gz"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "load", sets.__getitem__)
        patch.setattr(runner, "names", groups.__getitem__)
        patch.setattr(runner, "CHECKPOINTS", (2, 4))
        patch.setattr(runner, "METHODS", {name: METHODS[name] for name in SMALL})
        patch.setattr(runner, "_found", lambda module: False)  # CatBoost and other packages need not be there
        run(plan, path)
        yield path, plan


def test_run_tries_every_method_on_every_set(small_run):
    path, plan = small_run
    table = read(path)
    main = table[table["stage"] == "main"]
    for (data, _, framework), rows in main.groupby(["data", "split", "framework"]):
        expected = MULTICLASS_METHODS if data == "kr-vs-k" else SMALL
        assert set(rows["method"]) == set(expected), (data, framework)
    assert main.groupby("data")["split"].nunique().to_dict() == {"yeast4": 2, "abalone19": 2, "bank": 1, "kr-vs-k": 1}
    chosen_by = main[main["data"].isin(["yeast4", "abalone19"])].groupby(KEY)["chosen_by"].agg(sorted)
    assert all(pair == ["average_precision", "log_loss"] for pair in chosen_by)
    record = json.loads(record_path(path).read_text())
    assert {"lightgbm", "scikit-learn", "numpy", "python"} <= set(record["versions"])
    assert record["draws"] == plan.draws


def test_run_goes_on_where_it_was_cut(small_run, monkeypatch, tmp_path):
    path, plan = small_run
    whole = read(path)
    cut = tmp_path / "cut.csv.gz"
    lost = (whole["data"] == "yeast4") & (whole["method"] == "focal 2") & (whole["split"] == 1)
    whole[~lost].to_csv(cut, index=False)
    record_path(cut).write_bytes(record_path(path).read_bytes())
    fitted = []
    monkeypatch.setattr(runner, "fit", lambda *args: fitted.append(args[2]) or fit(*args))
    run(plan, cut)
    assert fitted
    assert all(config.get("gamma") == 2.0 for config in fitted)
    timeless = [name for name in whole.columns if name != "seconds"]
    order = [*KEY, "chosen_by"]
    pd.testing.assert_frame_equal(
        read(cut)[timeless].sort_values(order, ignore_index=True),
        whole[timeless].sort_values(order, ignore_index=True),
    )
    fitted.clear()
    run(plan, cut)
    assert not fitted


def test_results_of_two_budgets_do_not_mix(small_run):
    path, plan = small_run
    with pytest.raises(OtherBudget, match="was begun with other draws"):
        run(Plan(splits=plan.splits, draws=dict.fromkeys(plan.draws, 3), caps=plan.caps), path)


def test_report_holds_what_the_results_say(small_run, tmp_path):
    path, _ = small_run
    report = write(path, tmp_path).read_text(encoding="utf-8")
    table = tables.by_set(read(path), "average_precision", "lightgbm", ["yeast4", "abalone19"])
    rows = read(path).query(
        "stage == 'main' and framework == 'lightgbm' and chosen_by == 'average_precision' and method == 'focal 2'"
    )
    expected = rows[rows["data"] == "yeast4"]["average_precision"].mean()
    assert table.loc["yeast4", "focal 2"] == pytest.approx(expected)
    assert f"{expected:.4f}" in report
    best = ranks.mean_ranks(table, higher_is_better=True).index[0]
    assert f"First is **{best}**" in report
    for name in ("evidence_ranks.png", "evidence_calibration.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
        assert f"({name})" in report


def test_committed_report_is_that_of_the_committed_results(tmp_path):
    """But for the last digit of a rounded mean, which may hang on the order of a sum."""
    number = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
    made = write(ROOT / "benchmarks" / "study" / "results" / "full.csv.gz", tmp_path).read_text(encoding="utf-8")
    kept = (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")
    assert number.sub("#", made) == number.sub("#", kept)
    for one, other in zip(number.findall(made), number.findall(kept), strict=True):
        last_digit = 10.0 ** -len(one.partition("e")[0].partition(".")[2])
        assert float(one) == pytest.approx(float(other), abs=1.01 * last_digit)


def test_ranks_and_critical_difference():
    scores = pd.DataFrame({"a": [0.9, 0.8, 0.7], "b": [0.8, 0.8, 0.9], "c": [0.1, 0.2, 0.3]})
    order = ranks.mean_ranks(scores, higher_is_better=True)
    assert order.round(6).to_dict() == {"a": 1.5, "b": 1.5, "c": 3.0}
    assert ranks.mean_ranks(scores, higher_is_better=False)["c"] == 1
    # Demsar 2006, section 3.2.2: 4 methods, 14 sets, q = 2.569.
    assert ranks.critical_difference(4, 14) == pytest.approx(1.25, abs=0.005)
    runs = ranks.groups(pd.Series([1.0, 1.5, 2.2, 5.0, 5.1]), 1.0)
    assert runs == [(0, 1), (1, 2), (3, 4)]
