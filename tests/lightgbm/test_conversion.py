"""`to_builtin`: the converted booster is the trained one with its start inside, whatever it was trained with."""

import copy
import pickle

import numpy as np
import pytest
from scipy.special import expit, softmax

lgb = pytest.importorskip("lightgbm")

from focalboost.lightgbm import FocalMetric, FocalObjective, init_score, to_builtin  # noqa: E402

BASE = {
    "verbosity": -1,
    "num_threads": 1,
    "num_leaves": 7,
    "min_child_samples": 5,
    "deterministic": True,
    "force_row_wise": True,
    "metric": "None",
}
KINDS = {"binary": (2, "softmax"), "softmax": (3, "softmax"), "ovr": (3, "ovr")}
NAMES = {"binary": "binary", "softmax": "multiclass", "ovr": "multiclassova"}
CONFIGURATIONS = {
    "gbdt": {},
    "dart": {"boosting": "dart", "drop_rate": 0.5, "skip_drop": 0.0},
    "goss": {"data_sample_strategy": "goss", "learning_rate": 0.5},
    "bagging": {"bagging_fraction": 0.5, "bagging_freq": 1, "feature_fraction": 0.6},
    "linear": {"linear_tree": True},
    "quantized": {"use_quantized_grad": True, "quant_train_renew_leaf": True},
    "monotone": {"monotone_constraints": [1, -1, 0, 0, 0]},
    "categorical": {"categories": [3]},
    "two-leaves": {"num_leaves": 2},
    "max-delta-step": {"max_delta_step": 0.05},
    "no-split": {"min_child_samples": 10_000, "feature_pre_filter": False},
    "no-split-linear": {"min_child_samples": 10_000, "feature_pre_filter": False, "linear_tree": True},
    "few-splits": {"min_gain_to_split": 3.0},
    "path-smooth": {"path_smooth": 5.0, "extra_trees": True},
}


def probabilities(kind, margin):
    return softmax(margin, axis=1) if kind == "softmax" else expit(margin)


def params_for(kind, objective, **more):
    n_classes = KINDS[kind][0]
    return BASE | {"objective": objective} | ({"num_class": n_classes} if n_classes > 2 else {}) | more


def make_booster(kind, X, y, rounds=12, gamma=2.0, categories="auto", **more):
    """Return a booster that does not know its start, and the start."""
    objective = FocalObjective(gamma, multiclass=KINDS[kind][1]).prepare(y)
    data = lgb.Dataset(X, y, categorical_feature=categories)
    return lgb.train(params_for(kind, objective, **more), data, rounds), np.array(objective.start)


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def rows(kind, make_data):
    """Features with missing values in some columns, and labels."""
    X, y, _ = make_data(KINDS[kind][0])
    X[:, 3] = np.abs(X[:, 3])
    X[np.random.default_rng(0).random(X.shape) < [0.1, 0, 0.1, 0.05, 0]] = np.nan
    return X, y


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_predicts_the_probabilities_of_the_raw_score_and_start(kind, rows, name):
    X, y = rows
    booster, start = make_booster(kind, X, y, **CONFIGURATIONS[name])
    before = booster.model_to_string()
    raw = booster.predict(X, raw_score=True) + start
    converted = to_builtin(booster, start, multiclass=KINDS[kind][1])
    np.testing.assert_allclose(
        converted.predict(X, raw_score=True), raw, rtol=0, atol=1e-14 * max(1, np.abs(raw).max())
    )
    np.testing.assert_allclose(converted.predict(X), probabilities(kind, raw), rtol=1e-13, atol=1e-14)
    assert booster.model_to_string() == before
    assert converted.num_trees() == booster.num_trees()
    if name.startswith("no-split"):
        assert np.ptp(raw, axis=0).max() == 0
    else:
        assert np.ptp(raw, axis=0).max() > 0.1


@pytest.mark.parametrize("name", ["gbdt", "dart", "bagging"])
def test_first_trees_of_the_converted_booster(kind, rows, name):
    X, y = rows
    booster, start = make_booster(kind, X, y, **CONFIGURATIONS[name])
    converted = to_builtin(booster, start, multiclass=KINDS[kind][1])
    for rounds in (1, 2, 5):
        raw = booster.predict(X, raw_score=True, num_iteration=rounds) + start
        np.testing.assert_allclose(converted.predict(X, num_iteration=rounds), probabilities(kind, raw), rtol=1e-13)


