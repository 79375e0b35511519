"""The scale that keeps the frameworks' regularisation what it is with the log-loss: 1 / w(start), by `normalize`."""

import numpy as np
import pytest
from log_odds_oracles import binary_row
from messages import raises
from sklearn.datasets import make_classification
from sklearn.metrics import roc_auc_score

from focalboost import BinaryFocalLoss, MulticlassFocalLoss, SigmoidFocalLoss

GAMMAS = pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 10.0])
ALPHAS = {
    "binary": [None, 0.25, (1.0, 30.0), "balanced"],
    "softmax": [None, (1.0, 3.0, 0.2), "balanced", "effective"],
    "ovr": [None, 0.25, ((1.0, 2.0), (0.5, 0.5), (3.0, 9.0)), "balanced"],
}
CASES = pytest.mark.parametrize("kind, alpha", [(kind, alpha) for kind, several in ALPHAS.items() for alpha in several])


def rows(kind):
    rng = np.random.default_rng(0)
    y = rng.choice(2, 300, p=[0.95, 0.05]) if kind == "binary" else rng.choice(3, 300, p=[0.7, 0.25, 0.05])
    return y, rng.uniform(0.1, 3, 300).astype(np.float32)


def by_class(alpha):
    """One weight for each class, or label."""
    if alpha is None:
        return (1.0, 1.0, 1.0)
    return (1 - alpha, alpha) if isinstance(alpha, float) else alpha


def class_weights(alpha, kind, y):
    """Alpha of each row, and in one-vs-rest of each column too."""
    if kind != "ovr":
        return np.array(by_class(alpha))[y]
    columns = alpha if isinstance(alpha, tuple) else [alpha] * 3
    return np.stack([np.array(by_class(own))[(y == k).astype(int)] for k, own in enumerate(columns)], axis=1)


def hessian_of_log_loss(alpha, kind, y, weight):
    """Mean over the rows of the log-loss's second derivative where its gradients sum to zero, from p (1 - p) alone."""
    alpha = class_weights(alpha, kind, y)
    if kind == "ovr":
        one = y[:, None] == np.arange(3)
        w = weight[:, None] * alpha
        p = (w * one).sum(axis=0) / w.sum(axis=0)
        return (w * p * (1 - p)).sum(axis=0) / weight.sum()
    w = weight * alpha
    p = np.bincount(y, w, minlength=2) / w.sum()
    per_class = p[1] * (1 - p[1]) if kind == "binary" else (p * (1 - p)).mean()
    return w.sum() * per_class / weight.sum()


@GAMMAS
@CASES
def test_mean_hessian_at_the_start_is_that_of_the_log_loss(adapter, kind, alpha, gamma):
    y, weight = rows(kind)
    given = adapter.FocalObjective(gamma, alpha, multiclass="ovr" if kind == "ovr" else "softmax")
    objective = given.normalize(y, weight)
    start = objective.intercept(y, weight)
    margin = np.tile(start, (len(y), 1)) if kind != "binary" else np.full(len(y), start)
    found = objective(y, margin, weight)[1]
    mean = found.sum(axis=0, dtype=float) / weight.sum(dtype=float)
    expected = hessian_of_log_loss(objective.alpha, kind, y, weight.astype(float))
    if kind == "softmax":
        mean, expected = mean.mean(), expected * objective._softmax_factor(3)
    np.testing.assert_allclose(mean, expected, rtol=1e-5)
    if gamma == 0:
        assert np.all(np.array(objective.scale) == 1.0)


@CASES
def test_scale_multiplies_both_derivatives_and_nothing_else(adapter, kind, alpha):
    y, weight = rows(kind)
    plain = adapter.FocalObjective(2.0, alpha, multiclass="ovr" if kind == "ovr" else "softmax").resolve(y, weight)
    scaled = plain.normalize(y, weight)
    margin = np.random.default_rng(1).normal(0, 2, len(y) if kind == "binary" else (len(y), 3))
    for one, other in zip(scaled(y, margin, weight), plain(y, margin, weight), strict=True):
        np.testing.assert_allclose(one, other * np.array(scaled.scale, dtype=np.float32), rtol=1e-6)
    assert scaled.alpha == plain.alpha
    np.testing.assert_array_equal(scaled.intercept(y, weight), plain.intercept(y, weight))
    np.testing.assert_array_equal(scaled.predict_proba(margin), plain.predict_proba(margin))


@GAMMAS
def test_two_classes_are_divided_by_the_row_weight_at_the_start(adapter, gamma):
    y, weight = rows("binary")
    objective = adapter.FocalObjective(gamma).normalize(y, weight)
    eta = np.average(y, weights=weight.astype(float))
    _, _, expected_hessian, *_ = binary_row(np.log(eta / (1 - eta)), 1, gamma)
    assert objective.scale == pytest.approx(eta * (1 - eta) / expected_hessian, rel=1e-10)


def test_columns_of_labels_are_scaled_one_by_one(adapter):
    y, weight = rows("ovr")
    columns = (y[:, None] == np.arange(3)).astype(float)
    objective = adapter.FocalObjective(3.0, multiclass="ovr")
    by_column = [adapter.FocalObjective(3.0).normalize(column, weight).scale for column in columns.T]
    np.testing.assert_allclose(objective.normalize(columns, weight).scale, by_column, rtol=1e-12)
    np.testing.assert_allclose(objective.normalize(y, weight).scale, by_column, rtol=1e-12)


