"""Consents: what a person has allowed an app, until when. At most one of each pair is in force."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, ColumnElement, ForeignKey, Index, Table, Text, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.errors import NotFound
from storage.schema.identifiers import new_id
from storage.schema.metadata import metadata
from storage.schema.rows import columns, insert, many, one, row_of


@dataclass(frozen=True, slots=True)
class Consent:
    id: str  # con_…
    person_id: str
    app_id: str
    scope: str  # separated by spaces
    given_at: int
    expires_at: int
    withdrawn_at: int | None  # also when a newer one took its place


table = Table(
    "consents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person_id", ForeignKey("people.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("app_id", ForeignKey("apps.id"), nullable=False, index=True),
    Column("scope", Text, nullable=False),
    Column("given_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("withdrawn_at", BigInteger),
)
Index(
    "uq_consents_in_force",
    table.c.person_id,
    table.c.app_id,
    unique=True,
    sqlite_where=table.c.withdrawn_at.is_(None),
    postgresql_where=table.c.withdrawn_at.is_(None),
)


async def give(
    session: AsyncSession, *, person_id: str, app_id: str, scope: str, expires_at: int, now: int
) -> Consent:
    """Takes the place of an earlier one between the two. The caller has the queue of `storage.schema.order`."""
    before = update(table).where(*_in_force(person_id), table.c.app_id == app_id).values(withdrawn_at=now)
    await session.execute(before)
    made = Consent(new_id("con"), person_id, app_id, scope, now, expires_at, None)
    await insert(session, table, row_of(made))
    return made


async def find(session: AsyncSession, person_id: str, app_id: str, now: int) -> Consent | None:
    """The one in force."""
    theirs = select(*columns(table, Consent)).where(
        *_in_force(person_id), table.c.app_id == app_id, table.c.expires_at > now
    )
    return await one(session, Consent, theirs)


async def for_person(session: AsyncSession, person_id: str, now: int) -> list[Consent]:
    """Those in force, newest first."""
    theirs = select(*columns(table, Consent)).where(*_in_force(person_id), table.c.expires_at > now)
    return await many(session, Consent, theirs.order_by(table.c.given_at.desc(), table.c.id))


async def withdraw(session: AsyncSession, person_id: str, consent_id: str, now: int) -> Consent:
    """Raises `NotFound` when the person has none such in force. Ending the grants is the caller's."""
    ended = (
        update(table)
        .where(*_in_force(person_id), table.c.id == consent_id)
        .values(withdrawn_at=now)
        .returning(*columns(table, Consent))
    )
    consent = await one(session, Consent, ended)
    if consent is None:
        raise NotFound("consent")
    return consent


def _in_force(person_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return table.c.person_id == person_id, table.c.withdrawn_at.is_(None)
