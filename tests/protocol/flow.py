"""The authorization code flow from outside: an app, a person with a browser, the whole control plane between them."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from argon2 import PasswordHasher

from auth.authorise import honoured
from auth.errors import RevokedToken
from auth.origin import system
from auth.passwords import Passwords
from auth.people import People
from auth.policy import AccessTable, AppAccess
from auth.server.app import AuthorizationServer, routes
from auth.server.interactive.endpoints import PersonEndpoints
from auth.tokens import signing
from console.app import create
from console.letters.post import MemoryOutbox, Post
from gateway.catalog.model import Catalog
from storage import clients
from storage.clients import ClientMetadata
from storage.database import Database
from tests.auth.holder import Holder
from tests.auth.mint import ISSUER, NOW
from tests.auth.platform import SYSTEM, Client, Platform
from tests.console.browser import Browser, Shown

PASSWORD = "ett långt lösenord med åäö"
CALLBACK = "https://app.example/callback"
FULL_GRANTS = ("authorization_code", "refresh_token")


@dataclass
class App:
    """One registered client and what it remembers of a flow."""

    flow: Flow
    client: Client
    redirect_uri: str = CALLBACK
    auth_method: str = "client_secret"
    holder: Holder | None = None
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    @property
    def challenge(self) -> str:
        return urlsafe_b64encode(sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()

    def request(self, **changes: str | None) -> dict[str, str]:
        """The parameters of an authorization request; None leaves one out."""
        base: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": "openid behov:read offline_access",
            "state": "af0ifjsldkj",
            "nonce": "n-0S6_WzA2Mj",
            "code_challenge": self.challenge,
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in {**base, **changes}.items() if value is not None}

    async def post(self, path: str, form: Mapping[str, str]) -> httpx.Response:
        """To a protocol endpoint, with this client's proof, and with a DPoP proof when it holds a key."""
        answer = await self._post(path, form, None)
        wants_nonce = answer.status_code == 400 and answer.json()["error"] == "use_dpop_nonce"
        return await self._post(path, form, answer.headers["DPoP-Nonce"]) if wants_nonce else answer

    async def _post(self, path: str, form: Mapping[str, str], nonce: str | None) -> httpx.Response:
        public = self.auth_method == "none"
        named = {**form, "client_id": self.client.client_id} if public else dict(form)
        headers = {} if public else {"Authorization": self.client.basic}
        if self.holder is not None:
            said: dict[str, Any] = {"htu": f"{ISSUER}{path}", "iat": self.flow.platform.now}
            headers["DPoP"] = self.holder.proof(None, **said if nonce is None else {**said, "nonce": nonce})
        return await self.flow.outside.post(path, data=named, headers=headers)

    async def redeem(self, code: str, *, without: str = "", **changes: str) -> httpx.Response:
        base = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
        }
        form = {name: value for name, value in {**base, **changes}.items() if name != without}
        return await self.post("/oauth2/token", form)

    async def refresh(self, token: str, **more: str) -> httpx.Response:
        return await self.post(
            "/oauth2/token", {"grant_type": "refresh_token", "refresh_token": token, **more}
        )

    async def tokens(self, person: Person, **changes: str | None) -> dict[str, Any]:
        """The whole flow."""
        code = (await person.authorize(self, **changes))["code"]
        answer = await self.redeem(code)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body


@dataclass
class Person:
    """Somebody with an account and a browser."""

    flow: Flow
    id: str
    email: str
    browser: Browser

    async def sign_in(self) -> Shown:
        page = await self.browser.get("/console/sign-in?again=1")
        return await self.browser.submit(page, "/sign-in", {"email": self.email, "password": PASSWORD})

    async def open(self, app: App, **changes: str | None) -> httpx.Response:
        """The request as the browser meets it, without following."""
        return await self.browser.client.get(f"/oauth2/authorize?{urlencode(app.request(**changes))}")

    async def answer(self, page: httpx.Response, yes: bool = True) -> httpx.Response:
        """Presses a button of the consent page."""
        shown = await self.browser.read(page)
        form = shown.form("/consent")
        return await self.browser.post("/console/consent", {**form.values, "answer": "yes" if yes else "no"})

    async def authorize(self, app: App, **changes: str | None) -> dict[str, str]:
        """Signs in and consents as far as it is asked for; the parameters of the answer to the app."""
        answer = await self.open(app, **changes)
        if answer.status_code == 303 and answer.headers["location"].startswith("/console/sign-in"):
            page = await self.browser.get(answer.headers["location"])
            form = page.form("/sign-in")
            typed = {**form.values, "email": self.email, "password": PASSWORD}
            answer = await self.browser.post("/console/sign-in", typed)
            answer = await self.browser.client.get(answer.headers["location"])
        if answer.status_code == 200:
            answer = await self.answer(answer)
        return answered(answer)


