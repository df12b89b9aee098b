"""A person's second factors: proposed, confirmed, shown and taken away. Every method works in the caller's
transaction and writes its own audit entry there.
"""

from __future__ import annotations

import logging

from sqlalchemy.ext.asyncio import AsyncSession

from auth.errors import CodeRefused, FactorInUse, NothingToConfirm, UnusableKey
from auth.factors import recovery, totp
from auth.factors.life import Event
from auth.origin import Origin
from auth.sign_in import visits
from auth.sign_in.visits import SignedIn
from auth.tokens import vault
from storage.people import Person
from storage.proofs import one_time_codes, passkeys, recovery_codes
from storage.sessions import Session

_log = logging.getLogger("sluss.people")


class Factors:
    """`master_key` seals the secrets of one-time codes: a copy of the database makes no codes."""

    def __init__(self, master_key: bytes) -> None:
        self._master_key = master_key

    async def enrolled(self, session: AsyncSession, person_id: str) -> bool:
        """Whether a second factor is demanded of the person."""
        return await self.has_codes(session, person_id) or bool(await passkeys.for_person(session, person_id))

    async def has_codes(self, session: AsyncSession, person_id: str) -> bool:
        """Whether one-time codes are confirmed."""
        held = await one_time_codes.find(session, person_id)
        return held is not None and held.confirmed_at is not None

    async def propose(self, session: AsyncSession, person: Person, now: int, secret: str = "") -> str:
        """A secret for an app, a new one unless given, which counts for nothing until `confirm`. Raises FactorInUse."""
        secret = secret or totp.new_secret()
        sealed = vault.seal(secret.encode(), person.id, self._master_key, vault.ONE_TIME_CODES)
        if not await one_time_codes.propose(session, person.id, sealed, now):
            raise FactorInUse
        return secret

    async def waiting(self, session: AsyncSession, person: Person) -> str:
        """The secret that waits for its first code. Raises NothingToConfirm."""
        held = await one_time_codes.find(session, person.id)
        if held is None or held.confirmed_at is not None:
            raise NothingToConfirm
        return self._opened(held.secret_encrypted, person.id)

    async def confirm(
        self, session: AsyncSession, person: Person, code: str, now: int, origin: Origin
    ) -> list[str]:
        """The first right code makes it a factor; answers the recovery codes, this once.

        Raises NothingToConfirm, CodeRefused."""
        secret = await self.waiting(session, person)
        step = totp.matching(secret, totp.plain(code), now, 0)
        if step is None or not await one_time_codes.use(session, person.id, step, now):
            raise CodeRefused
        await visits.record(session, "person.add_one_time_codes", person.id, now, origin)
        return await self.new_recovery_codes(session, person, now, origin)

    async def new_recovery_codes(
        self, session: AsyncSession, person: Person, now: int, origin: Origin
    ) -> list[str]:
        """Ten, in place of all former ones."""
        codes = recovery.new_codes()
        await recovery_codes.replace(session, person.id, map(recovery.stored, codes), now)
        await visits.record(session, "person.new_recovery_codes", person.id, now, origin)
        return codes

    async def remove_codes(self, session: AsyncSession, person: Person, now: int, origin: Origin) -> None:
        """Raises NothingToConfirm when there are none."""
        if not await one_time_codes.remove(session, person.id):
            raise NothingToConfirm
        await visits.record(session, "person.remove_one_time_codes", person.id, now, origin)
        await self.tidy(session, person)

    async def tidy(self, session: AsyncSession, person: Person) -> None:
        """Recovery codes stand in for a second factor: with the last of those they end."""
        if not await self.enrolled(session, person.id):
            await recovery_codes.replace(session, person.id, (), 0)

    async def shown(self, session: AsyncSession, person_id: str, code: str, now: int) -> Event | None:
        """Which of the person's codes it is, used up now; None for none of them."""
        typed = totp.plain(code)
        if totp.looks_like_code(typed):
            held = await one_time_codes.find(session, person_id)
            if held is None or held.confirmed_at is None:
                return None
            try:
                secret = self._opened(held.secret_encrypted, person_id)
            except UnusableKey as error:  # a lost master key: a recovery code still works
                _log.error("one-time codes of %s: %s", person_id, error)
                return None
            step = totp.matching(secret, typed, now, held.last_step)
            if step is None or not await one_time_codes.use(session, person_id, step, now):
                return None
            return Event.CODE
        used = await recovery_codes.use(session, person_id, recovery.stored(code[:200]))
        return Event.RECOVERY_CODE if used else None

    async def strengthen(
        self, session: AsyncSession, row: Session, person: Person, now: int, origin: Origin
    ) -> SignedIn:
        """The session in which a factor was enrolled, under a new id; the person's others end."""
        return await visits.strengthen(session, row, person, Event.ENROLLED, now, origin)

    def _opened(self, sealed: bytes, person_id: str) -> str:
        return vault.unseal(sealed, person_id, self._master_key, vault.ONE_TIME_CODES).decode()
