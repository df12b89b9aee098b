"""What was counted while Redis was away is told exactly once, wherever the process dies (L9, L11, F1).

From the return of Redis on, every exchange with it and every write to the ledger is a place to die: just before
it, or just after it was carried out. The next process on the same files comes to the same numbers.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import pytest
import redis

from quota.counters.breaker import Circuit
from quota.counters.link import Link
from quota.counters.protocol import Total, Used
from quota.counters.redis import RedisCounters
from tests.quota.counters.wire import Wire
from tests.quota.stage import ask, ask_many, limits, summed, token

pytestmark = pytest.mark.redis

OPEN = limits("sub_o", requests=0, per_day=10_000, per_month=100_000, open_when_away=True)
MOST_STEPS = 60


class Killed(BaseException):
    """Stands for SIGKILL."""


class Life:
    """Counts the process's acts towards the outside while `counting`, and ends it at one of them."""

    def __init__(self, acts: int) -> None:
        self.left = acts
        self.counting = False
        self.over = False

    async def act(self, work: Callable[[], Awaitable[object]]) -> object:
        """Two places: before it is done, and after, when its answer is lost."""
        self._step()
        found = await work()
        self._step()
        return found

    def _step(self) -> None:
        self.left -= self.counting
        if self.over or self.left < 0:
            self.over = True
            raise Killed


class Ledger:
    """A ledger in memory: keeps the largest totals, as the real one does."""

    def __init__(self) -> None:
        self.rows: dict[tuple[object, ...], int] = {}

    def write(self, totals: Sequence[Total]) -> None:
        for total in totals:
            name = (total.source, total.hour, total.key, total.outcome)
            self.rows[name] = max(self.rows.get(name, 0), total.units)

    @property
    def units(self) -> int:
        return sum(self.rows.values())

    async def rebuild(self, now_s: int, totals: Sequence[Total]) -> Mapping[str, Used]:
        self.write(totals)
        return {OPEN.subscription_id: Used(self.units, self.units)}


class Mortal:
    """One process with its counters; dies with `life`."""

    def __init__(self, url: str, folder: Path, ledger: Ledger, life: Life) -> None:
        self.ledger = ledger
        self.life = life

        async def rebuild(now_s: int, totals: Sequence[Total]) -> Mapping[str, Used]:
            found = await life.act(lambda: ledger.rebuild(now_s, totals))
            assert isinstance(found, dict)
            return found

        self.counters = RedisCounters(url, folder, processes=1, rebuild=rebuild, timeout=5)
        self._link = self.counters._exchange._link
        script, command = self._link.script, self._link.command
        self._link.script = lambda *words: life.act(lambda: script(*words))  # type: ignore[method-assign,assignment]
        self._link.command = lambda *words: life.act(lambda: command(*words))  # type: ignore[method-assign]

    async def flush(self) -> None:
        totals = list(self.counters.totals())

        async def write() -> None:
            self.ledger.write(totals)

        await self.life.act(write)
        self.counters.written(totals)

    async def until(self, circuit: Circuit) -> None:
        async with asyncio.timeout(10):
            while self.counters.circuit is not circuit:
                if self.life.over:
                    raise Killed
                await asyncio.sleep(0.005)

    async def told(self) -> None:
        """All changes have gone out, and Redis has answered."""
        exchange = self.counters._exchange
        async with asyncio.timeout(10):
            while exchange._changes or exchange._unknown is not None:
                if self.life.over:
                    raise Killed
                await asyncio.sleep(0.002)

    async def die(self) -> None:
        """As after kill -9: tasks and locks are gone, nothing is closed in order."""
        exchange = self.counters._exchange
        if exchange._task is not None:
            exchange._task.cancel()
            await asyncio.wait([exchange._task])
            if not exchange._task.cancelled():
                exchange._task.exception()
        await Link.close(self._link)
        for cells in (self.counters._cells, self.counters._estimate._cells):
            if cells._lock_fd >= 0:
                os.close(cells._lock_fd)
                cells._lock_fd = -1


