"""The change number: the edge rebuilds its snapshot when it has moved.

One row, and not a sequence: its lock makes changes visible in the order of their numbers. With a sequence the
later number could be seen before the earlier change, which would then never be read.
"""

from __future__ import annotations

import time

from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, Table, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.schema.metadata import metadata
from storage.schema.order import in_order

table = Table(
    "changes",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)


async def current(session: AsyncSession) -> int:
    """The number of the newest committed change."""
    version: int = (await session.execute(select(table.c.version))).scalar_one()
    return version


async def changed_ms(session: AsyncSession) -> int:
    """When the newest committed change was made: epoch milliseconds by its writer's clock."""
    found: int = (await session.execute(select(table.c.changed_ms))).scalar_one()
    return found


async def bump(session: AsyncSession) -> int:
    """One step up, atomically; the new number. Other writers of changes wait until this transaction ends."""
    await in_order(session)
    # The one clock read in this package: it feeds the metric of how fast changes spread, and decides nothing.
    values = {"version": table.c.version + 1, "changed_ms": time.time_ns() // 1_000_000}
    step = update(table).where(table.c.id == 1).values(values).returning(table.c.version)
    version: int = (await session.execute(step)).scalar_one()
    return version
