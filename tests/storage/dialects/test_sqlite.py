"""SQLite's connections are set up as promised."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from storage.database import Database


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
