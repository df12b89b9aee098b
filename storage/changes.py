"""The change number: the edge renews its snapshot when it has moved. And what each of its steps was about, so that
the edge reads what has changed and not everything.

One row, and not a sequence: its lock makes changes visible in the order of their numbers. With a sequence the
later number could be seen before the earlier change, which would then never be read.

The log has one row for each number. A number without one is a step by a release that knew no log, or one so old
that its row is gone: then everything is to be read.
"""

from __future__ import annotations

import time
from typing import Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Integer,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from storage.schema.metadata import metadata
from storage.schema.order import in_order

KEPT: Final = 10_000
"""Steps in the log: an edge that was away for longer reads everything, as at its start."""
_SWEPT_EVERY: Final = 100

# What a step can be about. The rest (organisations, revocations, keys) is small and read anew at each step.
APP: Final = "app"
SUBSCRIPTION: Final = "subscription"
REST: Final = "rest"
KEPT_ANSWERS: Final = "kept-answers"  # to be dropped: of the API that the step names, or all

table = Table(
    "changes",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)

log_table = Table(
    "change_log",
    metadata,
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("about", Text, nullable=False),
    Column("subject", Text, nullable=False),
)


class Step(NamedTuple):
    about: str
    subject: str  # the id of the app or subscription, the API


async def current(session: AsyncSession) -> int:
    """The number of the newest committed change."""
    version: int = (await session.execute(select(table.c.version))).scalar_one()
    return version


async def changed_ms(session: AsyncSession) -> int:
    """When the newest committed change was made: epoch milliseconds by its writer's clock."""
    found: int = (await session.execute(select(table.c.changed_ms))).scalar_one()
    return found


async def since(session: AsyncSession, before: int, now: int) -> list[Step] | None:
    """What the steps after number `before` up to `now` were about; None when the log does not know them all."""
    log = log_table.c
    wanted = select(log.about, log.subject).where(log.version > before, log.version <= now).limit(KEPT + 1)
    steps = [Step(*row) for row in await session.execute(wanted)]
    return steps if len(steps) == now - before else None


async def bump_all(session: AsyncSession) -> int:
    """One step that may have changed anything: the log is forgotten, so everything is read anew."""
    version = await bump(session)
    await session.execute(delete(log_table))
    return version


async def bump(session: AsyncSession, about: str = REST, subject: str = "") -> int:
    """One step up, atomically; the new number. Other writers of changes wait until this transaction ends."""
    await in_order(session)
    # The one clock read in this package: it feeds the metric of how fast changes spread, and decides nothing.
    values = {"version": table.c.version + 1, "changed_ms": time.time_ns() // 1_000_000}
    step = update(table).where(table.c.id == 1).values(values).returning(table.c.version)
    version: int = (await session.execute(step)).scalar_one()
    await session.execute(insert(log_table).values(version=version, about=about, subject=subject))
    if version % _SWEPT_EVERY == 0:
        await session.execute(delete(log_table).where(log_table.c.version <= version - KEPT))
    return version
