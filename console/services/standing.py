"""The way into an organisation: does it exist for this actor, and does a role held there allow the act?

Every tenant-owned service call begins here. An organisation in which the actor holds no role is answered exactly
as one that does not exist.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from console.errors import (
    Forbidden,
    NotFound,
    OperatorOnly,
    OrganisationDisabled,
    SecondFactorDemanded,
)
from console.roles import Act, Actor, Role, Via, allowed
from storage import organisations
from storage.organisations import Organisation


def standing_roles(actor: Actor) -> frozenset[Role]:
    """The roles an actor holds in every organisation; an operator's only after two factors (Z8)."""
    if actor.via is Via.CLI:
        return frozenset({Role.HOST})
    return frozenset({Role.OPERATOR}) if actor.operator and actor.multi_factor else frozenset()


async def roles_in(session: AsyncSession, actor: Actor, organisation_id: str) -> frozenset[Role]:
    """All roles that count for the actor in one organisation; read anew at every request, so a lowered role
    counts from the next one (Z10)."""
    role = await organisations.role_of(session, organisation_id, actor.person_id)
    return standing_roles(actor) | (frozenset({Role(role)}) if role else frozenset())


async def enter(session: AsyncSession, actor: Actor, organisation_id: str, act: Act) -> Organisation:
    """The organisation, if the actor may do `act` there; else NotFound, Forbidden or OrganisationDisabled."""
    roles = await roles_in(session, actor, organisation_id)
    organisation = await organisations.by_id(session, organisation_id)
    if actor.operator and not roles:
        raise SecondFactorDemanded(f"person {actor.person_id}")
    if organisation is None or not roles:
        raise NotFound(f"organisation {organisation_id}")
    if not allowed(roles, act):
        raise Forbidden(f"{act} as {sorted(roles)} in {organisation_id}")
    if organisation.disabled_at is not None and not act.endswith(".read") and not standing_roles(actor):
        raise OrganisationDisabled(organisation_id)
    return organisation


def demand_operator(actor: Actor) -> None:
    """Refuses everyone but the platform's staff and the host, and staff who have not shown two factors."""
    if actor.operator and not standing_roles(actor):
        raise SecondFactorDemanded(f"person {actor.person_id}")
    if not standing_roles(actor):
        raise OperatorOnly(f"person {actor.person_id}")
