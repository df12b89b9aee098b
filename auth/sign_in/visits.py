"""Sessions of people: how one begins, how long it lives, and what it says about its person's authentication.

A session is a row on the server and a random 256-bit id in a cookie; only the id's SHA-256 is stored. It ends an hour
after its last use and twelve hours after its first step. All functions work inside the caller's transaction.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession

from auth.credentials.secrets import hash_of
from auth.factors.life import Event, Stage, following, level, proved
from auth.origin import Origin
from auth.sign_in import endings
from storage import audit, sessions
from storage.people import Person
from storage.proofs import sign_ins
from storage.sessions import Session

IDLE = 3600  # seconds without a call
ABSOLUTE = 12 * 3600  # seconds from sign-in, whatever happens
HALFWAY = 600  # seconds to show the second factor


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session just begun. `session_id` goes into the cookie and nowhere else."""

    session_id: str = field(repr=False)
    session: Session
    person: Person

    @property
    def id_hash(self) -> str | None:
        return self.session.id_hash


@dataclass(frozen=True, slots=True)
class Halfway:
    """The first factor was right; `sign_in_id` goes into the cookie until the second is shown."""

    sign_in_id: str = field(repr=False)
    person: Person

    @property
    def id_hash(self) -> str | None:
        """There is no session yet."""
        return None


@dataclass(frozen=True, slots=True)
class Voucher:
    """Who else vouched for the person: the provider's issuer, its session there, and the level it states."""

    issuer: str
    session: str
    amr: tuple[str, ...]
    acr: str


def until(created_at: int, now: int) -> int:
    return min(now + IDLE, created_at + ABSOLUTE)


async def enter(
    session: AsyncSession,
    person: Person,
    event: Event,
    now: int,
    origin: Origin,
    voucher: Voucher | None = None,
) -> SignedIn | Halfway:
    """From nobody to wherever the first factor leads."""
    amr = proved(" ".join(voucher.amr) if voucher else "", event)
    if following(Stage.NOBODY, event) is Stage.SIGNED_IN:
        return await begin(session, person, amr, now, origin, voucher)
    sign_in_id = secrets.token_urlsafe(32)
    await sign_ins.add(
        session, id_hash=hash_of(sign_in_id), person_id=person.id, amr=amr, expires_at=now + HALFWAY, now=now
    )
    await record(session, "person.first_factor", person.id, now, origin)
    return Halfway(sign_in_id, person)


async def begin(
    session: AsyncSession,
    person: Person,
    amr: str,
    now: int,
    origin: Origin,
    voucher: Voucher | None = None,
    *,
    created_at: int | None = None,
    act: str = "person.sign_in",
) -> SignedIn:
    session_id = secrets.token_urlsafe(32)
    since = now if created_at is None else created_at
    row = await sessions.add(
        session,
        id_hash=hash_of(session_id),
        person_id=person.id,
        csrf=secrets.token_urlsafe(32),
        expires_at=until(since, now),
        now=since,
        auth_time=now,
        amr=amr,
        acr=voucher.acr if voucher and voucher.acr else level(amr),
        ip=origin.ip,
        agent=origin.agent,
        provider=voucher.issuer if voucher else "",
        provider_session=voucher.session if voucher else "",
    )
    await record(session, act, person.id, now, origin)
    return SignedIn(session_id, row, person)


async def strengthen(
    session: AsyncSession, row: Session, person: Person, event: Event, now: int, origin: Origin
) -> SignedIn:
    """The same session under a new id, after one more factor was shown in it; the person's others end: they were
    begun without."""
    following(Stage.SIGNED_IN, event)
    await sessions.delete_for_person(session, person.id)
    await sign_ins.end_for_person(session, person.id)
    # Who vouched for the person can still end the session.
    voucher = Voucher(row.provider, row.provider_session, (), "") if row.provider else None
    begun = await begin(
        session,
        person,
        proved(row.amr, event),
        now,
        origin,
        voucher,
        created_at=row.created_at,
        act="person.strengthen_session",
    )
    await endings.succeeded(session, row.id_hash, begun.id_hash, person.id, now)
    await endings.swept(session, person.id, now)
    return begun


async def record(
    session: AsyncSession,
    act: str,
    person_id: str,
    now: int,
    origin: Origin,
    *,
    actor: bool = True,
    after: dict[str, object] | None = None,
) -> None:
    await audit.append(
        session,
        at=now,
        actor_kind="person" if actor else "nobody",
        actor_id=person_id if actor else "",
        act=act,
        object_kind="person",
        object_id=person_id,
        organisation_id=None,
        request_id=origin.request_id,
        ip=origin.ip,
        after=after,
    )
