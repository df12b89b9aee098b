from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.gateway.cli.terminal import Terminal


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """A terminal on a machine where nothing has run yet."""
    for name in [name for name in os.environ if name.startswith("SLUSS_") and "_TEST_" not in name]:
        monkeypatch.delenv(name)
    return Terminal(tmp_path, monkeypatch, capsys)


@pytest.fixture
def terminal(bare: Terminal, sqlite_template: Path) -> Terminal:
    """A terminal on a machine whose database is migrated."""
    return bare.migrated(sqlite_template)
