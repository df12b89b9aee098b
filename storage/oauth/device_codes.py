"""Device codes (RFC 8628): what a device waits for, and what a person answers on another screen.

The person types `user_code`, the device asks with its device code; both are stored as SHA-256.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, Table, Text, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.schema.metadata import metadata
from storage.schema.rows import columns, insert_new, one, row_of


@dataclass(frozen=True, slots=True)
class DeviceCode:
    device_hash: str = field(repr=False)  # SHA-256, hexadecimal
    user_code_hash: str = field(repr=False)
    app_id: str
    scope: str
    resource: str
    state: str  # pending, approved, denied, used
    created_at: int
    expires_at: int
    interval: int  # seconds between two questions of the device
    polled_at: int | None
    grant_id: str | None


# From which states each state is reached.
REACHED_FROM: Mapping[str, frozenset[str]] = {
    "pending": frozenset(),
    "approved": frozenset({"pending"}),
    "denied": frozenset({"pending"}),
    "used": frozenset({"approved"}),
}

table = Table(
    "device_codes",
    metadata,
    Column("device_hash", Text, primary_key=True),
    Column("user_code_hash", Text, nullable=False, unique=True),
    Column("app_id", ForeignKey("apps.id"), nullable=False, index=True),
    Column("scope", Text, nullable=False),
    Column("resource", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("interval", Integer, nullable=False),
    Column("polled_at", BigInteger),
    Column("grant_id", ForeignKey("grants.id", ondelete="CASCADE"), index=True),
)


async def add(
    session: AsyncSession,
    *,
    device_hash: str,
    user_code_hash: str,
    app_id: str,
    scope: str,
    resource: str,
    expires_at: int,
    interval: int,
    now: int,
) -> bool:
    """False when the user code is another device's: try another one."""
    made = DeviceCode(
        device_hash, user_code_hash, app_id, scope, resource, "pending", now, expires_at, interval, None, None
    )
    return await insert_new(session, table, row_of(made))


async def by_device(session: AsyncSession, device_hash: str) -> DeviceCode | None:
    """Expired ones too, until they are removed."""
    found = select(*columns(table, DeviceCode)).where(table.c.device_hash == device_hash)
    return await one(session, DeviceCode, found)


async def pending(session: AsyncSession, user_code_hash: str, now: int) -> DeviceCode | None:
    """The one a person can answer."""
    found = select(*columns(table, DeviceCode)).where(
        table.c.user_code_hash == user_code_hash, table.c.state == "pending", table.c.expires_at > now
    )
    return await one(session, DeviceCode, found)


async def move(session: AsyncSession, device_hash: str, state: str, *, grant_id: str | None = None) -> bool:
    """True for the one caller that makes the step."""
    step = update(table).where(table.c.device_hash == device_hash, table.c.state.in_(REACHED_FROM[state]))
    if grant_id is not None:
        step = step.values(grant_id=grant_id)
    made = await session.execute(step.values(state=state).returning(table.c.device_hash))
    return made.first() is not None


async def polled(session: AsyncSession, device_hash: str, now: int, interval: int) -> None:
    await session.execute(
        update(table).where(table.c.device_hash == device_hash).values(polled_at=now, interval=interval)
    )


async def delete_expired(session: AsyncSession, now: int) -> int:
    """How many were removed; for an hour after its end a device is told that it came too late."""
    gone = delete(table).where(table.c.expires_at <= now - 3600).returning(table.c.device_hash)
    return len((await session.execute(gone)).all())
