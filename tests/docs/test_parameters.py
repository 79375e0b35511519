"""Every parameter of both frameworks is in the tables of docs/parameters.md."""

import inspect
import json

import pytest
from parameter_tables import LIGHTGBM, XGBOOST, lightgbm_aliases, problem

lgb = pytest.importorskip("lightgbm")
xgb = pytest.importorskip("xgboost")

pytestmark = pytest.mark.filterwarnings("ignore:.*booster=.* is deprecated")  # dart and gblinear, by XGBoost 3.4

# Other names of XGBoost's parameters; LightGBM tells its own.
ALIASES = {
    "eta": "learning_rate",
    "lambda": "reg_lambda",
    "alpha": "reg_alpha",
    "gamma": "min_split_loss",
    "seed": "random_state",
    "nthread": "n_jobs",
    "updater_seq": "updater",
}


def test_every_parameter_of_lightgbm_is_in_its_table():
    known = lightgbm_aliases()
    others = {name for own in known.values() for name in own}
    named = {name for name in inspect.signature(lgb.LGBMClassifier.__init__).parameters if name not in others}
    assert set(known) | named - {"self", "kwargs"} <= set(LIGHTGBM)


def test_no_parameter_of_lightgbm_is_in_its_table_under_another_name():
    others = {name for main, own in lightgbm_aliases().items() for name in own if name != main}
    assert not others & set(LIGHTGBM)


def keys(config):
    """Return all names inside of what holds parameters, at any depth."""
    if isinstance(config, list):
        return {name for part in config for name in keys(part)}
    if not isinstance(config, dict):
        return set()
    own = {name for part, held in config.items() if part.endswith("_param") for name in held}
    return own.union(*(keys(part) for part in config.values()))


def test_every_parameter_of_xgboost_is_in_its_table():
    data = xgb.DMatrix(*problem(2), nthread=1)
    known = set()
    for params in (
        *({"booster": booster, "tree_method": "hist"} for booster in ("gbtree", "dart")),
        *({"tree_method": name} for name in ("approx", "exact")),
        *({"booster": "gblinear", "updater": name} for name in ("shotgun", "coord_descent")),
    ):
        booster = xgb.train(params | {"objective": "binary:logistic", "nthread": 1, "verbosity": 0}, data, 1)
        known |= keys(json.loads(booster.save_config()))
    assert {"max_depth", "rate_drop", "feature_selector", "top_k", "max_cached_hist_node", "opt_dense_col"} <= known
    for function in (xgb.XGBClassifier.__init__, xgb.XGBModel.__init__):
        known |= set(inspect.signature(function).parameters) - {"self", "kwargs"}
    assert {ALIASES.get(name, name) for name in known} <= set(XGBOOST)
    assert not set(ALIASES) & set(XGBOOST)
