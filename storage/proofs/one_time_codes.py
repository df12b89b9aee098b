"""The secret behind a person's one-time codes (RFC 6238), sealed, and the time step last used."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import BigInteger, Column, ForeignKey, LargeBinary, Table, select, update
from sqlalchemy import delete as deletion
from sqlalchemy.ext.asyncio import AsyncSession

from storage.schema.metadata import metadata
from storage.schema.rows import columns, insert_new, one, row_of


@dataclass(frozen=True, slots=True)
class OneTimeCodes:
    person_id: str
    secret_encrypted: bytes = field(repr=False)
    last_step: int  # a code of this step or an earlier one is used up
    created_at: int
    confirmed_at: int | None  # None until the person has shown a code: it counts for nothing before


table = Table(
    "one_time_codes",
    metadata,
    Column("person_id", ForeignKey("people.id", ondelete="CASCADE"), primary_key=True),
    Column("secret_encrypted", LargeBinary, nullable=False),
    Column("last_step", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("confirmed_at", BigInteger),
)


async def propose(session: AsyncSession, person_id: str, secret_encrypted: bytes, now: int) -> bool:
    """A new secret that waits for its first code, in place of one that waited; False when one is in use."""
    waiting = deletion(table).where(table.c.person_id == person_id, table.c.confirmed_at.is_(None))
    await session.execute(waiting)
    return await insert_new(session, table, row_of(OneTimeCodes(person_id, secret_encrypted, 0, now, None)))


async def find(session: AsyncSession, person_id: str) -> OneTimeCodes | None:
    return await one(
        session, OneTimeCodes, select(*columns(table, OneTimeCodes)).where(table.c.person_id == person_id)
    )


async def use(session: AsyncSession, person_id: str, step: int, now: int) -> bool:
    """Uses up a time step, and all before it; False when it was already. The first use confirms."""
    used = (
        update(table)
        .where(table.c.person_id == person_id, table.c.last_step < step)
        .values(last_step=step)
        .returning(table.c.confirmed_at)
    )
    row = (await session.execute(used)).first()
    if row is None:
        return False
    if row[0] is None:
        await session.execute(update(table).where(table.c.person_id == person_id).values(confirmed_at=now))
    return True


async def remove(session: AsyncSession, person_id: str) -> bool:
    gone = deletion(table).where(table.c.person_id == person_id).returning(table.c.person_id)
    return (await session.execute(gone)).first() is not None
