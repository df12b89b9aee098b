"""A forgotten password: a link by mail that works once, within half an hour, and ends every session.

The link proves the mail box alone: whoever has a second step still has to take it. Which addresses have accounts is
told to nobody, by text or time: the caller does this work after its answer.
"""

from __future__ import annotations

import secrets

from auth.attempts import Allowance, Attempts, network
from auth.credentials.secrets import hash_of
from auth.errors import LinkOver, TooManyAttempts
from auth.origin import Origin
from auth.passwords import Passwords, check
from auth.sign_in import endings, visits
from storage import people, sessions
from storage.database import Database
from storage.oauth import grants
from storage.people import Person, normal_email
from storage.proofs import sign_ins, single_use
from storage.schema.order import in_order

LIFE = 1800  # seconds
PER_ACCOUNT = Allowance(tries=3, seconds=3600)
PER_ADDRESS = Allowance(tries=30, seconds=3600)
_KIND = "new-password"


class PasswordLinks:
    def __init__(self, database: Database, passwords: Passwords) -> None:
        self._database = database
        self._passwords = passwords
        self._asked = Attempts(PER_ACCOUNT)
        self._asked_from = Attempts(PER_ADDRESS)

    def admit(self, now: int, origin: Origin) -> None:
        """Counts one who asks. Raises TooManyAttempts: by where they ask from, never by which account."""
        place = network(origin.ip)
        if wait := self._asked_from.wait(place, now):
            raise TooManyAttempts(wait)
        self._asked_from.count(place, now)

    async def make(self, email: str, now: int, origin: Origin) -> tuple[Person, str] | None:
        """Whom to write to, and the link's token, in place of an earlier one; None where there is nobody to write
        to, or they have been written to often enough."""
        address = normal_email(email)
        name = hash_of(address)
        if self._asked.wait(name, now):
            return None
        self._asked.count(name, now)
        token = secrets.token_urlsafe(32)
        async with self._database.begin() as session:
            person = await people.by_email(session, address)
            if person is None or person.disabled_at is not None:
                return None
            await single_use.delete_about(session, _KIND, person.id)
            await single_use.add(
                session, key_hash=hash_of(token), kind=_KIND, about=person.id, expires_at=now + LIFE, now=now
            )
            await visits.record(session, "person.ask_new_password", person.id, now, origin, actor=False)
        return person, token

    async def whose(self, token: str, now: int) -> Person | None:
        """The account a link is for, without using it up."""
        async with self._database.read() as session:
            person_id = await single_use.peek(session, _KIND, hash_of(token), now)
            person = None if person_id is None else await people.by_id(session, person_id)
        return None if person is None or person.disabled_at is not None else person

    async def use(self, token: str, password: str, now: int, origin: Origin) -> Person:
        """The new password, and no session left. Raises LinkOver, WeakPassword, TooManyAttempts."""
        person = await self.whose(token, now)
        if person is None:
            raise LinkOver
        check(password, person.email)
        hashed = await self._passwords.hash(password)
        async with self._database.begin() as session:
            await in_order(session)
            if await single_use.use(session, _KIND, hash_of(token), now) is None:
                raise LinkOver
            changed = await people.set_password(session, person.id, hashed)
            await sessions.delete_for_person(session, person.id)
            await sign_ins.end_for_person(session, person.id)
            await endings.swept(session, person.id, now)
            await grants.revoke_for_person(session, person.id, "password", now)
            await visits.record(session, "person.new_password_by_link", person.id, now, origin)
        return changed
