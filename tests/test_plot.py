"""The displays, against the losses, scikit-learn and the searches that they show."""

import numpy as np
import pytest
from mpmath import mp
from scipy.special import expit
from sklearn.calibration import CalibrationDisplay, calibration_curve
from sklearn.datasets import make_classification
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from focalboost import BinaryFocalLoss
from focalboost.probability import focal_loss

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")

from matplotlib import pyplot  # noqa: E402 (after the choice of a backend without windows)

from focalboost.plot import (  # noqa: E402
    FocalLossDisplay,
    LinkCalibrationDisplay,
    RowWeightDisplay,
    ScoreByGammaDisplay,
)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def data():
    return make_classification(3000, 8, n_informative=4, weights=[0.9], flip_y=0.05, random_state=0)


@pytest.fixture(scope="module")
def classifier():
    pytest.importorskip("lightgbm")
    from focalboost import FocalLGBMClassifier

    return FocalLGBMClassifier(n_estimators=20, num_leaves=7, focal_gamma=2.0, n_jobs=1, verbose=-1)


def points(line):
    return np.asarray(line.get_xdata()), np.asarray(line.get_ydata())


def test_lines_are_the_focal_loss_of_the_probability():
    gammas = (0.0, 0.5, 2.0)
    display = FocalLossDisplay.from_gammas(gammas, n_points=99)
    assert [line.get_label() for line in display.lines_] == ["$\\gamma$ = 0", "$\\gamma$ = 0.5", "$\\gamma$ = 2"]
    for gamma, line in zip(gammas, display.lines_, strict=True):
        p, loss = points(line)
        np.testing.assert_allclose(p, np.arange(1, 100) / 100)
        np.testing.assert_allclose(loss, focal_loss(np.ones(99), p, gamma, reduction="none"), rtol=1e-12)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_derivatives_are_those_of_the_drawn_loss(gamma):
    """Central differences along the margin; the gradient against the loss, the Hessian against the gradient."""
    step = 1e-5
    p, gradient = points(FocalLossDisplay.from_gammas([gamma], quantity="gradient", n_points=49).lines_[0])
    _, hessian = points(FocalLossDisplay.from_gammas([gamma], quantity="hessian", n_points=49).lines_[0])
    margin = np.log(p / (1 - p))

    def loss(shift):
        return focal_loss(np.ones(49), 1 / (1 + np.exp(-margin - shift)), gamma, reduction="none")

    np.testing.assert_allclose(gradient, (loss(step) - loss(-step)) / (2 * step), atol=1e-9)
    np.testing.assert_allclose(
        hessian, (loss(100 * step) - 2 * loss(0) + loss(-100 * step)) / (100 * step) ** 2, atol=1e-6
    )


def test_exact_hessian_goes_below_zero_and_the_upper_one_does_not():
    exact = FocalLossDisplay.from_gammas([2.0], quantity="hessian")
    upper = FocalLossDisplay.from_gammas([2.0], quantity="hessian", hessian="upper")
    assert exact.values[2.0].min() < 0 <= upper.values[2.0].min()
    assert len(exact.ax_.lines) == len(upper.ax_.lines) + 1  # the axis is drawn where there are negative values


def test_score_by_gamma_takes_the_best_of_the_other_parameters(data, classifier):
    grid = {"focal_gamma": [2.0, 0.0, 1.0], "num_leaves": [2, 7]}
    search = GridSearchCV(classifier, grid, scoring="average_precision", cv=2).fit(*data)
    display = ScoreByGammaDisplay.from_estimator(search)
    results = search.cv_results_
    np.testing.assert_array_equal(display.gamma, [0.0, 1.0, 2.0])
    for gamma, mean, std in zip(display.gamma, display.mean, display.std, strict=True):
        rows = [k for k, params in enumerate(results["params"]) if params["focal_gamma"] == gamma]
        best = max(rows, key=lambda k: results["mean_test_score"][k])
        assert (mean, std) == (results["mean_test_score"][best], results["std_test_score"][best])
    assert display.mean.max() == search.best_score_
    line, _, (bars,) = display.errorbar_
    np.testing.assert_array_equal(points(line), [display.gamma, display.mean])
    for segment, mean, std in zip(bars.get_segments(), display.mean, display.std, strict=True):
        np.testing.assert_allclose(segment[:, 1], [mean - std, mean + std])
    assert display.ax_.get_ylabel() == "average precision"


