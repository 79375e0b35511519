"""Explainers and exporters get the log-odds and the calibrated probabilities of our models, the start value included.

None of the tools is needed otherwise, so `make interop` installs them; without it the tests are skipped. Where a tool
gives something else, the stock estimator's model fares alike: those are expected failures, each with its reason.
"""

import importlib
import warnings

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

import focalboost

KINDS = {"binary": (2, "softmax"), "softmax": (3, "softmax"), "ovr": (3, "ovr")}
# The tools compute in float32, or sum up in another order.
CLOSE = {"rtol": 1e-5, "atol": 1e-6}


def tool(name):
    try:
        # Their dependencies warn of what is to come.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(name)
    except ModuleNotFoundError as error:
        pytest.skip(f"NOT TESTED: {error}; make interop installs it")


class Model:
    """A fitted estimator, its booster, and what a tool should find in it."""

    def __init__(self, framework, kind, X, y, **params):
        package = pytest.importorskip("focalboost." + framework, exc_type=ImportError)
        self.framework, self.X = framework, X
        _, multiclass = KINDS[kind]
        if framework == "lightgbm":
            params = {"verbosity": -1, "n_jobs": 1} | params
            self.clf = package.FocalLGBMClassifier(n_estimators=8, focal_multiclass=multiclass, **params).fit(X, y)
            self.booster = self.clf.booster_
        else:
            self.clf = package.FocalXGBClassifier(n_estimators=8, n_jobs=1, focal_multiclass=multiclass, **params)
            self.booster = self.clf.fit(X, y).get_booster()
        self.margin = self.clf.decision_function(X)
        self.probability = self.clf.predict_proba(X)
        if kind == "binary":
            self.probability = self.probability[:, 1]


@pytest.fixture(scope="module")
def model(make_data):
    cache = {}

    def make(framework, kind, **params):
        key = (framework, kind, *params)
        if key not in cache:
            X, y, _ = make_data(KINDS[kind][0], 500)
            # In float32, as ONNX and the compiled models take them.
            cache[key] = Model(framework, kind, X.astype(np.float32), y, **params)
        return cache[key]

    return make


def cases(**failures):
    """Both frameworks and all kinds; a failure is expected where its reason is given, as lightgbm_ovr."""
    found = []
    for framework in ("lightgbm", "xgboost"):
        for kind in KINDS:
            reason = failures.get(f"{framework}_{kind}")
            marks = [pytest.mark.xfail(strict=True, reason=reason)] if reason else []
            found.append(pytest.param(framework, kind, marks=marks, id=f"{framework}-{kind}"))
    return found


@pytest.mark.parametrize("framework, kind", cases())
@pytest.mark.filterwarnings("ignore:LightGBM binary classifier with TreeExplainer:UserWarning")  # of a change long ago
def test_shap_values_add_up_to_the_margin(model, framework, kind):
    shap = tool("shap")
    one = model(framework, kind)
    explainer = shap.TreeExplainer(one.booster)
    values = np.asarray(explainer.shap_values(one.X))
    np.testing.assert_allclose(values.sum(axis=1) + np.asarray(explainer.expected_value), one.margin, **CLOSE)
    own = explainer(one.X[:5])  # what the plots take
    np.testing.assert_allclose(own.values, values[:5], **CLOSE)


@pytest.mark.parametrize(
    "framework, kind",
    cases(
        lightgbm_softmax="shap has probabilities for one output only",
        xgboost_softmax="shap has probabilities for one output only",
        lightgbm_ovr="shap has probabilities for one output only",
        xgboost_ovr="shap takes the start of the first output for that of all",
    ),
)
def test_shap_values_of_probabilities(model, framework, kind):
    shap = tool("shap")
    one = model(framework, kind)
    explainer = shap.TreeExplainer(one.booster, data=one.X[:50], model_output="probability")
    values = np.asarray(explainer.shap_values(one.X[:20]))
    total = values.sum(axis=1) + np.asarray(explainer.expected_value)
    np.testing.assert_allclose(total, one.probability[:20], **CLOSE)


def in_treelite(one):
    frontend = tool("treelite").frontend
    return (frontend.from_lightgbm if one.framework == "lightgbm" else frontend.from_xgboost)(one.booster)


@pytest.mark.parametrize("framework, kind", cases())
def test_treelite(model, framework, kind):
    gtil = tool("treelite").gtil
    one = model(framework, kind)
    converted = in_treelite(one)
    np.testing.assert_allclose(
        gtil.predict(converted, one.X, pred_margin=True).reshape(one.margin.shape), one.margin, **CLOSE
    )
    np.testing.assert_allclose(gtil.predict(converted, one.X).reshape(one.margin.shape), one.probability, **CLOSE)


@pytest.mark.parametrize(
    "framework, kind", cases(xgboost_ovr="tl2cgen takes the start of the first output for that of all")
)
def test_tl2cgen(model, framework, kind, tmp_path):
    tl2cgen = tool("tl2cgen")
    one = model(framework, kind)
    tl2cgen.export_lib(in_treelite(one), toolchain="gcc", libpath=tmp_path / "model.so", params={})
    predictor = tl2cgen.Predictor(tmp_path / "model.so")
    rows = tl2cgen.DMatrix(one.X.astype(np.float64 if framework == "lightgbm" else np.float32))
    for expected, options in ((one.margin, {"pred_margin": True}), (one.probability, {})):
        np.testing.assert_allclose(predictor.predict(rows, **options).reshape(expected.shape), expected, **CLOSE)


