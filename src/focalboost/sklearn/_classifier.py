"""FocalHistGradientBoostingClassifier: HistGradientBoostingClassifier with the focal loss."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_is_fitted

from .._labels import as_labels, encode
from ..losses import AnyFocalLoss
from ._native import TAKES_X_VAL, Trainer
from ._objective import Plan

# Takes the place of a bound on leaves: XGBoost's default as well, and measured as good as one.
L2_REGULARIZATION = 1.0


class FocalHistGradientBoostingClassifier(Trainer):
    """`sklearn.ensemble.HistGradientBoostingClassifier` that trains on the focal loss.

    It trains in log-odds, and what is fitted is an ordinary model of scikit-learn's: its probabilities are the sigmoid
    or softmax of its margins, and calibrated.

    Parameters
    ----------
    loss : "log_loss", default="log_loss"
        The loss that the focal loss takes the place of, and that early stopping reads.
    learning_rate, max_iter, max_leaf_nodes, max_depth, min_samples_leaf, max_features, max_bins, \
categorical_features, monotonic_cst, interaction_cst, warm_start, early_stopping, scoring, validation_fraction, \
n_iter_no_change, tol, verbose, random_state, class_weight
        As in `sklearn.ensemble.HistGradientBoostingClassifier`, with its defaults. ``class_weight`` as a dict has the
        labels as keys. With ``scoring="loss"`` early stopping reads the log-loss of the calibrated probabilities,
        which compares over ``focal_gamma``. With ``warm_start`` training goes on from the log-odds of the model, which
        another gamma may have trained.
    l2_regularization : float, default=1.0
        scikit-learn's own, which has 0 by default: see the notes.
    focal_gamma : float, default=2.0
        Focusing parameter in [0, 40]; 0 is the log-loss.
    focal_alpha : None, float, sequence, dict, "balanced" or "effective", default=None
        Class weights, as in `focalboost.BinaryFocalLoss` and `focalboost.MulticlassFocalLoss`; a dict has the labels as
        keys. Not together with ``class_weight``. They weigh what ``class_weight`` does, early stopping included.
    focal_prior : {"weighted", "sampled"}, default="weighted"
        Whose probabilities the model predicts: those of the problem that ``focal_alpha`` or ``class_weight`` weigh, as
        scikit-learn does; or those of the data as sampled, with these weights undone.
    focal_mean_shift : bool, default=True
        End with the constant in log-odds that makes the predictions right on average on the training rows, those held
        out for early stopping excluded. ``train_score_`` and ``validation_score_`` are those of the rounds before it.

    Attributes
    ----------
    focal_loss_ : the resolved loss, with alpha as numbers

    See Also
    --------
    focalboost.FocalLGBMClassifier, focalboost.FocalXGBClassifier

    Notes
    -----
    More than two classes are trained with a softmax; there is no one-vs-rest.

    scikit-learn's trees have no bound on leaves, as ``max_delta_step`` is one in the other two. In a leaf that holds a
    rare class alone the Newton step is one over its probability, before the learning rate, whatever the loss, and 100
    rounds of such steps can ruin a model of rare or of many classes; with ``l2_regularization=1`` they do not. So that
    is the default here. Give it to scikit-learn's own too when comparing.

    Examples
    --------
    >>> from focalboost import FocalHistGradientBoostingClassifier
    >>> from sklearn.datasets import make_classification
    >>> X, y = make_classification(weights=[0.9], random_state=0)
    >>> FocalHistGradientBoostingClassifier(max_iter=5).fit(X, y).predict_proba(X).shape
    (100, 2)
    """

    def __init__(
        self,
        loss: str = "log_loss",
        *,
        learning_rate: float = 0.1,
        max_iter: int = 100,
        max_leaf_nodes: int | None = 31,
        max_depth: int | None = None,
        min_samples_leaf: int = 20,
        l2_regularization: float = L2_REGULARIZATION,
        max_features: float = 1.0,
        max_bins: int = 255,
        categorical_features: Any = "from_dtype",
        monotonic_cst: Any = None,
        interaction_cst: Any = None,
        warm_start: bool = False,
        early_stopping: str | bool = "auto",
        scoring: Any = "loss",
        validation_fraction: float | None = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 1e-7,
        verbose: int = 0,
        random_state: Any = None,
        class_weight: Any = None,
        focal_gamma: float = 2.0,
        focal_alpha: Any = None,
        focal_prior: str = "weighted",
        focal_mean_shift: bool = True,
    ) -> None:
        super().__init__(
            loss=loss,
            learning_rate=learning_rate,
            max_iter=max_iter,
            max_leaf_nodes=max_leaf_nodes,
            max_depth=max_depth,
            min_samples_leaf=min_samples_leaf,
            l2_regularization=l2_regularization,
            max_features=max_features,
            max_bins=max_bins,
            categorical_features=categorical_features,
            monotonic_cst=monotonic_cst,
            interaction_cst=interaction_cst,
            warm_start=warm_start,
            early_stopping=early_stopping,
            scoring=scoring,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            tol=tol,
            verbose=verbose,
            random_state=random_state,
            class_weight=class_weight,
        )
        self.focal_gamma = focal_gamma
        self.focal_alpha = focal_alpha
        self.focal_prior = focal_prior
        self.focal_mean_shift = focal_mean_shift

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Fit as `sklearn.ensemble.HistGradientBoostingClassifier.fit`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            With NaN for missing values.
        y : array-like of shape (n_samples,)
            Labels of any kind: numbers, strings, booleans or dates.
        sample_weight : array-like of shape (n_samples,), default=None
            Finite weights >= 0.
        X_val, y_val, sample_weight_val : array-like, default=None
            Rows for early stopping, from scikit-learn 1.7 on. Class weights do not apply to them, as in the parent.

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            For parameters outside their rules, and arrays that do not fit.
        """
        if not isinstance(self.loss, str) or self.loss != "log_loss":
            msg = (
                f"loss must be 'log_loss', as the focal loss takes its place, got {self.loss!r}; "
                "set focal_gamma=0.0 for the log-loss itself"
            )
            raise ValueError(msg)
        validation = {"X_val": X_val, "y_val": y_val, "sample_weight_val": sample_weight_val}
        validation = {name: value for name, value in validation.items() if value is not None}
        if validation and not TAKES_X_VAL:
            msg = (
                f"{', '.join(validation)} must be left out with scikit-learn 1.6, which has no such arguments, got "
                "values; upgrade to 1.7, or set validation_fraction"
            )
            raise TypeError(msg)
        labels = as_labels(y, warn=True)
        if y_val is not None:
            classes = np.unique(labels)
            validation["y_val"] = classes[encode(y_val, classes, "y_val")]
        plan = self._train(X, labels, sample_weight, **validation)
        self.focal_loss_: AnyFocalLoss = plan.loss
        return self

    def to_stock(self) -> Any:
        """Return the fitted model as a `sklearn.ensemble.HistGradientBoostingClassifier`.

        It predicts the same without focalboost: for pickles, explanations and exports elsewhere.

        Returns
        -------
        HistGradientBoostingClassifier
            Fitted. Another fit of it trains the log-loss.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        """
        check_is_fitted(self)
        return self._as_stock()

    def _make_plan(self, codes: npt.NDArray[np.intp], sample_weight: Any) -> Plan:
        """Return what a fit needs beyond the parent's."""
        return Plan.of(self, self.classes_, codes, sample_weight)
