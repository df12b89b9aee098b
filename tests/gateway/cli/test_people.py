"""`sluss person`, and the demo operator's second step (promises Z8, T14)."""

from __future__ import annotations

import asyncio
import time

import pyotp
import pytest

from auth.origin import system
from auth.people import People
from auth.sign_in.visits import Halfway, SignedIn
from gateway.cli.commands.up import prepare
from gateway.cli.seed import OPERATOR, Demo
from gateway.settings import load
from storage.audit import latest
from storage.database import Database
from tests.gateway.cli.terminal import Terminal


@pytest.fixture
def demo(terminal: Terminal) -> Demo:
    return prepare(load(), build_portal=False)


def signed_in(demo: Demo) -> type[object]:
    """What the operator's password gives."""

    async def work() -> type[object]:
        database = Database(load().database_url)
        key = load().master_key_path
        people = People(database, master_key=key.read_bytes()[:32])
        try:
            begun = await people.sign_in(
                email=OPERATOR, password=demo.operator_password, now=int(time.time()), origin=system("test")
            )
            return type(begun)
        finally:
            people.close()
            await database.close()

    return asyncio.run(work())


def acts() -> list[tuple[str, str]]:
    async def work() -> list[tuple[str, str]]:
        database = Database(load().database_url)
        try:
            async with database.read() as session:
                return [(one.act, one.actor_kind) for one in await latest(session, limit=5)]
        finally:
            await database.close()

    return asyncio.run(work())


def test_the_demo_operator_signs_in_with_two_steps_and_is_told_how(terminal: Terminal, demo: Demo) -> None:
    assert signed_in(demo) is Halfway
    code = terminal.good("demo --code").out.strip()
    assert pyotp.TOTP(demo.operator_codes).verify(code, valid_window=1)
    welcome = demo.welcome(load())
    assert "sluss demo --code" in welcome
    assert demo.operator_codes in welcome


def test_without_a_demo_there_is_no_code(terminal: Terminal) -> None:
    outcome = terminal("demo --code")
    assert outcome.status == 1
    assert "sluss up" in outcome.err


def test_accounts_are_listed_without_what_opens_them(terminal: Terminal, demo: Demo) -> None:
    listed = terminal.good("person list --json").json
    found = {row["email"]: (row["operator"], row["second_step"], row["state"]) for row in listed}
    assert found == {demo.developer_email: (False, False, "open"), OPERATOR: (True, True, "open")}
    assert "argon2" not in terminal.good("person list --json").out


def test_a_lost_second_step_is_reset(terminal: Terminal, demo: Demo) -> None:
    terminal.good("person reset-second-step", OPERATOR)
    assert signed_in(demo) is SignedIn
    assert ("person.reset_second_step", "system") in acts()


def test_operators_are_made_and_unmade(terminal: Terminal, demo: Demo) -> None:
    assert terminal.good("person operator --json", demo.developer_email).json["operator"] is True
    assert terminal.good("person operator --remove --json", demo.developer_email).json["operator"] is False
    assert acts().count(("person.set_operator", "system")) == 2


def test_an_account_is_closed_and_opened(terminal: Terminal, demo: Demo) -> None:
    assert terminal.good("person disable --json", demo.developer_email).json["state"] == "closed"
    assert terminal.good("person enable --json", demo.developer_email).json["state"] == "open"


@pytest.mark.parametrize("command", ["operator", "reset-second-step", "disable", "enable"])
def test_an_unknown_address(terminal: Terminal, demo: Demo, command: str) -> None:
    outcome = terminal(f"person {command}", "nobody@example.org")
    assert outcome.status == 1
    assert "sluss person list" in outcome.err
