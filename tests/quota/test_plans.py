"""Limits from a plan's words, and the policy as it is told to clients."""

from __future__ import annotations

import pytest

from tests.quota.stage import limits


def test_the_policy_of_prova() -> None:
    assert limits().policy == b'"rate";q=50;w=2, "day";q=500;w=86400, "month";q=5000;w=2592000'


def test_a_policy_names_only_the_limits_there_are() -> None:
    assert limits(per_day=None, per_month=None).policy == b'"rate";q=50;w=2'
    assert limits(requests=0, per_month=None).policy == b'"day";q=500;w=86400'
    assert limits(requests=0, per_day=None, per_month=None).policy == b""


def test_the_window_of_a_rate_is_rounded_up() -> None:
    assert limits(requests=25, burst=51, per_day=None, per_month=None).policy == b'"rate";q=51;w=3'


@pytest.mark.parametrize(
    ("requests", "seconds", "emission_us"), [(25, 1, 40_000), (3, 1, 333_334), (1, 60, 60_000_000)]
)
def test_emission_is_whole_microseconds_and_never_faster_than_promised(
    requests: int, seconds: int, emission_us: int
) -> None:
    which = limits(requests=requests, seconds=seconds)
    assert which.emission_ns == emission_us * 1000
    assert which.emission_ns * requests >= seconds * 1_000_000_000


def test_no_rate_and_a_rate_without_burst() -> None:
    assert (limits(requests=0).emission_ns, limits(requests=0).burst, limits(requests=0).burst_ns) == (
        0,
        0,
        0,
    )
    assert limits(burst=0).burst == 1


@pytest.mark.parametrize(
    ("requests", "seconds", "burst", "per_day", "per_month"),
    [(-1, 1, 1, 1, 1), (1, 0, 1, 1, 1), (1, 1, -1, 1, 1), (1, 1, 1, -1, 1), (1, 1, 1, 1, -5)],
)
def test_limits_that_make_no_sense_are_refused(
    requests: int, seconds: int, burst: int, per_day: int, per_month: int
) -> None:
    with pytest.raises(ValueError, match="limits"):
        limits(requests=requests, seconds=seconds, burst=burst, per_day=per_day, per_month=per_month)


def test_a_share_never_adds_up_to_more_than_the_limit() -> None:
    share = limits(burst=50).share(3)
    assert share.emission_ns == 3 * limits().emission_ns
    assert share.burst == 16
    assert (share.per_day, share.per_month) == (166, 1666)
    assert limits(per_day=None).share(3).per_day is None
    assert limits(requests=0).share(3).emission_ns == 0
