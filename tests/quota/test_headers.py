"""RateLimit and Retry-After, byte for byte."""

from __future__ import annotations

from quota.counters.protocol import decision, unavailable
from quota.headers import rate_limit, retry_after
from quota.plans import Limits
from tests.quota.stage import limits


def told(which: Limits) -> bytes:
    return rate_limit(decision(which, "", (which.emission_ns, 1, 3), (3600, 820_800), None))


def test_all_limits() -> None:
    assert told(limits()) == b'"rate";r=49;t=1, "day";r=499;t=3600, "month";r=4997;t=820800'


def test_only_the_limits_there_are() -> None:
    assert told(limits(per_day=None)) == b'"rate";r=49;t=1, "month";r=4997;t=820800'
    assert told(limits(requests=0)) == b'"day";r=499;t=3600, "month";r=4997;t=820800'
    assert told(limits(requests=0, per_month=None)) == b'"day";r=499;t=3600'
    assert told(limits(requests=0, per_day=None, per_month=None)) == b""


def test_nothing_left_is_never_negative() -> None:
    which = limits(refuse_at_end=False)
    answer = decision(which, "", (0, 501, 9000), (10, 10), None)
    assert (answer.day_left, answer.month_left) == (0, 0)


def test_retry_after_is_the_wait_for_the_limit_that_refused() -> None:
    which = limits()
    for limited_by, seconds in (("rate", 1), ("day", 77), ("month", 999)):
        answer = decision(which, limited_by, (which.burst_ns, 500, 500), (77, 999), None)
        assert not answer.allowed
        assert retry_after(answer) == b"%d" % seconds


def test_unavailable_says_nothing_of_limits() -> None:
    assert rate_limit(unavailable()) == b""
    assert retry_after(unavailable(3)) == b"3"
