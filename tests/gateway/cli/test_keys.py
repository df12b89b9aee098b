"""Rotation, and what a wrong or lost master key may not do."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from auth.authenticate import Authenticator
from auth.tokens import vault
from auth.tokens.keys import VerificationKeys
from storage import signing_keys
from storage.database import Database
from tests.gateway.cli.terminal import Terminal


async def _published(url: str) -> VerificationKeys:
    database = Database(url)
    try:
        async with database.read() as session:
            return VerificationKeys.from_rows(await signing_keys.all_published(session))
    finally:
        await database.close()


def states(terminal: Terminal) -> dict[str, str]:
    return {row["kid"]: row["state"] for row in terminal.good("keys list --json").json}


def accepted(terminal: Terminal, token: str) -> bool:
    issuer = "http://localhost:8080"
    keys = asyncio.run(_published(f"sqlite:///{terminal.data / 'sluss.db'}"))
    authenticator = Authenticator(issuer, frozenset((issuer,)))
    return authenticator.authenticate(f"Bearer {token}".encode(), keys, time.time()).scopes == {"eko:call"}


def test_a_rotation_leaves_old_tokens_valid(terminal: Terminal) -> None:
    terminal.good("keys rotate")
    before = states(terminal)
    terminal.app("--api", "eko")
    token = terminal.good("token issue --json --org Provbolaget --app Provappen").json["access_token"]
    terminal.good("keys rotate")
    after = states(terminal)
    assert sorted(after.values()) == ["active", "next", "retiring", "retiring"]
    assert all(after[kid] == "retiring" for kid, state in before.items() if state == "active")
    assert all(after[kid] == "active" for kid, state in before.items() if state == "next")
    assert accepted(terminal, token)


@pytest.fixture
def rotated(terminal: Terminal) -> Path:
    terminal.good("keys rotate")
    return terminal.data / "master.key"


def test_a_missing_master_key_is_not_made_anew(terminal: Terminal, rotated: Path) -> None:
    kept = states(terminal)
    rotated.unlink()
    for command in ("keys rotate", "up --no-backends --no-portal"):
        outcome = terminal(command)
        assert outcome.status == 1
        assert "--lost-master-key" in outcome.err
        assert not rotated.exists()
    assert states(terminal) == kept


def test_a_wrong_master_key_is_refused(terminal: Terminal, rotated: Path) -> None:
    rotated.unlink()
    vault.load_or_create_master_key(rotated)
    outcome = terminal("keys rotate --json")
    assert outcome.status == 1
    assert "master.key back from its backup" in outcome.error["message"]


@pytest.mark.parametrize("content", ["", "no base64!", "c2hvcnQ="])
def test_a_damaged_master_key_is_refused(terminal: Terminal, rotated: Path, content: str) -> None:
    rotated.write_text(content)
    assert terminal("keys rotate").status == 1


def test_a_master_key_that_others_can_read_is_refused(terminal: Terminal, rotated: Path) -> None:
    rotated.chmod(0o644)
    outcome = terminal("keys rotate")
    assert outcome.status == 1
    assert "chmod 600" in outcome.err


def test_past_a_lost_master_key(terminal: Terminal, rotated: Path) -> None:
    lost = states(terminal)
    rotated.unlink()
    terminal.good("keys rotate --lost-master-key")
    found = states(terminal)
    assert {found[kid] for kid in lost} == {"retiring"}, "old tokens are good until they end"
    assert sorted(state for kid, state in found.items() if kid not in lost) == ["active", "next"]
    terminal.good("keys rotate")
    assert "FAULT" not in terminal.good("doctor").out
