"""`sluss person`: people's accounts, for whoever runs the machine. A person is named by e-mail address."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import click
from sqlalchemy.ext.asyncio import AsyncSession

from console.errors import NotFound
from console.services.people import administration
from console.services.people.administration import Listed
from gateway.cli.accounts import HOST, now, reading, transaction
from gateway.cli.output import Failure, json_option, run, show, table
from gateway.settings import load
from storage.people import Person

_email = click.argument("email")


@click.group()
def person() -> None:
    """People's accounts."""


@person.command("list")
@json_option
def person_list(as_json: bool) -> None:
    """Every account, with its standing and whether it has a second step."""

    async def work() -> list[Listed]:
        async with reading(load()) as session:
            return await administration.every(session, HOST)

    rows = [_shown(each.person) | {"second_step": each.second_step} for each in run(work())]
    cells = [
        [
            row["email"],
            row["name"],
            "operator" if row["operator"] else "",
            "two steps" if row["second_step"] else "",
            row["state"],
        ]
        for row in rows
    ]
    show(rows, as_json, table(("e-mail", "name", "standing", "sign-in", "state"), cells))


@person.command("operator")
@_email
@click.option("--remove", is_flag=True, help="Take the standing away instead of giving it.")
@json_option
def person_operator(email: str, remove: bool, as_json: bool) -> None:
    """Make a person an operator of the platform; what operators do demands two steps at sign-in."""
    made = _change(
        email,
        lambda session: administration.set_operator(session, HOST, email, operator=not remove, now=now()),
    )
    said = "is no operator any more" if remove else "is an operator"
    show(_shown(made), as_json, f"{made.email} {said}")


@person.command("reset-second-step")
@_email
@json_option
def person_reset(email: str, as_json: bool) -> None:
    """Remove every second step of a person who has lost them all; every session ends.

    Be sure of who asks: from now on the password alone signs in.
    """
    made = _change(email, lambda session: administration.reset_second_step(session, HOST, email, now=now()))
    show(_shown(made), as_json, f"{made.email} signs in with the password alone, and adds a step again")


@person.command("disable")
@_email
@json_option
def person_disable(email: str, as_json: bool) -> None:
    """Close an account; its sessions and personal tokens stop at once."""
    made = _change(
        email, lambda session: administration.set_disabled(session, HOST, email, disabled=True, now=now())
    )
    show(_shown(made), as_json, f"{made.email} is closed")


@person.command("enable")
@_email
@json_option
def person_enable(email: str, as_json: bool) -> None:
    """Open a closed account again."""
    made = _change(
        email, lambda session: administration.set_disabled(session, HOST, email, disabled=False, now=now())
    )
    show(_shown(made), as_json, f"{made.email} is open")


def _change(email: str, act: Callable[[AsyncSession], Awaitable[Person]]) -> Person:
    async def work() -> Person:
        async with transaction(load()) as session:
            try:
                return await act(session)
            except NotFound:
                raise Failure(f"there is no account {email!r}; see all with: sluss person list") from None

    return run(work())


def _shown(row: Person) -> dict[str, object]:
    """Without the hash of the password."""
    state = "closed" if row.disabled_at else "open"
    return {"id": row.id, "email": row.email, "name": row.name, "operator": row.operator, "state": state}
