"""SQLite: one writer and a few readers over a write-ahead log.

SQLite lets one connection write at a time and lets the others poll for their turn, unfairly. So this
process has exactly one writing connection and queues for it in order; only other processes are met with
busy_timeout. A transaction that reads first and writes later can be refused at once, whatever the timeout:
writes begin with BEGIN IMMEDIATE, and readers cannot write at all.
"""

from __future__ import annotations

from sqlalchemy import URL, Connection, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

BUSY_MS = 5000
WAIT_S = 15
READERS = 4


def writer(url: URL) -> AsyncEngine:
    engine = create_async_engine(url, pool_size=1, max_overflow=0, pool_timeout=WAIT_S, hide_parameters=True)
    prepare(engine, begin="BEGIN IMMEDIATE", query_only=False)
    return engine


def reader(url: URL) -> AsyncEngine:
    engine = create_async_engine(
        url, pool_size=READERS, max_overflow=0, pool_timeout=WAIT_S, hide_parameters=True
    )
    prepare(engine, begin="BEGIN DEFERRED", query_only=True)
    return engine


def prepare(engine: AsyncEngine, *, begin: str, query_only: bool) -> None:
    """Sets every new connection up, and begins transactions ourselves."""

    def connected(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        # The driver must not begin transactions by its own rules, which skip DDL and reads.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout={BUSY_MS}",
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "foreign_keys=ON",
            # A REPLACE that removes a row then fires the triggers that refuse removal.
            "recursive_triggers=ON",
            f"query_only={'ON' if query_only else 'OFF'}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine.sync_engine, "connect", connected)
    event.listen(engine.sync_engine, "begin", begun)
