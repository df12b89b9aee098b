"""The client credentials grant (RFC 6749, 4.4): a program asks on its own behalf.

A client may ask for scopes of the APIs it has an active subscription to and for nothing else; without
`scope` it gets all of those. No refresh token is given (4.4.3).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from authlib.oauth2.rfc6749.grants import (  # type: ignore[import-untyped]
    ClientCredentialsGrant as AuthlibGrant,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.util import await_only

from auth.server.clients import Client
from auth.server.core import Body, Core, OAuthRequest
from auth.server.faults import NO_STORE, Headers, InvalidScope, UnauthorizedClient
from auth.server.keyring import Keyring
from auth.tokens.issue import LIFE, Subject, access_token_claims, new_token_id, sign
from storage import subscriptions

ApiScopes = Callable[[], Mapping[str, frozenset[str]]]

_LONGEST_SCOPE = 4096
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*")  # RFC 6749, 3.3


def granted(asked: str | None, allowed: frozenset[str]) -> frozenset[str]:
    """The scopes of a token. Raises InvalidScope for anything beyond `allowed`; drops nothing."""
    if asked is None:
        return allowed
    if len(asked) > _LONGEST_SCOPE or not _SCOPE.fullmatch(asked):
        raise InvalidScope
    wanted = frozenset(asked.split(" "))
    if not wanted <= allowed:
        raise InvalidScope
    return wanted


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
            allowed = await_only(_allowed(self.request.call.session, client, api_scopes()))
            self.scopes = granted(self.request.payload.scope, allowed)

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


async def _allowed(
    session: AsyncSession, client: Client, catalogue: Mapping[str, frozenset[str]]
) -> frozenset[str]:
    held = await subscriptions.for_app(session, client.app.organisation_id, client.app.id)
    active = [one.api for one in held if one.state == "active"]
    return frozenset().union(*(catalogue.get(api, frozenset()) for api in active))


def _subject(client: Client) -> Subject:
    return Subject(
        client_id=client.client_id,
        subject=client.client_id,
        organisation_id=client.app.organisation_id,
        app_id=client.app.id,
        environment=client.app.environment,
    )
