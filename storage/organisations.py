"""Organisations, the tenants of the platform, and who is a member of them with which role."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, ColumnElement, ForeignKey, Table, Text, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage import changes, people
from storage.errors import AlreadyExists, NotFound
from storage.people import Person
from storage.schema.identifiers import new_id
from storage.schema.metadata import metadata
from storage.schema.rows import columns, insert_new, many, one, row_of


@dataclass(frozen=True, slots=True)
class Organisation:
    id: str  # org_…
    name: str
    number: str  # organisationsnummer, empty when there is none
    type: str  # company, research, authority, internal
    created_at: int
    disabled_at: int | None


@dataclass(frozen=True, slots=True)
class Member:
    organisation_id: str
    person_id: str
    role: str
    created_at: int


table = Table(
    "organisations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    # Two names that look alike are one name: "Ånga AB" cannot be taken again as "ånga  ab".
    Column("name_key", Text, nullable=False, unique=True),
    Column("number", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("disabled_at", BigInteger),
)

members_table = Table(
    "members",
    metadata,
    Column("organisation_id", ForeignKey("organisations.id"), primary_key=True),
    Column("person_id", ForeignKey("people.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("role", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)


def name_key(name: str) -> str:
    """The name without case, width and spacing."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


async def add(session: AsyncSession, *, name: str, number: str, type: str, now: int) -> Organisation:
    """Raises `AlreadyExists` when the name is taken."""
    made = Organisation(new_id("org"), name.strip(), number, type, now, None)
    if not await insert_new(session, table, {**row_of(made), "name_key": name_key(name)}):
        raise AlreadyExists("organisations.name")
    return made


async def by_id(session: AsyncSession, organisation_id: str) -> Organisation | None:
    found = select(*columns(table, Organisation)).where(table.c.id == organisation_id)
    return await one(session, Organisation, found)


async def by_name(session: AsyncSession, name: str) -> Organisation | None:
    """In any case of letters."""
    found = select(*columns(table, Organisation)).where(table.c.name_key == name_key(name))
    return await one(session, Organisation, found)


async def all_of_them(session: AsyncSession) -> list[Organisation]:
    """By name. For operators."""
    return await many(session, Organisation, select(*columns(table, Organisation)).order_by(table.c.name_key))


async def for_person(session: AsyncSession, person_id: str) -> list[tuple[Organisation, str]]:
    """Each with the person's role, by name; the disabled too."""
    theirs = (
        select(*columns(table, Organisation), members_table.c.role)
        .join(members_table, members_table.c.organisation_id == table.c.id)
        .where(members_table.c.person_id == person_id)
        .order_by(table.c.name_key)
    )
    rows = [dict(row) for row in (await session.execute(theirs)).mappings()]
    return [(Organisation(**row), role) for row in rows if (role := row.pop("role"))]


async def add_member(
    session: AsyncSession, organisation_id: str, person_id: str, role: str, now: int
) -> Member:
    """Raises `AlreadyExists` for a member, and `NotFound` at once or at the end for an unknown id."""
    made = Member(organisation_id, person_id, role, now)
    if not await insert_new(session, members_table, row_of(made)):
        raise AlreadyExists("members")
    return made


async def set_role(session: AsyncSession, organisation_id: str, person_id: str, role: str) -> None:
    """Raises `NotFound`. That an owner remains is the service's rule."""
    changed = (
        update(members_table).where(*_membership(organisation_id, person_id)).values(role=role)
    ).returning(members_table.c.role)
    if (await session.execute(changed)).first() is None:
        raise NotFound("member")


async def remove_member(session: AsyncSession, organisation_id: str, person_id: str) -> None:
    """Raises `NotFound`."""
    gone = delete(members_table).where(*_membership(organisation_id, person_id))
    if (await session.execute(gone.returning(members_table.c.role))).first() is None:
        raise NotFound("member")


async def members(session: AsyncSession, organisation_id: str) -> list[tuple[Person, str]]:
    """Each with their role, by name."""
    theirs = (
        select(*columns(people.table, Person), members_table.c.role)
        .join(members_table, members_table.c.person_id == people.table.c.id)
        .where(members_table.c.organisation_id == organisation_id)
        .order_by(people.table.c.name, people.table.c.id)
    )
    rows = [dict(row) for row in (await session.execute(theirs)).mappings()]
    return [(Person(**row), role) for row in rows if (role := row.pop("role"))]


async def role_of(session: AsyncSession, organisation_id: str, person_id: str) -> str | None:
    """None for who is no member."""
    role = select(members_table.c.role).where(*_membership(organisation_id, person_id))
    return (await session.execute(role)).scalar_one_or_none()


async def set_disabled(session: AsyncSession, organisation_id: str, at: int | None) -> Organisation:
    """`at` None enables again. The edge refuses the organisation's tokens meanwhile. Raises `NotFound`."""
    changed = update(table).where(table.c.id == organisation_id).values(disabled_at=at)
    organisation = await one(session, Organisation, changed.returning(*columns(table, Organisation)))
    if organisation is None:
        raise NotFound("organisation")
    await changes.bump(session)
    return organisation


def _membership(organisation_id: str, person_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return (
        members_table.c.organisation_id == organisation_id,
        members_table.c.person_id == person_id,
    )
