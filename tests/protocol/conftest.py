"""The authorization server's fixtures."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.catalog.load import load
from gateway.catalog.model import Catalog
from storage.database import Database
from tests.auth.fixtures import any_platform, platform
from tests.protocol.flow import Flow, flow_over

__all__ = ["any_platform", "platform"]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load([ROOT / "backends"], {})


@pytest.fixture
async def flow(sqlite_url: str, catalog: Catalog, tmp_path: Path) -> AsyncIterator[Flow]:
    """Over SQLite: for tables of cases that the database has no part in."""
    database = Database(sqlite_url)
    async with flow_over(database, catalog, tmp_path) as made:
        yield made
    await database.close()


@pytest.fixture
async def any_flow(database: Database, catalog: Catalog, tmp_path: Path) -> AsyncIterator[Flow]:
    """Over SQLite and over PostgreSQL."""
    async with flow_over(database, catalog, tmp_path) as made:
        yield made
