"""Data without much to learn from: the outcome of the parent estimator, or a clearer error."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

N = 200
RNG = np.random.default_rng(0)
SIGNAL = RNG.normal(size=(N, 3))
LABELS = (SIGNAL[:, 0] + RNG.normal(size=N) > 0).astype(int)
MISSING = np.full((N, 3), np.nan)
FEATURES = {
    "one missing": np.concatenate([SIGNAL, MISSING[:, :1]], axis=1),
    "one constant": np.concatenate([SIGNAL, np.ones((N, 1))], axis=1),
    "duplicates": np.concatenate([SIGNAL, SIGNAL, SIGNAL], axis=1),
}
GAMMAS = pytest.mark.parametrize("gamma", [0.0, 2.0, 10.0])


@GAMMAS
@pytest.mark.parametrize("name", FEATURES)
def test_useless_columns_change_nothing(name, gamma, family):
    X = FEATURES[name]
    clf = family.Focal(**family.fast, focal_gamma=gamma).fit(X, LABELS)
    plain = family.Focal(**family.fast, focal_gamma=gamma).fit(SIGNAL, LABELS)
    np.testing.assert_allclose(clf.predict_proba(X), plain.predict_proba(SIGNAL), rtol=1e-6)
    assert roc_auc_score(LABELS, clf.decision_function(X)) > 0.8


@GAMMAS
def test_two_rows(gamma, family):
    X, y = np.array([[0.0], [1.0]]), ["no", "yes"]
    clf, stock = family.Focal(**family.fast, focal_gamma=gamma).fit(X, y), family.Stock(**family.fast).fit(X, [0, 1])
    np.testing.assert_allclose(stock.predict_proba(X), np.full((2, 2), 0.5), rtol=1e-6)
    np.testing.assert_allclose(clf.predict_proba(X), np.full((2, 2), 0.5), rtol=1e-6)
