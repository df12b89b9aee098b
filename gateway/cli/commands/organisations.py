"""`sluss org`: organisations. The same service as console and management API."""

from __future__ import annotations

from dataclasses import asdict

import click

from console.errors import AlreadyTaken
from console.services import organisations
from gateway.cli.accounts import HOST, NAME, now, reading, transaction
from gateway.cli.output import Failure, json_option, run, show, table
from gateway.settings import load
from storage.organisations import Organisation


@click.group()
def org() -> None:
    """Organisations."""


@org.command("create")
@click.option("--name", required=True, type=NAME, help="Name, unique on this platform.")
@click.option("--number", default="", help="Organisation number, ten digits; may be left out here.")
@click.option("--type", "kind", type=click.Choice(organisations.TYPES), default="company", show_default=True)
@json_option
def org_create(name: str, number: str, kind: str, as_json: bool) -> None:
    """Create an organisation."""

    async def work() -> Organisation:
        async with transaction(load()) as session:
            try:
                return await organisations.create(
                    session, HOST, name=name, number=number, organisation_type=kind, now=now()
                )
            except AlreadyTaken:
                raise Failure(f"there is an organisation {name!r} already; choose another name") from None

    made = run(work())
    show(asdict(made), as_json, f"{made.id}  {made.name}")


@org.command("list")
@json_option
def org_list(as_json: bool) -> None:
    """Every organisation."""

    async def work() -> list[Organisation]:
        async with reading(load()) as session:
            return await organisations.all_of_them(session, HOST)

    rows = run(work())
    cells = [
        [row.id, row.name, row.number, row.type, "disabled" if row.disabled_at else "active"] for row in rows
    ]
    show([asdict(row) for row in rows], as_json, table(("id", "name", "number", "type", "state"), cells))