def test_text_of_the_model_names_the_objective(kind, rows, tmp_path):
    X, y = rows
    booster, start = make_booster(kind, X, y)
    converted = to_builtin(booster, start, multiclass=KINDS[kind][1])
    line = {
        "binary": "objective=binary sigmoid:1",
        "softmax": "objective=multiclass num_class:3",
        "ovr": "objective=multiclassova num_class:3 sigmoid:1",
    }[kind]
    text = converted.model_to_string()
    lines = text.splitlines()
    assert line in lines
    assert f"[objective: {NAMES[kind]}]" in lines
    assert "[objective: custom]" not in text
    assert any(part.startswith("tree_sizes=") for part in lines)
    assert converted.params["objective"] == NAMES[kind]
    assert converted.dump_model()["objective"] == line.removeprefix("objective=")
    if not lgb.__version__.startswith("4.6."):  # 4.6 does not read the objective of a text into params
        assert lgb.Booster(model_str=text).params["objective"] == NAMES[kind]
    # A stock model writes the same lines.
    stock = lgb.train(params_for(kind, NAMES[kind]), lgb.Dataset(X, y), 2).model_to_string().splitlines()
    assert line in stock
    assert f"[objective: {NAMES[kind]}]" in stock
    assert [part.split("=")[0] for part in stock if "=" in part][:8] == [p.split("=")[0] for p in lines if "=" in p][:8]


@pytest.mark.parametrize("keep", [False, True])
def test_best_iteration_and_score_are_kept(kind, rows, keep, make_data):
    X, y = rows
    n_classes, multiclass = KINDS[kind]
    X_test, y_test, _ = make_data(n_classes, seed=1)
    objective = FocalObjective(1.0, multiclass=multiclass).prepare(y)
    data = lgb.Dataset(X, y)
    booster = lgb.train(
        params_for(kind, objective, learning_rate=0.4),
        data,
        60,
        valid_sets=[lgb.Dataset(X_test, y_test, reference=data)],
        feval=FocalMetric.of(objective),
        callbacks=[lgb.early_stopping(5, verbose=False)],
        keep_training_booster=keep,
    )
    assert 0 < booster.best_iteration < 60
    assert booster.num_trees() // booster.num_model_per_iteration() == booster.best_iteration + 5 * keep
    start = np.array(objective.start)
    converted = to_builtin(booster, objective)
    assert converted.best_iteration == booster.best_iteration
    assert converted.best_score == booster.best_score
    assert converted.num_trees() == booster.num_trees()
    np.testing.assert_allclose(
        converted.predict(X_test), probabilities(kind, booster.predict(X_test, raw_score=True) + start), rtol=1e-13
    )


@pytest.mark.parametrize("way", ["pickle", "copy", "file", "text"])
def test_copies_are_the_same_model(kind, rows, way, tmp_path):
    X, y = rows
    booster, start = make_booster(kind, X, y)
    converted = to_builtin(booster, start, multiclass=KINDS[kind][1])
    if way == "file":
        converted.save_model(tmp_path / "model.txt")
    again = {
        "pickle": lambda: pickle.loads(pickle.dumps(converted)),
        "copy": lambda: copy.deepcopy(converted),
        "file": lambda: lgb.Booster(model_file=tmp_path / "model.txt"),
        "text": lambda: lgb.Booster(model_str=converted.model_to_string()),
    }[way]()
    np.testing.assert_array_equal(again.predict(X), converted.predict(X))


LOAD = """
import sys
import numpy as np, lightgbm as lgb
booster = lgb.Booster(model_file=sys.argv[1])
np.save(sys.argv[3], booster.predict(np.load(sys.argv[2]), num_threads=1))
assert "focalboost" not in sys.modules
try:
    import focalboost
except ImportError as error:
    print(booster.params["objective"], error, sep=": ")
"""


def test_process_without_focalboost_loads_the_model(kind, rows, tmp_path, without_focalboost):
    X, y = rows
    booster, start = make_booster(kind, X, y)
    converted = to_builtin(booster, start, multiclass=KINDS[kind][1])
    model, features, out = (tmp_path / name for name in ("model.txt", "X.npy", "p.npy"))
    converted.save_model(model)
    np.save(features, X)
    assert without_focalboost(LOAD, model, features, out).strip() == f"{NAMES[kind]}: focalboost is blocked here"
    np.testing.assert_array_equal(np.load(out), converted.predict(X))
    np.testing.assert_allclose(
        np.load(out), probabilities(kind, booster.predict(X, raw_score=True) + start), rtol=1e-13
    )


