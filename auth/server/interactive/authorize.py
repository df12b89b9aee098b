"""The authorization endpoint, without its pages (RFC 6749, 3.1 and 4.1; RFC 9207; RFC 9126, 4; OIDC Core, 3.1.2).

Given the query and who has signed in, it says what the browser is to be shown or where it is to go. The pages are the
console's. The whole query is read anew at every step, so what comes back with the form of the consent page is believed
no more than what came first.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from sqlalchemy.ext.asyncio import AsyncSession

from auth.assurance import Authentication
from auth.authorization import clients, faults
from auth.authorization.parameters import Parameters, parsed
from auth.authorization.redirects import answer_to, origin_of
from auth.authorization.request import AuthorizationRequest, judged, redirect_uri_of
from auth.authorization.steps import Next, next_step
from auth.credentials.secrets import hash_of
from auth.errors import SpentRequest, Unanswerable, UnknownClient, UnreadableRequest
from auth.grants import consent
from auth.grants.issuing import BARE_GRANT, CODE_LIFE, is_public, may_refresh, must_push, record
from auth.grants.scopes import ABOUT_PERSON, ApiScopes, allowed_by_api
from auth.origin import Origin
from auth.server.clients import Client
from auth.server.faults import OAuthFault
from storage import sessions
from storage.database import Database
from storage.oauth import codes, consents, grants, pushed_requests
from storage.oauth.pushed_requests import PushedRequest
from storage.people import Person
from storage.schema.order import in_order

PATH = "/oauth2/authorize"
SINCE = "sluss_since"  # our own parameter: when the person was sent to sign in for this request
TIME_TO_ANSWER = 1800  # seconds a pushed request lives once a person has seen it


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who has signed in, in which session, and how."""

    person: Person
    session_hash: str = field(repr=False)
    authentication: Authentication


@dataclass(frozen=True, slots=True)
class Redirect:
    """Back to the client, with 303. Holds a code: never into a log."""

    location: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignIn:
    """The person must sign in, and come back to `next`."""

    next: str
    login_hint: str


@dataclass(frozen=True, slots=True)
class AskConsent:
    """The person must say yes or no to what the app asks for."""

    client: Client
    request: AuthorizationRequest
    before: frozenset[str]  # what they had allowed already
    until: int
    query: str  # comes back with the answer


