"""Write small models of this release, which every later one must load (tests/estimators/test_persistence_fixtures.py).

Run it once for each release, with the oldest supported versions, as older ones need not read what newer ones wrote:

    nox -s "tests-3.11(versions='oldest')" --install-only
    .nox/tests-3-11-versions-oldest/bin/python tools/write_fixtures.py

It writes tests/estimators/fixtures/VERSION: a pickle and a model file of each estimator and kind of target, and what
they predict.
"""

from __future__ import annotations

import importlib
import json
import pickle
from importlib.metadata import version
from pathlib import Path

import numpy as np

import focalboost

FOLDER = Path(__file__).parents[1] / "tests" / "estimators" / "fixtures" / focalboost.__version__
# Number of classes, focal_multiclass and focal_prior.
KINDS = {
    "binary": (2, "softmax", "weighted"),
    "sampled": (2, "softmax", "sampled"),
    "softmax": (3, "softmax", "weighted"),
    "ovr": (3, "ovr", "sampled"),
}
ESTIMATORS = {
    "lightgbm": ("FocalLGBMClassifier", {"verbosity": -1, "num_leaves": 4}, "txt"),
    "xgboost": ("FocalXGBClassifier", {"max_depth": 2}, "ubj"),
}
LABELS = np.array(["fraud", "ok", "unsure"])


def main() -> None:
    """Fit, save, and note the predictions."""
    FOLDER.mkdir(parents=True)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3)).round(3)
    X_test = X[:12]
    expected: dict[str, object] = {"X": X_test.tolist()}
    for framework, (name, params, suffix) in ESTIMATORS.items():
        estimator = getattr(importlib.import_module(f"focalboost.{framework}"), name)
        expected[f"{framework} version"] = version("xgboost-cpu" if framework == "xgboost" else framework)
        for kind, (n_classes, multiclass, prior) in KINDS.items():
            codes = np.argmax(X[:, :n_classes] + rng.gumbel(size=(200, n_classes)), axis=1)
            focal = {
                "focal_gamma": 1.5,
                "focal_alpha": "balanced",
                "focal_prior": prior,
                "focal_multiclass": multiclass,
            }
            clf = estimator(n_estimators=3, n_jobs=1, **focal, **params).fit(X, LABELS[codes])
            stem = f"{framework}-{kind}"
            (FOLDER / f"{stem}.pickle").write_bytes(pickle.dumps(clf, protocol=5))
            (clf.booster_ if framework == "lightgbm" else clf).save_model(str(FOLDER / f"{stem}.{suffix}"))
            expected[stem] = {
                "margin": clf.decision_function(X_test).tolist(),
                "probability": clf.predict_proba(X_test).tolist(),
                "label": clf.predict(X_test).tolist(),
            }
    losses = [focalboost.BinaryFocalLoss(1.5, 0.25), focalboost.MulticlassFocalLoss(2.0, (1.0, 2.0, 0.5))]
    losses += [focalboost.SigmoidFocalLoss(0.5, [(1.0, 2.0), (0.5, 0.5)])]
    losses += [focalboost.BinaryFocalLoss(3.0, score="log_odds")]
    (FOLDER / "losses.pickle").write_bytes(pickle.dumps(losses, protocol=5))
    (FOLDER / "expected.json").write_text(json.dumps(expected), encoding="utf-8")


if __name__ == "__main__":
    main()
