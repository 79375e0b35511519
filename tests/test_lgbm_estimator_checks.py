"""scikit-learn's estimator checks over FocalLGBMClassifier: no failure that LGBMClassifier has not."""

import pytest
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

lgb = pytest.importorskip("lightgbm")

from focalboost import FocalLGBMClassifier  # noqa: E402

SMALL = {"n_estimators": 5, "n_jobs": 1}
# The parent's own, where warnings are errors.
PARENTS = {
    "check_estimator_sparse_array": "LightGBM cannot predict on csr_array",
    "check_estimator_sparse_matrix": "LightGBM cannot predict on dok_matrix",
}


@parametrize_with_checks([FocalLGBMClassifier(**SMALL)], expected_failed_checks=lambda estimator: PARENTS)
def test_scikit_learns_estimator_checks(estimator, check):
    check(estimator)


def test_what_is_expected_to_fail_fails_in_the_parent_too():
    results = check_estimator(lgb.LGBMClassifier(**SMALL), on_fail=None, on_skip=None)
    failed = {result["check_name"] for result in results if result["status"] == "failed"}
    assert set(PARENTS) <= failed


def test_tags_are_the_parents():
    from sklearn.utils import get_tags

    assert get_tags(FocalLGBMClassifier()) == get_tags(lgb.LGBMClassifier())
