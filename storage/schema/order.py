"""One queue for the transactions whose order matters: changes the edge reads, the audit chain, migrations.

They all take the same lock, so that two transactions that do both, in either order, cannot wait for each
other.
"""

from __future__ import annotations

from sqlalchemy import Connection, func, select
from sqlalchemy.ext.asyncio import AsyncSession

# Any number no other user of the database takes: "sluss" as ASCII.
ORDER_LOCK = 0x736C757373


def in_order_sync(connection: Connection) -> None:
    """Waits for its turn; held to its end. On SQLite a write transaction has it already."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(ORDER_LOCK)))


async def in_order(session: AsyncSession) -> None:
    """The same for a session."""
    await (await session.connection()).run_sync(in_order_sync)
