"""Who takes the next call: by weight, by load, by health. No sockets; time and load are given."""

from __future__ import annotations

import heapq
import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.catalog.model import Balancing
from gateway.edge.clock import Clock
from gateway.edge.errors import UpstreamTimeout
from gateway.proxy.budget import Budget, RetryLimits
from gateway.proxy.outlier import OutlierLimits, left_out_for, most_left_out, outliers
from gateway.proxy.pool import Upstream
from tests.proxy.groups import told

OUTLIER = OutlierLimits()
GONE = UpstreamTimeout("in a test")


@given(weights=st.lists(st.integers(1, 1000), min_size=2, max_size=6), calls=st.integers(1, 3000))
@settings(max_examples=40, deadline=None)
def test_weights_hold_exactly_however_few_the_calls(weights: list[int], calls: int) -> None:
    """At any moment nobody is more than two calls from its share."""
    pools, group = told(weights, Clock())
    seen = Counter(group.pick().url for _ in range(calls))
    for pool, weight in zip(pools, weights, strict=True):
        assert abs(seen[pool.url] - calls * weight / sum(weights)) <= 2


@pytest.mark.parametrize("weights", [[1, 1], [9, 1], [99, 1], [3, 2, 1]])
@pytest.mark.parametrize("together", [1, 2, 7, 64, 300])
def test_weights_hold_under_load_that_is_alike(weights: list[int], together: int) -> None:
    """A canary gets its tenth whether one call is under way or three hundred."""
    chance = random.Random(1)
    pools, group = told(weights, Clock())
    ends: list[tuple[float, int, Upstream]] = []
    seen: Counter[str] = Counter()
    now = 0.0
    for number in range(20_000):
        if len(ends) >= together:
            now, _, done = heapq.heappop(ends)
            next(pool for pool in pools if pool is done).busy -= 1
        chosen = group.pick()
        next(pool for pool in pools if pool is chosen).busy += 1
        seen[chosen.url] += 1
        heapq.heappush(ends, (now + chance.uniform(0.5, 1.5), number, chosen))
    for pool, weight in zip(pools, weights, strict=True):
        share = 20_000 * weight / sum(weights)
        assert share * 0.95 - 10 <= seen[pool.url] <= share * 1.05 + 10


def test_a_slow_one_gets_no_more_than_it_can_hold() -> None:
    """Ten times slower: about a tenth of the calls, and never more than its share of those under way."""
    pools, group = told([1, 1], Clock())
    ends: list[tuple[float, int, Upstream]] = []
    seen: Counter[str] = Counter()
    now = 0.0
    for number in range(10_000):
        if len(ends) >= 40:
            now, _, done = heapq.heappop(ends)
            next(pool for pool in pools if pool is done).busy -= 1
        chosen = group.pick()
        next(pool for pool in pools if pool is chosen).busy += 1
        seen[chosen.url] += 1
        assert pools[0].busy <= 21
        heapq.heappush(ends, (now + (10.0 if chosen is pools[0] else 1.0), number, chosen))
    assert 0.07 < seen[pools[0].url] / 10_000 < 0.13


def test_a_new_one_comes_to_its_share_little_by_little() -> None:
    clock = Clock()
    clock.advance(100.0, 100.0)
    pools, group = told([1, 1], clock, Balancing(slow_start=10.0))
    pools[0].since, pools[1].since = 0.0, 100.0

    def share() -> float:
        return Counter(group.pick().url for _ in range(1100))[pools[1].url] / 1100

    assert share() == pytest.approx(0.1 / 1.1, abs=0.01)
    clock.advance(105.0, 105.0)
    assert share() == pytest.approx(0.5 / 1.5, abs=0.01)
    clock.advance(110.0, 110.0)
    assert share() == pytest.approx(0.5, abs=0.01)


def test_one_that_came_back_begins_slowly_too() -> None:
    clock = Clock()
    clock.advance(100.0, 100.0)
    pools, _ = told([1, 1], clock, Balancing(slow_start=10.0))
    pool = pools[0]
    for _ in range(pool.limits.failures):
        pool.failed(GONE)
    clock.advance(200.0, 200.0)
    assert pool.warmth(200.0, 10.0) == 1.0
    assert pool.circuit.allows(200.0)
    pool.succeeded()
    assert pool.warmth(200.0, 10.0) == 0.1


def test_who_rests_or_is_ill_is_passed_over() -> None:
    clock = Clock()
    pools, group = told([1, 1, 1], clock)
    for _ in range(pools[0].limits.failures):
        pools[0].failed(GONE)
    pools[1].healthy = False
    assert {group.pick() for _ in range(20)} == {pools[2]}


def test_when_everybody_is_ill_everybody_is_asked() -> None:
    """Panic: a check that is wrong must not close the API. A circuit is believed all the same."""
    clock = Clock()
    pools, group = told([1, 1, 1], clock)
    for pool in pools:
        pool.healthy = False
    assert {group.pick() for _ in range(20)} == set(pools)
    for _ in range(pools[0].limits.failures):
        pools[0].failed(GONE)
    assert {group.pick() for _ in range(20)} == set(pools[1:])