def onnx_probabilities(one):
    onnxmltools, onnxruntime = tool("onnxmltools"), tool("onnxruntime")
    types = tool("onnxmltools.convert.common.data_types")
    given = {"initial_types": [("rows", types.FloatTensorType([None, one.X.shape[1]]))]}
    if one.framework == "lightgbm":
        converted = onnxmltools.convert_lightgbm(one.booster, zipmap=False, **given)
    else:
        converted = onnxmltools.convert_xgboost(one.booster, **given)
    onnxruntime.set_default_logger_severity(3)  # onnxmltools declares a shape of one row
    session = onnxruntime.InferenceSession(converted.SerializeToString(), providers=["CPUExecutionProvider"])
    _, probability = session.run(None, {"rows": one.X})
    return probability if one.probability.ndim == 2 else probability[:, 1]


@pytest.mark.parametrize(
    "framework, kind",
    cases(
        lightgbm_ovr="onnxmltools has other probabilities for multiclassova than LightGBM",
        xgboost_ovr="onnxmltools knows one output of binary:logistic",
    ),
)
def test_onnx(model, framework, kind):
    one = model(framework, kind)
    np.testing.assert_allclose(onnx_probabilities(one), one.probability, **CLOSE)


@pytest.mark.xfail(strict=True, reason="onnxmltools leaves out the linear models of the leaves")
def test_onnx_of_linear_trees(model):
    one = model("lightgbm", "binary", linear_tree=True)
    np.testing.assert_allclose(onnx_probabilities(one), one.probability, **CLOSE)


@pytest.mark.parametrize("framework, kind", cases())
def test_skops(model, framework, kind):
    io = tool("skops.io")
    clf = model(framework, kind).clf
    content = io.dumps(clf)
    untrusted = io.get_untrusted_types(data=content)
    assert {name.split(".")[0] for name in untrusted} <= {"focalboost", framework, "collections"}
    loaded = io.loads(content, trusted=untrusted)
    X = model(framework, kind).X
    np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))


@pytest.fixture(params=[2, 3])
def hist(request, make_data):
    """Return rows, and a FocalHistGradientBoostingClassifier of two or three classes."""
    X, y, _ = make_data(request.param, 500)
    X = X.astype(np.float32)
    return X, focalboost.FocalHistGradientBoostingClassifier(max_iter=8).fit(X, y)


def test_skops_takes_the_stock_form(hist):
    io = tool("skops.io")
    X, clf = hist
    held = io.dumps(clf.to_stock())
    unknown = io.get_untrusted_types(data=held)
    assert not [name for name in unknown if "focal" in name]
    np.testing.assert_array_equal(io.loads(held, trusted=unknown).predict_proba(X), clf.predict_proba(X))


def test_skl2onnx_takes_the_stock_form(hist):
    skl2onnx, onnxruntime = tool("skl2onnx"), tool("onnxruntime")
    X, clf = hist
    options = {"options": {"zipmap": False}}
    try:
        skl2onnx.to_onnx(HistGradientBoostingClassifier(max_iter=2).fit(X, clf.predict(X)), X[:1], **options)
    except ValueError as error:  # with protobuf 7 it cannot
        pytest.skip(f"NOT TESTED: scikit-learn's own is not converted either: {error.__cause__}")
    converted = skl2onnx.to_onnx(clf.to_stock(), X[:1], **options)
    session = onnxruntime.InferenceSession(converted.SerializeToString(), providers=["CPUExecutionProvider"])
    _, probability = session.run(None, {"X": X})
    np.testing.assert_allclose(probability, clf.predict_proba(X), **CLOSE)


def test_shap_values_of_the_stock_form_add_up_to_the_margin(hist):
    shap = tool("shap")
    X, clf = hist
    explainer = shap.TreeExplainer(clf.to_stock())
    values = np.asarray(explainer.shap_values(X))
    np.testing.assert_allclose(
        values.sum(axis=1) + np.asarray(explainer.expected_value), clf.decision_function(X), **CLOSE
    )


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory):
    mlflow = tool("mlflow")
    folder = tmp_path_factory.mktemp("mlflow")
    mlflow.set_tracking_uri(f"sqlite:///{folder}/runs.db")
    mlflow.create_experiment("focal", artifact_location=folder.as_uri())
    mlflow.set_experiment("focal")
    return mlflow


# mlflow and what it depends on warn of their own ways.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("framework, kind", cases())
def test_mlflow(mlflow, model, framework, kind):
    one = model(framework, kind)
    flavour = getattr(mlflow, framework)
    with mlflow.start_run():
        logged = flavour.log_model(one.booster, name="booster")
        clf = mlflow.sklearn.log_model(one.clf, name="estimator", serialization_format="cloudpickle")
    rows = one.X if framework == "lightgbm" else importlib.import_module("xgboost").DMatrix(one.X)
    np.testing.assert_allclose(flavour.load_model(logged.model_uri).predict(rows), one.probability, **CLOSE)
    loaded = mlflow.sklearn.load_model(clf.model_uri)
    np.testing.assert_array_equal(loaded.predict_proba(one.X), one.clf.predict_proba(one.X))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("framework", ["lightgbm", "xgboost"])
def test_mlflow_autolog(mlflow, make_data, framework):
    X, y, _ = make_data(2, 500)
    flavour = getattr(mlflow, framework)
    flavour.autolog(log_models=False)
    try:
        with mlflow.start_run() as run:
            Model(framework, "binary", X, y)
    finally:
        flavour.autolog(disable=True)
    params = mlflow.get_run(run.info.run_id).data.params
    assert params["num_boost_round"] == "8"