def answered(answer: httpx.Response) -> dict[str, str]:
    """What a redirect to the app says; each name once."""
    assert answer.status_code == 303, answer.text
    location = answer.headers["location"]
    assert not location.startswith("/"), location
    found = parse_qs(urlsplit(location).query, strict_parsing=True)
    assert all(len(values) == 1 for values in found.values())
    return {name: values[0] for name, values in found.items()}


def is_invalid_grant(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant"), answer.text


async def refused_at_the_edge(flow: Flow, app: App, token: str) -> bool:
    """Whether an edge with the newest snapshot refuses it."""
    principal = await flow.platform.principal(token)
    rows = await flow.platform.rest()
    client = app.client
    access = AppAccess(client.app_id, client.client_id, client.organisation_id, "sandbox", True, 0)
    table = AccessTable(
        {client.client_id: access}, {}, rows.revoked, rows.revoked_grants, rows.disabled_people
    )
    try:
        honoured(principal, table)
    except RevokedToken:
        return True
    return False


class Flow:
    def __init__(
        self,
        platform: Platform,
        people: People,
        transport: httpx.ASGITransport,
        endpoints: PersonEndpoints,
    ) -> None:
        self.platform = platform
        self.endpoints = endpoints
        self.people = people
        self.transport = transport
        self.outside = platform.http
        self._people = 0

    @property
    def database(self) -> Database:
        return self.platform.database

    async def app(self, *apis: str, redirect_uri: str = CALLBACK, **metadata: Any) -> App:
        """A confidential client for people, with active subscriptions."""
        client = await self.platform.client(*(apis or ("behov/v1",)))
        known = ClientMetadata(
            app_id=client.app_id,
            redirect_uris=(redirect_uri,),
            grant_types=FULL_GRANTS,
            response_types=("code",),
        )
        async with self.database.begin() as session:
            await clients.put(session, client.organisation_id, replace(known, **metadata))
        method = metadata.get("auth_method", "client_secret")
        holder = Holder() if metadata.get("profile") == "fapi2" else None
        return App(self, client, redirect_uri, method, holder)

    async def change(self, app: App, **metadata: Any) -> None:
        """Another registration for the same app."""
        client = app.client
        async with self.database.begin() as session:
            known = await clients.get(session, client.organisation_id, client.app_id)
            await clients.put(session, client.organisation_id, replace(known, **metadata))

    async def person(self, *, signed_in: bool = True) -> Person:
        self._people += 1
        email = f"person{self._people}@example.org"
        made = await self.people.sign_up(
            email=email, name="Åsa Öberg", password=PASSWORD, now=self.platform.now, origin=system("test")
        )
        browser = Browser(httpx.AsyncClient(transport=self.transport, base_url=ISSUER))
        person = Person(self, made.id, email, browser)
        if signed_in:
            await person.sign_in()
        return person


@asynccontextmanager
async def flow_over(
    database: Database, catalog: Catalog, folder: Path, issuer: str = ISSUER
) -> AsyncIterator[Flow]:
    master_key = secrets.token_bytes(32)
    box: list[Platform] = []

    def clock() -> float:
        return float(box[0].now)

    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    people = People(database, passwords, master_key=master_key)
    scopes = {key: frozenset(api.scopes) for key, api in catalog.apis.items()}
    server = AuthorizationServer(database, issuer, master_key, lambda: scopes, clock)
    app = create(
        database=database,
        issuer=issuer,
        catalog=lambda: catalog,
        authorization_server=routes(server),
        endpoints=server.endpoints,
        portal_tree=folder / "portal",
        clock=clock,
        people=people,
        post=Post(MemoryOutbox()),
    )
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 40_000))
    async with httpx.AsyncClient(transport=transport, base_url=issuer) as outside:
        box.append(Platform(database, outside, master_key))
        async with database.begin() as session:
            await signing.ensure(session, master_key, NOW - 3600, SYSTEM)
        yield Flow(box[0], people, transport, server.endpoints)
    passwords.close()
