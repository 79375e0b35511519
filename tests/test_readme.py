"""The Python blocks of the README run, in order, in one session, without a warning."""

import re

import numpy as np
import pytest
from readme import README, blocks
from sklearn.metrics import log_loss, roc_auc_score

pytest.importorskip("lightgbm")
pytest.importorskip("xgboost")


def test_blocks_run(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    found = blocks()
    assert len(found) >= 6
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
    assert n_models == 6
    assert not list(tmp_path.iterdir())


def test_readme_names_the_commands_there_are():
    makefile = README.with_name("Makefile").read_text(encoding="utf-8")
    commands = set(re.findall(r"^make (\w+)", README.read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert commands == {"example", "test", "slow", "interop", "docs"}
    for command in commands:
        assert re.search(rf"^{command}:", makefile, flags=re.MULTILINE)


def test_readme_links_to_files_there_are():
    for target in re.findall(r"\]\((?!http)([^)#]+)", README.read_text(encoding="utf-8")):
        assert (README.parent / target).exists(), target