Outcome = Redirect | SignIn | AskConsent


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request whose client and redirect URI are known: from here on the client can be answered."""

    client: Client
    parameters: Parameters
    redirect_uri: str
    pushed: PushedRequest | None
    query: str  # as it came
    afresh: str  # without what says that the person has signed in for it
    since: int | None


class AuthorizationEndpoint:
    def __init__(self, database: Database, issuer: str, api_scopes: ApiScopes) -> None:
        self._database = database
        self._issuer = issuer
        self._api_scopes = api_scopes

    async def begin(self, query: bytes, visitor: Visitor | None, origin: Origin, now: int) -> Outcome:
        """Raises Unanswerable and storage's Unavailable."""
        async with self._database.begin() as session:
            visitor = await _present(session, visitor, now)
            asked = await self._asked(session, query, now)
            if asked.pushed is not None:
                await pushed_requests.open_for(session, asked.pushed.uri_hash, now, now + TIME_TO_ANSWER)
            try:
                return await self._next(session, asked, visitor, origin, now)
            except OAuthFault as fault:
                return self._refused(asked, fault)

    async def decide(
        self, query: bytes, visitor: Visitor | None, *, yes: bool, origin: Origin, now: int
    ) -> Outcome:
        """The person's answer to the consent page. Raises the same."""
        async with self._database.begin() as session:
            visitor = await _present(session, visitor, now)
            asked = await self._asked(session, query, now)
            try:
                if yes:
                    return await self._next(session, asked, visitor, origin, now, consents_now=True)
                await self._use_up(session, asked, now)
                raise faults.AccessDenied
            except OAuthFault as fault:
                return self._refused(asked, fault)

    async def answered_at(self, query: bytes, now: int) -> str | None:
        """The origin the answer would go to, for the policy of the pages on the way; None when there is none."""
        try:
            async with self._database.read() as session:
                return origin_of((await self._asked(session, query, now)).redirect_uri)
        except Unanswerable:
            return None

    async def _asked(self, session: AsyncSession, query: bytes, now: int) -> _Asked:
        outer = parsed(query)
        client_id = outer.get("client_id")
        if "client_id" in outer.repeated or "request_uri" in outer.repeated:
            raise UnreadableRequest("client_id or request_uri twice")
        client = await clients.known(session, client_id)
        if client is None:
            raise UnknownClient
        pushed, parameters = None, outer
        if (outer.get("request_uri") or "").startswith(URN):
            pushed = await pushed_requests.find(session, hash_of(outer.values["request_uri"]), now)
            if pushed is None or pushed.app_id != client.app.id:
                raise SpentRequest
            parameters = Parameters(json.loads(pushed.parameters))
        redirect_uri = redirect_uri_of(parameters, client.metadata)
        # A client that forges this parameter defeats its own prompt, which the person's browser could leave out
        # as well; what a client has pushed nobody can change, and there the time of the push counts.
        since = _moment(outer.get(SINCE)) if pushed is None else pushed.created_at
        kept = {name: value for name, value in outer.values.items() if name != SINCE}
        return _Asked(
            client, parameters, redirect_uri, pushed, urlencode(outer.values), urlencode(kept), since
        )

    async def _next(
        self,
        session: AsyncSession,
        asked: _Asked,
        visitor: Visitor | None,
        origin: Origin,
        now: int,
        *,
        consents_now: bool = False,
    ) -> Outcome:
        request = await self._judged(session, asked)
        app = asked.client.app
        given = None if visitor is None else await consents.find(session, visitor.person.id, app.id, now)
        step = next_step(
            request,
            None if visitor is None else visitor.authentication,
            consent.covers(given, request.scope),
            since=asked.since,
            consents_now=consents_now,
            now=now,
        )
        if visitor is None or step is Next.SIGN_IN:
            return SignIn(f"{PATH}?{asked.afresh}&{SINCE}={now}", request.login_hint)
        if step is Next.CONSENT:
            before = frozenset() if given is None else frozenset(given.scope.split())
            return AskConsent(asked.client, request, before, now + consent.LIFE, asked.query)
        if consents_now:
            given = await consent.give(session, visitor.person.id, app, request.scope, given, origin, now)
        assert given is not None
        return await self._code(session, asked, request, visitor, given.expires_at, origin, now)

    async def _judged(self, session: AsyncSession, asked: _Asked) -> AuthorizationRequest:
        if asked.pushed is None and must_push(asked.client):
            raise faults.PushRequired
        app = asked.client.app
        return judged(
            asked.parameters,
            asked.client.metadata,
            issuer=self._issuer,
            allowed=await allowed_by_api(session, app, asked.client.metadata.scopes, self._api_scopes()),
            beside=ABOUT_PERSON,
        )

    async def _code(
        self,
        session: AsyncSession,
        asked: _Asked,
        request: AuthorizationRequest,
        visitor: Visitor,
        until: int,
        origin: Origin,
        now: int,
    ) -> Redirect:
        await self._use_up(session, asked, now)
        lasting = may_refresh(asked.client, request.scope)
        authentication = visitor.authentication
        grant = await grants.add(
            session,
            app_id=asked.client.app.id,
            person_id=visitor.person.id,
            scope=" ".join(sorted(request.scope)),
            resource=request.resource,
            session_hash=visitor.session_hash,
            acr=authentication.acr,
            amr=" ".join(authentication.amr),
            auth_time=authentication.auth_time,
            ends_with_session=is_public(asked.client) or not lasting,
            expires_at=until if lasting else min(until, now + BARE_GRANT),
            now=now,
        )
        text = secrets.token_urlsafe(32)
        await codes.add(
            session,
            code_hash=hash_of(text),
            grant_id=grant.id,
            redirect_uri=request.redirect_uri,
            challenge=request.challenge,
            nonce=request.nonce,
            dpop_jkt=request.dpop_jkt,
            expires_at=now + CODE_LIFE,
        )
        await record(session, "grant.give", grant, origin, now, {"scope": grant.scope})
        return self._answer(asked, {"code": text})

    async def _use_up(self, session: AsyncSession, asked: _Asked, now: int) -> None:
        if asked.pushed is not None and not await pushed_requests.claim(session, asked.pushed.uri_hash, now):
            raise SpentRequest

    def _refused(self, asked: _Asked, fault: OAuthFault) -> Redirect:
        return self._answer(asked, {"error": fault.error, "error_description": fault.description})

    def _answer(self, asked: _Asked, parameters: Mapping[str, str]) -> Redirect:
        """With `state` as it came, and `iss`, so that a client of several servers cannot mix them up (RFC 9207)."""
        state = None if "state" in asked.parameters.repeated else asked.parameters.get("state")
        return Redirect(answer_to(asked.redirect_uri, {**parameters, "state": state, "iss": self._issuer}))


URN = "urn:ietf:params:oauth:request_uri:"


async def _present(session: AsyncSession, visitor: Visitor | None, now: int) -> Visitor | None:
    """The visitor, if the session is still there once it is our turn: what ends a session, or takes a consent back,
    stands in the same queue, and nothing may be given after it.
    """
    if visitor is None:
        return None
    await in_order(session)
    return visitor if await sessions.find(session, visitor.session_hash, now) is not None else None


def _moment(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 12 else None
