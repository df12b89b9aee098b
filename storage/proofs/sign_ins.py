"""Sign-ins under way: a first factor was right, a second is demanded. Only SHA-256 of the id is stored.

A table of its own, not a flag on a session: no reader of sessions can take half a sign-in for a whole one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import BigInteger, Column, ForeignKey, Table, Text, select, update
from sqlalchemy import delete as deletion
from sqlalchemy.ext.asyncio import AsyncSession

from storage.schema.metadata import metadata
from storage.schema.rows import columns, insert, one, row_of


@dataclass(frozen=True, slots=True)
class SignIn:
    id_hash: str = field(repr=False)  # SHA-256 of the cookie's value, hexadecimal
    person_id: str
    amr: str  # what was proved, RFC 8176's values, space separated
    tries: int  # wrong codes so far
    created_at: int
    expires_at: int


table = Table(
    "sign_ins",
    metadata,
    Column("id_hash", Text, primary_key=True),
    Column("person_id", ForeignKey("people.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("amr", Text, nullable=False),
    Column("tries", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
)


async def add(
    session: AsyncSession, *, id_hash: str, person_id: str, amr: str, expires_at: int, now: int
) -> SignIn:
    made = SignIn(id_hash, person_id, amr, 0, now, expires_at)
    await insert(session, table, row_of(made))
    return made


async def find(session: AsyncSession, id_hash: str, now: int) -> SignIn | None:
    live = select(*columns(table, SignIn)).where(table.c.id_hash == id_hash, table.c.expires_at > now)
    return await one(session, SignIn, live)


async def count_try(session: AsyncSession, id_hash: str) -> int:
    """How many wrong codes it has had now; 0 when it is gone."""
    counted = update(table).where(table.c.id_hash == id_hash).values(tries=table.c.tries + 1)
    return (await session.execute(counted.returning(table.c.tries))).scalar_one_or_none() or 0


async def end(session: AsyncSession, id_hash: str) -> bool:
    """True for the one who ended it: of two right codes at once, one becomes a session."""
    ended = deletion(table).where(table.c.id_hash == id_hash).returning(table.c.id_hash)
    return (await session.execute(ended)).first() is not None


async def end_for_person(session: AsyncSession, person_id: str) -> None:
    await session.execute(deletion(table).where(table.c.person_id == person_id))


async def delete_expired(session: AsyncSession, now: int) -> None:
    await session.execute(deletion(table).where(table.c.expires_at <= now))


async def delete_all(session: AsyncSession) -> None:
    """Every sign-in under way: after a restore, what was used since the copy must not work again."""
    await session.execute(deletion(table))