def test_when_every_circuit_rests_the_refusal_is_the_circuits() -> None:
    clock = Clock()
    pools, group = told([1, 1], clock)
    for pool in pools:
        for _ in range(pool.limits.failures):
            pool.failed(GONE)
    assert group.pick() in pools
    assert group.another((pools[0],)) is None


def test_another_is_never_one_that_was_tried() -> None:
    clock = Clock()
    pools, group = told([1, 1, 1], clock, Balancing(attempts=3))
    for _ in range(5):
        other = group.another((pools[0],))
        assert other in pools[1:]
        assert other is not None
        assert group.another((pools[0], other)) not in (pools[0], other, None)
    assert group.another(tuple(pools)) is None


def test_attempts_are_bounded() -> None:
    clock = Clock()
    pools, group = told([1, 1, 1], clock, Balancing(attempts=2))
    assert group.another((pools[0], pools[1])) is None


# --- outliers


@pytest.mark.parametrize(
    ("seen", "found"),
    [
        ([(100, 0), (100, 60)], [1]),
        ([(100, 0), (100, 49)], []),  # below the share
        ([(9, 9), (100, 0)], []),  # too few calls to say
        ([(100, 100), (100, 100)], []),  # all alike: the service is broken, not the one
        ([(100, 90), (100, 60)], []),  # less than twice as bad as the rest
        ([(100, 90), (100, 60), (400, 0)], [0, 1]),
        ([(100, 50), (0, 0)], [0]),  # nobody to compare with
        ([], []),
    ],
)
def test_who_stands_out(seen: list[tuple[int, int]], found: list[int]) -> None:
    assert outliers(seen, OUTLIER) == found


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000)), max_size=8))
def test_standing_out_takes_calls_and_faults(raw: list[tuple[int, int]]) -> None:
    seen = [(calls, min(calls, bad)) for calls, bad in raw]
    for position in outliers(seen, OUTLIER):
        calls, bad = seen[position]
        assert calls >= OUTLIER.calls
        assert bad >= calls * OUTLIER.share


@pytest.mark.parametrize(("members", "most"), [(1, 0), (2, 1), (3, 1), (4, 2), (10, 5)])
def test_some_always_stay(members: int, most: int) -> None:
    assert most_left_out(members, OUTLIER) == most
    assert most_left_out(members, replace(OUTLIER, part=1.0)) == members - 1


def test_each_time_in_a_row_is_longer_up_to_a_limit() -> None:
    assert [left_out_for(times, OUTLIER) for times in (1, 2, 3, 10, 99)] == [30, 60, 90, 300, 300]


def test_one_that_flaps_is_left_out_and_comes_back() -> None:
    """Every second call fails: never five in a row, so the circuit says nothing; the review does."""
    clock = Clock()
    clock.advance(0.0, 0.0)
    pools, group = told([1, 1], clock)
    flapping, sound = pools

    def period(now: float) -> None:
        for pool in pools:
            pool.reused_total += 20
        for _ in range(10):
            flapping.failed(GONE)
            flapping.succeeded()
        clock.advance(now, now)
        group.sweep(now)

    period(5.0)
    assert flapping in group.left_out()
    assert {group.pick() for _ in range(10)} == {sound}
    clock.advance(36.0, 36.0)
    assert flapping not in group.left_out()
    assert {group.pick() for _ in range(10)} == {sound, flapping}
    period(40.0)
    clock.advance(99.0, 99.0)
    assert flapping in group.left_out(), "the second time is twice as long"


# --- budget


def test_the_budget_is_a_share_of_the_calls() -> None:
    budget = Budget(RetryLimits(share=0.2, per_second=0.0, most=50.0), now=0.0, calls=0)
    while budget.spend(0.0, 0):
        pass
    repeated = sum(budget.spend(0.0, calls) for calls in range(1, 10_001))
    assert 1990 <= repeated <= 2000


def test_a_quiet_api_may_repeat_a_little_and_saving_has_a_limit() -> None:
    budget = Budget(RetryLimits(share=0.2, per_second=1.0, most=50.0), now=0.0, calls=0)
    while budget.spend(0.0, 0):
        pass
    assert not budget.spend(0.9, 0)
    assert budget.spend(1.9, 0)
    assert sum(budget.spend(10_000.0, 10**6) for _ in range(100)) == 50


def test_one_that_was_passed_over_for_long_is_not_flooded_when_it_recovers() -> None:
    pools, group = told([1, 1], Clock())
    pools[0].busy = 10
    assert {group.pick() for _ in range(1000)} == {pools[1]}
    pools[0].busy = 0
    assert Counter(group.pick().url for _ in range(20))[pools[0].url] <= 13
