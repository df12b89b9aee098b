"""Keys that sign tokens. The private part is stored encrypted with a key that is not in the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Table, Text, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage import changes
from storage.errors import AlreadyExists, NotFound, WrongState
from storage.schema.metadata import metadata
from storage.schema.order import in_order
from storage.schema.rows import columns, insert_new, many, one, row_of


@dataclass(frozen=True, slots=True)
class SigningKey:
    kid: str
    algorithm: str  # ES256
    public_jwk: str  # JSON, public members only
    private_encrypted: bytes = field(repr=False)  # empty once retired
    state: str  # next, active, retiring, retired
    created_at: int
    changed_at: int


# From which states each state is reached: published before it signs, and after it has signed; then gone.
REACHED_FROM: Mapping[str, frozenset[str]] = {
    "next": frozenset({"next"}),
    "active": frozenset({"next", "active"}),
    "retiring": frozenset({"active", "retiring"}),
    "retired": frozenset({"next", "retiring", "retired"}),
}

table = Table(
    "signing_keys",
    metadata,
    Column("kid", Text, primary_key=True),
    Column("algorithm", Text, nullable=False),
    Column("public_jwk", Text, nullable=False),
    Column("private_encrypted", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)
# One key signs. Two processes that rotate at the same time cannot both put theirs in place.
Index(
    "uq_signing_keys_active",
    table.c.state,
    unique=True,
    sqlite_where=table.c.state == "active",
    postgresql_where=table.c.state == "active",
)


async def add(
    session: AsyncSession,
    *,
    kid: str,
    algorithm: str,
    public_jwk: str,
    private_encrypted: bytes,
    state: str,
    now: int,
) -> SigningKey:
    """Raises `AlreadyExists` for a known kid, and for a second active key."""
    if state not in REACHED_FROM:
        raise WrongState(f"signing key: no state {state}")
    made = SigningKey(kid, algorithm, public_jwk, private_encrypted, state, created_at=now, changed_at=now)
    if not await insert_new(session, table, row_of(made)):
        raise AlreadyExists("signing_keys")
    await changes.bump(session)
    return made


async def all_published(session: AsyncSession) -> list[SigningKey]:
    """Next, active and retiring, oldest first: what verifies."""
    published = select(*columns(table, SigningKey)).where(table.c.state != "retired")
    return await many(session, SigningKey, published.order_by(table.c.created_at, table.c.kid))


async def set_state(session: AsyncSession, kid: str, state: str, now: int) -> SigningKey:
    """Raises `NotFound`, and `WrongState` when the life cycle has no such step. The same state again is no
    error.

    A key that becomes active moves the active one to retiring. A retired key loses its private part.
    """
    # First in the queue, then look: of two rotations at the same time the second sees what the first did.
    await in_order(session)
    before = await one(session, SigningKey, select(*columns(table, SigningKey)).where(table.c.kid == kid))
    if before is None:
        raise NotFound("signing key")
    if before.state not in REACHED_FROM.get(state, frozenset()):
        raise WrongState(f"signing key: {before.state} to {state}")
    if state == "active":
        succeeded = update(table).where(table.c.state == "active", table.c.kid != kid)
        await session.execute(succeeded.values(state="retiring", changed_at=now))
    private = b"" if state == "retired" else before.private_encrypted
    after = replace(before, state=state, changed_at=now, private_encrypted=private)
    await session.execute(update(table).where(table.c.kid == kid).values(row_of(after)))
    await changes.bump(session)
    return after
