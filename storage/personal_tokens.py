"""Personal tokens (`sluss_pat_…`) for the management API. Only SHA-256 of the token is stored."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Table, Text, false, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage import people
from storage.errors import NotFound
from storage.people import Person
from storage.schema.identifiers import new_id
from storage.schema.metadata import metadata
from storage.schema.rows import columns, insert, many, one, row_of


@dataclass(frozen=True, slots=True)
class PersonalToken:
    id: str  # pat_…
    person_id: str
    name: str
    token_hash: str = field(repr=False)  # SHA-256, hexadecimal
    last4: str
    created_at: int
    expires_at: int | None
    revoked_at: int | None
    multi_factor: bool = False  # made by someone who had shown two factors


table = Table(
    "personal_tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person_id", ForeignKey("people.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("token_hash", Text, nullable=False, unique=True),
    Column("last4", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("multi_factor", Boolean, nullable=False, server_default=false()),
)


async def add(
    session: AsyncSession,
    *,
    person_id: str,
    name: str,
    token_hash: str,
    last4: str,
    expires_at: int | None,
    now: int,
    multi_factor: bool = False,
) -> PersonalToken:
    made = PersonalToken(
        new_id("pat"), person_id, name, token_hash, last4, now, expires_at, None, multi_factor
    )
    await insert(session, table, row_of(made))
    return made


async def find(session: AsyncSession, token_hash: str, now: int) -> tuple[PersonalToken, Person] | None:
    """The token and whose it is; None when unknown, expired, revoked, or the person is disabled."""
    live = select(*columns(table, PersonalToken)).where(
        table.c.token_hash == token_hash,
        table.c.revoked_at.is_(None),
        or_(table.c.expires_at.is_(None), table.c.expires_at > now),
    )
    found = await one(session, PersonalToken, live)
    if found is None:
        return None
    person = await people.by_id(session, found.person_id)
    return None if person is None or person.disabled_at is not None else (found, person)


async def for_person(session: AsyncSession, person_id: str) -> list[PersonalToken]:
    """Newest first, the revoked too."""
    theirs = select(*columns(table, PersonalToken)).where(table.c.person_id == person_id)
    return await many(session, PersonalToken, theirs.order_by(table.c.created_at.desc(), table.c.id))


async def revoke(session: AsyncSession, person_id: str, token_id: str, now: int) -> PersonalToken:
    """The first time counts. Raises `NotFound` when the person has no such token."""
    revoked = (
        update(table)
        .where(table.c.id == token_id, table.c.person_id == person_id)
        .values(revoked_at=func.coalesce(table.c.revoked_at, now))
        .returning(*columns(table, PersonalToken))
    )
    token = await one(session, PersonalToken, revoked)
    if token is None:
        raise NotFound("personal token")
    return token
