"""A stepped wall clock is followed slowly; passing time is not slowed."""

from __future__ import annotations

from quota.clock import SteadyClock
from quota.plans import SECOND
from tests.quota.stage import NOON, Time


def test_passing_time_is_exact() -> None:
    time = Time()
    clock = time.clock()
    time.forward(12.5)
    assert clock.now_s() == NOON + 12
    assert clock.follow() == 0


def test_a_step_is_taken_in_at_five_percent() -> None:
    for step in (3600, -3600):
        time = Time()
        clock = time.clock()
        time.wall_ns += step * SECOND
        assert clock.now_s() == NOON
        time.forward(100)
        clock.follow()
        assert clock.now_s() == NOON + 100 + (5 if step > 0 else -5)
        time.forward(100_000)
        assert clock.follow() == 0
        assert clock.now_s() == time.wall_ns // SECOND


def test_time_never_runs_backwards_while_a_step_back_is_followed() -> None:
    time = Time()
    clock = time.clock()
    time.wall_ns -= 86_400 * SECOND
    before = clock.now_s()
    for _ in range(100):
        time.forward(1)
        clock.follow()
        assert clock.now_s() >= before
        before = clock.now_s()


def test_the_real_clocks_agree_at_the_start() -> None:
    assert abs(SteadyClock().follow()) < SECOND
