"""The tables of docs/parameters.md, and what the tests of both frameworks' parameters share."""

import dataclasses
import functools
import json
import re
from pathlib import Path
from typing import Any

import numpy as np

PAGE = Path(__file__).parents[2] / "docs" / "parameters.md"
STATUSES = {
    "same",
    "refused",
    "focal",
    "no classification",
    "command line",
    "prediction",
    "internal",
    "not run here",
}


def read(framework):
    """Return the status of each parameter in the table of a framework."""
    section = re.search(rf"^## {framework}$(.*?)(?=^## |\Z)", PAGE.read_text(encoding="utf-8"), re.M | re.S)[1]
    found = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
        for name in re.findall("`([^`]+)`", cells[0]) if line.startswith("| `") else ():
            assert name not in found, f"{name} is in two rows"
            assert cells[1] in STATUSES, line
            found[name] = cells[1]
    return found


LIGHTGBM, XGBOOST = read("LightGBM"), read("XGBoost")


def names(table, status):
    return [name for name, own in table.items() if own == status]


@functools.cache
def problem(n_classes):
    """Return 600 rows: numbers, ties, missing values, zeros, twelve categories, two columns that exclude each other."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 8))
    X[:, 3] = np.round(2 * X[:, 3])
    X[:, 5] = rng.integers(0, 12, 600)
    X[150:, 6] = 0
    X[:300, 7] = X[450:, 7] = 0
    of_category = 1.5 * rng.normal(size=(12, n_classes))[X[:, 5].astype(int)]
    k = np.arange(n_classes)
    score = X[:, :1] * np.sin(k) + X[:, 1:2] * np.cos(2 * k) - k / 2 + X[:, 3:4] * (k == 1) + X[:, 6:7] * k
    y = np.argmax(score - X[:, 7:] * k + of_category + rng.gumbel(size=score.shape), axis=1)
    X[rng.random(600) < 0.2, 2] = X[rng.random(600) < 0.1, 0] = np.nan
    X[:, 4] = np.where(rng.random(600) < 0.3, 0, X[:, 4] + y)
    return X, y


@dataclasses.dataclass(frozen=True)
class Case:
    """A value of a parameter, what else is given with it, and the numbers of classes to try it on.

    `stopping` gives an evaluation set, `update` a model to go on from; `along` is given together with the value.
    """

    value: Any
    given: dict[str, Any]
    classes: tuple[int, ...] = (2, 3)
    stopping: bool = False
    update: bool = False
    along: tuple[tuple[str, Any], ...] = ()


def case(value, classes=(2, 3), stopping=False, update=False, along=(), **given):
    return Case(value, given, classes, stopping, update, along)


@dataclasses.dataclass(frozen=True)
class File:
    """A value that is the name of a file."""

    content: Any


def written(params, folder):
    """Return parameters with the names of files that are written."""
    ready = dict(params)
    for name, value in params.items():
        if isinstance(value, File):
            path = folder / f"{name}.json"
            path.write_text(json.dumps(value.content), encoding="utf-8")
            ready[name] = str(path)
    return ready


KEPT: dict[tuple[Any, ...], Any] = {}


def kept(make, *key):
    """Return what `make` returned for a key: most parameters are compared with the same model."""
    if key not in KEPT:
        KEPT[key] = make()
    return KEPT[key]


def assert_effect(without, changed, name, silent):
    if name in silent:
        np.testing.assert_allclose(changed, without, rtol=0, atol=1e-6)
    else:
        assert np.abs(changed - without).max() > 1e-4


def how(value):
    """Return the name of a test for whether `train` is asked."""
    return {True: "train", False: "estimator"}[value] if isinstance(value, bool) else None


def cases(table, status, values, estimator):
    """Return the parameters of a status, for each with numbers of classes and whether to ask `train`."""
    found = []
    for name in names(table, status):
        own = values.get(name, case(None, classes=(2,)))  # the test says that there is no value
        given = set(own.given) - {"n_estimators"}  # which `train` takes as an argument
        of_train = not (given | {name}) & estimator
        found += [(name, k, native) for k in own.classes for native in (False, True)[: 1 + of_train]]
    return found


def lightgbm_aliases():
    """Return all names of each of LightGBM's parameters."""
    import lightgbm

    return lightgbm.basic._ConfigAliases._get_all_param_aliases()


def assert_bound(fit, stock, focal, k):
    """Assert that max_delta_step bounds leaves as the framework does it, and that it matters."""
    X, _ = problem(k)
    bound = {"max_delta_step": 0.3}
    plain, expected = (fit(stock, k, params).predict_proba(X) for params in ({}, bound))
    ours = fit(focal, k, bound, focal_gamma=0.0, focal_mean_shift=False).predict_proba(X)
    assert np.abs(expected - plain).max() > 1e-2
    np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-6)
