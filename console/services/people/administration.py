"""What the host does with people's accounts: who runs the platform, who is locked out, whose account is closed."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from auth.sign_in import endings
from console.errors import NotFound, OperatorOnly
from console.roles import Actor, Role
from console.services.journal import record
from console.services.standing import standing_roles
from storage import people, sessions
from storage.people import Person
from storage.proofs import one_time_codes, passkeys, recovery_codes, sign_ins


@dataclass(frozen=True, slots=True)
class Listed:
    """One account, without what opens it."""

    person: Person
    second_step: bool


async def every(session: AsyncSession, actor: Actor) -> list[Listed]:
    """By address."""
    _demand_host(actor)
    return [Listed(row, await _has_second_step(session, row.id)) for row in await people.every(session)]


async def set_operator(
    session: AsyncSession, actor: Actor, email: str, *, operator: bool, now: int
) -> Person:
    """Counts from the person's next request; theirs to do only after two factors."""
    person = await _named(session, actor, email)
    changed = await people.set_operator(session, person.id, operator)
    await record(
        session,
        actor,
        "person.set_operator",
        "person",
        person.id,
        now=now,
        before={"operator": person.operator},
        after={"operator": operator},
    )
    return changed


async def reset_second_step(session: AsyncSession, actor: Actor, email: str, *, now: int) -> Person:
    """For who has lost phone and recovery codes: every second factor is gone, and every session ends."""
    person = await _named(session, actor, email)
    await one_time_codes.remove(session, person.id)
    for row in await passkeys.for_person(session, person.id):
        await passkeys.remove(session, person.id, row.id)
    await recovery_codes.replace(session, person.id, (), now)
    await _sign_out(session, person.id, now)
    await record(session, actor, "person.reset_second_step", "person", person.id, now=now)
    return person


async def set_disabled(
    session: AsyncSession, actor: Actor, email: str, *, disabled: bool, now: int
) -> Person:
    """Closed, an account signs in no more and its sessions and tokens stop at once."""
    person = await _named(session, actor, email)
    changed = await people.set_disabled(session, person.id, now if disabled else None)
    if disabled:
        await _sign_out(session, person.id, now)
    act = "person.disable" if disabled else "person.enable"
    await record(session, actor, act, "person", person.id, now=now, after={"disabled": disabled})
    return changed


async def _sign_out(session: AsyncSession, person_id: str, now: int) -> None:
    await sessions.delete_for_person(session, person_id)
    await endings.swept(session, person_id, now)
    await sign_ins.end_for_person(session, person_id)


async def _named(session: AsyncSession, actor: Actor, email: str) -> Person:
    _demand_host(actor)
    person = await people.by_email(session, email)
    if person is None:
        raise NotFound("person")
    return person


async def _has_second_step(session: AsyncSession, person_id: str) -> bool:
    codes = await one_time_codes.find(session, person_id)
    confirmed = codes is not None and codes.confirmed_at is not None
    return confirmed or bool(await passkeys.for_person(session, person_id))


def _demand_host(actor: Actor) -> None:
    if Role.HOST not in standing_roles(actor):
        raise OperatorOnly(f"person {actor.person_id}")
