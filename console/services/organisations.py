"""Organisations and their members."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from auth.credentials import rotation
from console.errors import AboveOwnRights, AlreadyTaken, FieldFault, Invalid, LastOwner, NotFound, TooMany
from console.roles import Act, Actor, Role, within
from console.services.journal import record
from console.services.organisation_number import normalise
from console.services.standing import demand_operator, enter, roles_in, standing_roles
from storage import apps, organisations, people
from storage import errors as storage_errors
from storage.organisations import Organisation
from storage.people import Person

# `internal` opens plans without invoices, so a sign-up cannot choose it (Z5); an operator makes such organisations.
SELF_SERVICE_TYPES = ("company", "research", "authority")
TYPES = (*SELF_SERVICE_TYPES, "internal")
MOST_PER_PERSON = 20


async def create(
    session: AsyncSession, actor: Actor, *, name: str, number: str, organisation_type: str, now: int
) -> Organisation:
    """A new organisation, with the actor as its first owner unless the host makes it for someone else.

    The host alone may leave the number out: it makes organisations for tests, and real ones before the number is known.
    """
    if organisation_type not in SELF_SERVICE_TYPES:
        demand_operator(actor)
    host = Role.HOST in standing_roles(actor)
    digits = "" if host and not number.strip() else normalise(number)
    if digits is None:
        raise Invalid(
            "organisation number",
            fields=[
                FieldFault(
                    "number",
                    "wrong-organisation-number",
                    "Skriv ett organisationsnummer med tio siffror och rätt kontrollsiffra. "
                    "Personnummer tas inte emot.",
                    "Write an organisation number of ten digits with a right check digit. "
                    "Personal identity numbers are not taken.",
                )
            ],
        )
    if not host and len(await organisations.for_person(session, actor.person_id)) >= MOST_PER_PERSON:
        raise TooMany("organisations")
    try:
        made = await organisations.add(session, name=name, number=digits, type=organisation_type, now=now)
    except storage_errors.AlreadyExists as error:
        raise AlreadyTaken(
            "organisation",
            fields=[
                FieldFault(
                    "name",
                    "already-taken",
                    "Organisationen finns redan. Be dess ägare att lägga till dig.",
                    "The organisation already exists. Ask its owner to add you.",
                )
            ],
        ) from error
    if not host:
        await organisations.add_member(session, made.id, actor.person_id, Role.OWNER, now)
    await record(
        session,
        actor,
        "organisation.create",
        "organisation",
        made.id,
        now=now,
        organisation_id=made.id,
        after={"name": name, "number": digits, "type": organisation_type},
    )
    return made


async def of_person(session: AsyncSession, actor: Actor) -> list[tuple[Organisation, str]]:
    """The organisations the actor is a member of, each with the role there."""
    return [(found, str(role)) for found, role in await organisations.for_person(session, actor.person_id)]


async def all_of_them(session: AsyncSession, actor: Actor) -> list[Organisation]:
    """Every organisation, by name. Operators only."""
    demand_operator(actor)
    return await organisations.all_of_them(session)


async def get(session: AsyncSession, actor: Actor, organisation_id: str) -> Organisation:
    return await enter(session, actor, organisation_id, Act.ORGANISATION_READ)


async def members(session: AsyncSession, actor: Actor, organisation_id: str) -> list[tuple[Person, str]]:
    await enter(session, actor, organisation_id, Act.MEMBER_READ)
    return [(person, str(role)) for person, role in await organisations.members(session, organisation_id)]


async def add_member(
    session: AsyncSession, actor: Actor, organisation_id: str, *, email: str, role: Role, now: int
) -> Person:
    """Makes an existing person a member. An unknown address is NotFound: the owner has to ask them to sign up."""
    await enter(session, actor, organisation_id, Act.MEMBER_ADD)
    demand_within(role, await roles_in(session, actor, organisation_id))
    person = await people.by_email(session, email)
    if person is None:
        raise NotFound("person")
    try:
        await organisations.add_member(session, organisation_id, person.id, role, now)
    except storage_errors.AlreadyExists as error:
        raise AlreadyTaken("member") from error
    await record(
        session,
        actor,
        Act.MEMBER_ADD,
        "person",
        person.id,
        now=now,
        organisation_id=organisation_id,
        after={"role": role},
    )
    return person


def demand_within(role: Role, held: frozenset[Role]) -> None:
    """Raises AboveOwnRights: nobody gives more than they have (Z11)."""
    if not within(role, held):
        raise AboveOwnRights(f"{role} by {sorted(held)}")


async def change_role(
    session: AsyncSession, actor: Actor, organisation_id: str, person_id: str, role: Role, *, now: int
) -> Person:
    """Counts from the person's next request. The last owner stays one."""
    await enter(session, actor, organisation_id, Act.MEMBER_CHANGE)
    demand_within(role, await roles_in(session, actor, organisation_id))
    held = {
        person.id: (person, each) for person, each in await organisations.members(session, organisation_id)
    }
    if person_id not in held:
        raise NotFound(f"member {person_id}")
    person, before = held[person_id]
    owners = [each for each, (_, theirs) in held.items() if theirs == Role.OWNER]
    if owners == [person_id] and role is not Role.OWNER:
        raise LastOwner(organisation_id)
    await organisations.set_role(session, organisation_id, person_id, role)
    await record(
        session,
        actor,
        Act.MEMBER_CHANGE,
        "person",
        person_id,
        now=now,
        organisation_id=organisation_id,
        before={"role": before},
        after={"role": role},
    )
    return person


async def remove_member(
    session: AsyncSession, actor: Actor, organisation_id: str, person_id: str, *, now: int
) -> None:
    """Ends a membership; it counts from the person's next request. The last owner stays."""
    await enter(session, actor, organisation_id, Act.MEMBER_REMOVE)
    roles = {person.id: role for person, role in await organisations.members(session, organisation_id)}
    if person_id not in roles:
        raise NotFound(f"member {person_id}")
    if roles[person_id] == Role.OWNER and list(roles.values()).count(Role.OWNER) == 1:
        raise LastOwner(organisation_id)
    await organisations.remove_member(session, organisation_id, person_id)
    await record(
        session,
        actor,
        Act.MEMBER_REMOVE,
        "person",
        person_id,
        now=now,
        organisation_id=organisation_id,
        before={"role": roles[person_id]},
    )


async def disable(
    session: AsyncSession, actor: Actor, organisation_id: str, *, disabled: bool, now: int
) -> None:
    """Stops every app of an organisation, or lets them run again. Operators only."""
    demand_operator(actor)
    organisation = await enter(session, actor, organisation_id, Act.ORGANISATION_DISABLE)
    await organisations.set_disabled(session, organisation_id, now if disabled else None)
    if disabled:  # as with an app that is suspended, old tokens stay dead when the organisation comes back
        for app in await apps.for_organisation(session, organisation_id):
            await rotation.revoke_tokens(session, organisation_id, app.id, now)
    await record(
        session,
        actor,
        Act.ORGANISATION_DISABLE if disabled else "organisation.enable",
        "organisation",
        organisation_id,
        now=now,
        organisation_id=organisation_id,
        before={"disabled": organisation.disabled_at is not None},
        after={"disabled": disabled},
    )