def test_pandas_categories_survive(kind, rows):
    pd = pytest.importorskip("pandas")
    X, y = rows
    frame = pd.DataFrame(X[:, :3], columns=["one", "leaf_value", "objective"])
    frame["kind"] = pd.Categorical(np.array(["north", "south", "Tree=east", "leaf_value=1 2"])[y + (X[:, 1] > 0)])
    booster, start = make_booster(kind, frame, y)
    converted = to_builtin(booster, start, multiclass=KINDS[kind][1])
    assert converted.pandas_categorical == booster.pandas_categorical
    assert converted.feature_name() == list(frame.columns)
    # Categories in another order are told apart by their names.
    shuffled = frame.assign(kind=frame["kind"].cat.reorder_categories(frame["kind"].cat.categories[::-1].tolist()))
    expected = probabilities(kind, booster.predict(frame, raw_score=True) + start)
    np.testing.assert_allclose(converted.predict(frame), expected, rtol=1e-13)
    np.testing.assert_allclose(converted.predict(shuffled), expected, rtol=1e-13)
    assert converted.num_trees() == booster.num_trees()


def test_training_goes_on_from_a_converted_booster(kind, rows):
    X, y = rows
    whole = to_builtin(*make_booster(kind, X, y, 20), multiclass=KINDS[kind][1])
    first = to_builtin(*make_booster(kind, X, y, 10), multiclass=KINDS[kind][1])
    # Its margins hold the start.
    objective = FocalObjective(2.0, multiclass=KINDS[kind][1]).normalize(y)
    both = lgb.train(params_for(kind, objective), lgb.Dataset(X, y), 10, init_model=first)
    converted = to_builtin(both, 0.0, multiclass=KINDS[kind][1])
    assert converted.num_trees() == whole.num_trees()
    np.testing.assert_allclose(converted.predict(X), whole.predict(X), rtol=0, atol=1e-12)
    np.testing.assert_allclose(converted.predict(X), probabilities(kind, both.predict(X, raw_score=True)), rtol=1e-13)


TREE_LINES = ("leaf_value", "internal_value", "leaf_const", "leaf_coeff", "shrinkage", "split_feature", "threshold")


@pytest.mark.parametrize("name", ["gbdt", "linear", "goss", "no-split"])
def test_the_trees_are_those_of_lightgbms_own_objective(kind, rows, name):
    """It adds its start to the first tree of each class too: leaves, inner nodes, linear constants, shrinkage."""
    X, y = rows
    more = CONFIGURATIONS[name]
    ours = to_builtin(*make_booster(kind, X, y, gamma=0.0, **more), multiclass=KINDS[kind][1])
    stock = lgb.train(params_for(kind, NAMES[kind], **more), lgb.Dataset(X, y), 12)
    seen = 0
    for own, other in zip(*(model.model_to_string().splitlines() for model in (ours, stock)), strict=False):
        if own.split("=")[0] not in TREE_LINES:
            continue
        assert own.split("=")[0] == other.split("=")[0]
        one, two = (np.array(line.split("=")[1].split(), dtype=float) for line in (own, other))
        atol = 1e-6 if own.startswith("internal") else 1e-9  # which LightGBM prints with six digits
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=atol, err_msg=own.split("=")[0])
        seen += 1
    assert seen >= (4 if name == "no-split" else 40)


@pytest.mark.parametrize("way", ["start", "labels", "weights", "data set", "order"])
def test_where_the_start_may_come_from(kind, rows, way):
    X, y = rows
    weight = np.linspace(0.5, 2, len(y)) if way in ("weights", "data set") else None
    plain = FocalObjective(2.0, multiclass=KINDS[kind][1])
    ready = plain.prepare(y, weight)
    data = lgb.Dataset(X, y, weight=weight)
    booster = lgb.train(params_for(kind, ready), data, 5)
    expected = to_builtin(booster, ready.start, multiclass=KINDS[kind][1]).predict(X)
    found = {
        "start": lambda: to_builtin(booster, ready),
        "labels": lambda: to_builtin(booster, plain, y),
        "weights": lambda: to_builtin(booster, plain, y, weight),
        "data set": lambda: to_builtin(booster, plain, data),
        "order": lambda: to_builtin(booster, y, plain),
    }[way]()
    rtol = 1e-6 if way == "data set" else 1e-12  # which keeps weights as float32
    np.testing.assert_allclose(found.predict(X), expected, rtol=rtol)


def test_a_start_among_the_data_is_the_same(kind, rows):
    """The other way to tell LightGBM of it."""
    X, y = rows
    objective = FocalObjective(2.0, multiclass=KINDS[kind][1]).normalize(y)
    data = lgb.Dataset(X, y, init_score=init_score(y, objective))
    booster = lgb.train(params_for(kind, objective), data, 12)
    expected = to_builtin(*make_booster(kind, X, y), multiclass=KINDS[kind][1])
    np.testing.assert_allclose(to_builtin(booster, objective, y).predict(X), expected.predict(X), rtol=1e-10)


