"""Bringing a database to the newest form, with Alembic and without its configuration file.

Synchronous, because it runs before there is a loop to serve anybody: inside a running loop use
`asyncio.to_thread`. An upgrade is one transaction under a lock, on both databases: a second process waits
and then finds nothing to do, and one that is killed leaves the old form.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from storage.dialects.engines import Engines, connect
from storage.dialects.translate import connecting, translated
from storage.schema.order import in_order_sync

SCRIPTS = Path(__file__).parent / "migrations"


def upgrade(url: str, revision: str = "head") -> None:
    """Raises `Unavailable`, `Busy`."""
    asyncio.run(_upgrade(url, revision))


def downgrade(url: str, revision: str) -> None:
    """Back to `revision`, or to `base`. What the removed columns held is gone."""
    asyncio.run(_downgrade(url, revision))


def current(url: str) -> str | None:
    """The revision the database has; None when it was never migrated."""
    return asyncio.run(_current(url))


def head() -> str:
    """The newest revision there is."""
    newest = ScriptDirectory.from_config(configuration()).get_current_head()
    assert newest is not None, "there is at least one migration"
    return newest


def configuration(connection: Connection | None = None) -> Config:
    """Alembic's settings for our scripts, over an open connection."""
    config = Config()
    # Alembic interpolates: a percent sign in the path must be doubled.
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


async def _upgrade(url: str, revision: str) -> None:
    await _change(url, lambda connection: command.upgrade(configuration(connection), revision))


async def _downgrade(url: str, revision: str) -> None:
    await _change(url, lambda connection: command.downgrade(configuration(connection), revision))


async def _change(url: str, step: Callable[[Connection], None]) -> None:
    def locked(connection: Connection) -> None:
        in_order_sync(connection)
        step(connection)

    engines = connect(url)
    async with _connected(engines, engines.write) as connection, connection.begin():
        await connection.run_sync(locked)


async def _current(url: str) -> str | None:
    engines = connect(url)
    async with _connected(engines, engines.read) as connection:
        return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


@asynccontextmanager
async def _connected(engines: Engines, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
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
