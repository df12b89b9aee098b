"""Jobs in the background: what they clear, and that no fault stops them."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path

import pytest

from auth.origin import system
from auth.tokens import signing, vault
from gateway import jobs
from gateway.jobs import Job
from gateway.settings import Settings, load
from quota.counters.memory import MemoryCounters
from quota.counters.protocol import Outcome, UsageKey
from storage import apps, organisations, revocations, signing_keys, usage
from storage.database import Database
from storage.errors import Unavailable

NOW = 1_800_000_000


@pytest.fixture
def settings(tmp_path: Path, sqlite_url: str) -> Settings:
    return load(
        {"SLUSS_DATA_DIR": str(tmp_path / "data"), "SLUSS_DATABASE_URL": sqlite_url}, tmp_path / "none"
    )


async def test_what_has_expired_is_cleared(database: Database, tmp_path: Path) -> None:
    master = vault.load_or_create_master_key(tmp_path / "master.key")
    async with database.begin() as session:
        await signing.rotate(session, master, NOW, system("test"))
        await signing.rotate(session, master, NOW, system("test"))
        owner = await organisations.add(session, name="A", number="", type="company", now=NOW)
        app = await apps.add(session, owner.id, name="B", environment="sandbox", now=NOW)
        for jti, end in (("old-enough", NOW + 1), ("still-live", NOW + 10_000)):
            await revocations.add(session, jti=jti, app_id=app.id, expires_at=end, reason="test", now=NOW)
    later = NOW + signing.RETIRING_FOR + 1
    await jobs.clear_expired(database, later)
    await jobs.clear_expired(database, later)  # twice does no harm
    async with database.read() as session:
        assert {row.jti for row in await revocations.live(session, NOW)} == {"still-live"}
        states = sorted(row.state for row in await signing_keys.all_published(session))
    assert states == ["active", "next"]


async def test_usage_of_processes_that_are_no_more_is_written(settings: Settings, database: Database) -> None:
    key = UsageKey("sub_1", "org_1", "app_1", "eko/v1", "getEcho", "prova", 1)
    for process in (0, 1):
        counters = MemoryCounters(settings.data_dir / "counters" / str(process))
        await counters.start()
        counters.record(key, Outcome.REFUSED)
        await counters.close()
    await jobs.left_behind(settings)(database, NOW)
    now = int(time.time())
    async with database.read() as session:
        rows = await usage.totals(session, "org_1", start=now - 7200, end=now + 3600, by=("outcome",))
    assert [(row.outcome, row.calls) for row in rows] == [("refused", 1)], "process 0 is still configured"


async def test_a_job_is_done_at_once_and_ends_with_the_worker(settings: Settings) -> None:
    stop, done = asyncio.Event(), asyncio.Event()
    seen: list[int] = []

    async def work(database: Database, now: int) -> None:
        seen.append(now)
        done.set()

    worker = asyncio.create_task(jobs.run(settings, stop, [Job("one", 3600.0, work)], lambda: NOW))
    async with asyncio.timeout(60):
        await done.wait()
        stop.set()
        await worker
    assert seen == [NOW]


@pytest.mark.parametrize(("fault", "traceback"), [(Unavailable("away"), False), (RuntimeError("ours"), True)])
async def test_a_job_that_fails_is_tried_again_and_stops_no_other(
    settings: Settings,
    fault: Exception,
    traceback: bool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(jobs, "RETRY_SECONDS", 0.0)
    stop, again, other = asyncio.Event(), asyncio.Event(), asyncio.Event()
    tries = 0

    async def failing(database: Database, now: int) -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise fault
        again.set()

    async def sound(database: Database, now: int) -> None:
        other.set()

    each = [Job("failing", 3600.0, failing), Job("sound", 3600.0, sound)]
    with caplog.at_level(logging.WARNING, "sluss.jobs"):
        worker = asyncio.create_task(jobs.run(settings, stop, each))
        async with asyncio.timeout(60):
            await again.wait()
            await other.wait()
            stop.set()
            await worker
    assert [record.levelname for record in caplog.records] == ["ERROR" if traceback else "WARNING"] * 2
    assert all(bool(record.exc_info) is traceback for record in caplog.records)


async def test_work_that_has_begun_is_let_finish(settings: Settings) -> None:
    stop, begun, go_on = asyncio.Event(), asyncio.Event(), asyncio.Event()
    finished: list[bool] = []

    async def work(database: Database, now: int) -> None:
        begun.set()
        await go_on.wait()
        finished.append(True)

    worker = asyncio.create_task(jobs.run(settings, stop, [Job("one", 1.0, work)]))
    async with asyncio.timeout(60):
        await begun.wait()
        stop.set()
        await asyncio.sleep(0)
        assert not worker.done()
        go_on.set()
        await worker
    assert finished == [True]
