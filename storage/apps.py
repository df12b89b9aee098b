"""Apps: what an organisation registers to call APIs. An app's client id is what its tokens name."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, ColumnElement, ForeignKey, Table, Text, case, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage import changes
from storage.errors import NotFound, WrongState
from storage.schema.identifiers import new_id
from storage.schema.metadata import metadata
from storage.schema.rows import columns, insert, many, one, row_of


@dataclass(frozen=True, slots=True)
class App:
    id: str  # app_…
    organisation_id: str
    name: str
    environment: str  # sandbox, production
    client_id: str  # sluss_app_…
    state: str  # active, suspended, deleted
    tokens_valid_from: int  # tokens issued before are refused
    created_at: int


# From which states each state is reached. Deleted is the end; the row stays, because usage names it.
REACHED_FROM: Mapping[str, frozenset[str]] = {
    "active": frozenset({"active", "suspended"}),
    "suspended": frozenset({"active", "suspended"}),
    "deleted": frozenset({"active", "suspended", "deleted"}),
}

table = Table(
    "apps",
    metadata,
    Column("id", Text, primary_key=True),
    Column("organisation_id", ForeignKey("organisations.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("client_id", Text, nullable=False, unique=True),
    Column("state", Text, nullable=False),
    Column("tokens_valid_from", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)


async def add(session: AsyncSession, organisation_id: str, *, name: str, environment: str, now: int) -> App:
    """An active app. Raises `NotFound` for an unknown organisation at the end of the transaction at the
    latest.
    """
    made = App(
        id=new_id("app"),
        organisation_id=organisation_id,
        name=name,
        environment=environment,
        client_id=f"sluss_app_{secrets.token_hex(16)}",
        state="active",
        tokens_valid_from=0,
        created_at=now,
    )
    await insert(session, table, row_of(made))
    await changes.bump(session, changes.APP, made.id)
    return made


async def get(session: AsyncSession, organisation_id: str, app_id: str) -> App | None:
    """None also for another organisation's app. A deleted app is found, with its state."""
    found = select(*columns(table, App)).where(*_owned(organisation_id, app_id))
    return await one(session, App, found)


async def any_by_id(session: AsyncSession, app_id: str) -> App | None:
    """Whoever owns it, in any state: for what names an app and is not its organisation's."""
    return await one(session, App, select(*columns(table, App)).where(table.c.id == app_id))


async def by_client_id(session: AsyncSession, client_id: str) -> App | None:
    """In any state."""
    return await one(session, App, select(*columns(table, App)).where(table.c.client_id == client_id))


async def for_organisation(session: AsyncSession, organisation_id: str) -> list[App]:
    """Oldest first, without the deleted."""
    theirs = select(*columns(table, App)).where(
        table.c.organisation_id == organisation_id, table.c.state != "deleted"
    )
    return await many(session, App, theirs.order_by(table.c.created_at, table.c.id))


async def rename(session: AsyncSession, organisation_id: str, app_id: str, name: str) -> App:
    """Raises `NotFound`."""
    changed = update(table).where(*_owned(organisation_id, app_id)).values(name=name)
    return await _changed(session, await one(session, App, changed.returning(*columns(table, App))))


async def set_state(session: AsyncSession, organisation_id: str, app_id: str, state: str, now: int) -> App:
    """Raises `NotFound`, and `WrongState` when the life cycle has no such step. The same state again is no
    error.

    What leaves `active` loses its tokens for good: those issued until `now` stay refused when it
    comes back.
    """
    before = await get(session, organisation_id, app_id)
    if before is None:
        raise NotFound("app")
    if state not in REACHED_FROM:
        raise WrongState(f"app: no state {state}")
    changed = (
        update(table)
        .where(*_owned(organisation_id, app_id), table.c.state.in_(REACHED_FROM[state]))
        .values(
            state=state, **({} if state == "active" else {"tokens_valid_from": _past_all_issued(now + 1)})
        )
        .returning(*columns(table, App))
    )
    after = await one(session, App, changed)
    if after is None:
        raise WrongState(f"app: {before.state} to {state}")
    return await _changed(session, after)


async def set_tokens_valid_from(session: AsyncSession, organisation_id: str, app_id: str, at: int) -> App:
    """Refuses every token of the app issued before `at`, and before this call. Raises `NotFound`."""
    changed = (
        update(table)
        .where(*_owned(organisation_id, app_id))
        .values(tokens_valid_from=_past_all_issued(at))
        .returning(*columns(table, App))
    )
    return await _changed(session, await one(session, App, changed))


async def refuse_all_tokens(session: AsyncSession, at: int) -> int:
    """Every token of every app issued before `at`, and before this call, is refused; how many apps that were."""
    ended = update(table).values(tokens_valid_from=_past_all_issued(at)).returning(table.c.id)
    count = len((await session.execute(ended)).all())
    await changes.bump_all(session)
    return count


async def _changed(session: AsyncSession, app: App | None) -> App:
    if app is None:
        raise NotFound("app")
    await changes.bump(session, changes.APP, app.id)
    return app


def _past_all_issued(at: int) -> ColumnElement[int]:
    """`at`, or one second past the present line when that is not before it. Tokens carry whole seconds and are
    dated no earlier than the line, so moving it is the only way to be past those issued since it was drawn.
    """
    line = table.c.tokens_valid_from
    return case((line >= at, line + 1), else_=at)


def _owned(organisation_id: str, app_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return table.c.id == app_id, table.c.organisation_id == organisation_id
