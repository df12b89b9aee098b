"""Apps and their credentials."""

from __future__ import annotations

from console.management import presenters
from console.management.listings import AppListing, CredentialListing
from console.management.operation import Answer, Call
from console.management.paging import PageQuery, listing
from console.management.shapes import NewApp, NewCredential, Rotation
from console.services import apps, credentials
from console.services.credentials import IssuedSecret
from gateway.catalog.model import Environment


async def create(call: Call) -> Answer:
    body = call.body_as(NewApp)
    made = await apps.create(
        call.session,
        call.person,
        call.path["organisationId"],
        name=body.name,
        environment=Environment(body.environment),
        now=call.now,
    )
    return Answer(presenters.app(made), location=f"{call.address}/{made.id}")


async def every(call: Call) -> Answer:
    rows = await apps.every(call.session, call.person, call.path["organisationId"])
    shown = [presenters.app(row) for row in rows]
    return Answer(listing(AppListing, shown, call.query_as(PageQuery), call.address, call.parameters))


async def get(call: Call) -> Answer:
    return Answer(presenters.app(await apps.get(call.session, call.person, *_app(call))))


async def delete(call: Call) -> Answer:
    await apps.delete(call.session, call.person, *_app(call), now=call.now)
    return Answer(None)


async def suspend(call: Call) -> Answer:
    return Answer(presenters.app(await apps.suspend(call.session, call.person, *_app(call), now=call.now)))


async def resume(call: Call) -> Answer:
    return Answer(presenters.app(await apps.resume(call.session, call.person, *_app(call), now=call.now)))


async def create_credential(call: Call) -> Answer:
    kind = call.body_as(NewCredential).kind
    issued = await credentials.create(call.session, call.person, *_app(call), kind=kind, now=call.now)
    return await _shown_once(call, issued, f"{call.address}/{issued.credential.id}")


async def credentials_of(call: Call) -> Answer:
    rows = await credentials.of_app(call.session, call.person, *_app(call))
    shown = [presenters.credential(row) for row in rows]
    return Answer(listing(CredentialListing, shown, call.query_as(PageQuery), call.address, call.parameters))


async def get_credential(call: Call) -> Answer:
    found = await credentials.get(call.session, call.person, *_app(call), call.path["credentialId"])
    return Answer(presenters.credential(found))


async def rotate(call: Call) -> Answer:
    issued = await credentials.rotate(
        call.session,
        call.person,
        *_app(call),
        overlap_seconds=call.body_as(Rotation).overlap_seconds,
        kind=call.body_as(Rotation).kind,
        now=call.now,
    )
    address = call.address.removesuffix("/rotations")
    return await _shown_once(call, issued, f"{address}/credentials/{issued.credential.id}")


async def revoke_credential(call: Call) -> Answer:
    await credentials.revoke(call.session, call.person, *_app(call), call.path["credentialId"], now=call.now)
    return Answer(None)


async def _shown_once(call: Call, issued: IssuedSecret, location: str) -> Answer:
    scope = await credentials.scope(call.session, *_app(call), call.desk.catalog())
    return Answer(presenters.created_credential(issued, call.desk.token_endpoint, scope), location=location)


def _app(call: Call) -> tuple[str, str]:
    return call.path["organisationId"], call.path["appId"]
