"""Scenes for the tests of faults: of a module's own, with its own Redis or PostgreSQL where those are hurt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.scene import Scene
from tests.parts import templates

Make = Callable[..., Scene]


@pytest.fixture
def make(tmp_path: Path, sqlite_url: str) -> Iterator[Make]:
    """Makes a scene for one test; started by the test, stopped here."""
    made: list[Scene] = []

    def one(
        redis_url: str | None = None, edges: int = 1, database_url: str = sqlite_url, **options: bool
    ) -> Scene:
        folder = tmp_path / f"scene-{len(made)}"
        folder.mkdir()
        made.append(Scene(folder, database_url, redis_url, edges, **options))
        return made[-1]

    yield one
    for each in made:
        each.close()


@pytest.fixture(scope="package")
def postgres_scene(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: str, postgres_template: str
) -> Iterator[Scene]:
    """An edge and the control plane with a PostgreSQL behind a cut, for all whose faults pass."""
    with templates.postgres_copy(postgres_server, postgres_template) as url:
        made = Scene(tmp_path_factory.mktemp("postgres"), url, cut_database=True)
        try:
            yield made.start(control=True)
        finally:
            made.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The whole folder is one group."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.faults)
