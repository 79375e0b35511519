"""The README's lines of numpy, in a process that has no focalboost, on models saved by both estimators."""

import json

import numpy as np
import pytest
from readme import blocks

SCRIPT = """
import json, sys
import numpy as np
try:
    import focalboost
except ImportError:
    pass
else:
    raise SystemExit("focalboost can be imported")
{recipe}
folder, framework, multiclass = sys.argv[1:4]
gamma, alpha = json.loads(sys.argv[4])
X = np.load(folder + "/X.npy")
if framework == "lightgbm":
    import lightgbm
    margin = lightgbm.Booster(model_file=folder + "/model.ubj").predict(X, raw_score=True)
else:
    import xgboost
    margin = xgboost.Booster(model_file=folder + "/model.ubj").predict(xgboost.DMatrix(X), output_margin=True)
if multiclass == "ovr":
    pairs = np.ones((margin.shape[1], 2)) if alpha is None else alpha
    columns = [probabilities(column, gamma, pair)[:, 1] for column, pair in zip(margin.T, pairs)]
    found = np.stack(columns, axis=1)
    found /= found.sum(axis=1, keepdims=True)
else:
    found = probabilities(margin, gamma, 1.0 if alpha is None else alpha)
print(json.dumps(found.tolist()))
"""


@pytest.mark.parametrize(
    "n_classes, multiclass", [(2, "softmax"), (3, "softmax"), (3, "ovr")], ids=["binary", "softmax", "ovr"]
)
@pytest.mark.parametrize("link", ["focal", "posterior"])
def test_margins_become_the_estimators_probabilities(
    n_classes, multiclass, link, family, make_data, tmp_path, without_focalboost
):
    X, y, _ = make_data(n_classes)
    alpha = [(1.0, 2.0)] * 3 if multiclass == "ovr" else [1.0, 4.0, 2.0][:n_classes]
    clf = family.Focal(**family.fast, focal_alpha=alpha, focal_link=link, focal_multiclass=multiclass).fit(X, y)
    family.booster(clf).save_model(tmp_path / "model.ubj")
    np.save(tmp_path / "X.npy", X)
    (recipe,) = [block for block in blocks() if "def probabilities" in block]
    recipe = recipe[: recipe.index("\nmargin = ")]
    given = json.dumps([2.0, alpha if link == "posterior" else None])
    arguments = (tmp_path, family.module.__name__, multiclass, given)
    found = np.array(json.loads(without_focalboost(SCRIPT.replace("{recipe}", recipe), *arguments)))
    np.testing.assert_allclose(found, clf.predict_proba(X), rtol=1e-6)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 5.0])
def test_the_lines_hold_far_out(gamma):
    from focalboost import BinaryFocalLoss, MulticlassFocalLoss

    (recipe,) = [block for block in blocks() if "def probabilities" in block]
    session = {}
    exec(recipe[: recipe.index("\nmargin = ")], session)
    z = np.array([-300.0, -40, -3, 0, 0.5, 37, 300])
    for margin, loss in ((z, BinaryFocalLoss(gamma)), (np.stack([z, -z, z / 2], axis=1), MulticlassFocalLoss(gamma))):
        found, expected = session["probabilities"](margin, gamma), loss.predict_proba(margin)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-300)