def test_score_by_gamma_in_a_pipeline_with_several_scores_and_spaces(data, classifier):
    grid = [{"focallgbmclassifier__focal_gamma": [0.5, 2.0]}, {"focallgbmclassifier__num_leaves": [3]}]
    model = make_pipeline(StandardScaler().set_output(transform="pandas"), classifier)
    search = GridSearchCV(model, grid, scoring=["roc_auc", "neg_log_loss"], refit=False, cv=2)
    X, y = data
    search.fit(X[:800], y[:800])
    display = ScoreByGammaDisplay.from_estimator(search, param="focallgbmclassifier__focal_gamma", score="roc_auc")
    np.testing.assert_array_equal(display.gamma, [0.5, 2.0])
    np.testing.assert_array_equal(display.mean, search.cv_results_["mean_test_roc_auc"][:2])
    found = ScoreByGammaDisplay.from_estimator(make_pipeline(StandardScaler(), search), score="roc_auc")
    np.testing.assert_array_equal(found.mean, display.mean)
    with pytest.raises(ValueError, match="cv_results must hold 'param_focal_gamma', it has param_focallgbm"):
        ScoreByGammaDisplay.from_estimator(search, param="focal_gamma", score="roc_auc")
    with pytest.raises(ValueError, match="must hold 'mean_test_score'"):
        ScoreByGammaDisplay.from_estimator(search, param="focallgbmclassifier__focal_gamma")


def test_a_halving_search_shows_the_last_round_of_all_gammas():
    results = {
        "param_focal_gamma": [0.0, 1.0, 2.0, 0.0, 1.0, 2.0, 1.0],
        "iter": [0, 0, 0, 1, 1, 1, 2],
        "mean_test_score": [0.9, 0.9, 0.9, 0.5, 0.6, 0.7, 0.99],
        "std_test_score": [0.1] * 7,
    }
    display = ScoreByGammaDisplay.from_cv_results(results)
    np.testing.assert_array_equal(display.gamma, [0.0, 1.0, 2.0])
    np.testing.assert_array_equal(display.mean, [0.5, 0.6, 0.7])


def test_of_two_parameters_each_gamma_has_the_best_of_the_other():
    results = {
        "param_focal_gamma": [0.0, 0.0, 1.0, 1.0],
        "param_num_leaves": [3, 7, 3, 7],
        "mean_test_score": [0.1, 0.2, 0.4, 0.3],
        "std_test_score": [0.01, 0.02, 0.04, 0.03],
    }
    display = ScoreByGammaDisplay.from_cv_results(results)
    np.testing.assert_array_equal(display.mean, [0.2, 0.4])
    np.testing.assert_array_equal(display.std, [0.02, 0.04])


def test_failed_candidates_are_left_out():
    results = {"param_focal_gamma": [0.0, 1.0], "mean_test_score": [np.nan, 0.5], "std_test_score": [np.nan, 0.1]}
    display = ScoreByGammaDisplay.from_cv_results(results)
    np.testing.assert_array_equal(display.gamma, [1.0])
    with pytest.raises(ValueError, match="a finite score with focal_gamma, got none"):
        ScoreByGammaDisplay.from_cv_results(results | {"mean_test_score": [np.nan, np.nan]})


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0, 5.0])
def test_row_weights_are_the_gradient_over_that_of_the_log_loss(gamma):
    """By differentiation of the loss in 30 digits, in the log-odds under which it has no slope on average."""

    def slope(z, sign):  # of a row whose label has the margin sign * z
        def loss(z):
            return (1 - 1 / (1 + mp.exp(-sign * z))) ** gamma * mp.log1p(mp.exp(-sign * z))

        return mp.diff(loss, z)

    def log_odds(z):
        return mp.log(slope(z, -1) / -slope(z, 1))

    def weight(f):
        z = mp.findroot(lambda z: log_odds(z) - f, f / (1 + gamma))
        return slope(z, -1) / mp.diff(log_odds, z) * (1 + mp.exp(-f))

    display = RowWeightDisplay.from_gammas([gamma], lowest=0.001, n_points=15)
    p, relative = points(display.lines_[0])
    assert (p[0], p[-1]) == pytest.approx((0.001, 0.999), rel=1e-12)
    assert display.lines_[0].get_label() == f"$\\gamma$ = {gamma:g}"
    with mp.workdps(30):
        expected = [float(weight(mp.log(at) - mp.log1p(-at)) / weight(mp.mpf(0))) for at in map(mp.mpf, p)]
    np.testing.assert_allclose(relative, expected, rtol=1e-9)


