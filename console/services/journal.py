"""The audit entry of an act, written in the act's own transaction (P5, P8)."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from console.roles import Actor
from storage import audit

Fields = Mapping[str, str | int | bool | None]


async def record(
    session: AsyncSession,
    actor: Actor,
    act: str,
    object_kind: str,
    object_id: str,
    *,
    now: int,
    organisation_id: str | None = None,
    before: Fields | None = None,
    after: Fields | None = None,
) -> None:
    """`before` and `after` hold states and names, never secrets, hashes or e-mail addresses: the log cannot be
    changed later, so what must be erasable must not enter it (P10)."""
    origin = actor.origin
    await audit.append(
        session,
        at=now,
        actor_kind=origin.actor_kind,
        actor_id=origin.actor_id,
        act=act,
        object_kind=object_kind,
        object_id=object_id,
        organisation_id=organisation_id,
        request_id=origin.request_id,
        ip=origin.ip,
        before=dict(before) if before is not None else None,
        after=dict(after) if after is not None else None,
    )
