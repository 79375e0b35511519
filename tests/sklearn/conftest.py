"""Fixtures of the tests of FocalHistGradientBoostingClassifier."""

import pytest


@pytest.fixture
def one_thread():
    """Keep OpenMP to one thread: two that wait for a processor in use elsewhere can take 100 times as long as one."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "openmp"):
        yield