@pytest.mark.parametrize("gamma", [5.0, 20.0, 40.0])
@pytest.mark.parametrize("alpha", [None, (1e-3, 1e6)])
@pytest.mark.parametrize("y", [[0] * 99 + [1], [0] * 5], ids=["rare", "absent"])
def test_scale_is_bounded(adapter, gamma, alpha, y):
    """So that no product leaves float32, whatever the weights."""
    objective = adapter.FocalObjective(gamma, alpha).normalize(y)
    for margin in (np.full(len(y), 0.1), np.full(len(y), -300.0), np.full(len(y), 300.0)):
        for values in objective(np.array(y), margin, np.full(len(y), 1e20)):
            assert np.isfinite(values).all()
    assert objective.scale * max(alpha or (1.0,)) <= 1e15 * (1 + 1e-9)


@pytest.mark.parametrize("bad, error", [(0.0, ValueError), (-1, ValueError), (np.nan, ValueError), (1e16, ValueError),
                                        ("1", TypeError), (None, TypeError), ((1.0, 0.0), ValueError)])  # fmt: skip
def test_bad_scale(adapter, bad, error):
    with raises(error, "scale", "a number in [1e-15, 1e+15]"):
        adapter.FocalObjective(scale=bad)


def test_scale_that_does_not_fit(adapter):
    z = np.ones((4, 3))
    for multiclass, scale in (("softmax", (1.0, 1.0, 2.0)), ("ovr", (1.0, 2.0))):
        with raises(ValueError, "scale", "one for each class with multiclass='ovr'"):
            adapter.FocalObjective(multiclass=multiclass, scale=scale)([0, 1, 2, 0], z)
    with raises(ValueError, "scale times alpha", "[1e-15, 1e+15]"):
        adapter.FocalObjective(alpha=(1.0, 1e10), scale=1e10)([0, 1], np.ones(2))


@pytest.mark.parametrize("kind", ["binary", "softmax", "ovr"])
def test_no_loss_has_a_scale(kind):
    """It is no part of the loss: metrics and links do not know it."""
    loss = {"binary": BinaryFocalLoss, "softmax": MulticlassFocalLoss, "ovr": SigmoidFocalLoss}[kind]
    with pytest.raises(TypeError):
        loss(2.0, scale=2.0)


def weight_of_root(family, clf):
    frame = family.booster(clf).trees_to_dataframe()
    return frame["Cover" if "Cover" in frame else "weight"][0]


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("gamma", [1.0, 5.0, 40.0])
def test_the_framework_sees_the_log_losses_hessian(family, gamma, n_classes):
    """What the trees themselves say: the Hessian of all rows in the first one."""
    X, y = make_classification(500, 4, n_informative=3, n_redundant=0, n_classes=n_classes, random_state=0)
    y[y == 1] *= np.arange(np.sum(y == 1)) % 5 == 0  # rarer
    stock, focal = (
        weight_of_root(family, clf.fit(X, y))
        for clf in (family.Stock(**family.fast), family.Focal(**family.fast, focal_gamma=gamma))
    )
    if n_classes == 2:
        assert focal == pytest.approx(stock, rel=1e-3)
    else:  # the first tree is that of a class; the mean is over all
        assert focal == pytest.approx(stock, rel=0.5)


@pytest.mark.parametrize("gamma", [10.0, 40.0])
def test_a_small_set_at_large_gamma(family, gamma):
    """Unscaled there is less Hessian than XGBoost's min_child_weight=1 asks for, and no tree grows."""
    X, y = make_classification(150, 5, weights=[0.9], class_sep=2.0, flip_y=0, random_state=0)
    clf = family.Focal(**family.fast, focal_gamma=gamma).fit(X, y)
    assert roc_auc_score(y, clf.decision_function(X)) > 0.99


@pytest.mark.parametrize("gamma", [0.0, 5.0])
def test_estimators_train_as_the_objective_does(family, gamma, make_data):
    X, y, weight = make_data(2)
    X, y, weight = X[:200], y[:200], weight[:200]
    params = family.fast | {"reg_lambda": 5.0, "max_delta_step": 1.0}
    clf = family.Focal(**params, focal_gamma=gamma, focal_mean_shift=False).fit(X, y, sample_weight=weight)
    objective = family.adapter.FocalObjective(gamma).normalize(y, weight)
    start = objective.intercept(y, weight)
    stock = family.Stock(**params, objective=objective)
    if hasattr(family.adapter, "base_score"):
        stock.set_params(base_score=family.adapter.base_score(objective, y, weight))
        margin = stock.fit(X, y, sample_weight=weight).predict(X, output_margin=True)
    else:
        stock.set_params(objective=objective.prepare(y, weight)).fit(X, y, sample_weight=weight)
        margin = stock.predict(X, raw_score=True) + start
    np.testing.assert_allclose(clf.decision_function(X), margin, rtol=1e-6, atol=1e-7)
