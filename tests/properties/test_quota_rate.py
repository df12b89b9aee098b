"""GCRA and the arithmetic of quotas, for any limits, any order and any clock."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from quota.counters.protocol import decision
from quota.limit import backlog, rate_wait, refusal
from quota.plans import SECOND, Limits
from tests.quota.stage import limits

rates = st.builds(
    lambda requests, seconds, burst: limits(
        requests=requests, seconds=seconds, burst=burst, per_day=None, per_month=None
    ),
    st.integers(1, 100_000),
    st.integers(1, 3600),
    st.integers(1, 500),
)
steps = st.lists(st.integers(0, 10 * SECOND), min_size=1, max_size=200)


def admitted(which: Limits, times: list[int]) -> list[int]:
    """The moments at which a call passed."""
    arrival, passed = 0, []
    for now in times:
        filled = backlog(which, arrival, now)
        if not refusal(which, 1, filled, 0, 0):
            filled += which.emission_ns
            passed.append(now)
        arrival = now + filled
    return passed


def moments(gaps: list[int]) -> list[int]:
    now, times = 10**18, []
    for gap in gaps:
        now += gap
        times.append(now)
    return times


@given(rates, steps)
def test_no_span_of_time_admits_more_than_burst_and_rate(which: Limits, gaps: list[int]) -> None:
    passed = admitted(which, moments(gaps))
    for first in range(len(passed)):
        for last in range(first, len(passed)):
            span = passed[last] - passed[first]
            assert last - first + 1 <= which.burst + span // which.emission_ns


@given(rates, st.lists(st.integers(-3600 * SECOND, 10 * SECOND), min_size=1, max_size=200))
def test_a_clock_that_is_set_back_never_admits_more_than_time_that_passed(
    which: Limits, gaps: list[int]
) -> None:
    passed = sum(max(0, gap) for gap in gaps)
    assert len(admitted(which, moments(gaps))) <= which.burst + passed // which.emission_ns


@given(rates, st.integers(0, 600))
def test_a_rested_bucket_gives_exactly_its_burst_and_counts_down_by_one(which: Limits, calls: int) -> None:
    filled, left = 0, []
    for _ in range(calls):
        if refusal(which, 1, filled, 0, 0):
            break
        filled += which.emission_ns
        left.append(decision(which, "", (filled, 0, 0), (1, 1), None).rate_left)
    assert left == list(range(which.burst - 1, -1, -1))[:calls]


@given(rates, st.data())
def test_retry_after_is_enough_and_not_a_second_too_much(which: Limits, data: st.DataObject) -> None:
    filled = which.burst_ns - data.draw(st.integers(0, which.emission_ns - 1))
    assert refusal(which, 1, filled, 0, 0)
    wait = rate_wait(which, filled) * SECOND
    assert not refusal(which, 1, max(0, filled - wait), 0, 0)
    if wait > SECOND:
        assert refusal(which, 1, filled - (wait - SECOND), 0, 0)


@given(
    st.integers(0, 1000),
    st.integers(0, 1000),
    st.lists(st.integers(0, 50), max_size=100),
)
def test_units_taken_never_pass_either_quota(per_day: int, per_month: int, wanted: list[int]) -> None:
    which = limits(requests=0, per_day=per_day, per_month=per_month)
    used = 0
    for units in wanted:
        refused = refusal(which, units, 0, used, used)
        assert bool(refused) is (used + units > min(per_day, per_month))
        used += 0 if refused else units
    assert used <= min(per_day, per_month)


@given(st.integers(1, 10**6), st.integers(1, 86_400), st.integers(1, 64), st.integers(1, 1000))
def test_shares_never_exceed_the_whole(requests: int, seconds: int, processes: int, burst: int) -> None:
    which = limits(requests=requests, seconds=seconds, burst=burst)
    share = which.share(processes)
    assert share.emission_ns >= processes * which.emission_ns
    assert share.burst * processes <= max(which.burst, processes)
    assert (share.per_day or 0) * processes <= (which.per_day or 0)
