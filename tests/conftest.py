"""Fixtures of the framework tests: data, the focal loss by hand, and a process without focalboost."""

import functools
import importlib
import os
import subprocess
import sys
from contextlib import nullcontext
from importlib.metadata import PackageNotFoundError, version

import families
import numpy as np
import pytest
from scipy.special import log_expit, logsumexp
from sklearn.datasets import load_breast_cancer, load_wine, make_classification
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits

# Put before a script: focalboost cannot be imported in it.
BLOCKER = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "focalboost":
            raise ImportError("focalboost is blocked here")
sys.meta_path.insert(0, Blocker())
"""


def pytest_configure(config):
    """Exempt one warning of old LightGBM from being an error."""
    try:
        old = version("lightgbm").startswith("4.6.")
    except PackageNotFoundError:
        return
    if old:  # its own estimators give it at each prediction on an array; 4.7 does not
        config.addinivalue_line("filterwarnings", "ignore:X does not have valid feature names:UserWarning")


def run_script(script, *arguments, block=False, timeout=120, **environment):
    """Return what a Python script prints in a process of its own."""
    command = [sys.executable, "-c", (BLOCKER if block else "") + script, *map(str, arguments)]
    env = {**os.environ, **environment}
    result = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False, env=env)
    assert result.returncode == 0, f"exit status {result.returncode}\n{result.stdout}\n{result.stderr}"
    return result.stdout


@pytest.fixture(scope="session")
def in_new_process():
    return run_script


@pytest.fixture(scope="session")
def without_focalboost():
    return functools.partial(run_script, block=True)


def sigmoid_focal(label, margin, gamma, alpha):
    """Loss of each element, alpha being the weights of labels 0 and 1."""
    s = np.where(label == 1, margin, -margin)
    return -np.where(label == 1, alpha[1], alpha[0]) * np.exp(gamma * log_expit(-s)) * log_expit(s)


def softmax_focal(y, margin, gamma, alpha):
    """Loss of each row, alpha being one weight per class."""
    log_p = margin - logsumexp(margin, axis=1, keepdims=True)
    own = np.arange(margin.shape[1]) == y[:, None]
    log_q = logsumexp(np.where(own, -np.inf, log_p), axis=1)
    return -np.asarray(alpha)[y] * np.exp(gamma * log_q) * log_p[own]


def log_slope(s, gamma):
    """Logarithm of -dFL/ds for a row whose class has the margin s, from FL = (1 - p)**gamma * -log p."""
    log_p, log_q = log_expit(s), log_expit(-s)
    return gamma * log_q + np.log(np.exp(log_q) - gamma * np.exp(log_p) * log_p)


def bisect(increasing, target):
    """Solve increasing(x) = target elementwise, for solutions in [-200, 200]."""
    low, high = np.full(np.shape(target), -200.0), np.full(np.shape(target), 200.0)
    for _ in range(50):
        middle = (low + high) / 2
        above = increasing(middle) > target
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return (low + high) / 2


def focal_logits(log_odds, gamma, softmax):
    """Return the margins of least focal risk for rows whose classes have these log-odds, or log-probabilities.

    The gradients of the risk vanish there: sum over the labels of eta times the gradient of that label.
    """
    if not softmax:
        return bisect(lambda z: log_slope(-z, gamma) - log_slope(z, gamma), log_odds)

    def log_weight(s):  # eta of a class is proportional to it: p q / slope
        return log_expit(s) + log_expit(-s) - log_slope(s, gamma)

    def classes(c):
        return bisect(log_weight, log_odds + c[:, None])

    # The probabilities of a row sum to 1.
    c = bisect(lambda c: logsumexp(log_expit(classes(c)), axis=1), np.zeros(len(log_odds)))
    return log_expit(classes(c))


@pytest.fixture(scope="session")
def focal_by_hand():
    """Weighted mean focal loss of margins in log-odds, or of focal logits, written from its definition."""

    def mean_loss(y, margin, gamma, alpha=None, sample_weight=None, multiclass="softmax", score="log_odds"):
        y, margin = np.asarray(y).astype(int), np.asarray(margin, dtype=np.float64)
        if score == "log_odds" and gamma > 0:
            margin = focal_logits(margin, gamma, margin.ndim == 2 and multiclass == "softmax")
        if margin.ndim == 1:
            losses = sigmoid_focal(y, margin, gamma, (1, 1) if alpha is None else alpha)
        elif multiclass == "softmax":
            losses = softmax_focal(y, margin, gamma, np.ones(margin.shape[1]) if alpha is None else alpha)
        else:
            labels = np.arange(margin.shape[1]) == y[:, None]
            losses = sigmoid_focal(labels, margin, gamma, (1, 1) if alpha is None else alpha).sum(axis=1)
        return np.average(losses, weights=sample_weight)

    return mean_loss


@pytest.fixture(scope="session")
def make_data():
    """Features with signal, labels of 2 or more classes (class 0 the most frequent), and weights."""

    def make(n_classes=2, n=600, seed=0):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(n, 5))
        X[:, 3] = np.round(2 * X[:, 3])
        score = np.stack(
            [X[:, 0] * np.sin(k) + X[:, 1] * np.cos(2 * k) - k + X[:, 3] * (k == 1) for k in range(n_classes)]
        )
        y = np.argmax(score + rng.gumbel(size=score.shape), axis=0)
        y[:n_classes] = np.arange(n_classes)
        return X, y, rng.uniform(0.2, 3.0, n).astype(np.float32)  # as the frameworks keep them

    return make


@pytest.fixture(scope="session", params=["lightgbm", "xgboost"])
def family(request):
    """The estimators of LightGBM and XGBoost, one after the other; see families.py."""
    pytest.importorskip(request.param)
    return families.load(request.param)


@pytest.fixture(params=["lightgbm", "xgboost", "sklearn"])
def any_family(request):
    """All three estimators, scikit-learn's in one thread: two that wait for a processor take 100 times as long."""
    pytest.importorskip(request.param)
    with threadpool_limits(1, "openmp") if request.param == "sklearn" else nullcontext():
        yield families.load(request.param)


