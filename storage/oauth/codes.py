"""Authorization codes (RFC 6749, 4.1.2): each is redeemed once, and which redemption is the first the database says.

A used code is kept until its grant is gone, because its second use is what tells of a theft (RFC 9700, 4.5).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import BigInteger, Column, ForeignKey, Table, Text, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.schema.metadata import metadata
from storage.schema.rows import columns, insert, one, row_of


@dataclass(frozen=True, slots=True)
class Code:
    code_hash: str = field(repr=False)  # SHA-256, hexadecimal
    grant_id: str
    redirect_uri: str  # as the client wrote it
    challenge: str  # PKCE, S256
    nonce: str | None  # for the ID token
    dpop_jkt: str | None  # thumbprint of the key the code is bound to (RFC 9449, 10)
    expires_at: int
    used_at: int | None


table = Table(
    "authorization_codes",
    metadata,
    Column("code_hash", Text, primary_key=True),
    Column("grant_id", ForeignKey("grants.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("redirect_uri", Text, nullable=False),
    Column("challenge", Text, nullable=False),
    Column("nonce", Text),
    Column("dpop_jkt", Text),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
)


async def add(
    session: AsyncSession,
    *,
    code_hash: str,
    grant_id: str,
    redirect_uri: str,
    challenge: str,
    nonce: str | None,
    dpop_jkt: str | None,
    expires_at: int,
) -> None:
    made = Code(code_hash, grant_id, redirect_uri, challenge, nonce, dpop_jkt, expires_at, None)
    await insert(session, table, row_of(made))


async def find(session: AsyncSession, code_hash: str) -> Code | None:
    """Used ones too."""
    return await one(session, Code, select(*columns(table, Code)).where(table.c.code_hash == code_hash))


async def claim(session: AsyncSession, code_hash: str, now: int) -> bool:
    """True for the one caller that uses it first, over all processes."""
    first = update(table).where(table.c.code_hash == code_hash, table.c.used_at.is_(None)).values(used_at=now)
    return (await session.execute(first.returning(table.c.code_hash))).first() is not None
