"""Invitations to an organisation that wait for an answer. Used, withdrawn or expired, they are gone; the audit log
says what became of them. Only SHA-256 of the link's token is stored.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import BigInteger, Column, ForeignKey, Table, Text, select
from sqlalchemy import delete as deletion
from sqlalchemy.ext.asyncio import AsyncSession

from storage.people import normal_email
from storage.schema.identifiers import new_id
from storage.schema.metadata import metadata
from storage.schema.rows import columns, insert, many, one, row_of


@dataclass(frozen=True, slots=True)
class Invitation:
    id: str  # inv_…
    organisation_id: str
    email: str  # lower case
    role: str
    token_hash: str = field(repr=False)
    invited_by: str  # a person's id; `host` for the platform's own commands
    created_at: int
    expires_at: int


table = Table(
    "invitations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("organisation_id", ForeignKey("organisations.id"), nullable=False, index=True),
    Column("email", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("token_hash", Text, nullable=False, unique=True),
    Column("invited_by", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
)


async def replace(
    session: AsyncSession,
    organisation_id: str,
    *,
    email: str,
    role: str,
    token_hash: str,
    invited_by: str,
    expires_at: int,
    now: int,
) -> Invitation:
    """A new one, in place of an earlier one of the organisation to the same address."""
    address = normal_email(email)
    await session.execute(
        deletion(table).where(table.c.organisation_id == organisation_id, table.c.email == address)
    )
    made = Invitation(new_id("inv"), organisation_id, address, role, token_hash, invited_by, now, expires_at)
    await insert(session, table, row_of(made))
    return made


async def for_organisation(session: AsyncSession, organisation_id: str, now: int) -> list[Invitation]:
    """Those that can still be used, newest first."""
    theirs = select(*columns(table, Invitation)).where(
        table.c.organisation_id == organisation_id, table.c.expires_at > now
    )
    return await many(session, Invitation, theirs.order_by(table.c.created_at.desc(), table.c.id))


async def by_token(session: AsyncSession, token_hash: str, now: int) -> Invitation | None:
    found = select(*columns(table, Invitation)).where(
        table.c.token_hash == token_hash, table.c.expires_at > now
    )
    return await one(session, Invitation, found)


async def use(session: AsyncSession, organisation_id: str, invitation_id: str) -> Invitation | None:
    """Takes it away, to the one who comes first."""
    used = deletion(table).where(table.c.organisation_id == organisation_id, table.c.id == invitation_id)
    return await one(session, Invitation, used.returning(*columns(table, Invitation)))


async def delete_expired(session: AsyncSession, now: int) -> None:
    await session.execute(deletion(table).where(table.c.expires_at <= now))
