"""Accounts and sessions. The work is `auth.people`'s, which hashes outside transactions and so opens its own; here its
refusals become this package's, and a session becomes an actor."""

from __future__ import annotations

from dataclasses import dataclass, field

from auth.origin import Origin
from auth.people import People
from auth.people import SignedIn as Begun
from console.roles import Actor, Via
from console.translate_faults import translated
from storage.people import Person
from storage.sessions import Session


@dataclass(frozen=True, slots=True)
class Visit:
    """A live session: whose it is, and the token that its forms carry."""

    person: Person
    session: Session = field(repr=False)

    @property
    def csrf(self) -> str:
        return self.session.csrf


def nobody(ip: str, request_id: str) -> Origin:
    """Where a request comes from that has not shown who sends it."""
    return Origin("nobody", "", ip, request_id)


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
) -> Begun:
    """A new session with a new id; the browser's former one ends. Raises WrongPassword, TooManyTries."""
    with translated():
        return await people.sign_in(email=email, password=password, origin=origin, now=now, previous=previous)


async def sign_out(people: People, session_id: str, *, origin: Origin, now: int) -> None:
    with translated():
        await people.sign_out(session_id, now, origin)


async def find(people: People, session_id: str, now: int) -> Visit | None:
    with translated():
        found = await people.find(session_id, now)
    return None if found is None else Visit(found[1], found[0])


def actor_of(person: Person, via: Via, *, ip: str, request_id: str) -> Actor:
    return Actor(person.id, person.operator, via, ip, request_id)
