"""Labels of every kind that numpy, pandas, polars and arrow hold: in training, after it, and in saved models."""

import datetime
import decimal

import numpy as np
import pandas as pd
import pytest

N = 200


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 3))
    return X, (X[:, 0] + 0.5 * rng.normal(size=N) > 0).astype(int)


def polars(values, **more):
    return pytest.importorskip("polars").Series(values, **more)


def arrow(values):
    return pytest.importorskip("pyarrow").array(values)


DAYS = [datetime.date(2024, 1, 1), datetime.date(2024, 6, 1)]
NAMES = np.array(["good", "ill"])
KINDS = {
    "objects of integers": (lambda y: pd.Series(y, dtype=object), [0, 1]),
    "objects of booleans": (lambda y: pd.Series(y == 1, dtype=object), [False, True]),
    "objects of floats": (lambda y: np.array([float(v) for v in y], dtype=object), [0.0, 1.0]),
    "objects of strings": (lambda y: NAMES[y].astype(object), ["good", "ill"]),
    "objects of dates": (lambda y: [DAYS[v] for v in y], np.array(DAYS, dtype="datetime64[D]")),
    "fixed-width strings": (lambda y: NAMES[y], ["good", "ill"]),
    "booleans": (lambda y: y == 1, [False, True]),
    "small integers": (lambda y: (y - 1).astype(np.int8), [-1, 0]),
    "big integers": (lambda y: y + 2**62, [2**62, 2**62 + 1]),
    "bigger integers": (
        lambda y: y.astype(np.uint64) + np.uint64(2**63),
        np.array([2**63, 2**63 + 1], dtype=np.uint64),
    ),
    "float32": (lambda y: y.astype(np.float32), [0.0, 1.0]),
    "dates": (lambda y: np.datetime64("2024-01-01") + y, np.datetime64("2024-01-01") + np.arange(2)),
    "a list": (lambda y: y.tolist(), [0, 1]),
    "a frame": (lambda y: pd.DataFrame({"y": y}), [0, 1]),
    "a column": (lambda y: y[:, None], [0, 1]),
    "nullable integers": (lambda y: pd.Series(y, dtype="Int64"), [0, 1]),
    "nullable booleans": (lambda y: pd.Series(y == 1, dtype="boolean"), [False, True]),
    "nullable floats": (lambda y: pd.Series(y, dtype="Float32"), [0.0, 1.0]),
    "nullable strings": (lambda y: pd.Series(NAMES[y], dtype="string"), ["good", "ill"]),
    "unused categories": (lambda y: pd.Categorical(NAMES[y], ["none", "ill", "good"]), ["good", "ill"]),
    "categories of integers": (lambda y: pd.Series(y, dtype="category"), [0, 1]),
    "pandas dates": (lambda y: pd.Series(pd.Timestamp("2024-01-01") + pd.to_timedelta(y, "D")), None),
    "polars integers": (polars, [0, 1]),
    "polars strings": (lambda y: polars(NAMES[y].tolist()), ["good", "ill"]),
    "arrow integers": (arrow, [0, 1]),
    "arrow strings": (lambda y: arrow(NAMES[y].tolist()), ["good", "ill"]),
}


@pytest.mark.filterwarnings("ignore:A column-vector y was passed")
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind(any_family, rows, kind, tmp_path):
    X, y = rows
    make, expected = KINDS[kind]
    plain = any_family.Focal(**any_family.fast).fit(X, y)
    labels = make(y)
    clf = any_family.fit(any_family.Focal(**any_family.fast), X, labels, X[:50], make(y[:50]))
    np.testing.assert_array_equal(clf.predict_proba(X), plain.predict_proba(X))
    classes = np.unique(np.asarray(labels)) if expected is None else np.asarray(expected)
    np.testing.assert_array_equal(clf.classes_, classes)
    np.testing.assert_array_equal(clf.predict(X), clf.classes_[plain.predict(X)])
    if any_family.module.__name__.startswith("sklearn"):
        return  # whose models have no file of their own
    path = str(tmp_path / "model.json")
    if hasattr(any_family.Focal, "from_booster"):
        clf.booster_.save_model(path)
        again = any_family.Focal.from_booster(path)
    else:
        clf.save_model(path)
        again = any_family.Focal()
        again.load_model(path)
    assert again.classes_.dtype.kind == clf.classes_.dtype.kind
    np.testing.assert_array_equal(again.classes_, clf.classes_)
    np.testing.assert_array_equal(again.predict(X), clf.predict(X))


MISSING = {
    "None": lambda y: [None, *NAMES[y[1:]]],
    "NaN": lambda y: np.where(np.arange(N) == 3, np.nan, y),
    "NaN among objects": lambda y: np.array([np.nan, *y[1:].tolist()], dtype=object),
    "pd.NA": lambda y: pd.Series([pd.NA, *y[1:]], dtype="Int64"),
    "pd.NA among strings": lambda y: pd.Series([pd.NA, *NAMES[y[1:]]], dtype="string"),
    "NaT": lambda y: np.where(np.arange(N) == 3, np.datetime64("NaT", "D"), np.datetime64("2024-01-01") + y),
    "a missing category": lambda y: pd.Categorical([None, *NAMES[y[1:]]]),
}
OTHERS = {
    "several kinds": (lambda y: ["ill" if v else 1 for v in y], "of one kind.* int, str"),
    "huge integers": (lambda y: [2**70 * int(v) for v in y], "integers of 64 bits, got 1180591620717411303424"),
    "decimals and strings": (lambda y: [decimal.Decimal(1), *NAMES[y[1:]]], "of one kind.* Decimal"),
    "continuous": (lambda y: y + 0.5, "continuous"),
    "nothing": (lambda y: None, "y must hold labels.* got None"),
    "one number": (lambda y: 1, "must be an array of labels, got int"),
}


@pytest.mark.parametrize("kind", MISSING)
def test_missing_labels_are_named_before_training(any_family, rows, kind, monkeypatch):
    X, y = rows
    any_family.forbid_training(monkeypatch)
    with pytest.raises(ValueError, match=r"(y must not hold missing labels|Input y contains NaN)"):
        any_family.Focal().fit(X, MISSING[kind](y))


@pytest.mark.parametrize("kind", OTHERS)
def test_other_labels_are_refused_before_training(any_family, rows, kind, monkeypatch):
    X, y = rows
    any_family.forbid_training(monkeypatch)
    make, message = OTHERS[kind]
    with pytest.raises((ValueError, TypeError), match=message):
        any_family.Focal().fit(X, make(y))


def test_an_unknown_label_of_an_evaluation_set(family, rows, monkeypatch):
    X, y = rows
    family.forbid_training(monkeypatch)
    with pytest.raises(ValueError, match=r"must hold labels of the training set, got 6"):
        family.fit(family.Focal(), X, y, X, y + 6)
