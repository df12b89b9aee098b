"""`/oauth2/register`: an app registers itself, and later reads, replaces or ends its registration (RFC 7591, RFC 7592).

Nobody registers without an initial access token, which an operator makes for one organisation and environment. The app
gets no access by it: subscriptions are asked for as always. Its registration access token manages that app alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from auth import registration
from auth.attempts import Allowance, Attempts, network
from auth.credentials import ending, rotation
from auth.credentials.secrets import Prefix, hash_of, make, well_formed
from auth.dynamic import metadata
from auth.dynamic.metadata import InvalidClientMetadata, InvalidRedirectUri
from auth.errors import InvalidProof
from auth.origin import Origin
from auth.profiles import SECRETS
from auth.proofs.jose import Object, parsed
from auth.server.adapter import origin
from auth.server.faults import NO_STORE, FormTooLarge, InvalidToken, OAuthFault, TemporarilyUnavailable
from storage import apps, audit, clients, credentials, organisations
from storage.apps import App
from storage.clients import ClientMetadata
from storage.database import Database
from storage.errors import Unavailable
from storage.proofs import registration_tokens

LARGEST: Final = 128 * 1024  # octets
SERVERS_OWN: Final = frozenset(
    {
        "registration_access_token",
        "registration_client_uri",
        "client_secret_expires_at",
        "client_id_issued_at",
    }
)
_BEARER = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] ([A-Za-z0-9_-]{1,200})")

PER_ADDRESS: Final = Allowance(
    tries=60, seconds=60
)  # refused tokens; they have 256 bits: this guards the database


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, read; `named` is the client_id of its address."""

    session: AsyncSession
    token: str
    given: Object
    named: str
    origin: Origin
    now: int


Work = Callable[[Asked], Awaitable[tuple[int, dict[str, object] | None]]]


class Registration:
    def __init__(self, database: Database, issuer: str, clock: Callable[[], float]) -> None:
        self._database = database
        self._issuer = issuer
        self._clock = clock
        self._refused = Attempts(PER_ADDRESS)

    async def register(self, request: Request) -> Response:
        return await self._answered(request, self._register)

    async def read(self, request: Request) -> Response:
        return await self._answered(request, self._read)

    async def replace(self, request: Request) -> Response:
        return await self._answered(request, self._replace)

    async def end(self, request: Request) -> Response:
        return await self._answered(request, self._end)

    async def _answered(self, request: Request, work: Work) -> Response:
        sent_by, now = origin(request), int(self._clock())
        try:
            status, body = await self._run(request, work, sent_by, now)
            headers = dict(NO_STORE) | {"X-Content-Type-Options": "nosniff"}
            text = None if body is None else json.dumps(body)
            return Response(text, status, headers, media_type="application/json")
        except InvalidToken as fault:
            self._refused.count(network(sent_by.ip), now)
            return _refusal(fault)
        except OAuthFault as fault:
            return _refusal(fault)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        except Unavailable:
            return _refusal(TemporarilyUnavailable())

    async def _run(
        self, request: Request, work: Work, sent_by: Origin, now: int
    ) -> tuple[int, dict[str, object] | None]:
        if self._refused.wait(network(sent_by.ip), now):
            raise InvalidToken
        token = _token(request)
        given = await _body(request) if request.method in ("POST", "PUT") else {}
        named = str(request.path_params.get("client_id", ""))
        async with self._database.begin() as session:
            return await work(Asked(session, token, given, named, sent_by, now))

    async def _register(self, asked: Asked) -> tuple[int, dict[str, object]]:
        name, wanted = metadata.name_of(asked.given), _judged(metadata.read(asked.given, ""))
        if not well_formed(asked.token, Prefix.INITIAL_ACCESS_TOKEN):
            raise InvalidToken
        session, now = asked.session, asked.now
        # After the metadata was found right: a mistake does not cost a use.
        initial = await registration_tokens.spend(session, hash_of(asked.token), now)
        if initial is None or not await _open(session, initial.organisation_id):
            raise InvalidToken
        owner = initial.organisation_id
        if len(await apps.for_organisation(session, owner)) >= registration.MOST_APPS:
            raise InvalidClientMetadata("The organisation has as many apps as it may have.")
        app = await apps.add(session, owner, name=name, environment=initial.environment, now=now)
        wanted = replace(wanted, app_id=app.id, updated_at=now)
        await clients.put(session, owner, wanted)
        await _record(asked, "app.register", app, {"initial_token": initial.id})
        secret = await _secret(asked, app, wanted)
        return 201, self._shown(app, wanted, await _new_token(session, app.id)) | secret

    async def _read(self, asked: Asked) -> tuple[int, dict[str, object]]:
        app = await _registered(asked)
        return 200, self._shown(
            app, await clients.get(asked.session, app.organisation_id, app.id), asked.token
        )

    async def _replace(self, asked: Asked) -> tuple[int, dict[str, object]]:
        app = await _registered(asked)
        session, given, owner = asked.session, asked.given, app.organisation_id
        # RFC 7592, 2.2: client_id must be there and the same; the server's own members must not.
        if given.get("client_id") != app.client_id:
            raise InvalidClientMetadata("client_id must be this client's.")
        if SERVERS_OWN & given.keys():
            raise InvalidClientMetadata(
                "Leave out what the server sets: " + ", ".join(sorted(SERVERS_OWN)) + "."
            )
        name, wanted = metadata.name_of(given), _judged(metadata.read(given, app.id))
        before = await clients.get(session, owner, app.id)
        # What a member of the organisation has chosen to demand, its app does not take back.
        if before.profile not in ("default", wanted.profile):
            raise InvalidClientMetadata("sluss_profile is changed in the console only.")
        renamed = await apps.rename(session, owner, app.id, name)
        wanted = replace(wanted, updated_at=asked.now)
        await clients.put(session, owner, wanted)
        if registration.ends_tokens(before, wanted):
            await rotation.revoke_tokens(session, owner, app.id, asked.now)
        await _record(asked, "app.configure", app, {"by": "registration"})
        return 200, self._shown(renamed, wanted, asked.token) | await _secret(asked, app, wanted)

    async def _end(self, asked: Asked) -> tuple[int, None]:
        app = await _registered(asked)
        await ending.end_app(asked.session, app.organisation_id, app.id, asked.now)
        await _record(asked, "app.delete", app, {"by": "registration"})
        return 204, None

    def _shown(self, app: App, client: ClientMetadata, token: str) -> dict[str, object]:
        return {
            **metadata.shown(client),
            "client_id": app.client_id,
            "client_id_issued_at": app.created_at,
            "client_name": app.name,
            "registration_access_token": token,
            "registration_client_uri": f"{self._issuer}/oauth2/register/{app.client_id}",
        }


