"""People who sign in to the console. Their roles in organisations are in `storage.organisations`."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import BigInteger, Boolean, Column, Table, Text, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage import changes
from storage.errors import AlreadyExists, NotFound
from storage.schema.identifiers import new_id
from storage.schema.metadata import metadata
from storage.schema.order import in_order
from storage.schema.rows import columns, insert_new, many, one, row_of


@dataclass(frozen=True, slots=True)
class Person:
    id: str  # per_…
    email: str  # lower case
    name: str
    password_hash: str = field(repr=False)  # Argon2id, with its parameters
    operator: bool  # runs the platform: may see and do what is nobody's tenant
    language: str  # "sv" or "en"
    created_at: int
    disabled_at: int | None


table = Table(
    "people",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("operator", Boolean, nullable=False),
    Column("language", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("disabled_at", BigInteger),
)


def normal_email(email: str) -> str:
    """The spelling under which an address is stored and looked up: one person is one row."""
    return email.strip().lower()


async def add(
    session: AsyncSession,
    *,
    email: str,
    name: str,
    password_hash: str,
    operator: bool = False,
    language: str = "sv",
    now: int,
) -> Person:
    """Raises `AlreadyExists` when the address is taken."""
    person = Person(
        id=new_id("per"),
        email=normal_email(email),
        name=name,
        password_hash=password_hash,
        operator=operator,
        language=language,
        created_at=now,
        disabled_at=None,
    )
    if not await insert_new(session, table, row_of(person)):
        raise AlreadyExists("people.email")
    return person


async def by_email(session: AsyncSession, email: str) -> Person | None:
    """In any case of letters. Disabled people too: who asks decides what that means."""
    found = select(*columns(table, Person)).where(table.c.email == normal_email(email))
    return await one(session, Person, found)


async def by_id(session: AsyncSession, person_id: str) -> Person | None:
    return await one(session, Person, select(*columns(table, Person)).where(table.c.id == person_id))


async def set_password(session: AsyncSession, person_id: str, password_hash: str) -> Person:
    """Raises `NotFound`. Ending the person's sessions is the caller's."""
    return await _change(session, person_id, password_hash=password_hash)


async def set_disabled(session: AsyncSession, person_id: str, at: int | None) -> Person:
    """`at` None enables again. Raises `NotFound`. The disabled have no sessions or tokens."""
    await in_order(session)  # before the row: whoever changes a password takes them in that order
    person = await _change(session, person_id, disabled_at=at)
    await changes.bump(session)
    return person


async def disabled(session: AsyncSession) -> frozenset[str]:
    """Ids of all who are: what the edge refuses."""
    found = select(table.c.id).where(table.c.disabled_at.is_not(None))
    return frozenset((await session.execute(found)).scalars())


async def set_operator(session: AsyncSession, person_id: str, operator: bool) -> Person:
    """Raises `NotFound`."""
    return await _change(session, person_id, operator=operator)


async def every(session: AsyncSession) -> list[Person]:
    """By address, the disabled too. For the host."""
    return await many(session, Person, select(*columns(table, Person)).order_by(table.c.email))


async def set_language(session: AsyncSession, person_id: str, language: str) -> Person:
    """Raises `NotFound`."""
    return await _change(session, person_id, language=language)


async def _change(session: AsyncSession, person_id: str, **values: object) -> Person:
    changed = update(table).where(table.c.id == person_id).values(**values)
    person = await one(session, Person, changed.returning(*columns(table, Person)))
    if person is None:
        raise NotFound("person")
    return person
