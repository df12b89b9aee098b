"""A person's own tokens for the management API. How they are made and recorded is `auth.credentials.personal`."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from auth.credentials import personal
from auth.credentials.personal import IssuedToken
from console.errors import NotFound, TooMany
from console.roles import Actor
from storage import personal_tokens
from storage.personal_tokens import PersonalToken

DAY = 86_400
MOST_LIVE = 20


async def create(session: AsyncSession, actor: Actor, *, name: str, days: int, now: int) -> IssuedToken:
    """The token's text is in the answer, this once."""
    held = await personal_tokens.for_person(session, actor.person_id)
    if sum(is_live(row, now) for row in held) >= MOST_LIVE:
        raise TooMany("personal tokens")
    return await personal.issue(
        session,
        actor.person_id,
        name=name,
        life=days * DAY,
        now=now,
        origin=actor.origin,
        multi_factor=actor.multi_factor,
    )


async def own(session: AsyncSession, actor: Actor) -> list[PersonalToken]:
    """The actor's own, newest first, ended ones included."""
    return await personal_tokens.for_person(session, actor.person_id)


async def get(session: AsyncSession, actor: Actor, token_id: str) -> PersonalToken:
    for row in await own(session, actor):
        if row.id == token_id:
            return row
    raise NotFound(f"personal token {token_id}")


async def revoke(session: AsyncSession, actor: Actor, token_id: str, *, now: int) -> None:
    """Ends one of the actor's own tokens; any other id is absent."""
    await get(session, actor, token_id)
    await personal.revoke(session, actor.person_id, token_id, now=now, origin=actor.origin)


def is_live(row: PersonalToken, now: int) -> bool:
    return row.revoked_at is None and (row.expires_at is None or row.expires_at > now)
