"""People: signing up, signing in, and the sessions of the console.

A session is a row on the server and a random 256-bit id in a cookie; only the id's SHA-256 is stored. It ends
an hour after its last use, twelve hours after sign-in, at sign-out and at a change of password. Hashing of
passwords happens before the transaction, never inside. Cookies and CSRF belong to the console; client secrets
to `auth.credentials`; personal tokens to `auth.credentials.personal`.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from typing import NoReturn

from sqlalchemy.ext.asyncio import AsyncSession

from auth.assurance import OWN, Authentication
from auth.attempts import Allowance, Attempts, Guard, network
from auth.credentials.secrets import hash_of
from auth.errors import EmailTaken, SignInRefused, TooManyAttempts, UnacceptableEmail
from auth.origin import Origin
from auth.passwords import Passwords, check, normalised
from auth.tokens.id_token import session_name
from storage import audit, people, sessions
from storage.database import Database
from storage.errors import AlreadyExists
from storage.oauth import grants, logout_notices
from storage.people import Person, normal_email
from storage.schema.order import in_order
from storage.sessions import Session

IDLE = 3600  # seconds without a call
ABSOLUTE = 12 * 3600  # seconds from sign-in, whatever happens
_SLIDE = (
    300  # a session in use is prolonged at most this often, not at every page: idle may be this much less
)

PER_ACCOUNT = Allowance(tries=10, seconds=300)  # failed sign-ins
PER_ADDRESS = Allowance(tries=100, seconds=300)  # failed sign-ins
SIGN_UPS = Allowance(tries=200, seconds=3600)  # accounts made from one address

# The form of HTML's e-mail field, with a bound: it holds nothing that a header, a log or a page must escape.
_EMAIL = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*")
_LONGEST_EMAIL = 254
_SESSION_ID = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session just begun. `session_id` goes into the cookie and nowhere else."""

    session_id: str = field(repr=False)
    session: Session
    person: Person


