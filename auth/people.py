"""People: signing up, signing in with a password, and the sessions that come of it.

What a session is and how long it lives is `auth.sign_in.visits`; the second step is `auth.sign_in.second_step`.
Sessions end at sign-out and at a change of password besides. Hashing of passwords happens before the transaction, never
inside. Cookies and CSRF belong to the console; client secrets to `auth.credentials`.
"""

from __future__ import annotations

import re
from typing import NoReturn

from auth.assurance import Authentication
from auth.attempts import Allowance, Attempts, Guard, network
from auth.credentials.secrets import hash_of
from auth.errors import EmailTaken, SignInRefused, TooManyAttempts, UnacceptableEmail
from auth.factors.enrolment import Factors
from auth.factors.life import Event, Stage, following, level
from auth.origin import Origin
from auth.passwords import Passwords, check, normalised
from auth.sign_in import endings, visits
from auth.sign_in.password_links import PasswordLinks
from auth.sign_in.second_step import SecondStep
from auth.sign_in.visits import ABSOLUTE, Halfway, SignedIn, until
from storage import people, sessions
from storage.database import Database
from storage.errors import AlreadyExists
from storage.oauth import grants
from storage.people import Person, normal_email
from storage.proofs import sign_ins
from storage.schema.order import in_order
from storage.sessions import Session

# A session in use is prolonged at most this often, not at every page: idle may be this much less.
_SLIDE = 300

PER_ACCOUNT = Allowance(tries=10, seconds=300)  # failed sign-ins
PER_ADDRESS = Allowance(tries=100, seconds=300)  # failed sign-ins
SIGN_UPS = Allowance(tries=200, seconds=3600)  # accounts made from one address

# The form of HTML's e-mail field, with a bound: it holds nothing that a header, a log or a page must escape.
_EMAIL = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*")
_LONGEST_EMAIL = 254
_SESSION_ID = re.compile(r"[A-Za-z0-9_-]{43}")


class People:
    """Accounts and sessions of one database. `close` when done."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords | None = None,
        *,
        master_key: bytes,
        per_account: Allowance = PER_ACCOUNT,
        per_address: Allowance = PER_ADDRESS,
        sign_ups: Allowance = SIGN_UPS,
    ) -> None:
        self._database = database
        self._passwords = passwords or Passwords()
        self._tries = Guard((Attempts(per_account), Attempts(per_address)))
        self._sign_ups = Attempts(sign_ups)
        self.factors = Factors(master_key)
        self.password_links = PasswordLinks(database, self._passwords)
        self.second_step = SecondStep(database, self.factors, self._tries)

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
                await visits.record(session, "person.sign_up", person.id, now, origin)
        except AlreadyExists:
            raise EmailTaken from None
        return person

    async def sign_in(
        self, *, email: str, password: str, now: int, origin: Origin, previous: str | None = None
    ) -> SignedIn | Halfway:
        """A new session or half a one, always with a new id; `previous` is the id the browser had, which ends.

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
            protected = await self.factors.enrolled(session, person.id)
            event = Event.PASSWORD_FIRST if protected else Event.PASSWORD
            if previous is not None:
                await sessions.delete(session, hash_of(previous))
            begun = await visits.enter(session, person, event, now, origin)
            if previous is not None:
                await endings.succeeded(session, hash_of(previous), begun.id_hash, person.id, now)
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
        if until(found[0].created_at, now) - found[0].expires_at < _SLIDE:
            return found
        async with self._database.begin() as session:
            if not await sessions.prolong(session, id_hash, until(found[0].created_at, now), now):
                return None
            return await sessions.find(session, id_hash, now)

    async def sign_out(self, session_id: str, now: int, origin: Origin) -> None:
        """The session ends on the server; an unknown one is no error."""
        following(Stage.SIGNED_IN, Event.SIGN_OUT)
        id_hash = hash_of(session_id)
        async with self._database.begin() as session:
            await in_order(session)
            found = await sessions.find(session, id_hash, now)
            await sessions.delete(session, id_hash)
            await grants.revoke_for_session(session, id_hash, now)  # also when it has ended by itself
            if found is not None:
                await endings.ended(session, id_hash, found[1].id, now)
                await visits.record(session, "person.sign_out", found[1].id, now, origin)

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
            await sign_ins.end_for_person(session, person.id)  # half of one that began with the old password
            await endings.swept(session, person.id, now)
            await grants.revoke_for_person(session, person.id, "password", now)
            await visits.record(session, "person.change_password", person.id, now, origin)
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
            await visits.record(session, "person.sign_in_refused", known, now, origin, actor=False)
        raise SignInRefused

    async def _renewed(self, password: str, person: Person) -> str | None:
        if not self._passwords.outdated(person.password_hash):
            return None
        return await self._passwords.hash(password)


def acceptable_email(email: str) -> str:
    """The address as it is stored. Raises UnacceptableEmail."""
    address = normal_email(normalised(email))
    if len(address) > _LONGEST_EMAIL or not _EMAIL.fullmatch(address):
        raise UnacceptableEmail
    return address


def authentication_of(session: Session) -> Authentication:
    """What a session says about how its person was authenticated, for ID tokens and for acts that demand more."""
    return Authentication(
        session.auth_time or session.created_at, tuple(session.amr.split()), session.acr or level(session.amr)
    )
