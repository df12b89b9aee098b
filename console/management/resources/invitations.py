"""Invitations, roles of members, and a person's own sessions."""

from __future__ import annotations

from console import transactions
from console.management import presenters
from console.management.listings import InvitationListing, SessionListing
from console.management.operation import Answer, Call
from console.management.paging import PageQuery, listing
from console.management.shapes import InvitationAnswer, NewMember, NewRole
from console.roles import Role
from console.services import organisations
from console.services.people import invitations, security


async def create(call: Call) -> Answer:
    """The letter goes out when the invitation is committed."""
    body = call.body_as(NewMember)
    issued = await transactions.write(
        call.desk.database,
        lambda session: invitations.create(
            session,
            call.person,
            call.path["organisationId"],
            email=body.email,
            role=Role(body.role),
            now=call.now,
        ),
    )
    call.desk.post.send(invitations.letter(call.desk.issuer, issued, call.arrival.language))
    return Answer(presenters.invitation(issued.row), location=f"{call.address}/{issued.row.id}")


async def every(call: Call) -> Answer:
    rows = await invitations.waiting(call.session, call.person, call.path["organisationId"], now=call.now)
    shown = [presenters.invitation(row) for row in rows]
    return Answer(listing(InvitationListing, shown, call.query_as(PageQuery), call.address, call.parameters))


async def withdraw(call: Call) -> Answer:
    await invitations.withdraw(
        call.session, call.person, call.path["organisationId"], call.path["invitationId"], now=call.now
    )
    return Answer(None)


async def accept(call: Call) -> Answer:
    body = call.body_as(InvitationAnswer)
    made = await invitations.accept(call.session, call.person, body.token, now=call.now)
    return Answer(presenters.organisation(made))


async def change_role(call: Call) -> Answer:
    role = Role(call.body_as(NewRole).role)
    person = await organisations.change_role(
        call.session, call.person, call.path["organisationId"], call.path["personId"], role, now=call.now
    )
    return Answer(presenters.member(person, role))


async def sessions(call: Call) -> Answer:
    rows = await security.own_sessions(call.session, call.person, now=call.now)
    shown = [presenters.session(row) for row in rows]
    return Answer(listing(SessionListing, shown, call.query_as(PageQuery), call.address, call.parameters))


async def end_session(call: Call) -> Answer:
    await security.end_session(call.session, call.person, call.path["sessionId"], now=call.now)
    return Answer(None)


async def end_sessions(call: Call) -> Answer:
    await security.end_sessions(call.session, call.person, now=call.now)
    return Answer(None)
