"""Grants: one authorization that a person gave an app, and all that is issued on it stands or falls with it.

RFC 6749 calls what the person gives the authorization grant, RFC 9700 (4.14.2) what descends from it a family. The
access token names its grant, so that the edge refuses it when the grant is revoked.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    ForeignKey,
    Table,
    Text,
    delete,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from storage import changes
from storage.schema.identifiers import new_id
from storage.schema.metadata import metadata
from storage.schema.order import in_order
from storage.schema.rows import columns, insert, many, one, row_of

# An access token lives shorter than this, clocks that differ included: so long the edge must know of a revocation.
LONGEST_TOKEN_S = 3600


@dataclass(frozen=True, slots=True)
class Grant:
    id: str  # gra_…
    app_id: str
    person_id: str
    scope: str  # as granted, separated by spaces; a refresh never goes beyond it
    resource: str  # RFC 8707; empty: any API of ours
    session_hash: str = field(repr=False)  # that it was given in and lives; else empty
    acr: str  # how the person had signed in
    amr: str  # by which methods, separated by spaces
    auth_time: int
    ends_with_session: bool  # at sign-out
    created_at: int
    expires_at: int  # nothing is issued on it from then on
    revoked_at: int | None
    revoked_for: str | None  # code-reuse, refresh-reuse, withdrawn, sign-out, password, client


table = Table(
    "grants",
    metadata,
    Column("id", Text, primary_key=True),
    Column("app_id", ForeignKey("apps.id"), nullable=False, index=True),
    Column("person_id", ForeignKey("people.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("scope", Text, nullable=False),
    Column("resource", Text, nullable=False),
    Column("session_hash", Text, nullable=False, index=True),
    Column("acr", Text, nullable=False),
    Column("amr", Text, nullable=False),
    Column("auth_time", BigInteger, nullable=False),
    Column("ends_with_session", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("revoked_at", BigInteger, index=True),
    Column("revoked_for", Text),
)


async def add(
    session: AsyncSession,
    *,
    app_id: str,
    person_id: str,
    scope: str,
    resource: str,
    session_hash: str,
    acr: str,
    amr: str,
    auth_time: int,
    ends_with_session: bool,
    expires_at: int,
    now: int,
) -> Grant:
    made = Grant(
        new_id("gra"), app_id, person_id, scope, resource, session_hash, acr, amr, auth_time,
        ends_with_session, now, expires_at, None, None,
    )  # fmt: skip
    await insert(session, table, row_of(made))
    return made


async def get(session: AsyncSession, grant_id: str) -> Grant | None:
    """In any state."""
    return await one(session, Grant, select(*columns(table, Grant)).where(table.c.id == grant_id))


async def live_of_session(session: AsyncSession, session_hash: str, now: int) -> list[Grant]:
    """Those given in one session of a person, oldest first."""
    theirs = select(*columns(table, Grant)).where(table.c.session_hash == session_hash, *_live(now))
    return await many(session, Grant, theirs.order_by(table.c.created_at, table.c.id))


async def revoke_for_session(session: AsyncSession, session_hash: str, now: int) -> int:
    """Those that end with the session they were given in; how many."""
    theirs = (table.c.session_hash == session_hash) & table.c.ends_with_session
    return await _revoke(session, theirs, "sign-out", now)


async def outlive(session: AsyncSession, session_hash: str) -> None:
    """What goes on after its session belongs to none."""
    await session.execute(update(table).where(table.c.session_hash == session_hash).values(session_hash=""))


async def hand_over(session: AsyncSession, old: str, new: str, person_id: str) -> None:
    """A person's session has a new name: what was given in the old one is the new one's."""
    theirs = update(table).where(table.c.session_hash == old, table.c.person_id == person_id)
    await session.execute(theirs.values(session_hash=new))


async def live_of_person(session: AsyncSession, person_id: str, now: int) -> list[Grant]:
    """Newest first."""
    theirs = select(*columns(table, Grant)).where(table.c.person_id == person_id, *_live(now))
    return await many(session, Grant, theirs.order_by(table.c.created_at.desc(), table.c.id))


async def revoke(session: AsyncSession, grant_id: str, reason: str, now: int) -> bool:
    """Ends it with all that was issued on it; False when it had ended before."""
    return await _revoke(session, table.c.id == grant_id, reason, now) > 0


async def revoke_for_person(
    session: AsyncSession, person_id: str, reason: str, now: int, *, app_id: str | None = None
) -> int:
    """Every grant of a person, or those to one app; how many."""
    whose = table.c.person_id == person_id
    return await _revoke(
        session, whose if app_id is None else whose & (table.c.app_id == app_id), reason, now
    )


async def revoked_lately(session: AsyncSession, now: int) -> frozenset[str]:
    """Ids of those whose access tokens could still be alive: what the edge refuses."""
    lately = select(table.c.id).where(table.c.revoked_at > now - LONGEST_TOKEN_S)
    return frozenset((await session.execute(lately)).scalars())


async def delete_ended(session: AsyncSession, now: int) -> int:
    """Removes those on which nothing can be alive, with their codes and tokens; how many."""
    past = now - 2 * LONGEST_TOKEN_S
    gone = delete(table).where(or_(table.c.expires_at < past, table.c.revoked_at < past))
    return len((await session.execute(gone.returning(table.c.id))).all())


async def _revoke(session: AsyncSession, which: ColumnElement[bool], reason: str, now: int) -> int:
    # The queue before the rows: who has the queue and wants the rows, as a withdrawal does, must not meet us half-way.
    await in_order(session)
    ended = (
        update(table).where(which, table.c.revoked_at.is_(None)).values(revoked_at=now, revoked_for=reason)
    )
    count = len((await session.execute(ended.returning(table.c.id))).all())
    if count:
        await changes.bump(session)
    return count


def _live(now: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return table.c.revoked_at.is_(None), table.c.expires_at > now
