"""Edge processes that live: each says so at a beat.

The beat shows two things that nothing else shows: that the database takes writes, also when nobody calls, and how
many processes share the limits when Redis is away.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Table, Text, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.schema.metadata import metadata
from storage.schema.rows import insert_into, row_of

ALIVE_S = 60  # a process that was not heard of for so long is gone
KEPT_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class EdgeProcess:
    name: str  # host, port and number
    seen_at: int


table = Table(
    "edge_processes",
    metadata,
    Column("name", Text, primary_key=True),
    Column("seen_at", BigInteger, nullable=False),
)


async def seen(session: AsyncSession, name: str, now: int) -> int:
    """`name` lives; how many live in all, itself included."""
    statement = insert_into(session, table).values(row_of(EdgeProcess(name, now)))
    await session.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"seen_at": now}))
    await session.execute(delete(table).where(table.c.seen_at < now - KEPT_S))
    living = select(func.count()).select_from(table).where(table.c.seen_at > now - ALIVE_S)
    return int((await session.execute(living)).scalar_one())


async def gone(session: AsyncSession, name: str) -> None:
    """It stopped in order."""
    await session.execute(delete(table).where(table.c.name == name))