def test_parameters_of_the_booster_are_kept(kind, rows):
    X, y = rows
    booster, start = make_booster(kind, X, y, 2, learning_rate=0.3)
    params = to_builtin(booster, start, multiclass=KINDS[kind][1]).params
    assert params["learning_rate"] == 0.3
    assert params["num_leaves"] == 7
    assert params["objective"] == NAMES[kind]
    assert "metric" not in params


@pytest.mark.parametrize("name", ["gbdt", "dart", "categorical", "few-splits"])
def test_contributions_sum_to_the_raw_score_with_its_start(kind, rows, name):
    X, y = rows
    booster, start = make_booster(kind, X, y, **CONFIGURATIONS[name])
    converted = to_builtin(booster, start, multiclass=KINDS[kind][1])
    sums = converted.predict(X, pred_contrib=True).reshape(len(X), -1, X.shape[1] + 1).sum(axis=2)
    raw = booster.predict(X, raw_score=True) + start
    np.testing.assert_allclose(sums.reshape(raw.shape), raw, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(converted.predict(X, pred_leaf=True), booster.predict(X, pred_leaf=True))


# ---- what is refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize("booster", [None, "model.txt", lgb.LGBMClassifier()])
def test_not_a_booster(booster):
    with pytest.raises(TypeError, match=r"booster must be a lightgbm.Booster, got .*booster_"):
        to_builtin(booster, 0.0)


def test_converted_twice_or_built_in(kind, rows):
    X, y = rows
    booster, start = make_booster(kind, X, y)
    converted = to_builtin(booster, start, multiclass=KINDS[kind][1])
    with pytest.raises(ValueError, match="booster must come from a custom objective, got one with a built-in"):
        to_builtin(converted, start, multiclass=KINDS[kind][1])


@pytest.mark.parametrize("bad", [np.nan, np.inf, [0.1, 0.2, 0.3, 0.4], [[0.1]], [], [0.1, np.nan, 0.2]])
def test_start_that_does_not_fit(kind, rows, bad):
    X, y = rows
    booster, _ = make_booster(kind, X, y, 2)
    with pytest.raises(
        ValueError, match=f"start must be a finite number, {1 if kind == 'binary' else 3} of them, or a Foc"
    ):
        to_builtin(booster, bad)


def test_start_of_another_kind_of_model(rows, kind):
    X, y = rows
    booster, start = make_booster(kind, X, y, 2)
    if kind == "binary":
        with pytest.raises(ValueError, match="start must be a finite number, 1 of them"):
            to_builtin(booster, [0.1, 0.2])
        same = to_builtin(booster, [start])
        np.testing.assert_array_equal(same.predict(X), to_builtin(booster, start).predict(X))
    else:
        with pytest.raises(ValueError, match="start must be a finite number, 3 of them"):
            to_builtin(booster, [0.1, 0.2])
    with pytest.raises(ValueError, match="multiclass must be one of"):
        to_builtin(booster, start, multiclass="ova")


def test_an_objective_without_its_start(kind, rows):
    X, y = rows
    booster, _ = make_booster(kind, X, y, 2)
    objective = FocalObjective(2.0, multiclass=KINDS[kind][1])
    with pytest.raises(
        ValueError, match=r"start must be a number, or a FocalObjective.*to_builtin\(booster, objective, y"
    ):
        to_builtin(booster, objective)
    logits = FocalObjective(2.0, multiclass=KINDS[kind][1], score="focal_logit")
    with pytest.raises(ValueError, match="booster must be trained in log-odds to predict probabilities"):
        to_builtin(booster, logits, y)


def test_booster_without_trees(kind, rows):
    X, y = rows
    booster = lgb.Booster(params_for(kind, "none"), lgb.Dataset(X, y))
    with pytest.raises(ValueError, match="booster must have at least one tree"):
        to_builtin(booster, 0.0, multiclass=KINDS[kind][1])


def test_random_forest(rows, kind):
    X, y = rows
    params = params_for(kind, NAMES[kind], boosting="rf", bagging_freq=1, bagging_fraction=0.5)
    forest = lgb.train(params, lgb.Dataset(X, y), 3)
    # LightGBM grows no forest for a custom objective, but a model's text may say so.
    lines = [line for line in forest.model_to_string().splitlines() if not line.startswith("objective=")]
    custom = lgb.Booster(model_str="\n".join(lines) + "\n")
    with pytest.raises(ValueError, match=r"booster must not average its trees \(boosting='rf'\)"):
        to_builtin(custom, 0.0, multiclass=KINDS[kind][1])
