"""Any sequence of acts: memory, Redis and a model of a few lines say the same, number for number."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quota.counters.memory import MemoryCounters
from quota.counters.protocol import Counters, Decision, Taken
from quota.counters.redis import RedisCounters
from quota.plans import Limits
from quota.window import windows
from tests.quota.stage import Time, ask, limits, summed


class Act(NamedTuple):
    """One thing that happens: `take`, `end`, `fail` or `wait`, with one number and one subscription."""

    what: str
    number: int
    subscription: int


PLANS = (
    limits("sub_0", burst=3, per_day=20, per_month=30),
    limits("sub_1", requests=0, per_day=7, per_month=None),
    limits("sub_2", requests=1, seconds=7, burst=2, per_day=9, per_month=9, refuse_at_end=False),
)

acts = st.lists(
    st.builds(
        Act,
        st.sampled_from(["take"] * 6 + ["end", "fail", "fail", "wait", "wait"]),
        st.integers(0, 6),
        st.integers(0, 2),
    ),
    max_size=60,
)
WAITS = (0.000_001, 0.039_999, 0.04, 1, 7, 3600 * 5, 86_400 * 4)


@dataclass
class Model:
    """What a store must say, computed the plain way: a list of every call that holds units."""

    time: Time
    held: list[tuple[str, int, int, int]] = field(default_factory=list)  # subscription, day, month, units
    full_until: dict[str, int] = field(default_factory=dict)
    ended: dict[str, int] = field(default_factory=lambda: {"served": 0, "units": 0, "failed": 0})

    def take(self, which: Limits, units: int) -> tuple[str, int, int]:
        """Refused by, units used of the day and of the month afterwards."""
        now = windows(self.time.wall_ns // 10**9)
        day = sum(call[3] for call in self.held if call[:2] == (which.subscription_id, now.day_id))
        month = sum(call[3] for call in self.held if call[::2] == (which.subscription_id, now.month_id))
        filled = max(0, self.full_until.get(which.subscription_id, 0) - self.time.wall_ns)
        if which.refuse_at_end and which.per_month is not None and month + units > which.per_month:
            return "month", day, month
        if which.refuse_at_end and which.per_day is not None and day + units > which.per_day:
            return "day", day, month
        if filled + which.emission_ns > which.burst * which.emission_ns:
            return "rate", day, month
        self.full_until[which.subscription_id] = self.time.wall_ns + filled + which.emission_ns
        self.held.append((which.subscription_id, now.day_id, now.month_id, units))
        return "", day + units, month + units


async def play(counters: Counters, script: list[Act], time: Time) -> list[Decision]:
    """Act it out and check each answer against the model."""
    model, answers = Model(time), []
    under_way: list[tuple[Taken, tuple[str, int, int, int]]] = []
    for what, number, subscription in script:
        which = PLANS[subscription]
        if what == "take":
            answer = await ask(counters, which, number)
            limited_by, day, month = model.take(which, number)
            assert answer.limited_by == limited_by
            assert answer.day_left == (-1 if which.per_day is None else max(0, which.per_day - day))
            assert answer.month_left == (-1 if which.per_month is None else max(0, which.per_month - month))
            if answer.taken is not None:
                under_way.append((answer.taken, model.held[-1]))
            answers.append(answer._replace(taken=None))
        elif what == "wait":
            time.forward(WAITS[number])
        elif what in ("end", "fail") and under_way:
            taken, held = under_way.pop(number % len(under_way))
            counters.sent(taken)
            if what == "end":
                counters.keep(taken)
                model.ended["served"] += 1
                model.ended["units"] += held[3]
            else:
                counters.give_back(taken)
                model.held.remove(held)
                model.ended["failed"] += 1
    usage = summed(counters.totals())
    assert (usage.served, usage.units, usage.failed) == tuple(model.ended.values())
    return answers


async def over_memory(script: list[Act]) -> list[Decision]:
    time = Time()
    with tempfile.TemporaryDirectory() as folder:
        counters = MemoryCounters(Path(folder), clock=time.clock(), capacity=1 << 10)
        await counters.start()
        try:
            return await play(counters, script, time)
        finally:
            await counters.close()


async def over_redis(url: str, script: list[Act]) -> list[Decision]:
    time = Time()
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    with tempfile.TemporaryDirectory() as folder:
        counters = RedisCounters(url, Path(folder), clock=time.clock(), time_us=time.us, timeout=10)
        await counters.start()
        try:
            return await play(counters, script, time)
        finally:
            await counters.close()


@given(acts)
@settings(max_examples=150, deadline=None)
def test_memory_says_what_the_model_says(script: list[Act]) -> None:
    asyncio.run(over_memory(script))


@pytest.mark.redis
@given(script=acts)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_memory_and_redis_decide_alike(redis_url: str, script: list[Act]) -> None:
    assert asyncio.run(over_redis(redis_url, script)) == asyncio.run(over_memory(script))
