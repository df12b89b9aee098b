"""Fixtures for the gateway's own tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.gateway.line_of_one import Stand, standing


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    async with standing(tmp_path) as made:
        yield made


@pytest.fixture
async def asked_stand(tmp_path: Path) -> AsyncIterator[Stand]:
    """The same, with the peer as a trusted proxy."""
    async with standing(tmp_path, ("127.0.0.1",)) as made:
        yield made
