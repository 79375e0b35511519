"""A part of benchmarks/stress.py: rare classes under the ways of training that have broken focal losses."""

import pytest
from stress import WAYS, Case, outcome

LINES = [(framework, way) for framework, ways in WAYS.items() for way in ways]
SETTINGS = [{"max_depth": 10, "learning_rate": 0.5}]
TOLERANCE = 0.02

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("gamma", [0.0, 2.0, 10.0])
@pytest.mark.parametrize("framework, way", LINES)
@pytest.mark.parametrize("share", [0.1, 0.0001])
def test_no_model_is_broken(framework, way, share, gamma):
    pytest.importorskip(framework)
    case, seeds = Case(framework, way, share), 5 if share == 0.1 else 1
    own, stock = outcome(case, gamma, SETTINGS, seeds), outcome(case, None, SETTINGS, seeds)
    assert own.not_finite == 0
    assert own.constant <= stock.constant
    if share == 0.1:  # 300 positives in each half
        clamped = outcome(case, None, [given | {"max_delta_step": 2} for given in SETTINGS], seeds)
        assert own.auc >= max(stock.auc, clamped.auc) - TOLERANCE
