"""SQLite's connections are set up as promised."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from storage.database import Database
from storage.dialects.sqlite_connection import opened


async def pragma(session: AsyncSession, name: str) -> object:
    return (await session.execute(text(f"PRAGMA {name}"))).scalar_one()


@pytest.mark.parametrize("kind", ["begin", "read"])
async def test_every_connection_is_set_up(sqlite_url: str, kind: str) -> None:
    database = Database(sqlite_url)
    async with database.begin() if kind == "begin" else database.read() as session:
        assert await pragma(session, "journal_mode") == "wal"
        assert await pragma(session, "foreign_keys") == 1
        assert await pragma(session, "busy_timeout") == 5000
        assert await pragma(session, "synchronous") == 1
        assert await pragma(session, "recursive_triggers") == 1
        assert await pragma(session, "query_only") == (1 if kind == "read" else 0)
    await database.close()


async def test_closing_leaves_one_file(sqlite_url: str) -> None:
    """The log is folded in: a copy of the file alone is a whole backup when nobody has it open."""
    database = Database(sqlite_url)
    async with database.begin() as session:
        await session.execute(text("UPDATE changes SET version = 7"))
    await database.close()
    again = Database(sqlite_url)
    async with again.read() as session:
        assert (await session.execute(text("SELECT version FROM changes"))).scalar_one() == 7
    await again.close()


@pytest.mark.parametrize("forced", [False, True])
async def test_a_closed_connection_has_let_go_of_the_file_whatever_is_still_held(
    tmp_path: Path, forced: bool
) -> None:
    path = str(tmp_path / "x.db")
    first = await opened(path)
    await first.execute("CREATE TABLE t (id)")
    await first.execute("BEGIN IMMEDIATE")
    # What a cancelled caller's traceback may hold: a statement with a row left.
    held = await first.execute("INSERT INTO t VALUES (1), (2) RETURNING id")
    if forced:
        first.stop()
        await asyncio.to_thread(first.join)
    else:
        await first.close()
    second = await opened(path)
    await second.execute("PRAGMA busy_timeout = 0")
    await second.execute("BEGIN IMMEDIATE")
    await second.close()
    assert held is not None


async def test_a_file_that_cannot_be_opened_leaves_no_thread(tmp_path: Path) -> None:
    before = threading.active_count()
    with pytest.raises(sqlite3.OperationalError):
        await opened(str(tmp_path / "none" / "x.db"))
    assert threading.active_count() <= before + 1  # the loop's own helper thread stays for its next use
    assert "_connection_worker_thread" not in " ".join(thread.name for thread in threading.enumerate())
