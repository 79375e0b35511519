"""The benchmark suite runs, and shows what it measured; no timing decides here."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.pairing import Ratio, compare, in_turn
from benchmarks.report import Figure, Skipped, markdown, read, write

ROOT = Path(__file__).parents[2]


def test_ratio():
    ratio = Ratio((2.0, 4.0, 9.0), (1.0, 4.0, 2.0))
    assert ratio.of_medians == 4.0 / 2.0
    assert ratio.of_minima == 2.0
    assert ratio.spread == (1.5, 3.25)  # quartiles of 2, 1, 4.5


def test_calls_run_in_turn():
    seen = []
    times = in_turn({"a": lambda: seen.append("a"), "b": lambda: seen.append("b")}, rounds=2, warm_up=1)
    assert seen == ["a", "b"] * 3
    assert {name: len(values) for name, values in times.items()} == {"a": 2, "b": 2}
    ratio = compare(lambda: seen.append("c"), lambda: seen.append("d"), pairs=3, warm_up=0)
    assert seen[6:] == ["c", "d"] * 3
    assert len(ratio.subject) == len(ratio.peer) == 3


@pytest.mark.parametrize(
    "bar, seconds, met",
    [("<= 2", 2.0, "yes"), ("<= 2", 2.1, "no"), (">= 2", 2.0, "yes"), (">= 2", 1.9, "no"), ("", 9.0, "")],
)
def test_bar(bar, seconds, met):
    assert Figure.of_ratio("part", "name", Ratio((seconds,), (1.0,)), bar).met == met


def test_json_and_markdown(tmp_path):
    figures = [
        Figure.of_ratio("first", "a", Ratio((1.0, 2.0), (4.0, 4.0)), "<= 0.5"),
        Figure.of_values("second", "b", [3.0, 5.0], "ms", "<= 3"),
    ]
    path = tmp_path / "folder" / "figures.json"
    write(path, [*figures, Skipped("second", "c", "not installed")], "tiny")
    assert read(path) == figures
    lines = markdown(path).splitlines()
    assert "focalboost" in lines[0]
    assert [line for line in lines if line.startswith("###")] == ["### first", "### second"]
    assert "| a | 0.375 | 0.25 | 0.312 .. 0.438 | <= 0.5 | yes |" in lines
    assert "| b | 4 ms | 3 | 3.5 .. 4.5 | <= 3 ms | no |" in lines
    assert lines[-1] == "- c: not installed"


@pytest.mark.slow
def test_every_part_runs(tmp_path):
    parts = ["kernel", "training", "search", "footprint", "growth", "peers"]
    command = [sys.executable, "-W", "error::RuntimeWarning", "-m", "benchmarks", "--scale", "tiny"]
    result = subprocess.run(
        [*command, "--only", *parts, "--output", str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    content = json.loads((tmp_path / "benchmark.json").read_text())
    assert {"machine", "Python", "numpy", "lightgbm", "focalboost"} <= set(content["environment"])
    figures = read(tmp_path / "benchmark.json")
    found = {(figure.part.split(":")[0], figure.name.split(",")[0]) for figure in figures}
    # What the suite is there to show, whatever is installed beside the two frameworks.
    for framework in ("LightGBM", "XGBoost"):
        assert {(part, framework) for part in ("Training", "Grid search", "Memory and import", "Growth")} <= found
    assert {("Kernel", "binary"), ("Kernel", "softmax K = 7"), ("Growth", "kernel")} <= found
    for figure in figures:
        assert figure.name in result.stdout
        assert all(map(math.isfinite, (figure.median, figure.minimum, *figure.quartiles)))
        assert figure.pairs >= 1
        if not figure.part.startswith("Memory"):  # a difference of two peaks may have either sign
            assert 0 < figure.quartiles[0] <= figure.quartiles[1]
    picture = (tmp_path / "benchmark.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 20_000
