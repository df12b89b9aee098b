"""Fixtures that every part of the suite may use: real databases, and a real Redis.

Servers start when the first test asks for one and stop at the end of the run, whatever happened in between.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from storage.database import Database
from tests.parts import programs, templates
from tests.parts.postgres_server import PostgresServer
from tests.parts.programs import NothingFound, Programs
from tests.parts.redis_server import RedisServer, flush, own_database


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL whose user may create databases."""
    if url := os.environ.get("SLUSS_TEST_DATABASE_URL"):
        yield url
        return
    server = _postgres()
    try:
        server.start()
        yield server.url
    finally:
        server.remove()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """The URL of a Redis whose logical database may be emptied."""
    if url := os.environ.get("SLUSS_TEST_REDIS_URL"):
        yield own_database(url, os.environ.get("PYTEST_XDIST_WORKER", ""))
        return
    server = _redis()
    try:
        server.start()
        yield server.url
    finally:
        server.remove()


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """A Redis with nothing in it."""
    flush(redis_server)
    return redis_server


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """A running Redis for one test, which may stop, kill, hang and start it."""
    server = _redis()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A running, empty PostgreSQL for one test, which may stop, kill and start it. Takes seconds."""
    server = _postgres()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> Iterator[str]:
    with templates.postgres_template(postgres_server) as name:
        yield name


@pytest.fixture
def postgres_url(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """A fresh, migrated PostgreSQL database."""
    with templates.postgres_copy(postgres_server, postgres_template) as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return templates.sqlite_template(tmp_path_factory.mktemp("sqlite") / "template.db")


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A fresh, migrated SQLite database."""
    return templates.sqlite_copy(sqlite_template, tmp_path / "sluss.db")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh, migrated database, once of each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The same, open."""
    opened = Database(database_url)
    yield opened
    await opened.close()


def _postgres() -> PostgresServer:
    return PostgresServer(_preferred(programs.postgres(), programs.POSTGRES_ADVICE))


def _redis() -> RedisServer:
    return RedisServer(_preferred(programs.redis(), programs.REDIS_ADVICE))


def _preferred(found: list[Programs], advice: str) -> Programs:
    try:
        return programs.preferred(found, advice)
    except NothingFound as error:
        pytest.fail(str(error), pytrace=False)
