"""Values that work once and soon end: links sent by mail, challenges, the state of a sign-in elsewhere.

Only SHA-256 of the value is stored, with what it was given for.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import BigInteger, Column, ColumnElement, Table, Text, select
from sqlalchemy import delete as deletion
from sqlalchemy.ext.asyncio import AsyncSession

from storage.schema.metadata import metadata
from storage.schema.rows import insert, row_of


@dataclass(frozen=True, slots=True)
class SingleUse:
    key_hash: str = field(repr=False)
    kind: str
    about: str = field(repr=False)  # what whoever made it needs at its use; text, usually JSON
    created_at: int
    expires_at: int


table = Table(
    "single_use",
    metadata,
    Column("key_hash", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
)


async def add(
    session: AsyncSession, *, key_hash: str, kind: str, about: str, expires_at: int, now: int
) -> None:
    await insert(session, table, row_of(SingleUse(key_hash, kind, about, now, expires_at)))


async def peek(session: AsyncSession, kind: str, key_hash: str, now: int) -> str | None:
    """What it is about, without using it."""
    live = select(table.c.about).where(*_live(kind, key_hash, now))
    return (await session.execute(live)).scalar_one_or_none()


async def use(session: AsyncSession, kind: str, key_hash: str, now: int) -> str | None:
    """What it is about, to the one who comes first; None for everyone after, and for what has ended."""
    used = deletion(table).where(*_live(kind, key_hash, now)).returning(table.c.about)
    return (await session.execute(used)).scalar_one_or_none()


def _live(kind: str, key_hash: str, now: int) -> tuple[ColumnElement[bool], ...]:
    return table.c.key_hash == key_hash, table.c.kind == kind, table.c.expires_at > now


async def delete_about(session: AsyncSession, kind: str, about: str) -> None:
    """Ends every value of a kind that is about the same."""
    await session.execute(deletion(table).where(table.c.kind == kind, table.c.about == about))


async def delete_expired(session: AsyncSession, now: int) -> None:
    await session.execute(deletion(table).where(table.c.expires_at <= now))


async def delete_all(session: AsyncSession) -> None:
    """Every link, challenge and state: after a restore, what was used since the copy must not work again."""
    await session.execute(deletion(table))
