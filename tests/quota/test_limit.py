"""Which limit refuses, by numbers at their edges."""

from __future__ import annotations

import pytest

from quota.limit import backlog, rate_wait, refusal
from quota.plans import SECOND
from tests.quota.stage import limits

FULL = limits().burst_ns
STEP = limits().emission_ns


@pytest.mark.parametrize(
    ("backlog_ns", "day", "month", "units", "refused_by"),
    [
        (0, 0, 0, 1, ""),
        (FULL - STEP, 0, 0, 1, ""),
        (FULL - STEP + 1, 0, 0, 1, "rate"),
        (0, 499, 0, 1, ""),
        (0, 500, 0, 1, "day"),
        (0, 498, 0, 3, "day"),
        (0, 0, 4999, 1, ""),
        (0, 0, 5000, 1, "month"),
        (FULL, 500, 0, 1, "day"),
        (FULL, 500, 5000, 1, "month"),
        (0, 500, 5000, 0, ""),
    ],
)
def test_the_longest_wait_is_named(
    backlog_ns: int, day: int, month: int, units: int, refused_by: str
) -> None:
    assert refusal(limits(), units, backlog_ns, day, month) == refused_by


def test_a_plan_that_bills_goes_on_at_the_end_but_keeps_its_rate() -> None:
    which = limits(refuse_at_end=False)
    assert refusal(which, 1, 0, 10_000, 10_000) == ""
    assert refusal(which, 1, FULL, 0, 0) == "rate"


def test_no_limits_refuse_nothing() -> None:
    assert refusal(limits(requests=0, per_day=None, per_month=None), 10**6, 0, 10**9, 10**9) == ""


def test_a_backlog_is_never_negative_nor_more_than_full() -> None:
    assert backlog(limits(), 5, 10) == 0
    assert backlog(limits(), 10, 5) == 5
    assert backlog(limits(), 2 * FULL, 0) == FULL


def test_the_wait_for_the_rate_is_whole_seconds_and_at_least_one() -> None:
    assert rate_wait(limits(), FULL) == 1
    slow = limits(requests=1, seconds=60, burst=1)
    assert rate_wait(slow, 60 * SECOND) == 60
    assert rate_wait(slow, 60 * SECOND - 1) == 60
    assert rate_wait(slow, 59 * SECOND) == 59
