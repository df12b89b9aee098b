"""What another transaction keeps for itself for a while, and who waits for it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import asyncpg  # type: ignore[import-untyped]

OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND backend_type = 'client backend'"
)

# Not pg_stat_activity: inside a transaction that shows what it showed first.
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


@contextmanager
def tables(url: str, *names: str) -> Iterator[Callable[[], int]]:
    """Of a PostgreSQL. Yields how many wait for them now."""
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(url))
        try:
            runner.run(connection.execute("BEGIN"))
            runner.run(connection.execute(f"LOCK TABLE {', '.join(names)} IN ACCESS EXCLUSIVE MODE"))
            yield lambda: int(runner.run(connection.fetchval(WAITING)))
        finally:
            runner.run(connection.close())


@contextmanager
def file(url: str) -> Iterator[None]:
    """A SQLite file, against everybody who would write."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


def sessions(url: str) -> int:
    """Clients that a PostgreSQL's database has."""
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(url))
        try:
            return int(runner.run(connection.fetchval(OTHERS)))
        finally:
            runner.run(connection.close())
