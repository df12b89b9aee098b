"""Notices to clients that a person's session has ended, until each has been delivered (OIDC Back-Channel Logout 1.0).

Written in the transaction that ends the session, so that no process that dies in between loses one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, Table, Text, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage import apps, clients
from storage.oauth import grants
from storage.schema.identifiers import new_id
from storage.schema.metadata import metadata
from storage.schema.rows import columns, insert, row_of


@dataclass(frozen=True, slots=True)
class LogoutNotice:
    id: str  # lon_…
    app_id: str
    person_id: str
    session_name: str = field(repr=False)  # `sid`
    created_at: int
    next_at: int  # not to be tried before
    tries: int


@dataclass(frozen=True, slots=True)
class Due:
    """One to be delivered now, and where."""

    notice: LogoutNotice
    client_id: str
    uri: str


table = Table(
    "logout_notices",
    metadata,
    Column("id", Text, primary_key=True),
    Column("app_id", ForeignKey("apps.id"), nullable=False, index=True),
    Column("person_id", ForeignKey("people.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("session_name", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("next_at", BigInteger, nullable=False, index=True),
    Column("tries", Integer, nullable=False),
)


async def add(
    session: AsyncSession, *, session_hash: str, person_id: str, session_name: str, now: int
) -> None:
    """One for each app that was given something in the session and wants to know."""
    wanting = (
        select(grants.table.c.app_id)
        .join(clients.table, clients.table.c.app_id == grants.table.c.app_id)
        .where(
            grants.table.c.session_hash == session_hash,
            clients.table.c.backchannel_logout_uri.is_not(None),
        )
        .distinct()
    )
    for app_id in (await session.execute(wanting)).scalars().all():
        made = LogoutNotice(new_id("lon"), app_id, person_id, session_name, now, now, 0)
        await insert(session, table, row_of(made))


async def due(session: AsyncSession, now: int, limit: int) -> list[Due]:
    """Oldest first. What belongs to an app that is no longer active, or wants no more, is never due."""
    ready = (
        select(*columns(table, LogoutNotice), apps.table.c.client_id, clients.table.c.backchannel_logout_uri)
        .join(apps.table, apps.table.c.id == table.c.app_id)
        .join(clients.table, clients.table.c.app_id == table.c.app_id)
        .where(
            table.c.next_at <= now,
            apps.table.c.state == "active",
            clients.table.c.backchannel_logout_uri.is_not(None),
        )
        .order_by(table.c.created_at, table.c.id)
        .limit(limit)
    )
    rows = (await session.execute(ready)).all()
    return [Due(LogoutNotice(*row[:-2]), row[-2], row[-1]) for row in rows]


async def remove(session: AsyncSession, notice_id: str) -> None:
    """It has been delivered, or given up."""
    await session.execute(delete(table).where(table.c.id == notice_id))


async def put_off(session: AsyncSession, notice_id: str, next_at: int) -> None:
    """One more try, later."""
    later = update(table).where(table.c.id == notice_id)
    await session.execute(later.values(next_at=next_at, tries=table.c.tries + 1))


async def delete_expired(session: AsyncSession, before: int) -> int:
    """Those nobody could be told of; how many."""
    gone = delete(table).where(table.c.created_at < before).returning(table.c.id)
    return len((await session.execute(gone)).all())