def test_row_weights_of_the_log_loss_are_even():
    display = RowWeightDisplay.from_gammas([0.0], n_points=9)
    np.testing.assert_allclose(display.values[0.0], 1, rtol=1e-12)
    again = display.plot(ax=pyplot.subplots()[1], color="red")
    assert again.lines_[0].get_color() == "red"
    np.testing.assert_array_equal(points(again.lines_[0])[0], display.probability)


@pytest.mark.parametrize("strategy", ["quantile", "uniform"])
def test_calibration_curves_are_scikit_learns(data, strategy):
    """Of a model in focal logits."""
    lightgbm = pytest.importorskip("lightgbm")
    from focalboost.lightgbm import FocalObjective

    X, y = data
    objective = FocalObjective(2.0, score="focal_logit", hessian="upper")
    model = lightgbm.LGBMClassifier(objective=objective, n_estimators=20, num_leaves=7, n_jobs=1, verbose=-1)
    raw = model.fit(X[:2000], y[:2000]).predict(X[2000:], raw_score=True)
    display = LinkCalibrationDisplay.from_predictions(y[2000:], raw, BinaryFocalLoss(2.0), n_bins=5, strategy=strategy)
    expected = {"logit": expit(raw), "focal": BinaryFocalLoss(2.0).predict_proba(raw)[:, 1]}
    for line, (link, probability) in zip(display.lines_, expected.items(), strict=True):
        observed, predicted = calibration_curve(y[2000:], probability, n_bins=5, strategy=strategy)
        np.testing.assert_allclose(points(line), [predicted, observed], rtol=1e-12)
        assert line.get_label() == f"{link} link"


def test_options_go_to_matplotlib():
    ax = pyplot.subplots()[1]
    display = FocalLossDisplay.from_gammas([1.0], ax=ax, color="red", label="mine")
    assert display.ax_ is ax
    assert display.lines_[0].get_color() == "red"
    assert display.lines_[0].get_label() == "mine"


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: FocalLossDisplay.from_gammas([]), ValueError, "gammas must hold at least one number"),
        (lambda: FocalLossDisplay.from_gammas([-1.0]), ValueError, "gamma must be a finite number"),
        (lambda: FocalLossDisplay.from_gammas([1.0], quantity="slope"), ValueError, "quantity must be"),
        (lambda: FocalLossDisplay.from_gammas([1.0], hessian="full"), ValueError, "hessian must be"),
        (lambda: RowWeightDisplay.from_gammas([]), ValueError, "gammas must hold at least one number"),
        (lambda: RowWeightDisplay.from_gammas(2.0), TypeError, "gammas must be a sequence of numbers, got 2.0"),
        (lambda: RowWeightDisplay.from_gammas([101.0]), ValueError, "gamma must be"),
        (lambda: RowWeightDisplay.from_gammas([1.0], lowest=0.5), ValueError, "lowest must be a number in .0, 0.5."),
        (
            lambda: LinkCalibrationDisplay.from_predictions([0, 1], [0.0, 1.0], BinaryFocalLoss(), strategy="width"),
            ValueError,
            "strategy must be",
        ),
        (
            lambda: LinkCalibrationDisplay.from_predictions([0, 1], [0.0, 1.0], BinaryFocalLoss(), links=()),
            ValueError,
            "links must hold at least one",
        ),
    ],
)
def test_wrong_values_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_scikit_learns_calibration_display_takes_searches_and_pipelines(data, classifier):
    X, y = data
    model = make_pipeline(StandardScaler().set_output(transform="pandas"), classifier)
    search = GridSearchCV(model, {"focallgbmclassifier__focal_gamma": [0.5, 2.0]}, cv=2).fit(X[:800], y[:800])
    for fitted in (search, search.best_estimator_):
        display = CalibrationDisplay.from_estimator(fitted, X[800:], y[800:], n_bins=4)
        np.testing.assert_array_equal(display.y_prob, fitted.predict_proba(X[800:])[:, 1])
