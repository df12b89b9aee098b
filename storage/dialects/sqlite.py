"""SQLite: one writer and a few readers over a write-ahead log.

SQLite lets one connection write at a time and lets the others poll for their turn, unfairly. So this
process has exactly one writing connection and queues for it in order; only other processes are met with
busy_timeout. A transaction that reads first and writes later can be refused at once, whatever the timeout:
writes begin with BEGIN IMMEDIATE, and readers cannot write at all.
"""

from __future__ import annotations

from sqlalchemy import URL, event
from sqlalchemy import Connection as SyncConnection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from storage.dialects.sqlite_connection import Connection, opened

READERS = 4


def writer(url: URL, wait: float) -> AsyncEngine:
    # Whoever is first in the queue may itself be waiting for another process: hence twice.
    return engine(url, wait, connections=1, pool_wait=2 * wait, begin="BEGIN IMMEDIATE", query_only=False)


def reader(url: URL, wait: float) -> AsyncEngine:
    return engine(url, wait, connections=READERS, pool_wait=wait, begin="BEGIN DEFERRED", query_only=True)


def engine(
    url: URL, wait: float, *, connections: int, pool_wait: float, begin: str, query_only: bool
) -> AsyncEngine:
    """Sets every new connection up, and begins transactions ourselves."""
    path = str(url.database)

    async def open_file() -> Connection:
        return await opened(path)

    made = create_async_engine(
        url,
        async_creator=open_file,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=pool_wait,
        hide_parameters=True,  # values stay out of exceptions, and so out of logs
    )

    def connected(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout={int(wait * 1000)}",
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "foreign_keys=ON",
            # A REPLACE that removes a row then fires the triggers that refuse removal.
            "recursive_triggers=ON",
            f"query_only={'ON' if query_only else 'OFF'}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def begun(connection: SyncConnection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(made.sync_engine, "connect", connected)
    event.listen(made.sync_engine, "begin", begun)
    return made
