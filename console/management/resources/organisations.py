"""Organisations and members."""

from __future__ import annotations

from console.errors import NotFound
from console.management import presenters
from console.management.listings import MemberListing, OrganisationListing
from console.management.operation import Answer, Call
from console.management.paging import PageQuery, listing
from console.management.shapes import Confirmed, NewMember, NewOrganisation
from console.roles import Role
from console.services import organisations


async def create(call: Call) -> Answer:
    body = call.body_as(NewOrganisation)
    made = await organisations.create(
        call.session,
        call.person,
        name=body.name,
        number=body.number,
        organisation_type=body.type,
        now=call.now,
    )
    return Answer(presenters.organisation(made, Role.OWNER), location=f"{call.address}/{made.id}")


async def every(call: Call) -> Answer:
    rows = await organisations.of_person(call.session, call.person)
    shown = [presenters.organisation(row, role) for row, role in rows]
    return Answer(
        listing(OrganisationListing, shown, call.query_as(PageQuery), call.address, call.parameters)
    )


async def get(call: Call) -> Answer:
    return Answer(
        presenters.organisation(
            await organisations.get(call.session, call.person, call.path["organisationId"])
        )
    )


async def members(call: Call) -> Answer:
    rows = await organisations.members(call.session, call.person, call.path["organisationId"])
    shown = [presenters.member(row, role) for row, role in rows]
    return Answer(listing(MemberListing, shown, call.query_as(PageQuery), call.address, call.parameters))


async def get_member(call: Call) -> Answer:
    for row, role in await organisations.members(call.session, call.person, call.path["organisationId"]):
        if row.id == call.path["personId"]:
            return Answer(presenters.member(row, role))
    raise NotFound("member")


async def add_member(call: Call) -> Answer:
    body = call.body_as(NewMember)
    person = await organisations.add_member(
        call.session,
        call.person,
        call.path["organisationId"],
        email=body.email,
        role=Role(body.role),
        now=call.now,
    )
    return Answer(presenters.member(person, body.role), location=f"{call.address}/{person.id}")


async def remove_member(call: Call) -> Answer:
    await organisations.remove_member(
        call.session, call.person, call.path["organisationId"], call.path["personId"], now=call.now
    )
    return Answer(None)


async def disable(call: Call) -> Answer:
    return await _set_disabled(call, disabled=True)


async def enable(call: Call) -> Answer:
    return await _set_disabled(call, disabled=False)


async def _set_disabled(call: Call, *, disabled: bool) -> Answer:
    await organisations.disable(
        call.session, call.person, call.path["organisationId"], disabled=disabled, now=call.now
    )
    return Answer(Confirmed())
