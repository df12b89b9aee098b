"""A connection to an SQLite file whose end is really its end, also when a caller was cancelled half-way.

SQLite keeps a closed connection alive, with its transaction and its lock on the file, for as long as a statement
of it has rows left. A cancelled caller's traceback can hold such a statement for long: everybody else would
then meet "database is locked". A rollback ends the transaction whatever is still held.
"""

from __future__ import annotations

import asyncio
import sqlite3

import aiosqlite

ROWS_AT_ONCE = 64


class Connection(aiosqlite.Connection):
    """aiosqlite's, with a thread that does not keep the process from ending, and a rollback before the end."""

    def __init__(self, path: str) -> None:
        def connect() -> sqlite3.Connection:
            # No isolation level: the driver must not begin transactions by its own rules, which skip DDL and
            # reads. Another thread may finalise a connection that was forgotten.
            return sqlite3.connect(path, isolation_level=None, check_same_thread=False)

        super().__init__(connect, ROWS_AT_ONCE)
        self._thread.daemon = True

    async def close(self) -> None:
        if self._running and self._connection is not None:
            await self.rollback()
        await super().close()

    def stop(self) -> asyncio.Future[None] | None:
        """What SQLAlchemy calls when it cannot wait; put in the thread's queue before the end."""
        if self._connection is not None:
            self._tx.put_nowait((None, self._connection.rollback))
        return super().stop()

    def join(self) -> None:
        """Waits for the thread of a stopped connection."""
        self._thread.join()


async def opened(path: str) -> Connection:
    """Cancelled while it opens, it is closed first: nobody else knows of it."""
    connection = Connection(path)

    async def wait() -> None:
        await connection

    opening = asyncio.ensure_future(wait())
    try:
        await asyncio.shield(opening)
    except asyncio.CancelledError:
        await opening
        await connection.close()
        raise
    except sqlite3.Error:
        # Its thread still has a word for this loop, which may be about to close.
        await asyncio.to_thread(connection.join)
        raise
    return connection
