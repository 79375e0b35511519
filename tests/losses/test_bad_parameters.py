"""Every rule about parameters; a message names the parameter, the rule and the value."""

from decimal import Decimal

import numpy as np
import pytest
from messages import KINDS, MARGINS, ZK, Y, calls, raises

from focalboost import BinaryFocalLoss, MulticlassFocalLoss, SigmoidFocalLoss, effective_alpha, focal_loss
from focalboost.log_odds import focal_logit, row_weight

GAMMA_RULE = "a finite number in [0, 1e+06]"


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.mark.parametrize("gamma", [-0.1, np.nan, np.inf, -np.inf, 1.0001e6])
def test_gamma_value(kind, gamma):
    with raises(ValueError, "gamma", GAMMA_RULE, f"got {gamma!r}"):
        kind(gamma)
    with raises(ValueError, "gamma", GAMMA_RULE, f"got {gamma!r}"):
        focal_loss(Y, [0.5] * 4, gamma)


@pytest.mark.parametrize("gamma", [True, np.True_, "2", None, 1j, [2.0], Decimal(2), np.array(2.0)])
def test_gamma_type(kind, gamma):
    with raises(TypeError, "gamma", GAMMA_RULE, f"got {gamma!r}", type(gamma).__name__):
        kind(gamma)


def test_gamma_too_large_for_a_float(kind):
    with raises(ValueError, "gamma", GAMMA_RULE, "got 1000"):
        kind(10**400)


def test_gamma_at_the_ends(kind):
    assert kind(0).gamma == 0.0
    assert kind(1e6).gamma == 1e6
    assert kind(40, score="log_odds").gamma == 40.0


@pytest.mark.parametrize("gamma", [40.01, 1e6, -1, np.nan])
def test_gamma_of_log_odds(kind, gamma):
    with raises(ValueError, "gamma", "a finite number in [0, 40]", f"got {gamma!r}"):
        kind(gamma, score="log_odds")
    for call in (focal_logit, row_weight):
        with raises(ValueError, "gamma", "a finite number in [0, 40]", f"got {gamma!r}"):
            call(0.0, gamma)


@pytest.mark.parametrize("bad", ["bounded", "upper", "gauss", 1])
def test_what_log_odds_do_not_have(kind, bad):
    loss = kind(score="log_odds")
    with raises(ValueError, "hessian", "one of 'expected', 'exact'", f"got {bad!r}"):
        loss.gradient_hessian(Y, MARGINS[kind], hessian=bad)
    for link in ("logit", "focal", "posterior", bad):
        with raises(ValueError, "link must be None for log-odds", f"got {link!r}"):
            loss.predict_proba(MARGINS[kind], link)


@pytest.mark.parametrize("alpha", [0, 1, 0.0, 1.0, -0.5, 1.5, np.nan, np.inf])
def test_alpha_number(alpha):
    for kind in (BinaryFocalLoss, SigmoidFocalLoss):
        with raises(ValueError, "alpha", "(0, 1)", f"got {alpha!r}"):
            kind(alpha=alpha)


@pytest.mark.parametrize("alpha", [-0.1, 1.1, np.nan])
def test_alpha_number_of_the_loss_on_probabilities(alpha):
    with raises(ValueError, "alpha", "[0, 1]", f"got {alpha!r}"):
        focal_loss(Y, [0.5] * 4, 2.0, alpha)


@pytest.mark.parametrize("alpha", [True, 1j, {1, 2}, object])
def test_alpha_type(alpha):
    for kind in (BinaryFocalLoss, SigmoidFocalLoss):
        with raises(TypeError, "alpha", "(0, 1)", f"got {alpha!r}"):
            kind(alpha=alpha)


def test_alpha_number_for_softmax():
    with raises(ValueError, "alpha", "one weight per class in MulticlassFocalLoss", "0.25", "sequence"):
        MulticlassFocalLoss(alpha=0.25)


