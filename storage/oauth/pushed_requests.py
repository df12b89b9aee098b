"""Pushed authorization requests (RFC 9126): what a client has deposited, under the hash of its `request_uri`.

Used once, and used up when the code is issued: a page that is loaded twice must not end the person's errand.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import BigInteger, Column, ForeignKey, Table, Text, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.schema.metadata import metadata
from storage.schema.rows import columns, insert, one, row_of


@dataclass(frozen=True, slots=True)
class PushedRequest:
    uri_hash: str = field(repr=False)  # SHA-256, hexadecimal
    app_id: str
    parameters: str = field(repr=False)  # JSON object of texts
    created_at: int
    expires_at: int  # to be shown for the first time before; then to be answered before
    opened_at: int | None
    used_at: int | None


table = Table(
    "pushed_requests",
    metadata,
    Column("uri_hash", Text, primary_key=True),
    Column("app_id", ForeignKey("apps.id"), nullable=False, index=True),
    Column("parameters", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("opened_at", BigInteger),
    Column("used_at", BigInteger),
)


async def add(
    session: AsyncSession, *, uri_hash: str, app_id: str, parameters: str, expires_at: int, now: int
) -> None:
    made = PushedRequest(uri_hash, app_id, parameters, now, expires_at, None, None)
    await insert(session, table, row_of(made))


async def find(session: AsyncSession, uri_hash: str, now: int) -> PushedRequest | None:
    """One that can still be answered."""
    live = select(*columns(table, PushedRequest)).where(
        table.c.uri_hash == uri_hash, table.c.used_at.is_(None), table.c.expires_at > now
    )
    return await one(session, PushedRequest, live)


async def open_for(session: AsyncSession, uri_hash: str, now: int, until: int) -> None:
    """A person sees it for the first time: from now on it lives until `until`, so that they can sign in first."""
    first = update(table).where(table.c.uri_hash == uri_hash, table.c.opened_at.is_(None))
    await session.execute(first.values(opened_at=now, expires_at=until))


async def claim(session: AsyncSession, uri_hash: str, now: int) -> bool:
    """True for the one caller that uses it up."""
    first = update(table).where(
        table.c.uri_hash == uri_hash, table.c.used_at.is_(None), table.c.expires_at > now
    )
    used = first.values(used_at=func.coalesce(table.c.used_at, now)).returning(table.c.uri_hash)
    return (await session.execute(used)).first() is not None


async def delete_expired(session: AsyncSession, now: int) -> int:
    """How many were removed."""
    gone = delete(table).where(table.c.expires_at <= now).returning(table.c.uri_hash)
    return len((await session.execute(gone)).all())
