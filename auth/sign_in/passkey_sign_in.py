"""Signing in with a passkey: alone, or as the second step after a password."""

from __future__ import annotations

from auth.attempts import Allowance, Attempts, network
from auth.credentials.secrets import hash_of
from auth.errors import PasskeyRefused, SignInOver, SignInRefused, TooManyAttempts
from auth.factors.life import Event
from auth.factors.passkeys import Passkeys
from auth.origin import Origin
from auth.sign_in import endings, visits
from auth.sign_in.second_step import complete, pending
from auth.sign_in.visits import SignedIn
from storage import people, sessions
from storage.database import Database
from storage.schema.order import in_order

PER_ADDRESS = Allowance(tries=200, seconds=300)  # questions asked for: each is a row for five minutes


class PasskeySignIn:
    """`browser` is a random value that only the asking browser has, `sign_in_id` half a sign-in's cookie."""

    def __init__(self, database: Database, passkeys: Passkeys) -> None:
        self._database = database
        self._passkeys = passkeys
        self._asked = Attempts(PER_ADDRESS)

    async def question(self, browser: str, now: int, origin: Origin) -> str:
        """Raises TooManyAttempts."""
        self._count(now, origin)
        async with self._database.begin() as session:
            return await self._passkeys.question(session, hash_of(browser), now)

    async def sign_in(
        self, browser: str, answer: str, now: int, origin: Origin, previous: str | None
    ) -> SignedIn:
        """Raises PasskeyRefused, SignInRefused."""
        async with self._database.begin() as session:
            await in_order(session)
            used = await self._passkeys.answered(session, hash_of(browser), answer, now)
            person = await people.by_id(session, used.person_id)
            if person is None or person.disabled_at is not None:
                raise SignInRefused
            if previous is not None:
                await sessions.delete(session, hash_of(previous))
            begun = await visits.enter(session, person, Event.PASSKEY, now, origin)
            if previous is not None:
                await endings.succeeded(session, hash_of(previous), begun.id_hash, person.id, now)
        assert isinstance(begun, SignedIn), "the table of a sign-in's life says so"
        return begun

    async def second_question(self, sign_in_id: str, now: int, origin: Origin) -> str:
        """Raises SignInOver, TooManyAttempts."""
        self._count(now, origin)
        async with self._database.begin() as session:
            found = await pending(session, hash_of(sign_in_id), now)
            if found is None:
                raise SignInOver
            return await self._passkeys.question(session, found[0].id_hash, now, found[1].id)

    async def second_step(self, sign_in_id: str, answer: str, now: int, origin: Origin) -> SignedIn:
        """Raises PasskeyRefused, SignInOver."""
        async with self._database.begin() as session:
            await in_order(session)
            found = await pending(session, hash_of(sign_in_id), now)
            if found is None:
                raise SignInOver
            row, person = found
            used = await self._passkeys.answered(session, row.id_hash, answer, now, person.id)
            if used.person_id != person.id:
                raise PasskeyRefused("another person's")
            return await complete(session, row, person, Event.SECURITY_KEY, now, origin)

    def _count(self, now: int, origin: Origin) -> None:
        place = network(origin.ip)
        if wait := self._asked.wait(place, now):
            raise TooManyAttempts(wait)
        self._asked.count(place, now)
