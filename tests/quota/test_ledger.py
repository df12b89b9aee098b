"""From the counters to the database and back: once, through outages, and after every file is lost (L8, L9,
L11).
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from quota import window
from quota.counters.memory import MemoryCounters
from quota.counters.protocol import Outcome, Used
from quota.errors import LedgerUnreachable
from quota.ledger import Flusher, pause, rebuild, write_left_behind
from storage import usage
from storage.database import Database
from tests.parts.postgres_server import PostgresServer
from tests.parts.templates import upgrade
from tests.quota.counters.test_kill import abandon
from tests.quota.stage import NOON, Time, ask, key, limits, token

WHICH = limits(requests=0)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def counters(tmp_path: Path, time: Time) -> AsyncIterator[MemoryCounters]:
    made = MemoryCounters(tmp_path / "counters", clock=time.clock())
    await made.start()
    yield made
    await made.close()


async def serve(counters: MemoryCounters, calls: int, units: int = 2) -> None:
    for _ in range(calls):
        counters.keep(token(await ask(counters, WHICH, units)))


async def written(database: Database) -> dict[str | None, tuple[int, int]]:
    """Units and calls by outcome."""
    async with database.read() as session:
        found = await usage.totals(
            session, "org_a", start=NOON - 86_400, end=NOON + 10 * 86_400, by=("outcome",)
        )
    return {total.outcome: (total.units, total.calls) for total in found}


async def test_every_outcome_arrives_once_however_often_it_is_written(
    database: Database, counters: MemoryCounters
) -> None:
    flusher = Flusher(database, counters)
    await serve(counters, 3)
    counters.give_back(token(await ask(counters, WHICH)))
    counters.record(key(), Outcome.REFUSED)
    assert (await ask(counters, limits(requests=0, per_day=0))).limited_by == "day"
    for _ in range(3):
        assert await flusher.flush()
    expected = {"served": (6, 3), "upstream_failed": (0, 1), "refused": (0, 1), "refused_quota": (0, 1)}
    assert await written(database) == expected
    await serve(counters, 2)
    assert await flusher.flush()
    assert await written(database) == expected | {"served": (10, 5)}
    assert (flusher.waiting, flusher.failures, flusher.fault) == (0, 0, "")


async def test_a_call_that_fails_after_a_flush_is_never_billed(
    database: Database, counters: MemoryCounters
) -> None:
    flusher = Flusher(database, counters)
    taken = token(await ask(counters, WHICH))
    counters.sent(taken)
    await flusher.flush()
    counters.give_back(taken)
    await flusher.flush()
    assert await written(database) == {"upstream_failed": (0, 1)}


async def test_each_hour_gets_its_own_row(database: Database, counters: MemoryCounters, time: Time) -> None:
    flusher = Flusher(database, counters)
    for _ in range(4):
        await serve(counters, 1)
        await flusher.flush()
        time.forward(3600)
    await flusher.flush()
    async with database.read() as session:
        found = await usage.totals(session, "org_a", start=NOON, end=NOON + 86_400, by=("hour",))
    assert [(total.hour, total.units) for total in found] == [(NOON // 3600 + hour, 2) for hour in range(4)]


async def test_rows_in_many_parts(
    database: Database, counters: MemoryCounters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quota.ledger._ROWS_AT_ONCE", 3)
    for number in range(10):
        counters.keep(token(await ask(counters, WHICH, operation=f"op{number}")))
    assert await Flusher(database, counters).flush()
    assert await written(database) == {"served": (10, 10)}


@pytest.mark.postgres
async def test_a_database_that_is_away_loses_and_doubles_nothing(
    own_postgres: PostgresServer, counters: MemoryCounters
) -> None:
    database = Database(own_postgres.url)
    upgrade(own_postgres.url)
    flusher = Flusher(database, counters)
    await serve(counters, 3)
    assert await flusher.flush()
    own_postgres.kill()
    await serve(counters, 4)
    assert not await flusher.flush()
    assert flusher.waiting == 1
    assert flusher.fault
    await serve(counters, 5)
    own_postgres.start()
    async with asyncio.timeout(10):
        while not await flusher.flush():
            await asyncio.sleep(0.05)
    assert await written(database) == {"served": (24, 12)}
    await database.close()


def test_the_beat_slows_down_to_a_bound_and_goes_on_for_ever() -> None:
    assert [pause(1.0, failures) for failures in (0, 1, 2, 3, 4, 5)] == [1.0, 1.0, 2.0, 4.0, 5.0, 5.0]
    assert pause(1.0, 100_000) == 5.0


async def test_the_beat_writes_by_itself_and_close_writes_the_rest(
    sqlite_url: str, counters: MemoryCounters
) -> None:
    database = Database(sqlite_url)
    flusher = Flusher(database, counters, interval=0.01)
    flusher.start()
    await serve(counters, 1)
    async with asyncio.timeout(5):
        while await written(database) != {"served": (2, 1)}:
            await asyncio.sleep(0.01)
    await serve(counters, 1)
    await flusher.close()
    assert await written(database) == {"served": (4, 2)}
    await database.close()


async def test_used_units_come_back_from_the_ledger(
    database: Database, counters: MemoryCounters, time: Time
) -> None:
    time.set_to(NOON - 86_400)
    await serve(counters, 5)
    time.set_to(NOON)
    await serve(counters, 2)
    counters.give_back(token(await ask(counters, WHICH)))
    await Flusher(database, counters).flush()
    assert await rebuild(database, NOON) == {"sub_a": Used(4, 14)}
    next_month = window.windows(NOON).month_end
    assert await rebuild(database, next_month) == {}


async def test_unwritten_totals_count_in_a_rebuild(database: Database, counters: MemoryCounters) -> None:
    await serve(counters, 2)
    assert await rebuild(database, NOON, counters.totals()) == {"sub_a": Used(4, 4)}


async def test_lost_files_are_rebuilt_and_nothing_is_free(
    database: Database, tmp_path: Path, time: Time
) -> None:
    for _ in range(2):
        counters = MemoryCounters(tmp_path / "c", clock=time.clock(), rebuild=partial(rebuild, database))
        await counters.start()
        await serve(counters, 10)
        assert await Flusher(database, counters).flush()
        await counters.close()
        shutil.rmtree(tmp_path / "c")
    counters = MemoryCounters(tmp_path / "c", clock=time.clock(), rebuild=partial(rebuild, database))
    await counters.start()
    answer = await ask(counters, WHICH)
    assert (answer.day_left, answer.month_left) == (459, 4959)
    assert await written(database) == {"served": (40, 20)}
    await counters.close()


async def test_files_from_before_a_time_with_redis_are_raised_to_the_ledger(
    database: Database, tmp_path: Path, time: Time
) -> None:
    for name in ("here", "elsewhere"):
        counters = MemoryCounters(tmp_path / name, clock=time.clock())
        await counters.start()
        await serve(counters, 5)
        await Flusher(database, counters).flush()
        await counters.close()
    counters = MemoryCounters(tmp_path / "here", clock=time.clock(), rebuild=partial(rebuild, database))
    await counters.start()
    assert (await ask(counters, WHICH)).day_left == 479
    await counters.close()


async def test_usage_of_a_process_that_does_not_come_back_is_written(
    database: Database, tmp_path: Path, time: Time
) -> None:
    lost, running = (MemoryCounters(tmp_path / name, clock=time.clock()) for name in ("1", "0"))
    for counters in (lost, running):
        await counters.start()
        await serve(counters, 2)
    await ask(lost, WHICH)  # reserved and never sent
    abandon(lost)
    for _ in range(2):
        assert await write_left_behind(database, tmp_path) > 0
        assert await written(database) == {"served": (4, 2), "upstream_failed": (0, 1)}
    await running.close()


async def test_whole_files_start_without_the_ledger(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/missing/folder/sluss.db")
    for again in (None, partial(rebuild, database)):
        counters = MemoryCounters(tmp_path / "c", rebuild=again)
        await counters.start()
        await counters.close()
    await database.close()


async def test_a_start_without_files_and_without_the_ledger_fails_closed(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/missing/folder/sluss.db")
    counters = MemoryCounters(tmp_path / "c", rebuild=partial(rebuild, database))
    with pytest.raises(LedgerUnreachable):
        await counters.start()
    again = MemoryCounters(tmp_path / "c")  # the lock was let go
    await again.start()
    await again.close()
    await database.close()
