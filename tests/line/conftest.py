"""Platforms for the tests of the line: one that a module shares, and ones of a test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.line.platform import Platform
from tests.parts import templates


@pytest.fixture(
    scope="module",
    params=["sqlite", pytest.param("postgres", marks=[pytest.mark.postgres, pytest.mark.redis])],
)
def platform(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The default start (SQLite, counters in process), and the one at scale (PostgreSQL, Redis)."""
    folder = tmp_path_factory.mktemp("platform")
    with ExitStack() as stack:
        if request.param == "sqlite":
            template: Path = request.getfixturevalue("sqlite_template")
            made = Platform(folder, templates.sqlite_copy(template, folder / "sluss.db"))
        else:
            server: str = request.getfixturevalue("postgres_server")
            name: str = request.getfixturevalue("postgres_template")
            url = stack.enter_context(templates.postgres_copy(server, name))
            made = Platform(folder, url, request.getfixturevalue("redis_server"))
        stack.callback(made.stop)
        yield made.start(control=True)


@pytest.fixture
def own_platform(tmp_path: Path, sqlite_url: str) -> Iterator[Callable[..., Platform]]:
    """Makes a platform for one test; `redis_url` and `edges` as wished. Started by the test, stopped here."""
    made: list[Platform] = []

    def make(redis_url: str | None = None, edges: int = 1, database_url: str = sqlite_url) -> Platform:
        folder = tmp_path / f"platform-{len(made)}"
        folder.mkdir()
        made.append(Platform(folder, database_url, redis_url, edges))
        return made[-1]

    yield make
    for each in made:
        each.stop()