@pytest.fixture(params=["lightgbm", "xgboost"])
def adapter(request):
    """Return focalboost.lightgbm and focalboost.xgboost, one after the other."""
    pytest.importorskip(request.param)
    return importlib.import_module(f"focalboost.{request.param}")


@functools.cache
def _load(name):
    datasets = importlib.import_module("datasets")  # it stands beside the examples
    loader = datasets.LOADERS.get(name)
    if loader is None:
        return f"examples/datasets.py has no loader {name!r}"
    try:
        return loader()
    except datasets.DatasetUnavailable as error:
        return str(error)


@pytest.fixture(scope="session")
def real_data():
    """Return features and labels of a real data set, or skip the test and say why."""

    def load(name, n_rows=None):
        data = _load(name)
        if isinstance(data, str):
            pytest.skip(f"NOT TESTED on the real data set {name!r}: {data}")
        X, y = data
        if n_rows is not None and n_rows < len(X):
            rows = np.sort(np.random.default_rng(0).choice(len(X), n_rows, replace=False))
            X, y = X.iloc[rows].reset_index(drop=True), y.iloc[rows].reset_index(drop=True)
        return X, y

    return load


@pytest.fixture(scope="session")
def cluster():
    """Client of two workers of one thread each, in processes of their own."""
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0", "host": "127.0.0.1"}
    with distributed.LocalCluster(**options) as workers, distributed.Client(workers) as client:
        yield client


@pytest.fixture
def halves(make_data):
    """Return a function that makes features, labels and weights, each in two halves with every class."""

    def make(n_classes, n=800):
        X, y, weight = make_data(n_classes, n)
        y[n // 2 : n // 2 + n_classes] = np.arange(n_classes)
        return X[: n // 2], X[n // 2 :], y[: n // 2], y[n // 2 :], weight[: n // 2], weight[n // 2 :]

    return make


@pytest.fixture
def split(real_data):
    """Return a function that loads a set by name and splits it, each class in both parts."""

    def load(name):
        if name == "breast_cancer":
            X, y = load_breast_cancer(return_X_y=True)
        elif name == "wine":
            X, y = load_wine(return_X_y=True)
        else:
            X, y = real_data(name, 6000 if name == "gmsc" else 2500)
            codes = np.unique(y, return_inverse=True)[1]
            kept = np.isin(codes, np.flatnonzero(np.bincount(codes) >= 20))  # each class in both halves
            X, y = X[kept].reset_index(drop=True), np.unique(y[kept], return_inverse=True)[1]
        return train_test_split(X, np.asarray(y), test_size=0.4, random_state=0, stratify=y)

    return load


@pytest.fixture(scope="session")
def three():
    """Labels 0, 1 and 2, the last one rare."""
    return make_classification(1500, 10, n_informative=6, n_classes=3, weights=[0.7, 0.2], random_state=1)
