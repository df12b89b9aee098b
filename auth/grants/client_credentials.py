"""The client credentials grant (RFC 6749, 4.4): a program asks on its own behalf.

A client may ask for scopes of the APIs it has an active subscription to and for nothing else; without
`scope` it gets all of those. No refresh token is given (4.4.3).
"""

from __future__ import annotations

from authlib.oauth2.rfc6749.grants import (  # type: ignore[import-untyped]
    ClientCredentialsGrant as AuthlibGrant,
)
from sqlalchemy.util import await_only

from auth.grants.scopes import ApiScopes, allowed, granted
from auth.server.clients import Client
from auth.server.core import Body, Core, OAuthRequest
from auth.server.faults import NO_STORE, Headers, UnauthorizedClient
from auth.server.keyring import Keyring
from auth.tokens.issue import LIFE, Subject, access_token_claims, new_token_id, sign


def client_credentials(issuer: str, keyring: Keyring, api_scopes: ApiScopes) -> type[AuthlibGrant]:
    """The grant class for one server: Authlib makes an instance per request and gives it nothing else."""

    class ClientCredentials(AuthlibGrant):  # type: ignore[misc]
        request: OAuthRequest
        server: Core
        scopes: frozenset[str] = frozenset()

        def validate_token_request(self) -> None:
            client = self.server.authenticate_client(self.request)
            if not client.check_grant_type("client_credentials"):
                raise UnauthorizedClient
            mine = allowed(self.request.call.session, client.app, client.metadata.scopes, api_scopes())
            self.scopes = granted(self.request.payload.scope, await_only(mine))

        def create_token_response(self) -> tuple[int, Body, Headers]:
            # Replaces Authlib's whole: that one logs the token and lets it live for ten days.
            call = self.request.call
            client: Client = self.request.client
            signer = await_only(keyring.signer(call.session, call.now))
            claims = access_token_claims(
                _subject(client),
                self.scopes,
                issuer=issuer,
                audience=issuer,
                token_id=new_token_id(),
                # Tokens may just have been revoked for the rest of this second: this one is newer.
                now=max(call.now, client.app.tokens_valid_from),
                confirmation=client.confirmation,
            )
            body: dict[str, object] = {
                "access_token": sign(claims, signer),
                "token_type": client.confirmation.token_type,
                "expires_in": LIFE,
            }
            if self.scopes:
                body["scope"] = claims["scope"]
            return 200, body, list(NO_STORE)

    return ClientCredentials


def _subject(client: Client) -> Subject:
    return Subject(
        client_id=client.client_id,
        subject=client.client_id,
        organisation_id=client.app.organisation_id,
        app_id=client.app.id,
        environment=client.app.environment,
    )
