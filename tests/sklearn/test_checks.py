"""scikit-learn's estimator checks over FocalHistGradientBoostingClassifier: none fails, as none does of the parent."""

import inspect

import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from focalboost import FocalHistGradientBoostingClassifier

pytestmark = pytest.mark.usefixtures("one_thread")


@parametrize_with_checks([FocalHistGradientBoostingClassifier(max_iter=10)])
def test_scikit_learns_estimator_checks(estimator, check):
    check(estimator)


def test_tags_are_the_parents():
    assert get_tags(FocalHistGradientBoostingClassifier()) == get_tags(HistGradientBoostingClassifier())


def test_parameters_and_defaults_are_the_parents_but_for_one():
    ours = FocalHistGradientBoostingClassifier().get_params()
    own = {name: ours.pop(name) for name in list(ours) if name.startswith("focal_")}
    assert ours == HistGradientBoostingClassifier(l2_regularization=1.0).get_params()
    assert own == {"focal_gamma": 2.0, "focal_alpha": None, "focal_prior": "weighted", "focal_mean_shift": True}


@pytest.mark.parametrize("name", ["__init__", "fit"])
def test_signatures_begin_as_the_parents(name):
    ours, parents = (
        inspect.signature(getattr(kind, name)).parameters
        for kind in (FocalHistGradientBoostingClassifier, HistGradientBoostingClassifier)
    )
    assert list(ours)[: len(parents)] == list(parents)
    assert all(ours[key].kind == parents[key].kind for key in parents)
