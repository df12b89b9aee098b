"""Accounts and sessions. The work is `auth.people`'s, which hashes outside transactions and so opens its own; here its
refusals become this package's, and a session becomes an actor."""

from __future__ import annotations

from dataclasses import dataclass, field

from auth.assurance import Authentication
from auth.origin import Origin
from auth.people import People, authentication_of
from auth.sign_in.visits import Halfway, SignedIn
from console.arrival import Arrival
from console.roles import Actor, Via
from console.translate_faults import translated
from storage.people import Person
from storage.sessions import Session


@dataclass(frozen=True, slots=True)
class Visit:
    """A live session: whose it is, and the token that its forms carry."""

    person: Person
    row: Session = field(repr=False)

    @property
    def csrf(self) -> str:
        return self.row.csrf

    @property
    def authentication(self) -> Authentication:
        return authentication_of(self.row)


def nobody(arrival: Arrival) -> Origin:
    """Where a request comes from that has not shown who sends it."""
    return Origin("nobody", "", arrival.ip, arrival.request_id, arrival.agent)


async def sign_up(
    people: People,
    *,
    email: str,
    name: str,
    password: str,
    language: str,
    origin: Origin,
    now: int,
    operator: bool = False,
) -> Person:
    """Raises Invalid (email, password), AlreadyTaken, TooManyTries. `operator` is for the host's commands alone."""
    with translated():
        return await people.sign_up(
            email=email,
            name=name,
            password=password,
            language=language,
            origin=origin,
            now=now,
            operator=operator,
        )


async def sign_in(
    people: People, *, email: str, password: str, origin: Origin, now: int, previous: str | None = None
) -> SignedIn | Halfway:
    """A new session, or half a one, with a new id; the browser's former one ends.

    Raises WrongPassword, TooManyTries."""
    with translated():
        return await people.sign_in(email=email, password=password, origin=origin, now=now, previous=previous)


async def second_step(people: People, sign_in_id: str, code: str, *, origin: Origin, now: int) -> SignedIn:
    """From half a sign-in to a session under a new id. Raises WrongCode, SignInOver, TooManyTries."""
    with translated():
        return await people.second_step.finish(sign_in_id, code, now, origin)


async def waiting(people: People, sign_in_id: str, *, now: int) -> Person | None:
    """Whose sign-in waits for its second step."""
    if not sign_in_id:
        return None
    with translated():
        return await people.second_step.waiting(sign_in_id, now)


def shown_two(begun: SignedIn) -> bool:
    """Whether two factors were shown."""
    return authentication_of(begun.session).multi_factor


async def change_password(
    people: People, person: Person, *, old: str, new: str, keep: str, origin: Origin, now: int
) -> None:
    """Ends every other session. Raises WrongPassword, Invalid (password), TooManyTries."""
    with translated():
        await people.change_password(person, old=old, new=new, now=now, origin=origin, keep=keep)


async def sign_out(people: People, session_id: str, *, origin: Origin, now: int) -> None:
    with translated():
        await people.sign_out(session_id, now, origin)


async def find(people: People, session_id: str, now: int) -> Visit | None:
    with translated():
        found = await people.find(session_id, now)
    return None if found is None else Visit(found[1], found[0])


def actor_of(person: Person, via: Via, *, ip: str, request_id: str, multi_factor: bool) -> Actor:
    return Actor(person.id, person.operator, via, ip, request_id, multi_factor)
