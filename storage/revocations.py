"""Revoked access tokens, by their `jti`, until they would have expired anyway."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, ForeignKey, Table, Text, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage import changes
from storage.schema.metadata import metadata
from storage.schema.rows import columns, insert_new, many, row_of

# A verifier may accept a token this long after its expiry, for clocks that differ: so long its revocation
# holds.
SKEW_S = 60


@dataclass(frozen=True, slots=True)
class Revocation:
    jti: str
    app_id: str
    expires_at: int  # the token's own
    revoked_at: int
    reason: str


table = Table(
    "revocations",
    metadata,
    Column("jti", Text, primary_key=True),
    Column("app_id", ForeignKey("apps.id"), nullable=False, index=True),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("revoked_at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
)


async def add(
    session: AsyncSession, *, jti: str, app_id: str, expires_at: int, reason: str, now: int
) -> None:
    """A second time changes nothing. That the token is the app's own is the caller's to check."""
    if await insert_new(session, table, row_of(Revocation(jti, app_id, expires_at, now, reason))):
        await changes.bump(session)


async def live(session: AsyncSession, now: int) -> list[Revocation]:
    """Those whose token could still be accepted."""
    still = select(*columns(table, Revocation)).where(table.c.expires_at > now - SKEW_S)
    return await many(session, Revocation, still.order_by(table.c.expires_at, table.c.jti))


async def delete_expired(session: AsyncSession, now: int) -> int:
    """How many were removed; nothing the edge must see."""
    gone = delete(table).where(table.c.expires_at <= now - SKEW_S).returning(table.c.jti)
    return len((await session.execute(gone)).all())
