"""What holds for each command: it explains itself, speaks to machines, and knows wrong use."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from gateway.cli import sluss
from tests.gateway.cli.terminal import Terminal

PROCESSES = ("up", "serve")  # they run until they are stopped, so there is nothing to print for machines
CONTRACT = (
    "up",
    "serve edge",
    "serve control",
    "serve worker",
    "serve backend",
    "migrate",
    "doctor",
    "demo",
    "api list",
    "api lint",
    "api publish",
    "api retire",
    "plan list",
    "org create",
    "app create",
    "app rotate",
    "app suspend",
    "subscription approve",
    "subscription close",
    "keys rotate",
    "usage show",
    "audit verify",
    "token issue",
)


def walk(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    if path:
        yield " ".join(path), command
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from walk(below, (*path, name))


EVERY = dict(walk(sluss))


def test_the_commands_of_the_contract_are_there() -> None:
    assert set(CONTRACT) <= set(EVERY)


@pytest.mark.parametrize("path", EVERY)
def test_help(path: str, bare: Terminal) -> None:
    for flag in ("--help", "-h"):
        outcome = bare(path, flag)
        assert outcome.status == 0
        assert outcome.err == ""
        assert outcome.out.startswith(f"Usage: sluss {path}")
    assert (EVERY[path].help or "").strip().endswith((".", "]")), "a sentence that says what it does"


@pytest.mark.parametrize("path", EVERY)
def test_every_option_is_explained(path: str) -> None:
    options = [each for each in EVERY[path].params if isinstance(each, click.Option)]
    plain = [each.name for each in options if not each.help and not isinstance(each.type, click.Choice)]
    assert plain == []


@pytest.mark.parametrize(
    "path",
    [
        path
        for path, each in EVERY.items()
        if not isinstance(each, click.Group) and path.split()[0] not in PROCESSES
    ],
)
def test_json(path: str) -> None:
    assert any("--json" in each.opts for each in EVERY[path].params)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "nothing",
        "org",
        "org nothing",
        "org create",
        "org create --name",
        "org create --name X --type nothing",
        "app create --org X --name Y --environment nothing",
        "app rotate --org X --app Y --overlap -1",
        "api lint /nowhere/at/all",
        "serve backend nothing",
        "usage show --org X --by nothing",
        "usage show --org X --by hour,day",
        "usage show --org X --from yesterday",
        "usage show --org X --from 2026-02-01 --to 2026-01-01",
        "token issue --org X --app Y --seconds 0",
        "doctor --nothing",
    ],
)
def test_wrong_use_is_status_2(words: str, terminal: Terminal) -> None:
    outcome = terminal(words)
    assert outcome.status == 2
    assert outcome.out == ""
    assert outcome.err.startswith(("Usage: sluss", "Error: Option"))


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\nb", "a\x00b", "right\u202eleft"])
def test_names_that_cannot_be_shown_are_wrong_use(name: str, terminal: Terminal) -> None:
    assert terminal("org create --name", name).status == 2
    terminal.good("org create --name Provbolaget")
    assert terminal("app create --org Provbolaget --name", name).status == 2
