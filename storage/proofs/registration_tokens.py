"""Tokens of dynamic registration (RFC 7591, 7592), as SHA-256: initial ones, each for one organisation and environment
and for so many apps; and one for each app so made, by which it manages its own registration.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, Table, Text, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage import apps
from storage.apps import App
from storage.schema.identifiers import new_id
from storage.schema.metadata import metadata
from storage.schema.rows import columns, insert, insert_into, one, row_of


@dataclass(frozen=True, slots=True)
class InitialToken:
    id: str  # iat_…
    organisation_id: str
    environment: str
    token_hash: str = field(repr=False)
    last4: str
    left: int  # how many apps it may still make
    expires_at: int
    created_at: int


@dataclass(frozen=True, slots=True)
class Registration:
    app_id: str
    token_hash: str = field(repr=False)


table = Table(
    "initial_tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("organisation_id", ForeignKey("organisations.id"), nullable=False, index=True),
    Column("environment", Text, nullable=False),
    Column("token_hash", Text, nullable=False, unique=True),
    Column("last4", Text, nullable=False),
    Column("left", Integer, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

registrations_table = Table(
    "registrations",
    metadata,
    Column("app_id", ForeignKey("apps.id"), primary_key=True),
    Column("token_hash", Text, nullable=False, unique=True),
)


async def add(
    session: AsyncSession,
    organisation_id: str,
    *,
    environment: str,
    token_hash: str,
    last4: str,
    uses: int,
    expires_at: int,
    now: int,
) -> InitialToken:
    made = InitialToken(new_id("iat"), organisation_id, environment, token_hash, last4, uses, expires_at, now)
    await insert(session, table, row_of(made))
    return made


async def spend(session: AsyncSession, token_hash: str, now: int) -> InitialToken | None:
    """Takes one use of a live token; None without one. Of many at the same time no more than its uses succeed."""
    left = table.c.left
    spent = (
        update(table)
        .where(table.c.token_hash == token_hash, left > 0, table.c.expires_at > now)
        .values(left=left - 1)
        .returning(*columns(table, InitialToken))
    )
    return await one(session, InitialToken, spent)


async def register(session: AsyncSession, app_id: str, token_hash: str) -> None:
    """The token that manages the app's registration from now on; one before it ends."""
    row = {"app_id": app_id, "token_hash": token_hash}
    statement = insert_into(session, registrations_table).values(row)
    await session.execute(statement.on_conflict_do_update(index_elements=["app_id"], set_=row))


async def registered(session: AsyncSession, token_hash: str) -> App | None:
    """The app that the token manages, in any state."""
    app = select(*columns(apps.table, App)).join(
        registrations_table, registrations_table.c.app_id == apps.table.c.id
    )
    return await one(session, App, app.where(registrations_table.c.token_hash == token_hash))
