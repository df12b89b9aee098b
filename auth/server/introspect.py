"""Token introspection (RFC 7662): a client asks about its own token.

Everything else is `{"active": false}` and no more (2.2): expired, revoked, unknown, another client's.
"""

from __future__ import annotations

from authlib.oauth2.rfc7662 import IntrospectionEndpoint  # type: ignore[import-untyped]
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.util import await_only

from auth.authorise import honoured
from auth.errors import Unauthenticated
from auth.policy import AccessTable, AppAccess
from auth.principal import Principal
from auth.server.clients import Client
from auth.server.core import Body, Core, OAuthRequest
from auth.server.faults import NO_STORE, Headers, InvalidClient, MissingParameter
from auth.server.keyring import Keyring
from storage import people, revocations
from storage.apps import App
from storage.oauth import grants


class Introspection(IntrospectionEndpoint):  # type: ignore[misc]
    ENDPOINT_NAME = "introspection"

    def __init__(self, keyring: Keyring, issuer: str, server: Core | None = None) -> None:
        super().__init__(server)
        self._keyring = keyring
        self._issuer = issuer

    def create_endpoint_response(self, request: OAuthRequest) -> tuple[int, Body, Headers]:
        client: Client = self.server.authenticate_client(request)
        if client.method == "none":
            raise InvalidClient  # RFC 7662, 2.1: whoever asks must prove who it is
        token = request.form.get("token")
        if token is None:
            raise MissingParameter
        call = request.call
        principal = await_only(self._keyring.read(call.session, token, call.now))
        if principal is None or not await_only(active(call.session, client.app, principal, call.now)):
            return 200, {"active": False}, list(NO_STORE)
        return 200, self._about(principal), list(NO_STORE)

    def _about(self, principal: Principal) -> Body:
        bound = {"cnf": principal.confirmation.claims} if principal.confirmation.claims else {}
        return {
            **bound,
            "active": True,
            "token_type": principal.confirmation.token_type,
            "iss": self._issuer,
            "aud": sorted(f"{self._issuer}/{api}" for api in principal.apis) or self._issuer,
            "sub": principal.subject,
            "client_id": principal.client_id,
            "jti": principal.token_id,
            "iat": principal.issued_at,
            "exp": principal.expires_at,
            "scope": " ".join(sorted(principal.scopes)),
            **({"acr": principal.acr, "auth_time": principal.auth_time} if principal.grant_id else {}),
        }


async def active(session: AsyncSession, app: App, principal: Principal, now: int) -> bool:
    """Whether the token would be honoured now, if it is the app's."""
    if principal.expires_at <= now:
        return False
    # The same function as at the edge, on a table of the asking app alone: the two can never disagree, and
    # another client's token belongs to no app of the table.
    access = AppAccess(
        app_id=app.id,
        client_id=app.client_id,
        organisation_id=app.organisation_id,
        environment=app.environment,
        active=app.state == "active",
        tokens_valid_from=app.tokens_valid_from,
    )
    table = AccessTable(
        apps={app.client_id: access},
        revoked=frozenset(one.jti for one in await revocations.live(session, now)),
        revoked_grants=await grants.revoked_lately(session, now),
        disabled_people=await people.disabled(session),
    )
    try:
        honoured(principal, table)
    except Unauthenticated:
        return False
    return True
