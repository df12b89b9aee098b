"""The authorization server put together: what it is built of, and its addresses.

`/oauth2/token` (RFC 6749), `/oauth2/par` (9126), `/oauth2/device` (8628), `/oauth2/revoke` (7009), `/oauth2/introspect`
(7662), `/oauth2/jwks` (7517), `/oauth2/userinfo` (OpenID Connect Core, 5.3) and the metadata (8414); what has pages is
in `endpoints`. One transaction per call, committed also when the answer is an OAuth error: what the call counted or
recorded must stay. Nothing slow happens inside.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from auth.errors import InvalidProof, KeyTrouble
from auth.grants.authorization_code import AuthorizationCode
from auth.grants.client_credentials import client_credentials
from auth.grants.device_code import Device
from auth.grants.issuing import Issuing
from auth.grants.refresh_token import Refresh
from auth.grants.scopes import ApiScopes
from auth.grants.token_grant import token_grant
from auth.proofs.dpop import Proof, ProofReader
from auth.proofs.nonces import Nonces
from auth.server.adapter import certificate, origin, public, respond
from auth.server.call import Call
from auth.server.clients import ClientAuthentication, presented
from auth.server.core import Answer, Core, OAuthRequest
from auth.server.cors import opened
from auth.server.faults import InvalidDpopProof, OAuthFault, ServerError, TemporarilyUnavailable
from auth.server.form import read_form
from auth.server.interactive.authorize import AuthorizationEndpoint
from auth.server.interactive.client_endpoint import ClientEndpoint
from auth.server.interactive.device import GRANT_TYPE, DeviceAnswers, DeviceAuthorization
from auth.server.interactive.endpoints import PersonEndpoints
from auth.server.interactive.logout import LogoutEndpoint
from auth.server.interactive.par import PushedAuthorization
from auth.server.interactive.userinfo import Asked, UserInfo
from auth.server.introspect import Introspection
from auth.server.keyring import Keyring
from auth.server.metadata import metadata
from auth.server.methods import Methods
from auth.server.revoke import Revocation
from auth.tokens import vault
from auth.tokens.signing import public_set
from storage import signing_keys
from storage.database import Database
from storage.errors import Unavailable

_log = logging.getLogger(__name__)

# Where a proof or a certificate binds what is given; elsewhere they are not looked at.
BINDING: Final = frozenset({"/oauth2/token", "/oauth2/par"})

Step = Callable[[OAuthRequest], Answer]


class AuthorizationServer:
    """One issuer. `api_scopes` gives the scopes of every published API by its key; `clock` epoch seconds."""

    def __init__(
        self,
        database: Database,
        issuer: str,
        master_key: bytes,
        api_scopes: ApiScopes,
        clock: Callable[[], float],
        *,
        clients: ClientAuthentication | None = None,
        methods: Methods | None = None,
    ) -> None:
        self.issuer = issuer
        self._database = database
        self._api_scopes = api_scopes
        self._clock = clock
        self._clients = clients or ClientAuthentication(methods or Methods(issuer))
        self._nonces = Nonces(vault.derived(master_key, vault.DPOP_NONCES))
        self._proofs = ProofReader()
        self.endpoints = PersonEndpoints(
            AuthorizationEndpoint(database, issuer, api_scopes),
            LogoutEndpoint(database, issuer),
            DeviceAnswers(database),
        )
        keyring = Keyring(issuer, master_key)
        issuing = Issuing(issuer, keyring)
        self._userinfo = UserInfo(keyring)
        self._core = Core(self._clients, self._nonces)
        self._core.register_grant(client_credentials(issuer, keyring, api_scopes))
        self._core.register_grant(
            token_grant("authorization_code", AuthorizationCode(issuer, issuing, api_scopes))
        )
        self._core.register_grant(token_grant("refresh_token", Refresh(issuer, issuing, api_scopes)))
        self._core.register_grant(token_grant(GRANT_TYPE, Device(issuer, issuing, api_scopes)))
        par = PushedAuthorization(issuer, api_scopes)
        self._core.register_endpoint(ClientEndpoint("par", 201, par))
        device = DeviceAuthorization(issuer, api_scopes)
        self._core.register_endpoint(ClientEndpoint("device", 200, device))
        self._core.register_endpoint(Revocation(keyring))
        self._core.register_endpoint(Introspection(keyring, issuer))

    async def token(self, request: Request) -> Response:
        return await self._answered(request, self._core.create_token_response)

    async def par(self, request: Request) -> Response:
        return await self._answered(request, lambda call: self._core.create_endpoint_response("par", call))

    async def device(self, request: Request) -> Response:
        return await self._answered(request, lambda call: self._core.create_endpoint_response("device", call))

    async def revoke(self, request: Request) -> Response:
        return await self._answered(
            request, lambda call: self._core.create_endpoint_response("revocation", call)
        )

    async def introspect(self, request: Request) -> Response:
        return await self._answered(
            request, lambda call: self._core.create_endpoint_response("introspection", call)
        )

    async def userinfo(self, request: Request) -> Response:
        held = certificate(request)
        asked = Asked(
            authorization=request.headers.getlist("authorization"),
            query=request.url.query,
            proofs=request.headers.getlist("dpop"),
            certificate=None if held is None else held.der,
            method=request.method,
            address=f"{self.issuer}{request.url.path}",
        )
        try:
            async with self._database.begin() as session:
                answer = await self._userinfo.answer(session, asked, int(self._clock()))
        except Unavailable as fault:
            _log.warning("userinfo: %s", fault.detail)
            return respond(_refused(TemporarilyUnavailable()))
        return respond(answer)

    async def jwks(self, request: Request) -> Response:
        """Next, active and retiring keys. A minute old is new enough: a key is published before it signs."""
        try:
            async with self._database.read() as session:
                rows = await signing_keys.all_published(session)
        except Unavailable as fault:
            _log.warning("key set: %s", fault.detail)
            return respond(_refused(TemporarilyUnavailable()))
        return public(public_set(rows), max_age=60)

    async def metadata(self, request: Request) -> Response:
        scopes: frozenset[str] = frozenset().union(*self._api_scopes().values())
        return public(metadata(self.issuer, scopes), max_age=300)

    async def _answered(self, request: Request, step: Step) -> Response:
        answer = await self._outcome(request, step)
        if "dpop" in request.headers:  # RFC 9449, 8.2: a client may be given its next nonce with any answer
            answer.headers["DPoP-Nonce"] = self._nonces.at(int(self._clock()))
        return answer

    async def _outcome(self, request: Request, step: Step) -> Response:
        try:
            return respond(await self._run(request, step))
        except OAuthFault as fault:
            return respond(_refused(fault))
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        except Unavailable as fault:
            _log.warning("authorization server: %s", fault.detail)
            return respond(_refused(TemporarilyUnavailable()))
        except KeyTrouble as fault:
            _log.error("authorization server: %s: %s", fault.code, fault.detail)
            return respond(_refused(ServerError()))

    async def _run(self, request: Request, step: Step) -> Answer:
        form = await read_form(request)
        shown = presented(request.headers.getlist("authorization"), form, certificate(request))
        sent_by = origin(request)
        now = int(self._clock())
        self._clients.check_tries(shown, sent_by, now)
        address, binds = f"{self.issuer}{request.url.path}", request.url.path in BINDING
        proof = self._proof(request, address, now) if binds else None
        shown = await self._clients.prepare(self._database, shown, now)
        async with self._database.begin() as session:
            call = OAuthRequest(Call(session, now, sent_by, shown, form, address, proof, binds))
            return await session.run_sync(lambda _: step(call))

    def _proof(self, request: Request, address: str, now: int) -> Proof | None:
        lines = request.headers.getlist("dpop")
        try:
            return self._proofs.read(lines, method="POST", addresses=(address,), now=now) if lines else None
        except InvalidProof as fault:
            raise InvalidDpopProof(f"The DPoP proof is not accepted: {fault.detail}.") from None


def _refused(fault: OAuthFault) -> Answer:
    status, body, headers = fault()
    return Answer(status, body, headers)


def routes(server: AuthorizationServer) -> list[Route]:
    return [
        *opened("/oauth2/token", server.token, "POST"),
        *opened("/oauth2/par", server.par, "POST"),
        *opened("/oauth2/device", server.device, "POST"),
        *opened("/oauth2/revoke", server.revoke, "POST"),
        Route("/oauth2/introspect", server.introspect, methods=["POST"]),
        *opened("/oauth2/userinfo", server.userinfo, "GET", "POST"),
        Route("/oauth2/jwks", server.jwks, methods=["GET"]),
        Route("/.well-known/oauth-authorization-server", server.metadata, methods=["GET"]),
        Route("/.well-known/openid-configuration", server.metadata, methods=["GET"]),
    ]