def _judged(client: ClientMetadata) -> ClientMetadata:
    found = registration.faults(client)
    for fault in found:
        kind = InvalidRedirectUri if fault.member == "redirect_uris" else InvalidClientMetadata
        raise kind(f"{fault.member}: {fault.en}".replace('"', "'").replace("\\", "/"))
    coded = "authorization_code" in client.grant_types
    return replace(client, response_types=("code",) if coded else ())


def _token(request: Request) -> str:
    lines = request.headers.getlist("authorization")
    match = _BEARER.fullmatch(lines[0]) if len(lines) == 1 else None
    if match is None or request.url.query:
        raise InvalidToken
    return match[1]


async def _body(request: Request) -> Object:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise InvalidClientMetadata("The body must be application/json.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            raise FormTooLarge
    try:
        return parsed(bytes(body))
    except InvalidProof as fault:
        raise InvalidClientMetadata(f"The body is not accepted: {fault.detail}.") from None


async def _registered(asked: Asked) -> App:
    """The app of the address, when the token is its own. Every other case looks alike (RFC 7592, 2.1)."""
    known = well_formed(asked.token, Prefix.REGISTRATION_TOKEN)
    app = await registration_tokens.registered(asked.session, hash_of(asked.token)) if known else None
    if app is None or app.client_id != asked.named or app.state != "active":
        raise InvalidToken
    if not await _open(asked.session, app.organisation_id):
        raise InvalidToken
    return app


async def _secret(asked: Asked, app: App, client: ClientMetadata) -> dict[str, object]:
    """A first secret, for a client whose method is one and that has none."""
    if client.auth_method not in SECRETS:
        return {}
    held = await credentials.for_app(asked.session, app.organisation_id, app.id)
    if rotation.live(held, asked.now):
        return {}
    by = _by(asked, app)
    issued = await rotation.issue(asked.session, app.organisation_id, app.id, now=asked.now, origin=by)
    return {"client_secret": issued.secret.text, "client_secret_expires_at": 0}


async def _open(session: AsyncSession, organisation_id: str) -> bool:
    organisation = await organisations.by_id(session, organisation_id)
    return organisation is not None and organisation.disabled_at is None


async def _new_token(session: AsyncSession, app_id: str) -> str:
    made = make(Prefix.REGISTRATION_TOKEN)
    await registration_tokens.register(session, app_id, made.hash)
    return made.text


def _by(asked: Asked, app: App) -> Origin:
    return replace(asked.origin, actor_kind="app", actor_id=app.id)


async def _record(asked: Asked, act: str, app: App, after: dict[str, object]) -> None:
    by = _by(asked, app)
    await audit.append(
        asked.session, at=asked.now, actor_kind=by.actor_kind, actor_id=by.actor_id, act=act, object_kind="app",
        object_id=app.id, organisation_id=app.organisation_id, request_id=by.request_id, ip=by.ip, after=after,
    )  # fmt: skip


def _refusal(fault: OAuthFault) -> Response:
    status, body, headers = fault()
    return Response(json.dumps(dict(body)), status, dict(headers), media_type="application/json")


def routes(endpoint: Registration) -> list[Route]:
    own = "/oauth2/register/{client_id}"
    return [
        Route("/oauth2/register", endpoint.register, methods=["POST"]),
        Route(own, endpoint.read, methods=["GET"]),
        Route(own, endpoint.replace, methods=["PUT"]),
        Route(own, endpoint.end, methods=["DELETE"]),
    ]
