"""Fixtures of the authorization server, shared by `tests/auth` and `tests/protocol`."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from storage.database import Database
from tests.auth.platform import Platform, platform_over


@pytest.fixture
async def platform(sqlite_url: str) -> AsyncIterator[Platform]:
    """Over SQLite: for tables of cases that the database has no part in."""
    database = Database(sqlite_url)
    async with platform_over(database) as made:
        yield made
    await database.close()


@pytest.fixture
async def any_platform(database: Database) -> AsyncIterator[Platform]:
    """Over SQLite and over PostgreSQL."""
    async with platform_over(database) as made:
        yield made
