"""Passkeys (WebAuthn): the public keys that prove possession. Nothing here is secret."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, ForeignKey, LargeBinary, Table, Text, select, update
from sqlalchemy import delete as deletion
from sqlalchemy.ext.asyncio import AsyncSession

from storage.errors import AlreadyExists
from storage.schema.identifiers import new_id
from storage.schema.metadata import metadata
from storage.schema.rows import columns, insert_new, many, one, row_of


@dataclass(frozen=True, slots=True)
class Passkey:
    id: str  # psk_…
    person_id: str
    credential_id: str  # the authenticator's name for it, base64url
    public_key: bytes  # COSE
    sign_count: int
    name: str
    created_at: int
    last_used_at: int | None


table = Table(
    "passkeys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person_id", ForeignKey("people.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("credential_id", Text, nullable=False, unique=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger),
)


async def add(
    session: AsyncSession,
    *,
    person_id: str,
    credential_id: str,
    public_key: bytes,
    sign_count: int,
    name: str,
    now: int,
) -> Passkey:
    """Raises `AlreadyExists` for one that is registered, here or with somebody else."""
    made = Passkey(new_id("psk"), person_id, credential_id, public_key, sign_count, name, now, None)
    if not await insert_new(session, table, row_of(made)):
        raise AlreadyExists("passkeys.credential_id")
    return made


async def for_person(session: AsyncSession, person_id: str) -> list[Passkey]:
    """Oldest first."""
    theirs = select(*columns(table, Passkey)).where(table.c.person_id == person_id)
    return await many(session, Passkey, theirs.order_by(table.c.created_at, table.c.id))


async def by_credential(session: AsyncSession, credential_id: str) -> Passkey | None:
    return await one(
        session, Passkey, select(*columns(table, Passkey)).where(table.c.credential_id == credential_id)
    )


async def used(session: AsyncSession, passkey_id: str, sign_count: int, now: int) -> None:
    await session.execute(
        update(table).where(table.c.id == passkey_id).values(sign_count=sign_count, last_used_at=now)
    )


async def remove(session: AsyncSession, person_id: str, passkey_id: str) -> bool:
    gone = deletion(table).where(table.c.person_id == person_id, table.c.id == passkey_id)
    return (await session.execute(gone.returning(table.c.id))).first() is not None
