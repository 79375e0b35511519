"""The search spaces: every value trains, in scikit-learn's searches and through the calls that Optuna offers."""

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.model_selection import GridSearchCV, ParameterGrid, RandomizedSearchCV

from focalboost.search import search_space, suggest_params

pytest.importorskip("lightgbm")
from focalboost import FocalLGBMClassifier


class RecordingTrial:
    """Answers like an Optuna trial, with the lower or the upper end, and the first or last choice."""

    def __init__(self, end):
        self.end = end
        self.asked = {}

    def suggest_float(self, name, low, high, *, log=False):
        assert low < high
        assert low > 0 or not log
        self.asked[name] = (low, high)
        return (low, high)[self.end]

    def suggest_categorical(self, name, choices):
        assert all(
            choice is None or isinstance(choice, bool | int | float | str) for choice in choices
        )  # Optuna's rule
        self.asked[name] = tuple(choices)
        return choices[self.end]


@pytest.fixture(scope="module", params=[2, 3])
def data(request):
    return make_classification(300, 6, n_informative=4, n_classes=request.param, random_state=0)


def classifier():
    return FocalLGBMClassifier(n_estimators=3, num_leaves=4, n_jobs=1, verbose=-1)


def test_every_value_trains(data):
    X, y = data
    space = search_space(len(np.unique(y)))
    for name, values in space.items():
        search = GridSearchCV(classifier(), {name: values}, cv=2, scoring="neg_log_loss", error_score="raise")
        search.fit(X, y)
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_random_search_takes_the_space(data):
    X, y = data
    space = search_space(len(np.unique(y)))
    search = RandomizedSearchCV(classifier(), space, n_iter=3, cv=2, random_state=0, error_score="raise").fit(X, y)
    assert search.best_params_ in list(ParameterGrid(space))


@pytest.mark.parametrize("end", [0, -1])
def test_optuna_trial_stays_within_the_space(data, end):
    X, y = data
    n_classes = len(np.unique(y))
    trial, space = RecordingTrial(end), search_space(n_classes)
    params = suggest_params(trial, n_classes)
    assert set(params) == set(space) == set(trial.asked)
    for name, asked in trial.asked.items():
        numbers = [value for value in space[name] if not isinstance(value, str | None)]
        if name == "focal_alpha":
            assert asked == tuple(space[name])
        else:
            assert min(numbers) <= asked[0]
            assert asked[1] == max(numbers)
    assert np.isfinite(classifier().set_params(**params).fit(X, y).predict_proba(X)).all()


@pytest.mark.parametrize("n_classes, error", [(1, ValueError), ("3", TypeError)])
def test_wrong_number_of_classes_is_refused(n_classes, error):
    with pytest.raises(error, match="n_classes must be a number >= 2"):
        search_space(n_classes)
