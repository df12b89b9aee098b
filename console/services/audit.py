"""Reading the audit log, and walking its chain."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from console.roles import Act, Actor
from console.services.standing import demand_operator, enter
from storage import audit
from storage.audit import Entry, Verified


async def of_organisation(
    session: AsyncSession, actor: Actor, organisation_id: str, *, limit: int, before_seq: int | None = None
) -> list[Entry]:
    """Newest first; `before_seq` is the last number of the page before."""
    await enter(session, actor, organisation_id, Act.AUDIT_READ)
    return list(await audit.for_organisation(session, organisation_id, limit=limit, before_seq=before_seq))


async def latest(
    session: AsyncSession, actor: Actor, *, limit: int, before_seq: int | None = None
) -> list[Entry]:
    """Everybody's, newest first. Operators only."""
    demand_operator(actor)
    return list(await audit.latest(session, limit=limit, before_seq=before_seq))


async def verify(session: AsyncSession, actor: Actor) -> Verified:
    """Walks the chain from its beginning. Operators only."""
    demand_operator(actor)
    return await audit.verify(session)
