"""A person's own ways of signing in, and the sessions that came of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from auth.factors import totp
from auth.factors.enrolment import Factors
from auth.factors.passkeys import Passkeys
from auth.origin import Origin
from auth.sign_in import endings
from auth.sign_in.visits import SignedIn
from console.errors import NotFound
from console.roles import Actor
from console.services.accounts import Visit
from console.services.journal import record
from storage import sessions
from storage.proofs import identities, passkeys, recovery_codes, sign_ins
from storage.proofs.identities import Identity
from storage.proofs.passkeys import Passkey
from storage.sessions import Session


@dataclass(frozen=True, slots=True)
class Held:
    """What the page of a person's own security shows."""

    protected: bool  # a second factor is demanded at sign-in
    codes: bool  # one-time codes are one
    passkeys: list[Passkey]
    recovery_codes_left: int
    sessions: list[Session]
    identities: list[Identity]


async def overview(session: AsyncSession, visit: Visit, factors: Factors, *, now: int) -> Held:
    person_id = visit.person.id
    return Held(
        await factors.enrolled(session, person_id),
        await factors.has_codes(session, person_id),
        await passkeys.for_person(session, person_id),
        await recovery_codes.left(session, person_id),
        await sessions.for_person(session, person_id, now),
        await identities.for_person(session, person_id),
    )


def address(visit: Visit, secret: str) -> str:
    """What an app for one-time codes reads."""
    return totp.address(secret, visit.person.email)


async def confirm_codes(
    session: AsyncSession, visit: Visit, factors: Factors, code: str, *, now: int, origin: Origin
) -> tuple[list[str], SignedIn]:
    """Recovery codes, this once, and the session under its new id. Raises WrongCode, NotFound."""
    codes = await factors.confirm(session, visit.person, code, now, origin)
    return codes, await factors.strengthen(session, visit.row, visit.person, now, origin)


async def add_passkey(
    session: AsyncSession,
    visit: Visit,
    factors: Factors,
    keys: Passkeys,
    answer: str,
    *,
    name: str,
    now: int,
    origin: Origin,
) -> tuple[list[str], SignedIn]:
    """Recovery codes where there were none, and the session under its new id. Raises PasskeyRefused, AlreadyTaken."""
    await keys.register(session, visit.person, answer, name, now, origin)
    codes: list[str] = []
    if not await recovery_codes.left(session, visit.person.id):
        codes = await factors.new_recovery_codes(session, visit.person, now, origin)
    return codes, await factors.strengthen(session, visit.row, visit.person, now, origin)


async def remove_passkey(
    session: AsyncSession,
    visit: Visit,
    factors: Factors,
    keys: Passkeys,
    passkey_id: str,
    *,
    now: int,
    origin: Origin,
) -> None:
    """Raises NotFound."""
    await keys.remove(session, visit.person, passkey_id, now, origin)
    await factors.tidy(session, visit.person)


async def new_recovery_codes(
    session: AsyncSession, visit: Visit, factors: Factors, *, now: int, origin: Origin
) -> list[str]:
    """Raises NotFound without a second factor: there is nothing they could stand in for."""
    if not await factors.enrolled(session, visit.person.id):
        raise NotFound("no second factor")
    return await factors.new_recovery_codes(session, visit.person, now, origin)


def renewed(begun: SignedIn | None) -> Mapping[str, object]:
    """The form token of the session that has taken the former one's place, for the page that tells so."""
    return {} if begun is None else {"csrf_token": begun.session.csrf}


async def unlink(session: AsyncSession, visit: Visit, identity_id: str, *, now: int, actor: Actor) -> None:
    """The provider vouches for this account no more, and what it vouched for ends. Raises NotFound."""
    held = {row.id: row for row in await identities.for_person(session, visit.person.id)}
    if identity_id not in held or not await identities.remove(session, visit.person.id, identity_id):
        raise NotFound(f"identity {identity_id}")
    await sessions.delete_of_provider(session, held[identity_id].issuer, visit.person.id, None)
    await endings.swept(session, visit.person.id, now)
    await record(session, actor, "person.unlink_identity", "person", visit.person.id, now=now)


async def own_sessions(session: AsyncSession, actor: Actor, *, now: int) -> list[Session]:
    """The actor's live ones, last used first."""
    return [row for row in await sessions.for_person(session, actor.person_id, now) if row.id]


async def end_session(session: AsyncSession, actor: Actor, session_id: str, *, now: int) -> None:
    """Ends one of the actor's own; any other id is absent."""
    if not await sessions.delete_named(session, actor.person_id, session_id):
        raise NotFound(f"session {session_id}")
    await endings.swept(session, actor.person_id, now)
    await record(session, actor, "session.end", "session", session_id, now=now)


async def end_sessions(session: AsyncSession, actor: Actor, *, now: int) -> int:
    """Signs the actor out everywhere; how many sessions ended."""
    ended = await sessions.delete_for_person(session, actor.person_id)
    await endings.swept(session, actor.person_id, now)
    await sign_ins.end_for_person(session, actor.person_id)
    await record(
        session, actor, "session.end_all", "person", actor.person_id, now=now, after={"ended": ended}
    )
    return ended
