"""The second step of a sign-in: a code, after the first factor was right.

Five wrong codes end the sign-in, and each counts as a failed try of the account and of the address, so that starting
over gains nothing: with ten tries in five minutes a six-digit code is guessed once in some years.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from auth.attempts import Guard, network
from auth.credentials.secrets import hash_of
from auth.errors import CodeRefused, SignInOver, TooManyAttempts
from auth.factors.enrolment import Factors
from auth.factors.life import Event, Stage, following, proved
from auth.origin import Origin
from auth.sign_in import visits
from auth.sign_in.visits import SignedIn
from storage import people
from storage.database import Database
from storage.people import Person
from storage.proofs import sign_ins
from storage.proofs.sign_ins import SignIn
from storage.schema.order import in_order

MOST_TRIES = 5


class SecondStep:
    def __init__(self, database: Database, factors: Factors, tries: Guard) -> None:
        self._database = database
        self._factors = factors
        self._tries = tries

    async def waiting(self, sign_in_id: str, now: int) -> Person | None:
        """Whose sign-in waits for a second factor; None when there is none, or no longer."""
        async with self._database.read() as session:
            found = await pending(session, hash_of(sign_in_id), now)
        return None if found is None else found[1]

    async def finish(self, sign_in_id: str, code: str, now: int, origin: Origin) -> SignedIn:
        """A session under a new id. Raises CodeRefused, SignInOver, TooManyAttempts."""
        person = await self.waiting(sign_in_id, now)
        if person is None:
            raise SignInOver
        names = (hash_of(person.email), network(origin.ip))
        if wait := self._tries.wait(names, now):
            raise TooManyAttempts(wait)
        self._tries.count(names, now)
        id_hash = hash_of(sign_in_id)
        async with self._database.begin() as session:
            await in_order(session)
            found = await pending(session, id_hash, now)
            if found is None:
                raise SignInOver
            event = await self._factors.shown(session, person.id, code, now)
            if event is not None:
                begun = await complete(session, found[0], person, event, now, origin)
                self._tries.forgive(names)
                return begun
            # Committed, not raised here: a wrong try must stay counted.
            left = await self._wrong(session, id_hash, person, now, origin)
        raise CodeRefused if left else SignInOver

    async def give_up(self, sign_in_id: str) -> None:
        """Unknown is no error."""
        following(Stage.SECOND_FACTOR, Event.GIVEN_UP)
        async with self._database.begin() as session:
            await sign_ins.end(session, hash_of(sign_in_id))

    async def _wrong(
        self, session: AsyncSession, id_hash: str, person: Person, now: int, origin: Origin
    ) -> bool:
        """Whether another try is left."""
        tries = await sign_ins.count_try(session, id_hash)
        event = Event.EXHAUSTED if tries >= MOST_TRIES else Event.WRONG
        left = following(Stage.SECOND_FACTOR, event) is Stage.SECOND_FACTOR
        if not left:
            await sign_ins.end(session, id_hash)
        await visits.record(session, "person.second_factor_refused", person.id, now, origin, actor=False)
        return left


async def complete(
    session: AsyncSession, row: SignIn, person: Person, event: Event, now: int, origin: Origin
) -> SignedIn:
    """From half a sign-in to a session. Raises SignInOver for the second of two at once."""
    following(Stage.SECOND_FACTOR, event)
    if not await sign_ins.end(session, row.id_hash):
        raise SignInOver
    return await visits.begin(session, person, proved(row.amr, event), now, origin)


async def pending(session: AsyncSession, id_hash: str, now: int) -> tuple[SignIn, Person] | None:
    """Half a sign-in and whose it is; None when unknown, over, or the account is closed."""
    row = await sign_ins.find(session, id_hash, now)
    person = None if row is None else await people.by_id(session, row.person_id)
    if row is None or person is None or person.disabled_at is not None:
        return None
    return row, person