class People:
    """Accounts and sessions of one database. `close` when done."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords | None = None,
        *,
        per_account: Allowance = PER_ACCOUNT,
        per_address: Allowance = PER_ADDRESS,
        sign_ups: Allowance = SIGN_UPS,
    ) -> None:
        self._database = database
        self._passwords = passwords or Passwords()
        self._tries = Guard((Attempts(per_account), Attempts(per_address)))
        self._sign_ups = Attempts(sign_ups)

    def close(self) -> None:
        self._passwords.close()

    async def sign_up(
        self,
        *,
        email: str,
        name: str,
        password: str,
        now: int,
        origin: Origin,
        operator: bool = False,
        language: str = "sv",
    ) -> Person:
        """A new account. Raises UnacceptableEmail, WeakPassword, EmailTaken, TooManyAttempts."""
        address = acceptable_email(email)
        check(password, address)
        place = network(origin.ip)
        if wait := self._sign_ups.wait(place, now):
            raise TooManyAttempts(wait)
        self._sign_ups.count(place, now)
        hashed = await self._passwords.hash(password)
        try:
            async with self._database.begin() as session:
                person = await people.add(
                    session,
                    email=address,
                    name=name,
                    password_hash=hashed,
                    operator=operator,
                    language=language,
                    now=now,
                )
                await _record(session, "person.sign_up", person.id, now, origin)
        except AlreadyExists:
            raise EmailTaken from None
        return person

    async def sign_in(
        self, *, email: str, password: str, now: int, origin: Origin, previous: str | None = None
    ) -> SignedIn:
        """A new session, always with a new id; `previous` is the id the browser had, which ends.

        Raises SignInRefused, after the same work for every reason, and TooManyAttempts.
        """
        address = normal_email(email)
        names = (hash_of(address), network(origin.ip))
        if wait := self._tries.wait(names, now):
            raise TooManyAttempts(wait)
        # Counted before the slow part: else a thousand tries at once would all be the first.
        self._tries.count(names, now)
        person = await self._account(address)
        stored = None if person is None or person.disabled_at is not None else person.password_hash
        genuine = await self._passwords.matches(password, stored)
        if person is None or not genuine:
            await self._refuse(person, now, origin)
        self._tries.forgive(names)
        renewed = await self._renewed(password, person)
        async with self._database.begin() as session:
            # The account may have been disabled, or the password changed, while the hash was computed.
            if await people.by_id(session, person.id) != person:
                raise SignInRefused
            if renewed is not None:
                person = await people.set_password(session, person.id, renewed)
            begun = await self._begin(session, person, now)
            if previous is not None:
                await _succeed(session, hash_of(previous), begun, now)
            await _record(session, "person.sign_in", person.id, now, origin)
        return begun

    async def find(self, session_id: str, now: int) -> tuple[Session, Person] | None:
        """Whose session it is, prolonged by use; None when there is none, or no longer."""
        if not _SESSION_ID.fullmatch(session_id):
            return None
        id_hash = hash_of(session_id)
        async with self._database.read() as session:
            found = await sessions.find(session, id_hash, now)
        if found is None or now >= found[0].created_at + ABSOLUTE:
            return None
        if _until(found[0].created_at, now) - found[0].expires_at < _SLIDE:
            return found
        return await self._prolonged(id_hash, now)

    async def sign_out(self, session_id: str, now: int, origin: Origin) -> None:
        """The session ends on the server; an unknown one is no error."""
        id_hash = hash_of(session_id)
        async with self._database.begin() as session:
            await in_order(session)
            found = await sessions.find(session, id_hash, now)
            await sessions.delete(session, id_hash)
            await grants.revoke_for_session(session, id_hash, now)
            if found is not None:
                await _notify(session, id_hash, found[1].id, now)
                await _record(session, "person.sign_out", found[1].id, now, origin)

    async def change_password(
        self, person: Person, *, old: str, new: str, now: int, origin: Origin, keep: str | None = None
    ) -> Person:
        """Ends every other session of the person; `keep` is the id of the one that asks.

        Raises SignInRefused for a wrong old password, WeakPassword, TooManyAttempts.
        """
        check(new, person.email)
        names = (hash_of(person.email), network(origin.ip))
        if wait := self._tries.wait(names, now):
            raise TooManyAttempts(wait)
        self._tries.count(names, now)
        if not await self._passwords.matches(old, person.password_hash):
            await self._refuse(person, now, origin)
        self._tries.forgive(names)
        hashed = await self._passwords.hash(new)
        async with self._database.begin() as session:
            await in_order(session)
            changed = await people.set_password(session, person.id, hashed)
            await sessions.delete_for_person(session, person.id, but=None if keep is None else hash_of(keep))
            await grants.revoke_for_person(session, person.id, "password", now)
            await _record(session, "person.change_password", person.id, now, origin)
        return changed

    async def _account(self, address: str) -> Person | None:
        if not _EMAIL.fullmatch(address) or len(address) > _LONGEST_EMAIL:
            return None
        async with self._database.read() as session:
            return await people.by_email(session, address)

    async def _refuse(self, person: Person | None, now: int, origin: Origin) -> NoReturn:
        async with self._database.begin() as session:
            # What was typed as an address is not written: it may be the password, in the wrong field.
            known = "" if person is None else person.id
            await _record(session, "person.sign_in_refused", known, now, origin, actor=False)
        raise SignInRefused

    async def _renewed(self, password: str, person: Person) -> str | None:
        if not self._passwords.outdated(person.password_hash):
            return None
        return await self._passwords.hash(password)

    async def _begin(self, session: AsyncSession, person: Person, now: int) -> SignedIn:
        session_id = secrets.token_urlsafe(32)
        row = await sessions.add(
            session,
            id_hash=hash_of(session_id),
            person_id=person.id,
            csrf=secrets.token_urlsafe(32),
            expires_at=_until(now, now),
            now=now,
        )
        return SignedIn(session_id, row, person)

    async def _prolonged(self, id_hash: str, now: int) -> tuple[Session, Person] | None:
        async with self._database.begin() as session:
            # In the same queue as sign-out: a session that has just ended must not come back to life.
            await in_order(session)
            found = await sessions.find(session, id_hash, now)
            if found is None:
                return None
            old, person = found
            await sessions.delete(session, id_hash)
            row = await sessions.add(
                session,
                id_hash=id_hash,
                person_id=person.id,
                csrf=old.csrf,
                expires_at=_until(old.created_at, now),
                now=old.created_at,
            )
            return row, person


async def _succeed(session: AsyncSession, old: str, begun: SignedIn, now: int) -> None:
    """The browser's former session ends. What apps were given in it goes on if the same person has signed in again."""
    await sessions.delete(session, old)
    await grants.hand_over(session, old, begun.session.id_hash, begun.person.id)
    for person_id in {grant.person_id for grant in await grants.live_of_session(session, old, now)}:
        await _notify(session, old, person_id, now)  # somebody else has signed in on the same machine
    await grants.revoke_for_session(session, old, now)


async def _notify(session: AsyncSession, id_hash: str, person_id: str, now: int) -> None:
    """The apps that were given something in a session that ends are told."""
    name = session_name(id_hash)
    await logout_notices.add(session, session_hash=id_hash, person_id=person_id, session_name=name, now=now)


def authentication_of(session: Session) -> Authentication:
    """How the person of a session showed who they are: what tokens for apps say of it."""
    return Authentication(session.created_at, OWN, ("pwd",))


def acceptable_email(email: str) -> str:
    """The address as it is stored. Raises UnacceptableEmail."""
    address = normal_email(normalised(email))
    if len(address) > _LONGEST_EMAIL or not _EMAIL.fullmatch(address):
        raise UnacceptableEmail
    return address


def _until(created_at: int, now: int) -> int:
    return min(now + IDLE, created_at + ABSOLUTE)


async def _record(
    session: AsyncSession, act: str, person_id: str, now: int, origin: Origin, *, actor: bool = True
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
    )
