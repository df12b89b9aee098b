"""Subscriptions: which app may call which API, on which version of which plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage import apps, changes
from storage.errors import AlreadyExists, NotFound, WrongState
from storage.schema.identifiers import new_id
from storage.schema.metadata import metadata
from storage.schema.rows import columns, insert_new, many, one, row_of


@dataclass(frozen=True, slots=True)
class Subscription:
    id: str  # sub_…
    organisation_id: str
    app_id: str
    api: str  # "behov/v1"
    plan: str  # plan id
    plan_version: int
    state: str  # requested, active, suspended, closed
    created_at: int
    changed_at: int


# From which states each state is reached. Closed is the end: who comes back subscribes anew.
REACHED_FROM: Mapping[str, frozenset[str]] = {
    "requested": frozenset({"requested"}),
    "active": frozenset({"requested", "active", "suspended"}),
    "suspended": frozenset({"active", "suspended"}),
    "closed": frozenset({"requested", "active", "suspended", "closed"}),
}

table = Table(
    "subscriptions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("organisation_id", ForeignKey("organisations.id"), nullable=False, index=True),
    Column("app_id", ForeignKey("apps.id"), nullable=False, index=True),
    Column("api", Text, nullable=False),
    Column("plan", Text, nullable=False),
    Column("plan_version", Integer, nullable=False),
    Column("state", Text, nullable=False, index=True),
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)
Index(
    "uq_subscriptions_open",
    table.c.app_id,
    table.c.api,
    unique=True,
    sqlite_where=table.c.state != "closed",
    postgresql_where=table.c.state != "closed",
)


async def add(
    session: AsyncSession,
    organisation_id: str,
    app_id: str,
    *,
    api: str,
    plan: str,
    plan_version: int,
    state: str,
    now: int,
) -> Subscription:
    """Raises `NotFound` when the organisation has no such app or it is deleted, and `AlreadyExists` when
    the app has one to this API that is not closed.
    """
    app = await apps.get(session, organisation_id, app_id)
    if app is None or app.state == "deleted":
        raise NotFound("app")
    if state not in REACHED_FROM:
        raise WrongState(f"subscription: no state {state}")
    made = Subscription(
        new_id("sub"), organisation_id, app_id, api, plan, plan_version, state, created_at=now, changed_at=now
    )
    if not await insert_new(session, table, row_of(made)):
        raise AlreadyExists("subscriptions.app_api")
    await changes.bump(session, changes.SUBSCRIPTION, made.id)
    return made


async def get(session: AsyncSession, organisation_id: str, subscription_id: str) -> Subscription | None:
    """None also for another organisation's."""
    found = select(*columns(table, Subscription)).where(
        table.c.id == subscription_id, table.c.organisation_id == organisation_id
    )
    return await one(session, Subscription, found)


async def any_by_id(session: AsyncSession, subscription_id: str) -> Subscription | None:
    """Whoever owns it: for operators only."""
    found = select(*columns(table, Subscription)).where(table.c.id == subscription_id)
    return await one(session, Subscription, found)


async def for_app(session: AsyncSession, organisation_id: str, app_id: str) -> list[Subscription]:
    """Oldest first, the closed too; empty for another organisation's app."""
    theirs = select(*columns(table, Subscription)).where(
        table.c.app_id == app_id, table.c.organisation_id == organisation_id
    )
    return await many(session, Subscription, theirs.order_by(table.c.created_at, table.c.id))


async def for_organisation(session: AsyncSession, organisation_id: str) -> list[Subscription]:
    """Oldest first, the closed too."""
    theirs = select(*columns(table, Subscription)).where(table.c.organisation_id == organisation_id)
    return await many(session, Subscription, theirs.order_by(table.c.created_at, table.c.id))


async def pending(session: AsyncSession) -> list[Subscription]:
    """Everybody's that wait for approval, oldest first: for operators only."""
    waiting = select(*columns(table, Subscription)).where(table.c.state == "requested")
    return await many(session, Subscription, waiting.order_by(table.c.created_at, table.c.id))


async def set_state(
    session: AsyncSession, organisation_id: str, subscription_id: str, state: str, now: int
) -> Subscription:
    """Raises `NotFound`, and `WrongState` when the life cycle has no such step. The same state again is no
    error.
    """
    before = await get(session, organisation_id, subscription_id)
    if before is None:
        raise NotFound("subscription")
    if state not in REACHED_FROM:
        raise WrongState(f"subscription: no state {state}")
    # The state is asked again by the update itself: of two that decide at the same time, one is refused.
    changed = (
        update(table)
        .where(table.c.id == subscription_id, table.c.state.in_(REACHED_FROM[state]))
        .values(state=state, changed_at=now)
        .returning(*columns(table, Subscription))
    )
    after = await one(session, Subscription, changed)
    if after is None:
        raise WrongState(f"subscription: {before.state} to {state}")
    await changes.bump(session, changes.SUBSCRIPTION, after.id)
    return after
