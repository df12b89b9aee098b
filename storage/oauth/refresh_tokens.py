"""Refresh tokens (RFC 6749, 6). One that was exchanged for its successor stays, so that its second use is noticed."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import BigInteger, Column, ForeignKey, Table, Text, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.schema.metadata import metadata
from storage.schema.rows import columns, insert, one, row_of


@dataclass(frozen=True, slots=True)
class RefreshToken:
    token_hash: str = field(repr=False)  # SHA-256, hexadecimal
    grant_id: str
    dpop_jkt: str  # thumbprint of the key whose proof it needs (RFC 9449, 5); empty: none
    created_at: int
    expires_at: int  # unused for so long it ends; one that does not rotate is prolonged by use
    used_at: int | None  # exchanged for its successor


table = Table(
    "refresh_tokens",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("grant_id", ForeignKey("grants.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("dpop_jkt", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
)


async def add(
    session: AsyncSession, *, token_hash: str, grant_id: str, dpop_jkt: str, expires_at: int, now: int
) -> None:
    made = RefreshToken(token_hash, grant_id, dpop_jkt, now, expires_at, None)
    await insert(session, table, row_of(made))


async def find(session: AsyncSession, token_hash: str) -> RefreshToken | None:
    """Used ones too."""
    found = select(*columns(table, RefreshToken)).where(table.c.token_hash == token_hash)
    return await one(session, RefreshToken, found)


async def claim(session: AsyncSession, token_hash: str, now: int) -> bool:
    """True for the one caller that exchanges it, over all processes."""
    first = (
        update(table).where(table.c.token_hash == token_hash, table.c.used_at.is_(None)).values(used_at=now)
    )
    return (await session.execute(first.returning(table.c.token_hash))).first() is not None


async def prolong(session: AsyncSession, token_hash: str, expires_at: int) -> None:
    """For one that is used again and again."""
    await session.execute(update(table).where(table.c.token_hash == token_hash).values(expires_at=expires_at))