async def life_of_one(process: Mortal, wire: Wire, away: Callable[[], Awaitable[None]]) -> None:
    """Calls before and while Redis is away; some end before it is back, some after. Mortal from its return on."""
    counters = process.counters
    await counters.start()
    for answer in await asked(process, 3):
        counters.keep(token(answer))  # type: ignore[arg-type]
    await process.flush()
    wire.refuse()
    while counters.circuit is Circuit.CLOSED:
        for answer in await asked(process, 1):
            counters.keep(token(answer))  # type: ignore[arg-type]
    local = [token(await ask(counters, OPEN)) for _ in range(6)]
    for taken in local[:3]:
        counters.sent(taken)
        counters.keep(taken)
    counters.give_back(local[3])
    await process.flush()
    await away()
    process.life.counting = True
    await wire.open_again()
    await process.until(Circuit.CLOSED)
    await process.flush()  # its beat tells Redis
    await process.told()
    counters.give_back(local[4])
    counters.sent(local[5])
    counters.keep(local[5])
    await process.flush()
    await process.told()


async def asked(process: Mortal, count: int, *, keep: bool = False) -> list[object]:
    """Answers, or death: a call of a dead process has none."""
    asking = asyncio.ensure_future(ask_many(process.counters, OPEN, count))
    while not asking.done():
        await asyncio.wait([asking], timeout=0.01)
        if process.life.over and not asking.done():
            asking.cancel()
            await asyncio.wait([asking])
            raise Killed
    answers = asking.result()
    if keep:
        for answer in answers:
            process.counters.keep(token(answer))
    return list(answers)


@pytest.fixture
async def wire(redis_url: str) -> AsyncIterator[Wire]:
    made = Wire(redis_url)
    await made.open()
    yield made
    await made.close()


async def nothing() -> None:
    return


@pytest.mark.parametrize("emptied", [False, True], ids=["kept", "emptied"])
async def test_dead_at_any_step_of_the_replay_counts_once(
    wire: Wire, redis_url: str, tmp_path: Path, emptied: bool
) -> None:
    died = 0
    for acts in range(MOST_STEPS):
        with redis.Redis.from_url(redis_url) as client:
            client.flushdb()

            async def away(client: redis.Redis = client) -> None:
                if emptied:
                    client.flushdb()

            await wire.open_again()
            ledger, folder = Ledger(), tmp_path / f"{acts}"
            process = Mortal(wire.url, folder, ledger, Life(acts))
            try:
                await life_of_one(process, wire, away)
                finished = True
            except Killed:
                finished = False
                died += 1
            await process.die()
            await wire.open_again()
            following = Mortal(wire.url, folder, ledger, Life(10_000))
            await following.counters.start()
            await following.until(Circuit.CLOSED)
            await following.flush()
            await asked(following, 1, keep=True)
            await following.flush()
            used = OPEN.per_day - (await ask(following.counters, OPEN, units=0)).day_left  # type: ignore[operator]
            assert used == ledger.units, f"died at step {acts}: {client.hgetall('sluss:quota:{sub_o}')}"
            assert summed(following.counters.totals()).units == 0
            await following.die()
        if finished:
            break
    else:
        raise AssertionError("more steps than thought")
    assert died > 10


async def test_dead_at_any_step_of_taking_leaves_nothing_taken_in_vain(
    wire: Wire, redis_url: str, tmp_path: Path
) -> None:
    """L8: a batch that Redis carried out and nobody read, and calls that were let through and never sent, go back."""
    finished = False
    for acts in range(MOST_STEPS):
        with redis.Redis.from_url(redis_url) as client:
            client.flushdb()
            ledger, folder = Ledger(), tmp_path / f"{acts}"
            process = Mortal(wire.url, folder, ledger, Life(acts))
            process.life.counting = True
            try:
                await process.counters.start()
                await process.until(Circuit.CLOSED)
                for count in (3, 5):
                    first, *rest = await asked(process, count)
                    process.counters.sent(token(first))  # type: ignore[arg-type]
                    for answer in rest[:1]:
                        process.counters.sent(token(answer))  # type: ignore[arg-type]
                        process.counters.keep(token(answer))  # type: ignore[arg-type]
                    await process.flush()
                finished = True
            except Killed:
                pass
            await process.die()
            following = Mortal(wire.url, folder, ledger, Life(10_000))
            await following.counters.start()
            await following.until(Circuit.CLOSED)
            await following.told()
            await following.flush()
            used = OPEN.per_day - (await ask(following.counters, OPEN, units=0)).day_left  # type: ignore[operator]
            assert used == ledger.units, f"died at step {acts}: {client.hgetall('sluss:quota:{sub_o}')}"
            if finished:
                assert ledger.units == 4, "what was sent counts, what was not goes back"
            await following.die()
        if finished:
            break
    assert finished
    assert acts > 8
