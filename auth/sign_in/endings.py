"""What ends with a session of a person: what apps were given in it, and the apps are told.

Owns that connection alone. Sessions are ended by `auth.people`, `auth.sign_in.visits` and the console's services,
each of which calls one of these inside its transaction, after the session's row is gone.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from auth.tokens.id_token import session_name
from storage import sessions
from storage.oauth import grants, logout_notices


async def ended(session: AsyncSession, id_hash: str, person_id: str, now: int) -> None:
    """One session of a person."""
    await _notify(session, id_hash, person_id, now)
    await _end(session, id_hash, now)


async def succeeded(session: AsyncSession, old: str, new: str | None, person_id: str, now: int) -> None:
    """A browser's former session gave way to `new`, or to half a sign-in. What apps were given in it goes on when the
    same person has signed in again.
    """
    if new is not None:
        await grants.hand_over(session, old, new, person_id)
    for left in {grant.person_id for grant in await grants.live_of_session(session, old, now)}:
        await _notify(session, old, left, now)  # somebody else has signed in on the same machine
    await _end(session, old, now)


async def swept(session: AsyncSession, person_id: str, now: int) -> None:
    """Some sessions of a person are gone, or all: what was given in those."""
    alive = {row.id_hash for row in await sessions.for_person(session, person_id, now)}
    given = {grant.session_hash for grant in await grants.live_of_person(session, person_id, now)}
    for id_hash in sorted(given - alive - {""}):
        await ended(session, id_hash, person_id, now)


async def _notify(session: AsyncSession, id_hash: str, person_id: str, now: int) -> None:
    """The apps that were given something in a session that ends are told."""
    name = session_name(id_hash)
    await logout_notices.add(session, session_hash=id_hash, person_id=person_id, session_name=name, now=now)


async def _end(session: AsyncSession, id_hash: str, now: int) -> None:
    await grants.revoke_for_session(session, id_hash, now)
    await grants.outlive(session, id_hash)  # else its apps would be told again when another session ends
