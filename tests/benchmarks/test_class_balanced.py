"""The comparison with gbdtCBL: equal budgets, derivatives, statistics, resuming, and the report of the results."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit, softmax
from scipy.stats import t as student
from sklearn.datasets import make_classification
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split

pytest.importorskip("lightgbm")
pytest.importorskip("xgboost")
pytest.importorskip("matplotlib")

from benchmarks.class_balanced import judge, runner
from benchmarks.class_balanced.data import LOADERS, _without
from benchmarks.class_balanced.derivatives import (
    TOLERANCE,
    check_all,
    check_binary,
    check_multiclass,
    our_binary_forms,
    our_multiclass_forms,
)
from benchmarks.class_balanced.learners import fit
from benchmarks.class_balanced.methods import (
    OURS,
    SPACES,
    STOCK,
    TREES,
    configurations,
    gbdtcbl_installed,
    objective,
    right_start,
)
from benchmarks.class_balanced.report import _agree, _sound, write
from benchmarks.class_balanced.runner import KEY, Plan, run
from benchmarks.class_balanced.stats import over_sets
from benchmarks.study.problems import Problem, hold_out
from benchmarks.study.records import OtherBudget, read, record_path

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks/class_balanced/results/results.csv.gz"
BOTH = pytest.mark.parametrize("framework", ["lightgbm", "xgboost"])
theirs_installed = pytest.mark.skipif(
    not gbdtcbl_installed(),
    reason="gbdtCBL is NOT INSTALLED, its losses are not checked: pip install --no-deps gbdtCBL",
)


def toy(n_classes=2, n=240):
    weights = [0.8, 0.2] if n_classes == 2 else [0.7, 0.2, 0.1]
    X, y = make_classification(
        n, 5, n_informative=4, n_redundant=0, n_classes=n_classes, weights=weights, random_state=0
    )
    return Problem("toy", X, y.astype(np.int64))


@BOTH
@pytest.mark.parametrize("bounded", [False, True])
def test_every_loss_has_the_same_budget(framework, bounded):
    drawn = {name: configurations(framework, name, 5, seed=3, bounded=bounded) for name in SPACES}
    trees = {*TREES[framework], "learning_rate", "max_delta_step"}
    shared = [[{key: config[key] for key in trees} for config in configs] for configs in drawn.values()]
    assert all(len(configs) == 5 for configs in drawn.values())
    assert all(part == shared[0] for part in shared)
    assert {config["max_delta_step"] > 0 for config in shared[0]} == ({True, False} if bounded else {False})
    for name, configs in drawn.items():
        for config in configs:
            assert set(config) == trees | set(SPACES[name])
            for key, values in SPACES[name].items():
                low, high = min(values), max(values)
                assert config[key] in values if isinstance(values, list) else low <= config[key] <= high


def test_results_hold_every_loss_alike():
    table, record = read(RESULTS), json.loads(record_path(RESULTS).read_text())
    assert not table.duplicated([*KEY, "protocol", "method"]).any()
    for _, rows in table.groupby([*KEY, "protocol"]):
        assert set(rows["method"]) == set(SPACES)
    assert set(table["data"]) == set(record["sets"]) == set(LOADERS)
    assert (table.groupby(["data", "framework"])["split"].nunique() == record["n_splits"]).all()


def test_our_derivatives_are_those_of_the_formula():
    assert _agree(check_binary(our_binary_forms())).all()
    checks = check_multiclass(our_multiclass_forms())
    assert _sound(checks).all()
    assert (checks["sum of gradients"] < TOLERANCE).all()


@theirs_installed
def test_their_derivatives_are_as_the_report_says():
    """Also: without a shift the binary ones agree, and those of positives always."""
    for kind, checks in check_all().items():
        stored = pd.read_csv(RESULTS.with_name(f"{kind}.csv"))
        judged = _agree if kind == "binary" else _sound
        assert (judged(stored) == judged(checks)).all()
        if kind == "binary":
            shifted = checks["form"].str.contains(r"m = 0\.")
            assert (_agree(checks) == ~shifted).all()
            assert (checks[["gradient, label 1", "Hessian, label 1"]] < TOLERANCE).all(axis=None)


@theirs_installed
@BOTH
@pytest.mark.parametrize("n_classes", [2, 3])
def test_right_starts_are_stationary(framework, n_classes):
    y = toy(n_classes).y
    shares = np.bincount(y) / len(y)
    for name, config in (("WCE", {"r": 3.0}), ("FL", {"r": 2.0}), ("ACE", {"m": 0.1})):
        loss = objective(framework, name, config, y, n_classes)
        start = right_start(name, loss, y)
        margin = np.tile(start, (len(y), 1)) if n_classes > 2 else np.repeat(start, len(y))
        if n_classes == 2 or name == "FL":
            assert np.abs(loss(y, margin)[0].sum(axis=0)).max() < 1e-3 * len(y)
        else:  # nowhere stationary
            np.testing.assert_allclose(softmax(start), shares)
    if n_classes == 2:
        assert start.item() == pytest.approx(logit(shares[1] + 0.1 * shares[0]), rel=1e-3)  # towards m


@BOTH
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("honest", [False, True])
def test_ours_at_gamma_0_is_the_stock_loss_from_the_same_start(framework, n_classes, honest):
    data = toy(n_classes)
    config = configurations(framework, STOCK, 1, 0, bounded=False)[0] | {"gamma": 0.0}
    scores = []
    for name in (STOCK, OURS):
        margin = fit(framework, name, config, data.X, data.y, honest=honest, seed=0)(data.X, 50)
        scores.append(np.exp(judge.log_probabilities(margin)))
    if honest:
        np.testing.assert_allclose(*scores, atol=1e-4)
    else:  # the stock loss starts at the shares, a custom one at even odds
        assert np.abs(scores[0] - scores[1]).max() < 0.2


def test_platt_undoes_a_wrong_prior_and_slope():
    rng = np.random.default_rng(0)
    z = rng.normal(-1, 2, 20_000)
    y = (rng.random(len(z)) < expit(z)).astype(int)
    scores = judge.scores_of(2 * z[:, None] + 1.5)
    np.testing.assert_allclose(judge.Platt.fit(scores, y)(scores)[:, 1], expit(z), atol=0.02)


def test_a_tilt_is_chosen_where_it_decides_better():
    y = np.repeat([0, 1, 2], [80, 15, 5])
    p = np.tile([0.75, 0.2, 0.05], (100, 1)) + 0.2 * np.eye(3)[y]
    p /= p.sum(axis=1, keepdims=True)
    plain = f1_score(y, p.argmax(axis=1), average="macro")
    assert f1_score(y, judge._tilted(p, y, p, "macro"), average="macro") > plain


def test_intervals_over_sets_are_students():
    index = pd.MultiIndex.from_product([["a", "b", "c"], [0, 1]], names=["data", "split"])
    gain = pd.DataFrame({"FL": [1.0, 1.0, 2.0, 2.0, -3.0, -3.0]}, index=index)
    row = over_sets(gain, 1 / 3).loc["FL"]
    error = np.std([1, 2, -3], ddof=1) / np.sqrt(3)
    assert row["half"] == pytest.approx(student.ppf(0.975, 2) * error)
    assert row["mde"] == pytest.approx((student.ppf(0.975, 2) + student.ppf(0.8, 2)) * error)
    assert (row["better"], row["worse"], row["sets"]) == (2, 1, 3)


def test_splits_are_the_authors_and_keep_groups_together():
    data = toy()
    train, test = hold_out(data, 0.25, 42)
    expected = train_test_split(data.X, data.y, stratify=data.y, random_state=42)
    np.testing.assert_array_equal(train.X, expected[0])
    np.testing.assert_array_equal(test.X, expected[1])
    train, test = hold_out(Problem("toy", data.X, data.y, groups=np.repeat(np.arange(48), 5)), 0.25, 42)
    assert not set(train.groups) & set(test.groups)


def test_rows_taken_away_are_counted():
    frame = pd.DataFrame({"a": [1, 1, 1, 2, 3], "b": [0, 0, 0, 5, 6]})
    left = _without(frame, [pd.DataFrame({"a": [1], "b": [0]}), pd.DataFrame({"a": [1, 3], "b": [0, 6]})])
    assert left.to_numpy().tolist() == [[1, 0], [2, 5]]


def test_run_goes_on_where_it_was_cut(monkeypatch, tmp_path):
    monkeypatch.setattr(runner, "load", lambda name: toy(2 if name == "ecoli" else 3))
    monkeypatch.setattr(runner, "SPACES", {name: SPACES[name] for name in (STOCK, OURS)})
    monkeypatch.setattr(runner, "ROUNDS", (2,))
    path, plan = tmp_path / "r.csv.gz", Plan(n_splits=1, draws=1, sets=("ecoli", "glass"))
    run(plan, path)
    whole = read(path)
    assert len(whole) == 2 * 2 * 2 * 2  # sets, frameworks, protocols, losses
    assert whole[["f1", "f1_tuned", "ap", "log_loss", "ece"]].notna().all(axis=None)
    cut = whole[whole["data"] != "glass"]
    cut.to_csv(path, index=False)
    computed = []
    monkeypatch.setattr(runner, "fit", lambda *args, **kwargs: computed.append(args) or fit(*args, **kwargs))
    run(plan, path)
    assert len(computed) == 2 * 2 * 2  # frameworks, protocols, losses of one set
    pd.testing.assert_frame_equal(read(path), whole, check_dtype=False)
    with pytest.raises(OtherBudget, match="draws"):
        run(Plan(n_splits=1, draws=3, sets=plan.sets), path)


def test_the_report_is_what_the_results_give(tmp_path):
    written = write(RESULTS, tmp_path).read_text(encoding="utf-8")
    assert written == (ROOT / "docs/evidence/class_balanced.md").read_text(encoding="utf-8")
