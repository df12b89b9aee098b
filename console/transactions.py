"""Where a request's work is committed, and where a refused act is put on record.

One transaction per request: the act and its audit entry stand or fall together (P8). A refusal rolls the act back,
so its own entry is written in a second transaction (P5: denied acts too).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from console.arrival import ID
from console.errors import ConsoleError, Forbidden
from console.roles import Actor
from console.services.journal import record
from storage.database import Database
from storage.schema.order import in_order

T = TypeVar("T")
Work = Callable[[AsyncSession], Awaitable[T]]


async def write(database: Database, work: Work[T]) -> T:
    """Runs `work` and commits; rolls back on any error.

    One at a time over all processes: changes here are rare, and so "at most 100 apps" and "never the last owner" hold
    exactly, on PostgreSQL too."""
    async with database.begin() as session:
        await in_order(session)
        return await work(session)


async def read(database: Database, work: Work[T]) -> T:
    """Runs `work` without the right to change anything."""
    async with database.read() as session:
        return await work(session)


async def record_refusal(
    database: Database, actor: Actor, refusal: ConsoleError, where: str, ids: Mapping[str, str], now: int
) -> None:
    """Writes who was refused what: `where` is a route template, `ids` what stood in its places.

    The entry belongs to the organisation when a member of it was refused. A stranger's guess does not: else anyone
    could fill another's log.
    """
    named = {name: value for name, value in ids.items() if ID.fullmatch(value)}
    owner = named.get("organisationId") or named.get("organisation")
    async with database.begin() as session:
        await record(
            session,
            actor,
            "refused",
            "route",
            where,
            now=now,
            organisation_id=owner if type(refusal) is Forbidden else None,
            after={"code": refusal.code, **named},
        )
