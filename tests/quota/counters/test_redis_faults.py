"""Redis that hangs, is cut off, loses answers, is emptied, set back or gone (L9, L10, F1, F2)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from time import perf_counter

import pytest
import redis

from quota.counters.breaker import Circuit
from quota.counters.protocol import Total, Used
from quota.counters.redis import RedisCounters
from quota.errors import LedgerUnreachable
from tests.parts.redis_server import RedisServer
from tests.quota.counters.wire import Wire
from tests.quota.stage import Sum, Time, ask, ask_many, key, limits, summed, token

pytestmark = pytest.mark.redis

CLOSED = limits(requests=0, per_day=100, per_month=1000)
OPEN = limits("sub_o", requests=0, per_day=100, per_month=1000, open_when_away=True)


@pytest.fixture
async def wire(redis_url: str) -> AsyncIterator[Wire]:
    made = Wire(redis_url)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def counters(wire: Wire, tmp_path: Path) -> AsyncIterator[RedisCounters]:
    made = RedisCounters(wire.url, tmp_path / "counters", processes=4)
    await made.start()
    yield made
    await made.close()


async def until_closed(counters: RedisCounters, seconds: float = 5) -> None:
    """Wait for the circuit; asked often, since it tells nobody."""
    async with asyncio.timeout(seconds):
        while counters.circuit is not Circuit.CLOSED:
            await asyncio.sleep(0.01)


async def left(counters: RedisCounters) -> int:
    """Units left of the day, once Redis is asked again."""
    await until_closed(counters)
    answer = await ask(counters, CLOSED, units=0, operation="other")
    assert answer.allowed, (answer, counters.fault)
    return answer.day_left


async def test_a_lost_answer_counts_nothing(wire: Wire, counters: RedisCounters) -> None:
    assert await left(counters) == 100
    wire.lose_answers(1)
    refused = await ask_many(counters, CLOSED, 10)
    assert wire.answers_lost == 1
    assert {answer.limited_by for answer in refused} == {"unavailable"}
    assert await left(counters) == 100  # Redis had taken 10: they went back before anything else was asked
    assert summed(counters.totals()).units == 0


async def test_a_request_that_never_arrived_counts_nothing(wire: Wire, counters: RedisCounters) -> None:
    counters.keep(token(await ask(counters, CLOSED, units=3)))
    wire.hang()
    assert (await ask(counters, CLOSED, units=5)).limited_by == "unavailable"
    wire.cut()
    wire.resume()
    await until_closed(counters)
    assert await left(counters) == 97


async def test_what_arrives_late_never_runs(wire: Wire, counters: RedisCounters, redis_url: str) -> None:
    """The network holds a batch back, and it reaches Redis after it was given up and asked about."""
    assert await left(counters) == 100
    wire.hang_present()
    assert (await ask(counters, CLOSED, units=5)).limited_by == "unavailable"
    assert await left(counters) == 100
    with redis.Redis.from_url(redis_url) as client:
        before = scripts_run(client)
        wire.resume()
        async with asyncio.timeout(5):
            while scripts_run(client) == before:
                await asyncio.sleep(0.01)
    assert await left(counters) == 100


def scripts_run(client: redis.Redis) -> int:
    found = client.info("commandstats")
    assert isinstance(found, dict)
    return int(found["cmdstat_evalsha"]["calls"])


async def test_a_hanging_redis_runs_a_batch_late(own_redis: RedisServer, tmp_path: Path) -> None:
    """Redis itself hangs with the batch in its socket, and reads it after it was given up."""
    counters = RedisCounters(own_redis.url, tmp_path / "counters")
    await counters.start()
    assert await left(counters) == 100
    own_redis.hang()
    assert (await ask(counters, CLOSED, units=5)).limited_by == "unavailable"
    own_redis.resume()
    await until_closed(counters)
    assert await left(counters) == 100
    await counters.close()


async def test_a_connection_that_broke_costs_no_call_its_answer(wire: Wire, counters: RedisCounters) -> None:
    """As after an idle time that something between the two does not allow."""
    await left(counters)
    wire.cut()
    answers = await ask_many(counters, CLOSED, 10)
    assert sorted(answer.day_left for answer in answers) == list(range(90, 100))


async def test_an_answer_that_broke_off_is_asked_for_and_used(wire: Wire, counters: RedisCounters) -> None:
    await left(counters)
    wire.cut_at_answer()
    answers = await ask_many(counters, CLOSED, 10)
    assert sorted(answer.day_left for answer in answers) == list(range(90, 100))
    assert wire.answers_lost == 1
    assert await left(counters) == 90


async def test_units_given_back_by_a_lost_batch_arrive_once(wire: Wire, counters: RedisCounters) -> None:
    taken = token(await ask(counters, CLOSED, units=40))
    assert await left(counters) == 60
    wire.lose_answers(1)
    counters.give_back(taken)
    await ask(counters, CLOSED)
    await until_closed(counters)
    assert await left(counters) == 100


async def test_a_hang_costs_at_most_100_ms_and_then_nothing(wire: Wire, counters: RedisCounters) -> None:
    await left(counters)
    wire.hang()
    started = perf_counter()
    answers = await asyncio.gather(*(timed(counters, delay=number / 1000) for number in range(60)))
    assert max(answers) < 0.15  # 100 ms and what a busy machine adds
    while counters.circuit is Circuit.CLOSED:
        await ask(counters, CLOSED)
    assert perf_counter() - started < 1
    assert max([await timed(counters) for _ in range(20)]) < 0.02
    wire.resume()
    wire.cut()
    await until_closed(counters)
    assert (await ask(counters, CLOSED)).allowed


async def timed(counters: RedisCounters, delay: float = 0) -> float:
    await asyncio.sleep(delay)
    started = perf_counter()
    await ask(counters, CLOSED)
    return perf_counter() - started


async def test_away_an_open_plan_goes_on_with_its_share_and_a_closed_one_waits(
    wire: Wire, counters: RedisCounters
) -> None:
    wire.refuse()
    while counters.circuit is Circuit.CLOSED:
        await ask(counters, CLOSED)
    closed = await ask(counters, CLOSED)
    assert (closed.allowed, closed.limited_by, closed.taken) == (False, "unavailable", None)
    assert closed.retry_after > 0
    answers = await ask_many(counters, OPEN, 40)
    assert sum(answer.allowed for answer in answers) == 25  # 100 a day over 4 processes
    for answer in answers:
        if answer.taken is not None:
            counters.keep(answer.taken)
    usage = summed(counters.totals())
    assert (usage.served, usage.units, usage.refused_quota) == (25, 25, 15)


async def test_what_was_taken_while_redis_was_away_is_told_to_it(wire: Wire, counters: RedisCounters) -> None:
    await ask(counters, OPEN, units=10)
    wire.hang()
    while counters.circuit is Circuit.CLOSED:
        await ask(counters, CLOSED)
    local = [token(await ask(counters, OPEN, units=5)) for _ in range(2)]
    wire.resume()
    wire.cut()
    await until_closed(counters)
    counters.totals()
    assert (await ask(counters, OPEN)).day_left == 79
    counters.give_back(local[0])
    counters.totals()
    assert (await ask(counters, OPEN)).day_left == 83


async def test_starting_without_redis(wire: Wire, redis_url: str, tmp_path: Path) -> None:
    wire.refuse()
    counters = RedisCounters(wire.url, tmp_path / "counters")
    await counters.start()
    assert (await ask(counters, CLOSED)).limited_by == "unavailable"
    assert (await ask(counters, OPEN)).allowed
    assert counters.fault
    await counters.close()


class Ledger:
    """A ledger in memory: keeps the largest totals, as the real one does."""

    def __init__(self) -> None:
        self.before = Used(0, 0)
        self.rows: dict[tuple[str, int, str, str], int] = {}
        self.away = False
        self.asked = 0

    async def rebuild(self, now_s: int, totals: Sequence[Total]) -> Mapping[str, Used]:
        self.asked += 1
        if self.away:
            raise LedgerUnreachable("away")
        for total in totals:
            name = (total.source, total.hour, total.key.operation, total.outcome)
            self.rows[name] = max(self.rows.get(name, 0), total.units)
        units = sum(self.rows.values())
        return {CLOSED.subscription_id: Used(self.before.day + units, self.before.month + units)}


async def test_a_redis_that_was_emptied_is_rebuilt_before_it_is_used(redis_url: str, tmp_path: Path) -> None:
    ledger = Ledger()
    counters = RedisCounters(redis_url, tmp_path / "counters", rebuild=ledger.rebuild)
    await counters.start()
    counters.keep(token(await ask(counters, CLOSED, units=30)))
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
    ledger.away = True
    assert (await ask(counters, CLOSED, units=90)).limited_by == "unavailable"
    assert (await ask(counters, CLOSED, units=90)).limited_by == "unavailable"
    ledger.away = False
    await until_closed(counters)
    answer = await ask(counters, CLOSED)
    assert (answer.day_left, answer.month_left) == (69, 969)
    counters.keep(token(answer))
    assert summed(counters.totals()) == Sum(2, 31, 0, 0, 0, 0)
    await counters.close()


async def test_killed_and_started_again_empty(own_redis: RedisServer, tmp_path: Path) -> None:
    ledger = Ledger()
    ledger.before = Used(20, 50)
    counters = RedisCounters(own_redis.url, tmp_path / "counters", rebuild=ledger.rebuild)
    await counters.start()
    assert (await ask(counters, CLOSED, units=10)).month_left == 940
    own_redis.kill()
    while counters.circuit is Circuit.CLOSED:
        await ask(counters, CLOSED)
    own_redis.start()
    await until_closed(counters)
    # The call under way is not in the ledger yet; all that has ended is.
    assert (await ask(counters, CLOSED)).month_left in {939, 949}
    await counters.close()


async def test_a_redis_that_was_set_back_is_raised_to_the_ledger(redis_url: str, tmp_path: Path) -> None:
    ledger = Ledger()
    counters = RedisCounters(redis_url, tmp_path / "counters", rebuild=ledger.rebuild)
    await counters.start()
    counters.keep(token(await ask(counters, CLOSED, units=10)))
    with redis.Redis.from_url(redis_url) as client:
        saved = {name: client.dump(name) for name in client.scan_iter("*")}
        counters.keep(token(await ask(counters, CLOSED, units=60)))
        for name, value in saved.items():
            assert isinstance(value, bytes)
            client.restore(name, 0, value, replace=True)
    assert (await ask(counters, CLOSED, units=60)).limited_by == "unavailable"
    await until_closed(counters)
    assert await left(counters) == 30
    await counters.close()


async def test_a_ledger_that_is_away_holds_a_first_start_back(redis_url: str, tmp_path: Path) -> None:
    ledger = Ledger()
    ledger.away = True
    counters = RedisCounters(redis_url, tmp_path / "counters", rebuild=ledger.rebuild)
    await counters.start()
    assert (await ask(counters, CLOSED)).limited_by == "unavailable"
    ledger.away = False
    await until_closed(counters)
    assert (await ask(counters, CLOSED)).allowed
    await counters.close()


async def test_scripts_that_redis_forgot_are_sent_again(redis_url: str, tmp_path: Path) -> None:
    counters = RedisCounters(redis_url, tmp_path / "counters")
    await counters.start()
    assert await left(counters) == 100
    with redis.Redis.from_url(redis_url) as client:
        client.script_flush()
    assert (await ask(counters, CLOSED)).day_left == 99
    await counters.close()


async def test_a_clock_more_than_a_day_off_is_refused_and_said(redis_url: str, tmp_path: Path) -> None:
    counters = RedisCounters(redis_url, tmp_path / "counters", clock=Time(1_000_000_000).clock())
    await counters.start()
    assert (await ask(counters, CLOSED)).limited_by == "unavailable"
    assert "clock" in counters.fault
    await counters.close()


async def test_one_bad_callback_does_not_cost_the_others_their_answers(counters: RedisCounters) -> None:
    seen: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: seen.append(str(context["exception"])))

    def bad(_: object) -> None:
        raise RuntimeError("bad")

    counters.take(CLOSED, key(), 1, bad)
    assert (await ask(counters, CLOSED)).allowed
    assert seen == ["bad"]


async def test_old_windows_leave_redis(redis_url: str, tmp_path: Path) -> None:
    time = Time()
    counters = RedisCounters(redis_url, tmp_path / "c", clock=time.clock(), time_us=time.us, timeout=5)
    await counters.start()
    for _ in range(70):
        await ask(counters, CLOSED)
        time.forward(86_400)
    await ask(counters, CLOSED)
    with redis.Redis.from_url(redis_url) as client:
        names = list(client.scan_iter("sluss:quota:*"))
        assert len(names) == 1
        assert client.hlen(names[0]) <= 1 + 2 + 2
        assert client.ttl(names[0]) > 0
    await counters.close()