@pytest.mark.parametrize("bad", [0, -1.0, np.nan, np.inf])
def test_alpha_entry_value(kind, bad):
    with raises(ValueError, "alpha", "finite numbers > 0, one per class", f"got {bad!r}"):
        kind(alpha=(1.0, bad))
    with raises(ValueError, "alpha", "finite numbers > 0, one per class", f"got {bad!r}"):
        kind(alpha={0: 1.0, 1: bad})


@pytest.mark.parametrize("bad", [None, "a", True, (1, 2, 3)])
def test_alpha_entry_type(kind, bad):
    with raises(TypeError, "alpha", "finite numbers > 0, one per class", f"got {bad!r}"):
        kind(alpha=[1.0, bad])


def test_alpha_column_entry_above_1():
    with raises(ValueError, "alpha", "(0, 1)", "got 1.5"):
        SigmoidFocalLoss(alpha=(0.5, 1.5))


@pytest.mark.parametrize("alpha", ["Balanced", "", "auto"])
def test_alpha_unknown_name(kind, alpha):
    with raises(ValueError, "alpha", "one of 'balanced', 'effective'", f"got {alpha!r}"):
        kind(alpha=alpha)


@pytest.mark.parametrize(
    "alpha", [{1: 1.0, 2: 2.0}, {0: 1.0, 2: 1.0}, {"0": 1.0, "1": 1.0}, {"a": 1, "b": 2}, {0: 1.0}, {}]
)
def test_alpha_wrong_keys(kind, alpha):
    with raises(ValueError, "alpha", "keys 0..K-1", f"got {list(alpha)!r}"):
        kind(alpha=alpha)


@pytest.mark.parametrize("alpha", [[], (), np.array([])])
def test_alpha_empty(kind, alpha):
    with raises(ValueError, "alpha", "one weight per class", "empty"):
        kind(alpha=alpha)


@pytest.mark.parametrize("alpha", [(1.0,), (1.0, 2.0, 3.0), ((1, 2), (3, 4))])
def test_alpha_length_binary(alpha):
    with raises(
        ValueError, "alpha", "2 classes in BinaryFocalLoss", "got ((" if isinstance(alpha[0], tuple) else "got (1.0"
    ):
        BinaryFocalLoss(alpha=alpha)


@pytest.mark.parametrize("alpha", [(1.0,), ((1, 2), (3, 4))])
def test_alpha_length_softmax(alpha):
    with raises(ValueError, "alpha", "2 or more classes in MulticlassFocalLoss", "got ("):
        MulticlassFocalLoss(alpha=alpha)


@pytest.mark.parametrize("loss", [MulticlassFocalLoss(alpha=(1, 2)), SigmoidFocalLoss(alpha=(0.1, 0.2))])
def test_alpha_length_other_than_columns(loss):
    for call in (*calls(loss), lambda y, z: loss.predict_proba(z, "posterior")):
        with raises(ValueError, "alpha", "each of the 3 classes", "got 2"):
            call(Y, ZK)
    with raises(ValueError, "y_true", "0..1", "got 2"):
        loss.intercept([0, 1, 2])


@pytest.mark.parametrize("name", ["balanced", "effective"])
def test_alpha_by_name_is_not_known_before_resolve(kind, name):
    loss = kind(alpha=name)
    for call in (*calls(loss), lambda y, z: loss.predict_proba(z, "posterior")):
        with raises(ValueError, f"alpha='{name}'", "class counts", "resolve"):
            call(Y, MARGINS[kind])
    assert np.isfinite(loss.predict_proba(MARGINS[kind], "focal")).all()


