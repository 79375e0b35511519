"""What the tests of all estimators need of each framework, under one name."""

import dataclasses
import importlib
import inspect
from types import ModuleType
from typing import Any, ClassVar

import pytest


@dataclasses.dataclass(frozen=True)
class LightGBM:
    """FocalLGBMClassifier, and LGBMClassifier in the same words."""

    module: ModuleType
    Focal: type
    Stock: type
    fast: ClassVar = {"n_jobs": 1, "verbosity": -1, "num_leaves": 7, "min_child_samples": 5, "n_estimators": 8}
    quiet: ClassVar = {"n_jobs": 1, "verbosity": -1}
    unnamed: ClassVar = {"min_data_in_bin": 7, "path_smooth": 1.0}  # parameters the estimator itself does not name
    leaf_bound: ClassVar = {"max_delta_step": 2.0}
    # The framework's own log-loss, whatever the defaults here are.
    log_loss: ClassVar = {"focal_gamma": 0.0, "max_delta_step": 0.0, "focal_mean_shift": False}
    rounding = 1e-12
    takes_evaluation = True

    @property
    def adapter(self):
        """The package of objectives, metrics and training functions."""
        return importlib.import_module("focalboost.lightgbm")

    def fit(self, clf, X, y, eval_X=None, eval_y=None, eval_weight=None, early_stopping=None, eval_metric=None, **more):
        if eval_X is not None:
            more |= {"eval_X": eval_X, "eval_y": eval_y}
            if not isinstance(clf, self.Focal) and "eval_X" not in inspect.signature(clf.fit).parameters:
                more["eval_set"] = [(more.pop("eval_X"), more.pop("eval_y"))]  # LightGBM 4.6
        if eval_weight is not None:
            more["eval_sample_weight"] = [eval_weight]
        if early_stopping is not None:
            more["callbacks"] = [self.module.early_stopping(early_stopping, verbose=False)]
        return clf.fit(X, y, eval_metric=eval_metric, **more)

    def forbid_training(self, monkeypatch):
        monkeypatch.setattr(self.module, "train", _trained)
        monkeypatch.setattr(self.module.sklearn, "train", _trained)

    def search(self, search, X, y, eval_X, eval_y, early_stopping):
        """Fit a search whose fits stop early."""
        callback = self.module.early_stopping(early_stopping, verbose=False)
        return search.fit(X, y, eval_X=eval_X, eval_y=eval_y, callbacks=[callback])

    def history(self, clf):
        """Values of each metric on the first evaluation set."""
        return next(iter(clf.evals_result_.values()))

    def has_history(self, clf):
        return bool(clf.evals_result_)

    def best_round(self, clf):
        """Number of rounds that a fit with early stopping keeps."""
        return clf.best_iteration_

    def booster(self, clf):
        return clf.booster_

    def stock_predict(self, clf, X):
        """What a tool gets that knows only the framework."""
        return clf.booster_.predict(X)

    def margins(self, clf, X):
        return clf.booster_.predict(X, raw_score=True)


@dataclasses.dataclass(frozen=True)
class XGBoost:
    """FocalXGBClassifier, and XGBClassifier in the same words."""

    module: ModuleType
    Focal: type
    Stock: type
    fast: ClassVar = {"n_jobs": 1, "max_depth": 3, "n_estimators": 8}
    quiet: ClassVar = {"n_jobs": 1}
    unnamed: ClassVar = {"refresh_leaf": 1}
    leaf_bound: ClassVar = {"max_delta_step": 4.0}
    log_loss: ClassVar = {"focal_gamma": 0.0, "max_delta_step": None, "focal_mean_shift": False}
    rounding = 3e-7  # XGBoost's margins and probabilities are float32
    takes_evaluation = True

    @property
    def adapter(self):
        return importlib.import_module("focalboost.xgboost")

    def fit(self, clf, X, y, eval_X=None, eval_y=None, eval_weight=None, early_stopping=None, eval_metric=None, **more):
        if eval_X is not None:
            more["eval_set"] = [(eval_X, eval_y)]
        if eval_weight is not None:
            more["sample_weight_eval_set"] = [eval_weight]
        settings: dict[str, Any] = {"early_stopping_rounds": early_stopping}
        if eval_metric is not None:
            settings["eval_metric"] = eval_metric
        return clf.set_params(**settings).fit(X, y, verbose=False, **more)

    def forbid_training(self, monkeypatch):
        monkeypatch.setattr(self.module.sklearn, "train", _trained)

    def search(self, search, X, y, eval_X, eval_y, early_stopping):
        search.estimator.set_params(early_stopping_rounds=early_stopping)
        return search.fit(X, y, eval_set=[(eval_X, eval_y)], verbose=False)

    def history(self, clf):
        return next(iter(clf.evals_result().values()))

    def has_history(self, clf):
        return bool(clf.evals_result_)

    def best_round(self, clf):
        return clf.best_iteration + 1

    def booster(self, clf):
        return clf.get_booster()

    def stock_predict(self, clf, X):
        return clf.get_booster().predict(self.module.DMatrix(X))

    def margins(self, clf, X):
        return clf.get_booster().predict(self.module.DMatrix(X), output_margin=True)


@dataclasses.dataclass(frozen=True)
class ScikitLearn:
    """FocalHistGradientBoostingClassifier, and HistGradientBoostingClassifier in the same words."""

    module: ModuleType
    Focal: type
    Stock: type
    fast: ClassVar = {"max_iter": 8, "max_leaf_nodes": 7, "min_samples_leaf": 5, "random_state": 0}
    quiet: ClassVar = {"random_state": 0}
    log_loss: ClassVar = {"focal_gamma": 0.0, "l2_regularization": 0.0, "focal_mean_shift": False}
    rounding = 1e-12

    @property
    def takes_evaluation(self):
        """Whether fit takes rows for early stopping: from scikit-learn 1.7 on."""
        return "X_val" in inspect.signature(self.Stock.fit).parameters

    def fit(self, clf, X, y, eval_X=None, eval_y=None, **more):
        if eval_X is not None and self.takes_evaluation:
            clf.set_params(early_stopping=True)
            more |= {"X_val": eval_X, "y_val": eval_y}
        return clf.fit(X, y, **more)

    def forbid_training(self, monkeypatch):
        monkeypatch.setattr(self.module, "TreeGrower", _trained)

    def history(self, clf):
        return clf.validation_score_.tolist()

    def stock_predict(self, clf, X):
        proba = clf.to_stock().predict_proba(X)
        return proba[:, 1] if proba.shape[1] == 2 else proba

    def margins(self, clf, X):
        return clf.to_stock().decision_function(X)


def _trained(*arguments, **more):
    pytest.fail("it trained")


def load(name):
    """Return a family by its name; ImportError where the framework is missing."""
    import focalboost

    if name == "lightgbm":
        import lightgbm

        return LightGBM(lightgbm, focalboost.FocalLGBMClassifier, lightgbm.LGBMClassifier)
    if name == "sklearn":
        module = importlib.import_module("sklearn.ensemble._hist_gradient_boosting.gradient_boosting")
        return ScikitLearn(
            module, focalboost.FocalHistGradientBoostingClassifier, module.HistGradientBoostingClassifier
        )
    import xgboost

    return XGBoost(xgboost, focalboost.FocalXGBClassifier, xgboost.XGBClassifier)
