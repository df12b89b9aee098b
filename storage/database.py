"""The database: where a transaction begins, is committed or is rolled back.

`commit` happens in `Database.begin` and nowhere else. `read` is one consistent, read-only view. SQLite and
PostgreSQL keep the same promises by different means, in `storage.dialects`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from storage.dialects.engines import WAIT_S, Engines, connect
from storage.dialects.translate import connecting, translated


class Database:
    """One database with its pools. Nothing is connected before the first transaction.

    `url` is `sqlite:///absolute/path` or `postgresql://user:password@host/name`; another raises
    `InvalidValue`. `wait` is how many seconds to wait for a connection or a lock before `Busy`.
    """

    def __init__(self, url: str, *, wait: float = WAIT_S) -> None:
        self._engines: Engines = connect(url, wait)
        self._write = async_sessionmaker(self._engines.write, expire_on_commit=False, autoflush=False)
        self._read = async_sessionmaker(self._engines.read, expire_on_commit=False, autoflush=False)

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engines.write.dialect.name

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncSession]:
        """A transaction that may write: committed at the end, rolled back on any exception.

        Raises `Unavailable` and `Busy`. After `Unavailable` at the very end the commit may have happened.
        """
        with translated():
            async with self._write() as session, session.begin():
                await self._connect(session)
                yield session

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """One consistent view, which refuses writes and keeps nobody waiting."""
        with translated():
            async with self._read() as session:
                await self._connect(session)
                yield session

    async def _connect(self, session: AsyncSession) -> None:
        """A connection that has just answered. A server that hangs is away after a time, like one that refuses."""
        with connecting():
            async with asyncio.timeout(self._engines.patience):
                await session.connection()

    async def close(self) -> None:
        """Closes every connection. Open transactions are lost."""
        await self._engines.close()
