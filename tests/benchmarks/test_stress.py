"""A part of benchmarks/stress.py: rare classes under the ways of training that have broken focal losses."""

import pytest

from benchmarks.stress import MORE_SEEDS, WAYS, Case, Part, seeds_of

LINES = [(framework, way) for framework, ways in WAYS.items() for way in ways]

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("rate", [0.05, 0.5])
@pytest.mark.parametrize("framework, way", LINES)
@pytest.mark.parametrize("share", [0.1, 0.01, 0.0001])
def test_no_model_is_broken(framework, way, share, rate):
    pytest.importorskip(framework)
    case, setting = Case(framework, way, share), {"max_depth": 10, "learning_rate": rate}
    part = Part.of(case, setting, (0.0, 2.0, 10.0), seeds_of(share))
    for own in part.ours.values():
        assert own.not_finite == 0
        assert own.constant <= part.stock.constant
    if share >= 0.01 and part.missed():  # 100 positives or more in each half: what five seeds miss, 20 have to hold
        assert not Part.of(case, setting, part.missed(), MORE_SEEDS).missed()
