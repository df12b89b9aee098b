"""Our signing keys: how they are made, which one signs, and their life from next to retired (RFC 7517).

A key is published one rotation before it signs, and as long after as tokens signed with it can live, so a
receiver that has read our key set never meets an unknown key. The table below is the whole life cycle.
Verification is `auth.tokens.keys`; encryption at rest is `auth.tokens.vault`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from joserfc.jwk import ECKey
from sqlalchemy.ext.asyncio import AsyncSession

from auth.authenticate import LEEWAY
from auth.errors import ForbiddenTransition, NoSigningKey, UnusableKey
from auth.origin import Origin
from auth.tokens.vault import seal, unseal
from storage import audit, signing_keys
from storage.errors import AlreadyExists
from storage.signing_keys import SigningKey

ALGORITHM = "ES256"
# A key signs this many seconds after it was published at the earliest. By then every edge has it: they poll
# for changes every half second.
LEAD = 5
# A retiring key stays published until the last token it signed is dead everywhere.
RETIRING_FOR = 300 + LEEWAY + 60
_PUBLIC_MEMBERS = ("kty", "crv", "x", "y")


class State(StrEnum):
    NEXT = "next"
    ACTIVE = "active"
    RETIRING = "retiring"
    RETIRED = "retired"


class Event(StrEnum):
    ACTIVATE = "activate"  # it is to sign
    SUPERSEDE = "supersede"  # another one signs now
    EXPIRE = "expire"  # the last token it signed is dead
    WITHDRAW = "withdraw"  # it may have leaked: its tokens die at once; an active one is superseded first


TRANSITIONS: Mapping[tuple[State, Event], State] = MappingProxyType(
    {
        (State.NEXT, Event.ACTIVATE): State.ACTIVE,
        (State.NEXT, Event.WITHDRAW): State.RETIRED,
        (State.ACTIVE, Event.SUPERSEDE): State.RETIRING,
        (State.RETIRING, Event.EXPIRE): State.RETIRED,
        (State.RETIRING, Event.WITHDRAW): State.RETIRED,
    }
)


def step(state: State, event: Event) -> State:
    """The state after an event. Raises ForbiddenTransition."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise ForbiddenTransition(f"{event} in state {state}") from None


