"""scikit-learn's estimator checks over both estimators: no failure that the parent has not."""

import pytest
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

lgb = pytest.importorskip("lightgbm")
xgb = pytest.importorskip("xgboost")

from focalboost import FocalLGBMClassifier, FocalXGBClassifier  # noqa: E402

DEFAULT = {"n_jobs": 1}
PARENTS = {FocalLGBMClassifier: lgb.LGBMClassifier, FocalXGBClassifier: xgb.XGBClassifier}
# The parents' own, where warnings are errors.
EXPECTED = {
    FocalLGBMClassifier: {
        "check_estimator_sparse_array": "LightGBM cannot predict on csr_array",
        "check_estimator_sparse_matrix": "LightGBM cannot predict on dok_matrix",
    },
    FocalXGBClassifier: {
        "check_estimator_sparse_array": "XGBoost cannot predict on every kind of sparse array",
        "check_estimator_sparse_matrix": "XGBoost cannot predict on every kind of sparse matrix",
        "check_sample_weight_equivalence_on_dense_data": "margins are float32, the check asks for 1e-7",
        "check_sample_weight_equivalence_on_sparse_data": "margins are float32, the check asks for 1e-7",
    },
}
ESTIMATORS = [FocalLGBMClassifier(**DEFAULT), FocalXGBClassifier(**DEFAULT)]


@pytest.mark.filterwarnings("ignore:.* lets no tree split")  # a check of class_weight gives .0001
@parametrize_with_checks(ESTIMATORS, expected_failed_checks=lambda estimator: EXPECTED[type(estimator)])
def test_scikit_learns_estimator_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("ours", PARENTS)
def test_what_is_expected_to_fail_fails_in_the_parent_too(ours):
    results = check_estimator(PARENTS[ours](**DEFAULT), on_fail=None, on_skip=None)
    failed = {result["check_name"] for result in results if result["status"] == "failed"}
    assert set(EXPECTED[ours]) <= failed


@pytest.mark.parametrize("ours", PARENTS)
def test_tags_are_the_parents(ours):
    assert get_tags(ours()) == get_tags(PARENTS[ours]())
