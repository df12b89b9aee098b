"""Sessions of the console. The cookie's value is not here, only its SHA-256: a copy of the table opens
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import BigInteger, Column, ForeignKey, Table, Text, select
from sqlalchemy import delete as deletion
from sqlalchemy.ext.asyncio import AsyncSession

from storage import people
from storage.people import Person
from storage.schema.metadata import metadata
from storage.schema.rows import columns, insert, one, row_of


@dataclass(frozen=True, slots=True)
class Session:
    id_hash: str = field(repr=False)  # SHA-256 of the cookie's value, hexadecimal
    person_id: str
    csrf: str = field(repr=False)  # the token every form of this session carries
    created_at: int
    expires_at: int


table = Table(
    "sessions",
    metadata,
    Column("id_hash", Text, primary_key=True),
    Column("person_id", ForeignKey("people.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("csrf", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
)


async def add(
    session: AsyncSession, *, id_hash: str, person_id: str, csrf: str, expires_at: int, now: int
) -> Session:
    """Raises `AlreadyExists` and, for an unknown person, `NotFound`, at the end of the transaction."""
    made = Session(id_hash, person_id, csrf, now, expires_at)
    await insert(session, table, row_of(made))
    return made


async def find(session: AsyncSession, id_hash: str, now: int) -> tuple[Session, Person] | None:
    """None when unknown, expired, or its person is disabled."""
    live = select(*columns(table, Session)).where(table.c.id_hash == id_hash, table.c.expires_at > now)
    found = await one(session, Session, live)
    if found is None:
        return None
    person = await people.by_id(session, found.person_id)
    return None if person is None or person.disabled_at is not None else (found, person)


async def delete(session: AsyncSession, id_hash: str) -> None:
    """Signs out; unknown is no error."""
    await session.execute(deletion(table).where(table.c.id_hash == id_hash))


async def delete_for_person(session: AsyncSession, person_id: str, *, but: str | None = None) -> int:
    """Signs a person out everywhere, but for the session with the hash `but`; how many sessions ended."""
    ended = deletion(table).where(table.c.person_id == person_id)
    if but is not None:
        ended = ended.where(table.c.id_hash != but)
    return len((await session.execute(ended.returning(table.c.id_hash))).all())


async def delete_all(session: AsyncSession) -> int:
    """Signs everybody out; how many sessions ended."""
    return len((await session.execute(deletion(table).returning(table.c.id_hash))).all())


async def delete_expired(session: AsyncSession, now: int) -> int:
    """How many were removed."""
    gone = deletion(table).where(table.c.expires_at <= now).returning(table.c.id_hash)
    return len((await session.execute(gone)).all())
