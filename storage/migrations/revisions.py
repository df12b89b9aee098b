"""Which form a database has and which forms this version knows, asked without Alembic.

Every process asks this at its start, and none but the one that migrates needs the 8 MB of Alembic. The forms are
the migrations' file names: a test compares them with what Alembic makes of the same files.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from storage.dialects.engines import Engines, connect
from storage.dialects.translate import connecting, translated

SCRIPTS: Final = Path(__file__).parent
_TABLE: Final = "alembic_version"


def known() -> list[str]:
    """Every revision of this version, the oldest first."""
    return sorted(file.name.partition("_")[0] for file in (SCRIPTS / "versions").glob("[0-9]*_*.py"))


def head() -> str:
    """The newest revision there is."""
    return known()[-1]


def current(url: str) -> str | None:
    """The revision the database has; None when it was never migrated. Raises `Unavailable`, `Busy`."""
    return asyncio.run(_current(url))


@asynccontextmanager
async def connected(engines: Engines, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """For one piece of work outside the loop that serves; the engines are closed after it."""
    try:
        with translated():
            with connecting():
                connection = await engine.connect()
            try:
                yield connection
            finally:
                await connection.close()
    finally:
        await engines.close()


async def _current(url: str) -> str | None:
    engines = connect(url)
    async with connected(engines, engines.read) as connection:
        return await connection.run_sync(_revision)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_TABLE):
        return None
    found = connection.execute(text(f"SELECT version_num FROM {_TABLE}")).scalar()  # noqa: S608 - a constant
    return str(found) if found is not None else None
