"""What the three focal losses share: the pass over rows, reductions, and resolving alpha."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import KW_ONLY, dataclass, replace
from typing import ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from . import _kernel, links
from ._class_weights import balanced_alpha, effective_alpha, log_prior
from ._validation import (
    LINKS,
    MAX_ALPHA,
    MIN_ALPHA,
    REDUCTIONS,
    SCORES,
    Alpha,
    AlphaLike,
    Array,
    FloatArray,
    check_alpha,
    check_choice,
    check_gamma,
    check_hessian,
    check_hessian_factor,
    check_labels,
    check_max_step,
    check_n_threads,
    check_raw_prediction,
    check_scaled_alpha,
    check_weights,
    zero_weights_error,
)
from .log_odds import Curves, binary_curves, row_weight, softmax_curves

Float64Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FocalLoss(ABC):
    """What the three losses share."""

    gamma: float = 2.0
    alpha: AlphaLike = None
    _: KW_ONLY
    score: str = "focal_logit"

    _softmax: ClassVar[bool] = False
    _per_column: ClassVar[bool] = False
    _n_dims: ClassVar[tuple[int, ...]] = (2,)

    def __post_init__(self) -> None:
        check_choice("score", self.score, SCORES)
        object.__setattr__(self, "gamma", check_gamma(self.gamma, self.score))
        object.__setattr__(self, "alpha", self._check_alpha(check_alpha(self.alpha)))

    def __call__(
        self,
        y_true: npt.ArrayLike,
        raw_prediction: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        reduction: Literal["mean", "sum", "none"] = "mean",
    ) -> float | FloatArray:
        """Loss of all rows together.

        Parameters
        ----------
        y_true, raw_prediction, sample_weight : array-like
            As in `loss`.
        reduction : {"mean", "sum", "none"}, default="mean"
            ``"mean"`` is the weighted mean, ``sum(w * loss) / sum(w)``, with alpha not in the denominator.

        Returns
        -------
        float, or ndarray of shape (n_samples,) for ``reduction="none"``
        """
        check_choice("reduction", reduction, REDUCTIONS)
        if reduction == "none":
            return self.loss(y_true, raw_prediction, sample_weight)
        total, weight = self._evaluate(y_true, raw_prediction, sample_weight)
        if reduction == "sum":
            return total
        if weight == 0:
            raise zero_weights_error()
        return total / weight

    def loss(
        self,
        y_true: npt.ArrayLike,
        raw_prediction: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        *,
        n_threads: int | None = None,
    ) -> FloatArray:
        """Loss of each row, times its weight.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,) or, for `SigmoidFocalLoss`, also (n_samples, n_classes)
            Class numbers 0..K-1, of any integer, bool or float dtype; with two dimensions 0/1 labels per column.
        raw_prediction : array-like of shape (n_samples,) or (n_samples, n_classes), float32 or float64
            Margins. Any memory order and stride; other dtypes are converted to float64. Infinite margins
            give the limit.
        sample_weight : array-like of shape (n_samples,), default=None
            Finite weights >= 0. A row of weight 0 contributes 0 whatever its margin.
        n_threads : int, default=None
            Threads of the compiled pass. None takes one for small arrays, else OMP_NUM_THREADS or the
            usable processors. The result does not depend on it.

        Returns
        -------
        ndarray of shape (n_samples,), of the dtype of `raw_prediction`

        Raises
        ------
        ValueError, TypeError
            For arrays of a wrong shape or dtype, NaN margins, labels that are no class numbers, negative weights.
        """
        margin = check_raw_prediction(raw_prediction, self._n_dims)
        out = np.empty(margin.shape[0], dtype=margin.dtype)
        self._evaluate(y_true, margin, sample_weight, out=out, n_threads=n_threads)
        return out

    def gradient_hessian(
        self,
        y_true: npt.ArrayLike,
        raw_prediction: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        *,
        hessian: str | None = None,
        max_step: float = 2.0,
        hessian_factor: float = 1.0,
        n_threads: int | None = None,
        dtype: npt.DTypeLike | None = None,
    ) -> tuple[FloatArray, FloatArray]:
        r"""First and diagonal second derivative of each row's weighted loss with respect to each margin.

        Parameters
        ----------
        y_true, raw_prediction, sample_weight, n_threads
            As in `loss`.
        hessian : {"bounded", "upper", "exact", "expected"}, default=None
            ``"exact"`` is the second derivative, negative for hard rows. ``"expected"`` is its mean over the labels,
            each with its calibrated probability: >= 0, and but for alpha and the weight of the row the same for all
            labels, as that of the log-loss is. Focal logits have two more. ``"upper"`` leaves out the one negative term
            of the exact one: it is >= that and >= 0. ``"bounded"`` is ``max(hessian_factor * upper, |gradient| /
            max_step)``. None takes ``"bounded"`` for focal logits, ``"expected"`` for log-odds. At gamma = 0 all but
            the bounded one are equal.
        max_step : float, default=2.0
            With the bounded Hessian no constant leaf steps further than this, before the learning rate. At least
            0.01.
        hessian_factor : float, default=1.0
            Scales the exact, upper or expected Hessian, as frameworks do in their softmax objectives. In [0.01, 100].
        dtype : {np.float32, np.float64}, default=None
            Of the output; None takes that of `raw_prediction`. The arithmetic is done in the wider of both.

        Returns
        -------
        gradient, hessian : ndarrays of the shape and memory order of `raw_prediction`

        Raises
        ------
        ValueError, TypeError
            As in `loss`, and for parameters out of range.

        Notes
        -----
        With :math:`s` the margin of the true class over the others, :math:`v = \mathrm{sigmoid}(s)`,
        :math:`q = 1 - v`, :math:`L = -\log v`, the binary derivatives are

        .. math::
           g &= -\alpha q^\gamma (q + \gamma v L) \\
           h &= \alpha v q^\gamma ((1 + 2\gamma) q - \gamma q L + \gamma^2 v L)

        with respect to s. In softmax with :math:`r_j = p_j / q`, :math:`j \ne y`, the chain rule through s gives
        :math:`-g r_j` and :math:`h r_j^2 - g r_j (1 - r_j)`; the true class keeps :math:`g` and :math:`h`.

        The expected Hessian takes the place of the exact one as in Fisher's scoring. In log-odds, with
        :math:`\eta` their sigmoid, both follow from one row weight w that does not depend on the label:

        .. math:: g = \alpha_y w (\eta - y), \quad h = \alpha_y w\, \eta (1 - \eta)

        (`focalboost.log_odds`); in softmax there is no such weight, and theory.md has the formulas.
        """
        margin = check_raw_prediction(raw_prediction, self._n_dims)
        if dtype is not None and np.dtype(dtype) not in (np.float32, np.float64):
            msg = f"dtype must be float32, float64 or None, got {np.dtype(dtype)}"
            raise ValueError(msg)
        return self._derivatives(
            y_true,
            margin,
            sample_weight,
            hessian=hessian,
            max_step=max_step,
            hessian_factor=hessian_factor,
            dtype=margin.dtype if dtype is None else dtype,
            n_threads=n_threads,
        )

    def _derivatives(
        self,
        y_true: npt.ArrayLike,
        margin: FloatArray,
        sample_weight: npt.ArrayLike | None,
        *,
        hessian: str | None,
        max_step: float,
        hessian_factor: float,
        dtype: npt.DTypeLike,
        n_threads: int | None = None,
        openmp: int = 0,
        precise: bool = False,
        scale: float | tuple[float, ...] = 1.0,
        out: tuple[FloatArray, FloatArray] | None = None,
    ) -> tuple[FloatArray, FloatArray]:
        """`gradient_hessian` for a checked margin.

        `openmp` is the address of a framework's thread pool; `precise` asks for double arithmetic on float32 margins;
        `scale` multiplies both derivatives: one number, or one for each column; `out` are arrays of the margin's shape
        to write to, whose dtype then counts.
        """
        hessian = check_hessian(hessian, self.score)
        curves = self._curves()
        if self.score == "log_odds" and curves is None and hessian == "expected":
            hessian = "upper"  # the same at gamma = 0, and faster
        return _kernel.derivatives(
            softmax=self._softmax,
            y_true=self._check_labels(y_true, margin),
            raw_prediction=margin,
            sample_weight=check_weights(sample_weight, margin.shape[0]),
            alpha=self._scaled_alpha(scale, self._n_columns(margin)),
            gamma=self.gamma,
            curvature="upper" if hessian == "bounded" else hessian,
            inverse_step=1 / check_max_step(max_step) if hessian == "bounded" else 0.0,
            hessian_factor=check_hessian_factor(hessian_factor),
            dtype=dtype,
            n_threads=check_n_threads(n_threads),
            openmp=openmp,
            precise=precise,
            curves=curves,
            out=out,
        )

    def _evaluate(
        self,
        y_true: npt.ArrayLike,
        raw_prediction: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None,
        *,
        out: FloatArray | None = None,
        n_threads: int | None = None,
        openmp: int = 0,
    ) -> tuple[float, float]:
        """Return the sums of weighted losses and of weights."""
        margin = check_raw_prediction(raw_prediction, self._n_dims)
        return _kernel.losses(
            softmax=self._softmax,
            y_true=self._check_labels(y_true, margin),
            raw_prediction=margin,
            sample_weight=check_weights(sample_weight, margin.shape[0]),
            alpha=self._alpha_array(self._n_columns(margin)),
            gamma=self.gamma,
            out=out,
            n_threads=check_n_threads(n_threads),
            openmp=openmp,
            curves=self._curves(),
        )

    def _curves(self) -> Curves | None:
        """Return what the kernel looks up for log-odds; at gamma = 0 they are the focal logits."""
        if self.score == "focal_logit" or self.gamma == 0:
            return None
        return softmax_curves(self.gamma) if self._softmax else binary_curves(self.gamma)

    def resolve(self, y_true: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Return the same loss with a numeric alpha.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,) or, for `SigmoidFocalLoss`, also (n_samples, n_classes)
            Training labels.
        sample_weight : array-like of shape (n_samples,), default=None
            ``"balanced"`` counts rows by their weight, as scikit-learn; ``"effective"`` does not.

        Returns
        -------
        loss : the same class
            Itself if alpha is a number, a sequence or None already.

        Raises
        ------
        ValueError
            If a class has no row, or no weight.

        Notes
        -----
        ``"balanced"``: n / (K n_k). ``"effective"``: (1 - beta) / (1 - beta**n_k) with beta = 0.9999, scaled to
        mean 1 over the classes (Cui et al., CVPR 2019, arXiv:1901.05555); see `effective_alpha`.
        """
        if not isinstance(self.alpha, str):
            return self
        counted = sample_weight if self.alpha == "balanced" else None
        counts = self._class_weights(y_true, counted, None)
        rule = balanced_alpha if self.alpha == "balanced" else effective_alpha
        rows: tuple[tuple[float, ...], ...] = tuple(rule(row) for row in counts)
        alpha: AlphaLike = np.array(rows) if self._per_column else rows[0]
        return replace(self, alpha=alpha)

    def _normalizing_scale(
        self, y_true: npt.ArrayLike, sample_weight: npt.ArrayLike | None, n_classes: int | None
    ) -> Float64Array:
        """Factors that bring the mean expected Hessian at the start to that of the log-loss, weighed alike.

        In log-odds both start at the same place. One for each row of class weights; bounded, so that no product with
        alpha leaves the range of alpha.
        """
        weights = self._class_weights(y_true, sample_weight, n_classes)
        alpha = self._alpha_array(weights.shape[self._softmax]).reshape(len(weights), -1)
        log_loss, own = (loss._mean_hessian(weights) for loss in (replace(self, gamma=0.0), self))
        return np.clip(log_loss / own, MIN_ALPHA / alpha.min(axis=1), MAX_ALPHA / alpha.max(axis=1))

    def _binary_start(self, weights: Float64Array, alpha: Float64Array) -> float:
        """Return where one margin starts, for the weights of labels 0 and 1 and their alpha."""
        log_risk = log_prior(weights) + np.log(alpha)
        return links.binary_intercept(0.0 if self.score == "log_odds" else self.gamma, float(log_risk[1] - log_risk[0]))

    def _binary_mean_hessian(self, weights: Float64Array, alpha: Float64Array) -> float:
        start = self._binary_start(weights, alpha)
        return float(np.average(alpha, weights=weights) * row_weight(start, self.gamma) * expit(start) * expit(-start))

    @abstractmethod
    def _check_alpha(self, alpha: Alpha) -> Alpha:
        """Refuse what has no meaning in this loss."""

    @abstractmethod
    def _alpha_array(self, n_columns: int) -> Float64Array:
        """Alpha as the kernel takes it: one per class (softmax), or a pair per column."""

    @abstractmethod
    def _class_weights(
        self, y_true: npt.ArrayLike, sample_weight: npt.ArrayLike | None, n_classes: int | None
    ) -> Float64Array:
        """Weight of each class: one row for binary and softmax, a row of two for each column of a sigmoid."""

    @abstractmethod
    def _mean_hessian(self, weights: Float64Array) -> Float64Array:
        """Weighted mean of the expected Hessian at the start, for each row of class weights."""

    def _check_labels(self, y_true: npt.ArrayLike, margin: FloatArray) -> Array:
        return check_labels(y_true, margin.shape[0])

    @staticmethod
    def _n_columns(margin: FloatArray) -> int:
        return 1 if margin.ndim == 1 else int(margin.shape[1])

    def _numeric_alpha(self) -> Alpha:
        if isinstance(self.alpha, str):
            msg = (
                f"alpha={self.alpha!r} stands for class counts that are not known here; "
                f"call resolve(y_true, sample_weight) with the training labels first"
            )
            raise ValueError(msg)
        return self.alpha  # type: ignore[return-value]  # check_alpha has normalised it

    def _scaled_alpha(self, scale: float | tuple[float, ...], n_columns: int) -> Float64Array:
        alpha = self._alpha_array(n_columns)
        if scale == 1.0:
            return alpha
        if isinstance(scale, float):
            return check_scaled_alpha(alpha * scale)
        if not self._per_column or len(scale) != n_columns:
            msg = f"scale must be one number, or one for each class with multiclass='ovr', got {scale!r}"
            raise ValueError(msg)
        return check_scaled_alpha(alpha * np.array(scale)[:, None])

    def _link(self, link: str | None) -> tuple[float, bool]:
        """Return the gamma to invert, and whether alpha is inverted too."""
        if self.score == "log_odds":
            if link is not None:
                msg = f"link must be None for log-odds, whose sigmoid or softmax is calibrated, got {link!r}"
                raise ValueError(msg)
            return 0.0, False
        link = "focal" if link is None else check_choice("link", link, LINKS)
        return 0.0 if link == "logit" else self.gamma, link == "posterior"

    def _log_alpha(self, inverted: bool, n_columns: int) -> Float64Array:
        """Return what the link takes from the log-probabilities: log alpha where alpha is inverted too, else 0."""
        return np.log(self._alpha_array(n_columns)) if inverted else np.zeros((n_columns, 1))
