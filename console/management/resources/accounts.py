"""People and their personal tokens."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from auth.credentials.personal import IssuedToken
from auth.people import authentication_of
from auth.sign_in.visits import Halfway
from console import transactions
from console.errors import Invalid, NotFound, NotSignedIn
from console.management import presenters
from console.management.field_faults import fault
from console.management.listings import PersonalTokenListing
from console.management.operation import Answer, Call
from console.management.paging import PageQuery, listing
from console.management.shapes import CreatedPersonalToken, NewPerson, NewPersonalToken
from console.roles import Actor, Via
from console.services import accounts, personal_tokens
from storage import people


async def sign_up(call: Call) -> Answer:
    body = call.body_as(NewPerson)
    person = await accounts.sign_up(
        call.desk.people,
        email=body.email,
        name=body.name,
        password=body.password,
        language=body.language,
        origin=accounts.nobody(call.arrival),
        now=call.now,
    )
    return Answer(presenters.person(person), location=f"{call.address}/me")


async def me(call: Call) -> Answer:
    person = await people.by_id(call.session, call.person.person_id)
    if person is None:
        raise NotFound("person")
    return Answer(presenters.person(person))


async def create_token(call: Call) -> Answer:
    """With e-mail and password it begins and ends a session of its own: their check, its limits and its entry in the
    audit log are those of a sign-in."""
    body = call.body_as(NewPersonalToken)
    if (body.email is None) != (body.password is None):
        raise Invalid("half a pair", fields=[fault("password", "missing")])
    actor = call.actor
    if body.email is not None and body.password is not None:
        actor = await _by_password(call, body.email, body.password, body.code)
    if actor is None:
        raise NotSignedIn("no way of proving who asks")
    issued = await transactions.write(call.desk.database, _issue(actor, body, call.now))
    return Answer(
        CreatedPersonalToken(**presenters.personal_token(issued.row).model_dump(), token=issued.secret.text),
        location=f"{call.address}/{issued.row.id}",
    )


def _issue(actor: Actor, body: NewPersonalToken, now: int) -> transactions.Work[IssuedToken]:
    async def work(session: AsyncSession) -> IssuedToken:
        return await personal_tokens.create(
            session, actor, name=body.name, days=body.expires_in_days, now=now
        )

    return work


async def _by_password(call: Call, email: str, password: str, code: str | None) -> Actor:
    people, origin = call.desk.people, accounts.nobody(call.arrival)
    begun = await accounts.sign_in(people, email=email, password=password, origin=origin, now=call.now)
    if isinstance(begun, Halfway):
        if code is None:
            await people.second_step.give_up(begun.sign_in_id)
            raise Invalid("a second factor", fields=[fault("code", "missing")])
        begun = await accounts.second_step(people, begun.sign_in_id, code, origin=origin, now=call.now)
    await accounts.sign_out(people, begun.session_id, origin=origin, now=call.now)
    return accounts.actor_of(
        begun.person,
        Via.API,
        ip=call.arrival.ip,
        request_id=call.arrival.request_id,
        multi_factor=authentication_of(begun.session).multi_factor,
    )


async def tokens(call: Call) -> Answer:
    rows = await personal_tokens.own(call.session, call.person)
    shown = [presenters.personal_token(row) for row in rows]
    return Answer(
        listing(PersonalTokenListing, shown, call.query_as(PageQuery), call.address, call.parameters)
    )


async def get_token(call: Call) -> Answer:
    row = await personal_tokens.get(call.session, call.person, call.path["tokenId"])
    return Answer(presenters.personal_token(row))


async def revoke_token(call: Call) -> Answer:
    await personal_tokens.revoke(call.session, call.person, call.path["tokenId"], now=call.now)
    return Answer(None)
