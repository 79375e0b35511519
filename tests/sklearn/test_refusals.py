"""What FocalHistGradientBoostingClassifier refuses, and versions of scikit-learn that it does not know."""

import numpy as np
import pytest
from messages import raises
from sklearn.ensemble import HistGradientBoostingClassifier

from focalboost import FocalHistGradientBoostingClassifier
from focalboost.sklearn import _native

pytestmark = pytest.mark.usefixtures("one_thread")

BAD = [
    ({"loss": "squared_error"}, ValueError, ("loss must be 'log_loss'", "'squared_error'", "focal_gamma=0.0")),
    ({"loss": None}, ValueError, ("loss must be 'log_loss'", "None")),
    ({"focal_gamma": -1.0}, ValueError, ("focal_gamma must be a finite number in [0, 40]", "-1.0")),
    ({"focal_gamma": "2"}, TypeError, ("focal_gamma must be", "'2'")),
    ({"focal_gamma": np.nan}, ValueError, ("focal_gamma must be", "nan")),
    ({"focal_alpha": 1.5}, ValueError, ("focal_alpha must be", "1.5")),
    ({"focal_alpha": (1.0, 2.0, 3.0)}, ValueError, ("focal_alpha must hold one weight for each of the 2 classes",)),
    ({"focal_alpha": {"a": 1.0, "b": 2.0}}, ValueError, ("focal_alpha as a dict must have the class labels", "'a'")),
    (
        {"focal_alpha": 0.5, "class_weight": "balanced"},
        ValueError,
        ("class_weight must not be given with focal_alpha",),
    ),
    ({"focal_prior": "flat"}, ValueError, ("focal_prior must be one of 'weighted', 'sampled'", "'flat'")),
    ({"focal_mean_shift": 1}, TypeError, ("focal_mean_shift must be True or False", "1")),
]


@pytest.mark.parametrize("params, error, parts", BAD, ids=lambda value: str(value)[:40])
def test_bad_parameters(params, error, parts, make_data):
    X, y, _ = make_data(2)
    with raises(error, *parts):
        FocalHistGradientBoostingClassifier(**params).fit(X, y)


def test_a_number_for_alpha_is_for_two_classes(make_data):
    X, y, _ = make_data(3)
    with raises(ValueError, "alpha must hold one weight per class", "0.25"):
        FocalHistGradientBoostingClassifier(focal_alpha=0.25).fit(X, y)


@pytest.mark.parametrize("name", ["focal_gama", "focal_multiclass", "max_delta_step"])
def test_unknown_names(name):
    with pytest.raises(TypeError, match=name):
        FocalHistGradientBoostingClassifier(**{name: 1.0})
    with pytest.raises(ValueError, match=name):
        FocalHistGradientBoostingClassifier().set_params(**{name: 1.0})


@pytest.mark.parametrize("bad", [[0, None], [0.5, 1.7], [0, np.nan], [0, "a"]])
def test_bad_labels(bad):
    with pytest.raises(ValueError, match=r"label|y "):
        FocalHistGradientBoostingClassifier().fit([[0.0], [1.0]], bad)


@pytest.mark.parametrize("weight", [-1.0, np.nan, np.inf])
def test_bad_weights(weight, make_data):
    X, y, _ = make_data(2)
    weights = np.ones(len(y))
    weights[3] = weight
    with pytest.raises(ValueError, match="sample_weight"):
        FocalHistGradientBoostingClassifier(max_iter=2).fit(X, y, weights)
    with pytest.raises(ValueError, match=r"positive sum|non-zero number"):
        FocalHistGradientBoostingClassifier(max_iter=2).fit(X, y, np.zeros(len(y)))


def test_a_number_for_alpha_names_the_rare_label(make_data):
    X, codes, _ = make_data(2)
    y = np.where(codes == codes[0], "ok", "fraud") if codes.mean() < 0.5 else np.array(["fraud", "ok"])[codes]
    if (y == "ok").mean() <= 0.5:
        y = np.where(y == "ok", "fraud", "ok")
    with pytest.warns(UserWarning, match=r"focal_alpha=0.75 weighs 'ok'"):
        FocalHistGradientBoostingClassifier(max_iter=2, focal_alpha=0.75).fit(X, y)


@pytest.mark.skipif(_native.TAKES_X_VAL, reason="from scikit-learn 1.7 on they are taken")
def test_rows_for_validation_are_refused_by_old_versions(make_data):
    X, y, _ = make_data(2)
    with raises(TypeError, "X_val, y_val must be left out with scikit-learn 1.6"):
        FocalHistGradientBoostingClassifier().fit(X, y, X_val=X, y_val=y)


OTHER = """
from sklearn.ensemble import HistGradientBoostingClassifier
import sklearn
sklearn.__version__ = "9.9"
{change}
try:
    import focalboost.sklearn
except ImportError as error:
    print(error)
"""
CHANGES = {
    "_get_loss": "HistGradientBoostingClassifier._get_loss = lambda self: None",
    "_finalize_sample_weight": "HistGradientBoostingClassifier._finalize_sample_weight = lambda self, weights: None",
    "HalfBinomialLoss": "import sklearn._loss.loss; del sklearn._loss.loss.HalfBinomialLoss",
}


@pytest.mark.parametrize("name", CHANGES)
def test_another_inside_of_scikit_learn_is_refused(name, in_new_process):
    message = in_new_process(OTHER.format(change=CHANGES[name]))
    assert f"scikit-learn 9.9 ({name}" in message or name in message
    assert "tested with 1.6 to 1.9: pip install 'scikit-learn>=1.6,<1.10'" in message


def test_a_fit_that_passes_the_hooks_by_is_refused(monkeypatch, make_data):
    X, y, _ = make_data(2)

    def fit(self, X, y, sample_weight=None):
        self._loss = _native.HalfBinomialLoss()

    monkeypatch.setattr(HistGradientBoostingClassifier, "fit", fit)
    with raises(RuntimeError, "does not know the inside of scikit-learn"):
        FocalHistGradientBoostingClassifier().fit(X, y)