@pytest.mark.parametrize("name", ["balanced", "effective"])
def test_alpha_by_name_needs_every_class(name):
    with raises(ValueError, f"alpha='{name}'", "every class", "none of class 1"):
        BinaryFocalLoss(alpha=name).resolve([0, 0])
    with raises(ValueError, f"alpha='{name}'", "every class", "none of class 1"):
        MulticlassFocalLoss(alpha=name).resolve([0, 0, 2])
    with raises(ValueError, f"alpha='{name}'", "every class", "none of class 1"):
        SigmoidFocalLoss(alpha=name).resolve([[0, 0], [1, 0]])
    with raises(ValueError, "alpha='balanced'", "every class", "none of class 1"):
        BinaryFocalLoss(alpha="balanced").resolve([0, 1], [1, 0])


@pytest.mark.parametrize("beta, error", [(1.0, ValueError), (-0.1, ValueError), (np.nan, ValueError), ("a", TypeError)])
def test_beta(beta, error):
    with raises(error, "beta", "a number in [0, 1)", f"got {beta!r}"):
        effective_alpha([1, 2], beta)
    with raises(ValueError, "alpha='effective'", "none of class 1"):
        effective_alpha([3, 0, 2])


def test_n_classes():
    with raises(ValueError, "n_classes", "must be 2", "got 3"):
        BinaryFocalLoss().intercept(Y, n_classes=3)
    with raises(ValueError, "y_true", "n_classes = 4", "(2, 2)"):
        SigmoidFocalLoss().intercept([[0, 1], [1, 0]], n_classes=4)
    with raises(ValueError, "y_true", "integers in 0..1", "got 2"):
        MulticlassFocalLoss().intercept([0, 1, 2], n_classes=2)


@pytest.mark.parametrize("bad", ["gauss", "", None, 1, True])
def test_choices(kind, bad):
    if bad is not None:  # which is the default
        with raises(ValueError, "hessian", "one of 'bounded', 'upper', 'exact', 'expected'", f"got {bad!r}"):
            kind().gradient_hessian(Y, MARGINS[kind], hessian=bad)
        with raises(ValueError, "link", "one of 'logit', 'focal', 'posterior'", f"got {bad!r}"):
            kind().predict_proba(MARGINS[kind], bad)
    with raises(ValueError, "score", "one of 'focal_logit', 'log_odds'", f"got {bad!r}"):
        kind(score=bad)
    with raises(ValueError, "reduction", "one of 'mean', 'sum', 'none'", f"got {bad!r}"):
        kind()(Y, MARGINS[kind], reduction=bad)
    with raises(ValueError, "reduction", "one of 'mean', 'sum', 'none'", f"got {bad!r}"):
        focal_loss(Y, [0.5] * 4, reduction=bad)


@pytest.mark.parametrize(
    "name, rule", [("max_step", "a finite number >= 0.01"), ("hessian_factor", "a number in [0.01, 100]")]
)
@pytest.mark.parametrize(
    "bad, error",
    [
        (0, ValueError),
        (0.009, ValueError),
        (-1.0, ValueError),
        (np.nan, ValueError),
        (np.inf, ValueError),
        ("2", TypeError),
        (True, TypeError),
        (None, TypeError),
    ],
)
def test_steps_and_factors(kind, name, rule, bad, error):
    with raises(error, name, rule, f"got {bad!r}"):
        kind().gradient_hessian(Y, MARGINS[kind], **{name: bad})


@pytest.mark.parametrize(
    "bad, error", [(0, ValueError), (-2, ValueError), (True, TypeError), (1.5, TypeError), ("2", TypeError)]
)
def test_n_threads(kind, bad, error):
    for call in (kind().gradient_hessian, kind().loss):
        with raises(error, "n_threads", "a positive integer or None", f"got {bad!r}"):
            call(Y, MARGINS[kind], n_threads=bad)


@pytest.mark.parametrize("bad", [np.float16, int, ">f8", "longdouble", complex])
def test_output_dtype(kind, bad):
    with raises(ValueError, "dtype", "float32, float64 or None", f"got {np.dtype(bad)}"):
        kind().gradient_hessian(Y, MARGINS[kind], dtype=bad)
