"""Models that know their labels: LightGBM's text, XGBoost's files and checkpoints; and models that know none."""

import copy
import pickle

import numpy as np
import pytest

LABELS = [
    ["fraud", "ok"],
    ["a: b]", "ü\n:%x"],
    [False, True],
    [-3, 7],
    [1.0, 2.0],
    [2**53 + 1, 2**53 + 3],
]
DATES = np.array(["2020-01-01", "2021-06-01"], dtype="datetime64[D]")


@pytest.fixture
def models(tmp_path):
    """Return a function that makes estimators again from a fitted one: through a file, and through copies."""
    lightgbm = pytest.importorskip("lightgbm")
    from focalboost import FocalLGBMClassifier, FocalXGBClassifier

    def make(clf):
        if isinstance(clf, FocalLGBMClassifier):
            clf.booster_.save_model(tmp_path / "model.txt")
            read = lightgbm.Booster(model_file=tmp_path / "model.txt")
            copied = copy.deepcopy(pickle.loads(pickle.dumps(read)))
            copied.save_model(tmp_path / "again.txt")
            return [
                FocalLGBMClassifier.from_booster(model)
                for model in (clf.booster_, read, copied, str(tmp_path / "again.txt"))
            ]
        loaded = []
        for name in ("model.ubj", "model.json"):
            clf.save_model(tmp_path / name)
            loaded.append(FocalXGBClassifier())
            loaded[-1].load_model(tmp_path / name)
        return loaded

    return make


@pytest.mark.parametrize("labels", LABELS, ids=str)
def test_labels_gamma_and_prior_come_back(family, models, make_data, labels):
    X, y, _ = make_data(2)
    clf = family.Focal(**family.fast, focal_gamma=1.5, focal_alpha=0.7, focal_prior="sampled")
    clf.fit(X, np.array(labels)[y])
    for again in models(clf):
        np.testing.assert_array_equal(again.classes_, clf.classes_)
        assert again.classes_.dtype == clf.classes_.dtype
        np.testing.assert_array_equal(again.predict(X), clf.predict(X))
        np.testing.assert_allclose(again.predict_proba(X), clf.predict_proba(X), atol=1e-7)
        assert again.get_params()["focal_gamma"] == 1.5
        assert again.get_params()["focal_prior"] == "sampled"
        assert again.focal_loss_ == clf.focal_loss_


def test_more_classes_and_one_versus_rest_come_back(family, models, make_data):
    X, y, _ = make_data(4)
    for multiclass in ("softmax", "ovr"):
        clf = family.Focal(**family.fast, focal_multiclass=multiclass).fit(X, np.array(["d", "a", "c", "b"])[y])
        for again in models(clf):
            np.testing.assert_array_equal(again.predict(X), clf.predict(X))
            np.testing.assert_allclose(again.predict_proba(X), clf.predict_proba(X), atol=1e-7)
            assert again.focal_multiclass == multiclass


def test_lightgbm_warns_of_nothing_in_our_files(make_data, tmp_path, capfd):
    lightgbm = pytest.importorskip("lightgbm")
    from focalboost import FocalLGBMClassifier

    X, y, _ = make_data(2)
    clf = FocalLGBMClassifier(n_estimators=3, num_leaves=4, n_jobs=1).fit(X, y)
    clf.booster_.save_model(tmp_path / "model.txt")
    lightgbm.Booster(model_file=tmp_path / "model.txt").predict(X)
    assert "focalboost" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("n_classes", [2, 3])
def test_stock_lightgbm_models(make_data, n_classes, tmp_path):
    lightgbm = pytest.importorskip("lightgbm")
    from focalboost import FocalLGBMClassifier

    X, y, _ = make_data(n_classes)
    labels = np.array(["x", "y", "z"])
    stock = lightgbm.LGBMClassifier(n_estimators=5, verbosity=-1, n_jobs=1).fit(X, labels[y])
    stock.booster_.save_model(tmp_path / "stock.txt")
    ours = FocalLGBMClassifier.from_booster(tmp_path / "stock.txt", classes=stock.classes_)
    np.testing.assert_array_equal(ours.predict_proba(X), stock.predict_proba(X))
    np.testing.assert_array_equal(ours.predict(X), stock.predict(X))
    np.testing.assert_array_equal(FocalLGBMClassifier.from_booster(stock.booster_).classes_, np.arange(n_classes))
    with pytest.raises(ValueError, match=f"classes must hold {n_classes} labels"):
        FocalLGBMClassifier.from_booster(stock.booster_, classes=["a"])
    regressor = lightgbm.LGBMRegressor(n_estimators=2, verbosity=-1).fit(X, y)
    with pytest.raises(ValueError, match="must have one of the objectives"):
        FocalLGBMClassifier.from_booster(regressor.booster_)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_stock_xgboost_models(make_data, n_classes, tmp_path):
    xgboost = pytest.importorskip("xgboost")
    from focalboost import FocalXGBClassifier

    X, y, _ = make_data(n_classes)
    stock = xgboost.XGBClassifier(n_estimators=5, n_jobs=1).fit(X, y)
    stock.save_model(tmp_path / "stock.json")
    ours = FocalXGBClassifier()
    ours.load_model(tmp_path / "stock.json")
    np.testing.assert_array_equal(ours.predict_proba(X), stock.predict_proba(X))
    np.testing.assert_array_equal(ours.predict(X), stock.predict(X))
    xgboost.XGBRegressor(n_estimators=2).fit(X, y).save_model(tmp_path / "other.json")
    with pytest.raises(ValueError, match="fname must be a model of binary:logistic or multi:softprob"):
        ours.load_model(tmp_path / "other.json")


def test_xgboost_checkpoints_hold_the_labels(make_data, tmp_path):
    xgboost = pytest.importorskip("xgboost")
    from focalboost import FocalXGBClassifier

    X, y, _ = make_data(2)
    check = xgboost.callback.TrainingCheckPoint(tmp_path, name="part", interval=4)
    clf = FocalXGBClassifier(n_estimators=10, n_jobs=1, callbacks=[check], focal_mean_shift=False)
    clf.fit(X, np.array(["no", "yes"])[y])
    files = sorted(tmp_path.iterdir())
    assert files
    for file in files:
        part = FocalXGBClassifier()
        part.load_model(file)
        rounds = part.get_booster().num_boosted_rounds()
        np.testing.assert_array_equal(part.classes_, ["no", "yes"])
        whole = clf.predict_proba(X, iteration_range=(0, rounds))
        np.testing.assert_allclose(part.predict_proba(X), whole, atol=1e-7)


def test_dates_come_back():
    from focalboost._note import Note
    from focalboost.losses import BinaryFocalLoss

    note = Note(BinaryFocalLoss(1.0, score="log_odds"), "weighted", DATES)
    again = Note.from_json(note.to_json())
    np.testing.assert_array_equal(again.classes, DATES)
    assert again.classes.dtype == DATES.dtype
