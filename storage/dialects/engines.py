"""From a URL to the engines of one database: one that writes, one that reads."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine

from storage.dialects import postgresql, sqlite
from storage.errors import InvalidValue

# Seconds to wait for a connection or a lock: longer than any transaction of ours, shorter than a caller's
# patience.
WAIT_S = 5.0


@dataclass(frozen=True, slots=True)
class Engines:
    write: AsyncEngine
    read: AsyncEngine
    patience: float  # seconds for getting a connection, its turn in the pool included

    async def close(self) -> None:
        await self.write.dispose()
        await self.read.dispose()


def parse(url: str) -> URL:
    """The URL with the driver we use; raises `InvalidValue` for databases we do not speak with."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        # The text may hold a password: it stays out of the message.
        raise InvalidValue("the database URL cannot be read") from error
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise InvalidValue("SQLite needs a file: sqlite:///absolute/path")
        return parsed.set(drivername="sqlite+aiosqlite")
    if backend in ("postgresql", "postgres"):
        return postgresql.for_asyncpg(parsed)
    raise InvalidValue(f"no such database: {backend}")


def connect(url: str, wait: float = WAIT_S) -> Engines:
    """Engines with empty pools; nothing is connected yet."""
    parsed = parse(url)
    if parsed.get_backend_name() == "sqlite":
        return Engines(sqlite.writer(parsed, wait), sqlite.reader(parsed, wait), 4 * wait + 1)
    engine = postgresql.engine(parsed, wait)
    return Engines(engine, postgresql.read_only(engine), wait + 2)
