"""The fuse on the request rate."""

import pytest

from scoring_operator.kube.limits import RateLimit


def test_a_burst_goes_at_once_and_then_the_rate_holds() -> None:
    now = 50.0
    limit = RateLimit(per_second=10, burst=3, clock=lambda: now)
    assert [limit.reserve() for _ in range(3)] == pytest.approx([0, 0, 0])
    assert [limit.reserve() for _ in range(2)] == pytest.approx([0.1, 0.2])


def test_after_a_pause_there_is_one_burst_and_no_more() -> None:
    now = 50.0
    limit = RateLimit(per_second=10, burst=2, clock=lambda: now)
    for _ in range(4):
        limit.reserve()
    now += 1000
    assert [limit.reserve() for _ in range(3)] == pytest.approx([0, 0, 0.1])
