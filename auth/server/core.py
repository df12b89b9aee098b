"""Authlib's authorization server core, fitted to our storage and our Starlette adapter.

The core is synchronous; it runs inside `AsyncSession.run_sync`, where `await_only` reaches the asynchronous
storage. It dispatches grants and endpoints and turns OAuth errors into answers; client authentication,
tokens and scopes are ours. Its debug log prints live tokens, so no code of it that logs one is reached.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from authlib.oauth2 import AuthorizationServer as AuthlibServer  # type: ignore[import-untyped]
from authlib.oauth2 import OAuth2Request
from authlib.oauth2.rfc6749 import UnsupportedGrantTypeError  # type: ignore[import-untyped]
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload  # type: ignore[import-untyped]
from sqlalchemy.util import await_only

from auth.proofs.nonces import Nonces
from auth.server.binding import bound
from auth.server.call import Call
from auth.server.clients import Client, ClientAuthentication
from auth.server.faults import Headers, MissingParameter, UnsupportedGrant

Body = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the core answers, before it is HTTP."""

    status: int
    body: Body
    headers: Headers


class OAuthRequest(OAuth2Request):  # type: ignore[misc]
    """The snapshot of one request that the core reads. Nothing is read from the network after it is made."""

    def __init__(self, call: Call) -> None:
        # The core refuses http outside loopback by the address it is given. Whether TLS is needed is decided
        # by the settings, and the address never comes from Host.
        super().__init__("POST", "https://issuer.invalid/")
        self.call = call
        self.payload = BasicOAuth2Payload(dict(call.form))

    @property
    def form(self) -> Mapping[str, str]:
        return self.call.form


class Core(AuthlibServer):  # type: ignore[misc]
    """The grants and endpoints are registered by `auth.server.app`."""

    def __init__(self, clients: ClientAuthentication, nonces: Nonces) -> None:
        super().__init__()
        self._clients = clients
        self._nonces = nonces

    def authenticate_client(
        self, request: OAuthRequest, methods: object = None, endpoint: str = "token"
    ) -> Client:
        """The same proof for every endpoint, whatever the core believes its methods to be."""
        client = await_only(self._authenticated(request.call))
        request.client = client
        request.auth_method = client.method
        return client

    async def _authenticated(self, call: Call) -> Client:
        """The client, with what its tokens are to be bound to, where tokens or codes are given."""
        client = await self._clients.authenticate(
            call.session, call.shown, call.origin, call.now, call.address
        )
        if not call.binds:
            return client
        return replace(client, confirmation=await bound(call, client, self._nonces))

    def get_token_grant(self, request: OAuthRequest) -> object:
        if not request.payload.grant_type:
            raise UnsupportedGrantTypeError(None)
        return super().get_token_grant(request)

    def handle_error_response(self, request: OAuthRequest, error: Exception) -> Answer:
        if isinstance(error, UnsupportedGrantTypeError):
            # Authlib's text repeats what the client sent.
            error = UnsupportedGrant() if request.payload.grant_type else MissingParameter()
        answer: Answer = super().handle_error_response(request, error)
        return answer

    def create_oauth2_request(self, request: OAuthRequest) -> OAuthRequest:
        return request

    def handle_response(self, status: int, body: Body, headers: Headers) -> Answer:
        return Answer(status, body, headers)

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """The core's signals have no listeners here: what must be recorded is, in the same transaction."""
