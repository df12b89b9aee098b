"""Bringing a database to the newest form, with Alembic and without its configuration file.

Synchronous, because it runs before there is a loop to serve anybody: inside a running loop use
`asyncio.to_thread`. An upgrade is one transaction under a lock, on both databases: a second process waits
and then finds nothing to do, and one that is killed leaves the old form.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from storage.dialects.engines import connect
from storage.migrations.revisions import SCRIPTS, connected, current, head
from storage.schema.order import in_order_sync

__all__ = ["configuration", "current", "downgrade", "head", "upgrade"]


def upgrade(url: str, revision: str = "head") -> None:
    """Raises `Unavailable`, `Busy`."""
    asyncio.run(_upgrade(url, revision))


def downgrade(url: str, revision: str) -> None:
    """Back to `revision`, or to `base`. What the removed columns held is gone."""
    asyncio.run(_downgrade(url, revision))


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
    async with connected(engines, engines.write) as connection, connection.begin():
        await connection.run_sync(locked)
