"""Why the link matters: reliability of one focal model, read with the plain sigmoid and with the calibrating link.

The sigmoid of a focal model's margin lies far above what happens for rare events; the `focal` link undoes gamma in
closed form. Both rank alike. The data is Give Me Some Credit: 6.7 % of the applicants default.
"""

from __future__ import annotations

from datasets import load_gmsc, run_main
from gallery import finish
from lightgbm import LGBMClassifier
from matplotlib import pyplot
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from focalboost import FocalLGBMClassifier
from focalboost.plot import LinkCalibrationDisplay

SETTINGS = {"n_estimators": 80, "learning_rate": 0.1, "num_leaves": 15, "n_jobs": 1, "verbose": -1}


def main() -> int:
    """Train, draw, check what the text above says, and save the figure."""
    X, y = load_gmsc()
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, stratify=y, random_state=0)

    figure, panels = pyplot.subplots(1, 2, figsize=(11, 5), layout="constrained", sharex=True, sharey=True)
    stock = LGBMClassifier(**SETTINGS).fit(X_train, y_train).predict_proba(X_test)
    reference = log_loss(y_test, stock)
    print(f"log-loss of a model trained with it: {reference:.4f}")
    for axes, gamma in zip(panels, (1.0, 3.0), strict=True):
        model = FocalLGBMClassifier(focal_gamma=gamma, **SETTINGS).fit(X_train, y_train)
        display = LinkCalibrationDisplay.from_estimator(model, X_test, y_test, n_bins=12, ax=axes)
        observed, predicted = display.curves["logit"]
        assert (predicted > observed).all()
        axes.set(title=f"gamma = {gamma:g}", xscale="log", yscale="log")
        calibrated = log_loss(y_test, model.predict_proba(X_test))
        plain = log_loss(y_test, model.set_params(focal_link="logit").predict_proba(X_test))
        print(f"gamma {gamma:g}: log-loss {plain:.4f} with the logit link, {calibrated:.4f} with the focal link")
        assert calibrated < 1.01 * reference < plain

    finish(figure, "plot_links")
    return 0


if __name__ == "__main__":
    run_main(main)
