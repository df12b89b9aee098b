"""An authorization server over a real database, reached through its Starlette routes as the edge reaches it."""

from __future__ import annotations

import secrets
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.applications import Starlette

from auth.authenticate import Authenticator
from auth.credentials.rotation import issue
from auth.dynamic.endpoint import Registration
from auth.dynamic.endpoint import routes as registration_routes
from auth.origin import Origin, system
from auth.principal import Principal
from auth.server.app import AuthorizationServer, routes
from auth.server.methods import Methods
from auth.tokens import signing
from auth.tokens.keys import VerificationKeys
from storage import access, apps, clients, organisations, signing_keys, subscriptions
from storage.access import Rest
from storage.audit import Entry, latest
from storage.clients import ClientMetadata
from storage.database import Database
from tests.auth.mint import ISSUER, NOW

API_SCOPES: Mapping[str, frozenset[str]] = {
    "behov/v1": frozenset({"behov:read", "behov:write"}),
    "eko/v1": frozenset({"eko:call"}),
    "vardenheter/v1": frozenset({"vardenheter:read"}),
}
SYSTEM = system("test")


@dataclass(frozen=True, slots=True)
class Client:
    """One registered app and its first secret."""

    organisation_id: str
    app_id: str
    client_id: str
    secret: str = field(repr=False)
    credential_id: str

    @property
    def basic(self) -> str:
        return basic(self.client_id, self.secret)


def basic(client_id: str, secret: str) -> str:
    return "Basic " + b64encode(f"{client_id}:{secret}".encode()).decode()


class Platform:
    def __init__(self, database: Database, http: httpx.AsyncClient, master_key: bytes) -> None:
        self.database = database
        self.http = http
        self.master_key = master_key
        self.now = NOW
        self._names = 0

    async def client(
        self, *apis: str, environment: str = "sandbox", organisation: str | None = None
    ) -> Client:
        """An app with active subscriptions to `apis`, in a new organisation or the given one."""
        self._names += 1
        async with self.database.begin() as session:
            if organisation is None:
                made = await organisations.add(
                    session, name=f"Organisation {self._names}", number="", type="company", now=self.now
                )
                organisation = made.id
            app = await apps.add(session, organisation, name="App", environment=environment, now=self.now)
            for api in apis:
                await subscriptions.add(
                    session,
                    organisation,
                    app.id,
                    api=api,
                    plan="prova",
                    plan_version=1,
                    state="active",
                    now=self.now,
                )
            issued = await issue(session, organisation, app.id, now=self.now, origin=SYSTEM)
        return Client(organisation, app.id, app.client_id, issued.secret.text, issued.credential.id)

    async def register(self, client: Client, **members: Any) -> None:
        """The app's client metadata, whole: what is not named is as usual."""
        async with self.database.begin() as session:
            await clients.put(
                session, client.organisation_id, ClientMetadata(app_id=client.app_id, **members)
            )

    async def ask(self, client: Client, **parameters: str) -> httpx.Response:
        """A token request with Basic authentication."""
        form = {"grant_type": "client_credentials", **parameters}
        return await self.http.post("/oauth2/token", data=form, headers={"Authorization": client.basic})

    async def token(self, client: Client, **parameters: str) -> str:
        answer = await self.ask(client, **parameters)
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["access_token"]
        return token

    async def keys(self) -> VerificationKeys:
        async with self.database.read() as session:
            return VerificationKeys.from_rows(await signing_keys.all_published(session))

    async def principal(self, token: str) -> Principal:
        """What an edge with the newest snapshot makes of the token."""
        fresh = Authenticator(ISSUER, frozenset({ISSUER}))
        return fresh.authenticate(b"Bearer " + token.encode(), await self.keys(), self.now)

    async def access(self) -> access.AccessRows:
        async with self.database.read() as session:
            return await access.load(session, self.now)

    async def rest(self) -> Rest:
        """The few things an edge reads anew at each change."""
        async with self.database.read() as session:
            return await access.rest(session, self.now)

    async def audit(self) -> list[Entry]:
        """Newest first."""
        async with self.database.read() as session:
            return await latest(session)


@asynccontextmanager
async def platform_over(database: Database, methods: Methods | None = None) -> AsyncIterator[Platform]:
    master_key = secrets.token_bytes(32)
    box: list[Platform] = []
    server = AuthorizationServer(
        database,
        ISSUER,
        master_key,
        lambda: API_SCOPES,
        lambda: float(box[0].now),
        methods=methods,
    )
    registration = registration_routes(Registration(database, ISSUER, lambda: float(box[0].now)))
    transport = httpx.ASGITransport(
        Starlette(routes=[*routes(server), *registration]), client=("127.0.0.1", 40_000)
    )
    async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as http:
        box.append(Platform(database, http, master_key))
        async with database.begin() as session:
            # Long ago, so that the key's lead has passed.
            await signing.ensure(session, master_key, NOW - 3600, SYSTEM)
        yield box[0]


def from_address(ip: str) -> dict[str, str]:
    """The header by which the edge says who called."""
    node = f'"[{ip}]"' if ":" in ip else ip
    return {"Forwarded": f"for={node};proto=http"}


NOBODY = Origin(actor_kind="nobody", actor_id="", ip="192.0.2.1", request_id="r-1")
