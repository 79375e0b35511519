"""The Python blocks of the README and of the guide run, in order, in one session each, without a warning."""

import re

import numpy as np
import pytest
from readme import README, blocks, blocks_of
from sklearn.metrics import f1_score, log_loss, roc_auc_score

pytest.importorskip("lightgbm")
pytest.importorskip("xgboost")

GUIDE = README.parent / "docs" / "guide.md"


def test_blocks_run(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    found = blocks()
    assert len(found) >= 5
    session = {"__name__": "readme"}
    n_models = 0
    for block in found:
        session.pop("probability", None)
        exec(compile(block, README, "exec"), session)
        if "probability" not in session:
            continue
        # Each way to train ends with probabilities that rank, and that beat the share of positives.
        n_models += 1
        y, probability = session["y_test"], session["probability"]
        assert roc_auc_score(y, probability) > 0.75
        assert log_loss(y, probability) < 0.9 * log_loss(y, np.full(len(y), y.mean()))
    assert n_models == 4
    assert not list(tmp_path.iterdir())


def test_readme_names_the_commands_there_are():
    makefile = README.with_name("Makefile").read_text(encoding="utf-8")
    commands = set(re.findall(r"^make (\w+)", README.read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert commands == {"example", "test", "slow", "interop", "docs", "benchmark", "wheels", "study"}
    for command in commands:
        assert re.search(rf"^{command}:", makefile, flags=re.MULTILINE)


def test_guide_blocks_run():
    session = {"__name__": "guide"}
    for block in blocks_of(GUIDE):
        exec(compile(block, GUIDE, "exec"), session)
    y_test, decision, search = session["y_test"], session["decision"], session["search"]
    assert f1_score(y_test, decision) > 2 * y_test.mean()  # a random choice has about the share of positives
    assert roc_auc_score(y_test, search.predict_proba(session["X_test"])[:, 1]) > 0.75


@pytest.mark.parametrize("path", [README, GUIDE, GUIDE.parent / "evidence" / "index.md"], ids=lambda path: path.name)
def test_links_lead_to_files_there_are(path):
    for target in re.findall(r"\]\((?!http)([^)#]+)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target
