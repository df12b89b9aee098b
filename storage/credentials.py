"""Secrets of apps. A secret is stored as SHA-256 of 256 random bits: nothing that reads the table can use
it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    ForeignKey,
    Select,
    Table,
    Text,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from storage import apps, changes, organisations
from storage.errors import NotFound
from storage.schema.identifiers import new_id
from storage.schema.metadata import metadata
from storage.schema.rows import columns, insert, many, one, row_of


@dataclass(frozen=True, slots=True)
class Credential:
    id: str  # cre_…
    app_id: str
    kind: str  # client_secret, api_key
    secret_hash: str = field(repr=False)  # SHA-256, hexadecimal
    last4: str
    created_at: int
    expires_at: int | None
    revoked_at: int | None
    last_used_at: int | None


CLIENT_SECRET = "client_secret"  # noqa: S105 - a kind
API_KEY = "api_key"

table = Table(
    "credentials",
    metadata,
    Column("id", Text, primary_key=True),
    Column("app_id", ForeignKey("apps.id"), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("secret_hash", Text, nullable=False, unique=True),
    Column("last4", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("last_used_at", BigInteger),
)


async def add(
    session: AsyncSession,
    organisation_id: str,
    app_id: str,
    *,
    kind: str,
    secret_hash: str,
    last4: str,
    expires_at: int | None,
    now: int,
) -> Credential:
    """Raises `NotFound` when the organisation has no such app or it is deleted."""
    app = await apps.get(session, organisation_id, app_id)
    if app is None or app.state == "deleted":
        raise NotFound("app")
    made = Credential(new_id("cre"), app_id, kind, secret_hash, last4, now, expires_at, None, None)
    await insert(session, table, row_of(made))
    await _tell(session, made)
    return made


async def for_app(session: AsyncSession, organisation_id: str, app_id: str) -> list[Credential]:
    """Newest first, the ended too; empty for another organisation's app."""
    theirs = select(*columns(table, Credential)).where(
        table.c.app_id == app_id, table.c.app_id.in_(_apps_of(organisation_id))
    )
    return await many(session, Credential, theirs.order_by(table.c.created_at.desc(), table.c.id))


async def live_for_client(session: AsyncSession, client_id: str, now: int) -> list[Credential]:
    """What may prove the client now: none when the app is not active or its organisation is disabled."""
    live = (
        select(*columns(table, Credential))
        .join(apps.table, apps.table.c.id == table.c.app_id)
        .join(organisations.table, organisations.table.c.id == apps.table.c.organisation_id)
        .where(
            apps.table.c.client_id == client_id,
            table.c.kind == CLIENT_SECRET,  # a key opens APIs, and never the token endpoint
            apps.table.c.state == "active",
            organisations.table.c.disabled_at.is_(None),
            table.c.revoked_at.is_(None),
            or_(table.c.expires_at.is_(None), table.c.expires_at > now),
        )
        .order_by(table.c.created_at.desc(), table.c.id)
    )
    return await many(session, Credential, live)


async def expire(session: AsyncSession, organisation_id: str, credential_id: str, at: int) -> Credential:
    """Ends at `at`, or earlier if it already ends earlier: the overlap of a rotation. Raises `NotFound`."""
    earliest = func.min if session.get_bind().dialect.name == "sqlite" else func.least
    return await _change(
        session,
        organisation_id,
        credential_id,
        expires_at=earliest(func.coalesce(table.c.expires_at, at), at),
    )


async def revoke(session: AsyncSession, organisation_id: str, credential_id: str, now: int) -> Credential:
    """Ends now; the first time counts. Tokens already issued are `apps.set_tokens_valid_from`. Raises
    `NotFound`.
    """
    return await _change(
        session, organisation_id, credential_id, revoked_at=func.coalesce(table.c.revoked_at, now)
    )


async def touch(session: AsyncSession, credential_id: str, now: int) -> None:
    """Notes the last use."""
    await session.execute(update(table).where(table.c.id == credential_id).values(last_used_at=now))


async def _change(
    session: AsyncSession, organisation_id: str, credential_id: str, **values: ColumnElement[int]
) -> Credential:
    changed = (
        update(table)
        .where(table.c.id == credential_id, table.c.app_id.in_(_apps_of(organisation_id)))
        .values(**values)
        .returning(*columns(table, Credential))
    )
    credential = await one(session, Credential, changed)
    if credential is None:
        raise NotFound("credential")
    await _tell(session, credential)
    return credential


async def _tell(session: AsyncSession, credential: Credential) -> None:
    """The edge looks keys up by itself; secrets are the authorization server's matter."""
    if credential.kind == API_KEY:
        await changes.bump(session, changes.APP, credential.app_id)


def _apps_of(organisation_id: str) -> Select[tuple[str]]:
    return select(apps.table.c.id).where(apps.table.c.organisation_id == organisation_id)
