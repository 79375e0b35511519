"""The machinery of the benchmark study, at a small size: equal budgets, measures, resuming, the report."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit, softmax
from scipy.stats import t as student
from scipy.stats import ttest_rel
from sklearn.calibration import calibration_curve
from sklearn.datasets import make_classification
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    confusion_matrix,
    f1_score,
    log_loss,
    roc_auc_score,
)
from sklearn.utils.class_weight import compute_class_weight

pytest.importorskip("lightgbm")
pytest.importorskip("xgboost")
pytest.importorskip("imblearn")
pytest.importorskip("matplotlib")

from benchmarks.study import measures, ranks, runner, tables
from benchmarks.study.learners import Trainer, as_margin, recentre
from benchmarks.study.methods import METHODS, SHARED, SKLEARN, SKLEARN_UNTUNED, UNTUNED, configurations, key_of
from benchmarks.study.paired import difference
from benchmarks.study.problems import Problem, split
from benchmarks.study.rebalancing import rebalance
from benchmarks.study.records import OtherBudget, read, record_path
from benchmarks.study.report import write
from benchmarks.study.runner import KEY, History, Plan, run
from focalboost import FocalHistGradientBoostingClassifier

ROOT = Path(__file__).parents[2]
GROUPS = ["large", "huge", "open", "multiclass", "covertype"]
SMALL = ("log-loss", "log-loss, bounded", "square-root weights", "focal 2", "focal 5", "focal", "focal, alpha")
CLASSES = ("log-loss, bounded", "focal 2", "focal")
BOTH = pytest.mark.parametrize("framework", ["lightgbm", "xgboost"])


def problem(n_classes=2, n=300, name="toy"):
    weights = [0.8, 0.2] if n_classes == 2 else [0.7, 0.2, 0.1]
    X, y = make_classification(
        n, 5, n_informative=4, n_redundant=0, n_classes=n_classes, weights=weights, flip_y=0.1, random_state=0
    )
    return Problem(name, X, y.astype(np.int64), n_classes=n_classes)


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("n_draws", [1, 4, 25])
def test_every_method_has_the_same_budget(group, n_draws):
    shared, methods = SHARED[group], METHODS[group]
    drawn = {name: configurations(space, shared, n_draws, seed=3) for name, space in methods.items()}
    common = [
        [{key: config[key] for key in shared if key != "bound"} for config in configs] for configs in drawn.values()
    ]
    assert all(len(configs) == n_draws for configs in drawn.values())
    assert all(part == common[0] for part in common)  # the same trees, draw by draw
    bounds = [[config["bound"] for config in configs] for name, configs in drawn.items() if name != "log-loss"]
    assert all(part == bounds[0] for part in bounds)
    for name, space in methods.items():
        for config in drawn[name]:
            assert set(config) == {*shared, *space}
            assert all(config[key] in values for key, values in {**shared, **space}.items())
        assert drawn[name] == configurations(space, shared, n_draws, seed=3)


def test_draws_do_not_repeat_until_the_space_is_used_up():
    size = np.prod([len(values) for values in SHARED["open"].values()])
    drawn = [key_of(config) for config in configurations({}, SHARED["open"], int(size), seed=0)]
    assert len(set(drawn)) == size


@BOTH
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("config", [{}, {"gamma": 2.0}])
def test_a_watched_training_shows_the_margins_it_ends_with(framework, n_classes, config):
    data = problem(n_classes)
    seen = {}
    fit = Trainer(framework, data, 0).fit
    long = fit(config, 12, data.X, lambda rounds, margin: bool(seen.update({rounds: np.array(margin)})))
    short = fit(config, 5)
    stopped = []
    fit(config, 12, data.X, lambda rounds, margin: bool(stopped.append(rounds)) or rounds == 3)
    assert list(seen) == list(range(1, 13))
    assert stopped == [1, 2, 3]
    for rounds in (5, 12):
        p, shown = (measures.probabilities(margin) for margin in (long(data.X, rounds), seen[rounds]))
        np.testing.assert_allclose(p, shown, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(long(data.X, 5), short(data.X, 5), rtol=1e-6, atol=1e-7)


@BOTH
@pytest.mark.parametrize("n_classes", [2, 3])
def test_stock_margins_are_those_of_gamma_0(framework, n_classes):
    data = problem(n_classes)
    trainer = Trainer(framework, data, 0)
    stock, focal = (trainer.fit(config, 10)(data.X, 10) for config in ({}, {"gamma": 0.0, "bound": 0.0}))
    stock, focal = (measures.probabilities(margin) for margin in (stock, focal))
    # XGBoost starts its own softmax at .5 for each class.
    np.testing.assert_allclose(stock, focal, atol=1e-5 if framework == "lightgbm" or n_classes == 2 else 0.1)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_scikit_learns_margins_are_those_of_its_classifiers(n_classes):
    data = problem(n_classes)
    trainer = Trainer("sklearn", data, 0)
    stock, focal = (trainer.fit(config, 10)(data.X, 10) for config in ({}, {"gamma": 0.0, "l2": 0.0}))
    np.testing.assert_allclose(stock, focal, atol=1e-9)
    own = FocalHistGradientBoostingClassifier(focal_mean_shift=False, max_iter=10, max_leaf_nodes=7, random_state=0)
    margins = trainer.fit({"gamma": 2.0, "num_leaves": 7}, 10)
    np.testing.assert_array_equal(margins(data.X, 10), own.fit(data.X, data.y).decision_function(data.X))
    assert not np.allclose(margins(data.X, 5), margins(data.X, 10))


@BOTH
@pytest.mark.parametrize("config", [{}, {"weight": 1.0}])
def test_the_first_tree_is_the_log_losses_at_any_gamma(framework, config):
    """As the estimators' is: the scale of the Hessians, which XGBoost's minimum of them in a leaf asks for."""
    data = problem(n=2000)
    trainer = Trainer(framework, data, 0)
    stock, focal = (trainer.fit({**config, **own, "bound": 0.0}, 1)(data.X, 1) for own in ({}, {"gamma": 5.0}))
    np.testing.assert_allclose(stock, focal, rtol=1e-4, atol=1e-4)


def test_catboosts_focal_starts_at_the_share_of_positives_and_reads_as_log_odds():
    pytest.importorskip("catboost")
    data = problem()
    margins = Trainer("catboost", data, 0).fit({"gamma": 2.0, "alpha": 0.5, "learning_rate": 1e-6}, 1)
    assert expit(margins(data.X, 1)).mean() == pytest.approx(data.y.mean(), abs=1e-3)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_recentred_probabilities_sum_to_the_counts(n_classes):
    data = problem(n_classes)
    margin = np.random.default_rng(0).normal(1, 2, (len(data.y), n_classes) if n_classes > 2 else len(data.y))
    p = measures.probabilities(margin + recentre(data.y, margin))
    np.testing.assert_allclose(p.sum(axis=0), np.bincount(data.y), rtol=1e-6)


def test_margins_of_probabilities_keep_what_is_near_0():
    p = np.array([1e-300, 1e-9, 0.3, 1.0])
    np.testing.assert_allclose(as_margin(p)[:3], logit(p[:3]), rtol=1e-12)
    assert np.isfinite(as_margin(p)).all()
    np.testing.assert_allclose(as_margin(p[:, None])[:, 0], np.log(p))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_weights_and_sampling_balance_as_they_say(n_classes):
    data = problem(n_classes)
    counts = np.bincount(data.y)
    expected = compute_class_weight("balanced", classes=np.arange(n_classes), y=data.y)
    np.testing.assert_allclose(rebalance(data, {"weight": 1.0}, seed=0).weight, expected[data.y])
    np.testing.assert_allclose(rebalance(data, {"weight": 0.5}, seed=0).weight, np.sqrt(expected)[data.y])
    assert (np.bincount(rebalance(data, {"undersample": 1.0}, seed=0).y) == counts.min()).all()
    half = np.bincount(rebalance(data, {"undersample": 0.5}, seed=0).y)
    np.testing.assert_allclose(half, np.sqrt(counts * counts.min()), atol=0.5)
    assert rebalance(data, {"pos_weight": 1.0}, seed=0).pos_weight == pytest.approx(counts[0] / counts[1])
    unchanged = rebalance(data, {}, seed=0)
    assert (unchanged.weight, unchanged.pos_weight) == (None, None)
    assert unchanged.X is data.X


@pytest.fixture(scope="module")
def scored():
    rng = np.random.default_rng(1)
    margin = rng.normal(-1, 1.5, 2000)
    return (rng.random(2000) < expit(margin)).astype(int), margin


def test_binary_measures_are_scikit_learns(scored):
    y, margin = scored
    p = expit(margin)
    values = measures.binary(y, margin, {"f1": 0.4, "balanced_accuracy": 0.2})
    for name, expected in {
        "average_precision": average_precision_score(y, margin),
        "roc_auc": roc_auc_score(y, margin),
        "log_loss": log_loss(y, p),
        "brier": brier_score_loss(y, p),
        "f1": f1_score(y, p >= 0.4),
        "balanced_accuracy": balanced_accuracy_score(y, p >= 0.2),
        "mean_ratio": p.sum() / y.sum(),
    }.items():
        assert values[name] == pytest.approx(expected, rel=1e-9), name


@pytest.mark.parametrize("cost", measures.COSTS)
def test_cost_is_that_of_the_confusion_matrix(scored, cost):
    y, margin = scored
    p = expit(margin)
    (_, false_alarms), (missed, _) = confusion_matrix(y, p >= 1 / (1 + cost))
    trivial = min(cost * y.sum(), (1 - y).sum())
    assert measures.decision_cost(y, p, cost) == pytest.approx((false_alarms + cost * missed) / trivial)
    # No other threshold is cheaper by more than chance, for these probabilities are true.
    assert measures.decision_cost(y, p, cost) < 1.1 * min(
        (np.sum((p >= at) & (y == 0)) + cost * np.sum((p < at) & (y == 1))) / trivial for at in np.linspace(0, 1, 101)
    )


def test_precision_of_alerts_counts_the_highest_scores():
    score = np.array([0.9, 0.8, 0.8, 0.8, 0.1])
    y = np.array([1, 0, 1, 0, 1])
    assert measures.alert_precision(y, score, 0.2) == 1.0
    assert measures.alert_precision(y, score, 0.4) == pytest.approx((1 + 1 / 3) / 2)  # one of three that are tied
    assert measures.alert_precision(y, score, 1.0) == pytest.approx(3 / 5)


def test_tuned_thresholds_are_the_best_there_are(scored):
    y, margin = scored
    y, p = y[:80], expit(margin[:80])
    tuned = measures.thresholds(y, p)
    for name, score in (("f1", f1_score), ("balanced_accuracy", balanced_accuracy_score)):
        assert score(y, p >= tuned[name]) == pytest.approx(max(score(y, p >= t) for t in p), rel=1e-12)


def test_calibration_error_is_that_of_scikit_learns_curve(scored):
    y, margin = scored
    p = expit(margin)
    observed, predicted = calibration_curve(y, p, n_bins=10, strategy="quantile")  # 200 rows in each bin
    assert measures.calibration_error(y, p) == pytest.approx(np.abs(observed - predicted).mean(), rel=1e-9)


def test_multiclass_measures_are_scikit_learns():
    rng = np.random.default_rng(2)
    margin = rng.normal(0, 1, (900, 3))
    y = np.array([rng.choice(3, p=row) for row in softmax(margin, axis=1)])
    p = softmax(margin, axis=1)
    values = measures.multiclass(y, margin)
    one_hot = np.eye(3)[y]
    for name, expected in {
        "average_precision": average_precision_score(one_hot, p, average="macro"),
        "roc_auc": roc_auc_score(y, p, multi_class="ovr"),
        "log_loss": log_loss(y, p),
        "brier": ((one_hot - p) ** 2).sum(axis=1).mean(),
        "f1": f1_score(y, margin.argmax(axis=1), average="macro"),
        "balanced_accuracy": balanced_accuracy_score(y, margin.argmax(axis=1)),
    }.items():
        assert values[name] == pytest.approx(expected, rel=1e-9), name


def test_splits_halve_the_small_sets_and_hold_out_a_third_of_the_large():
    data = problem()
    data = Problem("toy", np.arange(len(data.y), dtype=float)[:, None], data.y)
    halves = [split(data, "open", number, seed=0) for number in range(10)]
    for train, test in halves:
        assert sorted([*train.X[:, 0], *test.X[:, 0]]) == list(range(len(data.y)))
        assert abs(train.y.mean() - data.y.mean()) < 0.01
    assert set(halves[0][0].X[:, 0]) == set(halves[1][1].X[:, 0])  # each half trains once
    assert len({tuple(train.X[:, 0]) for train, _ in halves}) == 10
    grouped = Problem("toy", data.X, data.y, groups=np.repeat(np.arange(60), 5))
    train, test = split(grouped, "large", 0, seed=0)
    assert len(test.y) == len(data.y) // 3
    assert not set(train.groups) & set(test.groups)
    assert not np.array_equal(split(data, "large", 0, seed=0)[1].X, split(data, "large", 1, seed=0)[1].X)


def test_history_stops_once_nothing_gains(monkeypatch):
    y = np.array([0, 1, 0, 1, 0, 0])
    monkeypatch.setattr(runner, "PATIENCE", 10)
    history = History(y)
    better, worse = np.array([-1.0, 1, -1, 1, -1, -1]), np.array([1.0, 1, -1, -1, -1, -1])
    asked = {rounds: history(rounds, better if rounds == 10 else worse) for rounds in range(1, 21)}
    assert [rounds for rounds, stop in asked.items() if stop] == [20]
    assert history.best["average_precision"] == (1.0, 10)
    assert history.best["log_loss"][1] == 10
    assert History(y)(5, np.full(6, np.nan))


def test_differences_are_those_of_a_paired_t_test():
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 1, (2, 12))
    found = difference(a - b)
    low, high = ttest_rel(a, b).confidence_interval(0.95)
    assert (found.mean - found.half_width, found.mean + found.half_width) == pytest.approx((low, high))
    # Of many studies with this spread and a true gain of `detectable`, four of five have an interval without 0.
    found = difference(rng.normal(0, 1, 200_000)[:12])
    error = found.half_width / student.ppf(0.975, 11)
    studies = rng.normal(found.detectable, error * np.sqrt(12), (20_000, 12))
    shows = np.mean([difference(each).shows for each in studies[:4000]])
    assert shows == pytest.approx(0.8, abs=0.03)
    assert difference(np.array([0.25])).text(2) == "+0.25"
    # Nadeau and Bengio: splits that share rows tell less.
    assert difference(a - b, 0.5).half_width == pytest.approx(difference(a - b).half_width * np.sqrt(1 + 12 * 0.5))


@pytest.fixture(scope="module")
def small_run(tmp_path_factory):
    """A run over two small sets of two classes and one of three, under names of real ones."""
    sets = {
        "yeast4": problem(2, 200, "yeast4"),
        "abalone19": problem(2, 240, "abalone19"),
        "bank": problem(2, 900, "bank"),
        "kr-vs-k": problem(3, 240, "kr-vs-k"),
    }
    groups = {"open": ["yeast4", "abalone19"], "large": ["bank"], "multiclass": ["kr-vs-k"]}
    plan = Plan(
        splits={"open": 2, "large": 2, "multiclass": 1, "covertype": 0},
        untuned_splits={"open": 1, "large": 1, "saturated": 1, "multiclass": 1, "covertype": 0},
        draws=dict.fromkeys(GROUPS, 1) | {"open": 2},
        rounds=dict.fromkeys(GROUPS, 10),
    )
    path = tmp_path_factory.mktemp("study") / "small.csv.gz"
    small = {name: METHODS["large"][name] for name in SMALL}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "load", sets.__getitem__)
        patch.setattr(runner, "names", lambda group: groups.get(group, []))
        patch.setattr(runner, "UNTUNED_ROUNDS", 5)
        patch.setattr(
            runner,
            "METHODS",
            dict.fromkeys(GROUPS, small) | {"multiclass": {name: small[name] for name in CLASSES}},
        )
        patch.setattr(runner, "_found", lambda module: False)  # CatBoost need not be there
        patch.setattr(runner, "SKLEARN_SETS", {"large": ["bank"]})
        patch.setattr(runner, "SKLEARN_UNTUNED_SETS", {"large": ["bank"], "multiclass": ["kr-vs-k"]})
        run(plan, path)
        yield path, plan


def test_run_tries_every_method_on_every_set(small_run):
    path, plan = small_run
    table = read(path)
    tuned = table[table["stage"] == "tuned"]
    for (data, _, framework), rows in tuned.groupby(["data", "split", "framework"]):
        expected = SKLEARN if framework == "sklearn" else CLASSES if data == "kr-vs-k" else SMALL
        assert set(rows["method"]) == set(expected), (data, framework)
    assert tuned.groupby("data")["split"].nunique().to_dict() == {"yeast4": 2, "abalone19": 2, "bank": 2, "kr-vs-k": 1}
    assert all(pair == ["average_precision", "log_loss"] for pair in tuned.groupby(KEY)["chosen_by"].agg(sorted))
    assert set(table.loc[table["stage"] == "untuned", "method"]) == {*UNTUNED, *SKLEARN_UNTUNED}
    record = json.loads(record_path(path).read_text())
    assert {"lightgbm", "scikit-learn", "numpy", "python"} <= set(record["versions"])
    assert record["draws"] == plan.draws


def test_what_ends_with_the_mean_shift_is_that_without_moved(small_run):
    table = read(small_run[0]).query("stage == 'untuned' and data == 'bank'").set_index(["framework", "method"])
    for framework in ("lightgbm", "xgboost"):
        shifted, plain = (table.loc[framework, f"focal 2{note}"] for note in ("", ", no mean shift"))
        assert shifted["average_precision"] == plain["average_precision"]
        assert shifted["log_loss"] != plain["log_loss"]


def test_run_goes_on_where_it_was_cut(small_run, monkeypatch, tmp_path):
    path, plan = small_run
    whole = read(path)
    cut = tmp_path / "cut.csv.gz"
    lost = (whole["data"] == "yeast4") & (whole["method"] == "focal, alpha") & (whole["split"] == 1)
    whole[~lost].to_csv(cut, index=False)
    record_path(cut).write_bytes(record_path(path).read_bytes())
    computed = []
    results_of = runner.results_of
    monkeypatch.setattr(runner, "results_of", lambda block, plan: computed.append(block) or results_of(block, plan))
    run(plan, cut)
    assert [list(block.methods) for block in computed] == [["focal, alpha"]] * 2  # in both frameworks
    timeless = [name for name in whole.columns if name != "seconds"]
    order = [*KEY, "chosen_by"]
    pd.testing.assert_frame_equal(
        read(cut)[timeless].sort_values(order, ignore_index=True),
        whole[timeless].sort_values(order, ignore_index=True),
    )
    computed.clear()
    run(plan, cut)
    assert not computed


def test_results_of_two_budgets_do_not_mix(small_run):
    path, plan = small_run
    with pytest.raises(OtherBudget, match="was begun with other draws"):
        run(Plan(splits=plan.splits, draws=dict.fromkeys(plan.draws, 3), rounds=plan.rounds), path)


def test_report_holds_what_the_results_say(small_run, tmp_path):
    path, _ = small_run
    write(path, tmp_path)
    results = read(path)
    rows = results.query(
        "stage == 'tuned' and framework == 'lightgbm' and chosen_by == 'average_precision' and data == 'yeast4'"
    )
    expected = rows[rows["method"] == "focal 2"]["average_precision"].mean()
    table = tables.by_set(results, "average_precision", "lightgbm", ["yeast4", "abalone19"])
    assert table.loc["yeast4", "focal 2"] == pytest.approx(expected)
    assert f"{expected:.4f}" in (tmp_path / "sets.md").read_text(encoding="utf-8")
    bank = results.query("stage == 'tuned' and framework == 'xgboost' and chosen_by == 'log_loss' and data == 'bank'")
    log_loss, bounded = (
        bank.query("method == @name")["log_loss"].to_numpy() for name in ("focal 2", "log-loss, bounded")
    )
    gain = difference(-100 * np.log(log_loss / bounded), 0.5)
    assert f"{gain.mean:+.2f} ± {gain.half_width:.2f}" in (tmp_path / "tuned.md").read_text(encoding="utf-8")
    for name, page in (("ranks", "tuned"), ("calibration", "calibration")):
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert f"({name}.png)" in (tmp_path / f"{page}.md").read_text(encoding="utf-8")


def test_report_names_models_that_are_constant(small_run, tmp_path):
    path, _ = small_run
    results = read(path)
    fallen = (results["stage"] == "tuned") & (results["method"] == "focal 2") & (results["split"] == 1)
    fallen &= (results["data"] == "bank") & (results["framework"] == "lightgbm") & (results["chosen_by"] == "log_loss")
    assert fallen.sum() == 1
    changed = tmp_path / "fallen.csv.gz"
    record_path(changed).write_bytes(record_path(path).read_bytes())
    for auc in (0.6, 0.5):
        results.assign(roc_auc=results["roc_auc"].where(~fallen, auc)).to_csv(changed, index=False)
        write(changed, tmp_path)
        told = "LightGBM, focal 2 on bank, split 2, chosen by log loss" in (tmp_path / "tuned.md").read_text("utf-8")
        assert told == (auc == 0.5)


def test_committed_report_is_that_of_the_committed_results(tmp_path):
    """But for the last digit of a rounded mean, which may hang on the order of a sum."""
    number = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
    write(ROOT / "benchmarks" / "study" / "results" / "full.csv.gz", tmp_path)
    for page in tmp_path.glob("*.md"):
        made = page.read_text(encoding="utf-8")
        kept = (ROOT / "docs" / "evidence" / page.name).read_text(encoding="utf-8")
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
