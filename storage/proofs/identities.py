"""Which account is meant when another provider vouches for somebody: by (`iss`, `sub`) and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, ForeignKey, Table, Text, select
from sqlalchemy import delete as deletion
from sqlalchemy.ext.asyncio import AsyncSession

from storage.errors import AlreadyExists
from storage.schema.identifiers import new_id
from storage.schema.metadata import metadata
from storage.schema.rows import columns, insert_new, many, one, row_of


@dataclass(frozen=True, slots=True)
class Identity:
    issuer: str
    subject: str
    id: str  # idn_…
    person_id: str
    created_at: int


table = Table(
    "identities",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("person_id", ForeignKey("people.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", BigInteger, nullable=False),
)


async def add(session: AsyncSession, *, issuer: str, subject: str, person_id: str, now: int) -> Identity:
    """Raises `AlreadyExists` when it stands for an account already."""
    made = Identity(issuer, subject, new_id("idn"), person_id, now)
    if not await insert_new(session, table, row_of(made)):
        raise AlreadyExists("identities")
    return made


async def find(session: AsyncSession, issuer: str, subject: str) -> Identity | None:
    found = select(*columns(table, Identity)).where(table.c.issuer == issuer, table.c.subject == subject)
    return await one(session, Identity, found)


async def for_person(session: AsyncSession, person_id: str) -> list[Identity]:
    theirs = select(*columns(table, Identity)).where(table.c.person_id == person_id)
    return await many(session, Identity, theirs.order_by(table.c.created_at, table.c.id))


async def remove(session: AsyncSession, person_id: str, identity_id: str) -> bool:
    gone = deletion(table).where(table.c.person_id == person_id, table.c.id == identity_id)
    return (await session.execute(gone.returning(table.c.id))).first() is not None