@dataclass(frozen=True, slots=True)
class Signer:
    """One private key, ready to sign. Never in a log: its repr holds only the name."""

    kid: str
    algorithm: str
    key: ECKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key pair just made, in the form it is stored."""

    kid: str
    algorithm: str
    public_jwk: str
    private_encrypted: bytes = field(repr=False)


def generate(master_key: bytes) -> NewKey:
    """A fresh ES256 pair; `kid` is its thumbprint (RFC 7638)."""
    key = ECKey.generate_key("P-256", private=True)
    kid = key.thumbprint()
    public = json.dumps({name: key.as_dict(private=False)[name] for name in _PUBLIC_MEMBERS}, sort_keys=True)
    private = json.dumps(key.as_dict(private=True)).encode()
    return NewKey(kid, ALGORITHM, public, seal(private, kid, master_key))


def unlock(row: SigningKey, master_key: bytes) -> Signer:
    """The private key of a stored row. Raises UnusableKey."""
    private = unseal(row.private_encrypted, row.kid, master_key)
    try:
        key = ECKey.import_key(json.loads(private))
    except ValueError:
        raise UnusableKey(f"key {row.kid}: not a JWK") from None
    return Signer(row.kid, row.algorithm, key)


def chosen(rows: Sequence[SigningKey], now: int) -> SigningKey:
    """The key that signs now: the active one, or while it is too new the one before it.

    Raises NoSigningKey.
    """
    active = [row for row in rows if row.state == State.ACTIVE]
    if not active:
        raise NoSigningKey
    if active[0].created_at + LEAD <= now:
        return active[0]
    known = [row for row in rows if row.state == State.RETIRING and row.created_at + LEAD <= now]
    return max(known, key=lambda row: row.changed_at, default=active[0])


def public_set(rows: Iterable[SigningKey]) -> dict[str, list[dict[str, str]]]:
    """The JWK Set to publish: public members only, by an allow-list."""
    keys = []
    for row in rows:
        stored: dict[str, str] = json.loads(row.public_jwk)
        public = {name: stored[name] for name in _PUBLIC_MEMBERS}
        keys.append({**public, "kid": row.kid, "use": "sig", "alg": row.algorithm})
    return {"keys": keys}


async def ensure(session: AsyncSession, master_key: bytes, now: int, origin: Origin) -> None:
    """Sees to it that one key is active and one is next. Does nothing when they are there."""
    states = {row.state for row in await signing_keys.all_published(session)}
    if State.ACTIVE not in states:
        try:
            if not await _activate_next(session, now, origin):
                await _add(session, master_key, State.ACTIVE, now, origin)
        except AlreadyExists:
            return  # another process did it in the same moment
        states.discard(State.NEXT)
    if State.NEXT not in states:
        await _add(session, master_key, State.NEXT, now, origin)


async def rotate(session: AsyncSession, master_key: bytes, now: int, origin: Origin) -> None:
    """The next key signs from now on, the active one retires, and a new next one is published."""
    await ensure(session, master_key, now, origin)
    for row in await signing_keys.all_published(session):
        if row.state == State.ACTIVE:
            await _move(session, row, Event.SUPERSEDE, now, origin)
    await _activate_next(session, now, origin)
    await _add(session, master_key, State.NEXT, now, origin)
    await retire_due(session, now, origin)


async def retire_due(session: AsyncSession, now: int, origin: Origin) -> int:
    """Retires keys whose last token is dead; how many. A job calls it."""
    due = [
        row
        for row in await signing_keys.all_published(session)
        if row.state == State.RETIRING and row.changed_at + RETIRING_FOR <= now
    ]
    for row in due:
        await _move(session, row, Event.EXPIRE, now, origin)
    return len(due)


async def withdraw(session: AsyncSession, kid: str, master_key: bytes, now: int, origin: Origin) -> bool:
    """Takes a leaked key out at once, with every token it signed; false when it is not published."""
    named = [row for row in await signing_keys.all_published(session) if row.kid == kid]
    if named and named[0].state == State.ACTIVE:
        await rotate(session, master_key, now, origin)
        named = [row for row in await signing_keys.all_published(session) if row.kid == kid]
    for row in named:
        await _move(session, row, Event.WITHDRAW, now, origin)
    await ensure(session, master_key, now, origin)
    return bool(named)


async def _activate_next(session: AsyncSession, now: int, origin: Origin) -> bool:
    waiting = [row for row in await signing_keys.all_published(session) if row.state == State.NEXT]
    if not waiting:
        return False
    await _move(session, min(waiting, key=lambda row: row.created_at), Event.ACTIVATE, now, origin)
    return True


async def _move(session: AsyncSession, row: SigningKey, event: Event, now: int, origin: Origin) -> None:
    state = step(State(row.state), event)
    await signing_keys.set_state(session, row.kid, state, now)
    await _record(session, f"key.{event}", row.kid, now=now, origin=origin, before=row.state, after=state)


async def _add(session: AsyncSession, master_key: bytes, state: State, now: int, origin: Origin) -> None:
    made = generate(master_key)
    await signing_keys.add(
        session,
        kid=made.kid,
        algorithm=made.algorithm,
        public_jwk=made.public_jwk,
        private_encrypted=made.private_encrypted,
        state=state,
        now=now,
    )
    await _record(session, "key.create", made.kid, now=now, origin=origin, before=None, after=state)


async def _record(
    session: AsyncSession,
    act: str,
    kid: str,
    *,
    now: int,
    origin: Origin,
    before: str | None,
    after: str,
) -> None:
    await audit.append(
        session,
        at=now,
        actor_kind=origin.actor_kind,
        actor_id=origin.actor_id,
        act=act,
        object_kind="signing_key",
        object_id=kid,
        organisation_id=None,
        request_id=origin.request_id,
        ip=origin.ip,
        before=None if before is None else {"state": before},
        after={"state": str(after)},
    )
