"""Malformed arguments of the compiled entry points: an exception or a result, never a crash."""

import json
from pathlib import Path

import pytest

SCRIPT = (Path(__file__).parent / "fuzz_native.py").read_text(encoding="utf-8")
# What is always refused; the other faults may leave arguments valid.
REFUSED = ("of_one_size_off", "of_alignment")


@pytest.mark.parametrize("calls, seed", [(20_000, 0), pytest.param(100_000, 20_000, marks=pytest.mark.slow)])
def test_entry_points_survive(calls, seed, in_new_process):
    counts = json.loads(in_new_process(SCRIPT, calls, seed, timeout=900))
    total = counts.pop("calls")
    assert total["accepted"] + total["refused"] == calls
    assert total["accepted"] > 0.1 * calls
    assert len(counts) == 9
    for fault in REFUSED:
        assert list(counts[fault]) == ["refused"]
        assert counts[fault]["refused"] > 0.01 * calls
