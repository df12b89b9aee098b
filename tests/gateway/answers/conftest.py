"""The whole line over sockets, with an upstream that answers as a test wishes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.gateway.served import Served, served


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path) as made:
        yield made
