"""Databases in which nothing is, for the tests of migrations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.parts import templates


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database in which nothing is."""
    if request.param == "sqlite":
        yield templates.sqlite_url(tmp_path / "empty.db")
        return
    with templates.postgres_empty(request.getfixturevalue("postgres_server")) as url:
        yield url
