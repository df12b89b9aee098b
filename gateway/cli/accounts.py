"""How a command reaches accounts: as the host, in one transaction, by the names people use."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import click
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from console.management import shapes
from console.roles import Actor, Via
from console.services import apps
from gateway.cli.output import Failure
from gateway.cli.schema import demand_migrated
from gateway.settings import Settings
from storage import organisations
from storage.apps import App
from storage.database import Database
from storage.organisations import Organisation
from storage.schema.order import in_order

HOST = Actor(person_id="host", operator=True, via=Via.CLI)


class NameType(click.ParamType[str]):
    """A name as console and management API take it: 1 to 100 printable characters."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        adapter: TypeAdapter[str] = TypeAdapter(shapes.Name)
        try:
            return adapter.validate_python(value)
        except ValidationError:
            self.fail("1 to 100 characters that can be printed are needed", param, ctx)


NAME = NameType()


@asynccontextmanager
async def transaction(settings: Settings) -> AsyncIterator[AsyncSession]:
    """One transaction of one command, after those of other processes; any fault leaves nothing behind."""
    await asyncio.to_thread(demand_migrated, settings)
    database = Database(settings.database_url)
    try:
        async with database.begin() as session:
            await in_order(session)  # so that "at most 100 apps" holds beside the console, too
            yield session
    finally:
        await database.close()


@asynccontextmanager
async def reading(settings: Settings) -> AsyncIterator[AsyncSession]:
    """One consistent view that keeps no writer waiting."""
    await asyncio.to_thread(demand_migrated, settings)
    database = Database(settings.database_url)
    try:
        async with database.read() as session:
            yield session
    finally:
        await database.close()


def now() -> int:
    return int(time.time())


async def organisation_named(session: AsyncSession, name: str) -> Organisation:
    """By name in any case of letters, else by id."""
    found = await organisations.by_name(session, name) or await organisations.by_id(session, name)
    if found is None:
        raise Failure(f"there is no organisation {name!r}; make it with: sluss org create --name {name!r}")
    return found


async def app_named(session: AsyncSession, organisation: Organisation, wanted: str) -> App:
    """By id, client id or name. Names may repeat, and the wrong app must not be stopped."""
    held = await apps.every(session, HOST, organisation.id)
    exact = [app for app in held if wanted in (app.id, app.client_id)]
    found = exact or [app for app in held if app.name == wanted]
    if not found:
        names = ", ".join(sorted(app.name for app in held)) or "none"
        raise Failure(f"{organisation.name} has no app {wanted!r}; it has: {names}")
    if len(found) > 1:
        ids = ", ".join(f"{app.id} ({app.environment})" for app in found)
        raise Failure(f"{organisation.name} has several apps {wanted!r}; say which by its id: {ids}")
    return found[0]
