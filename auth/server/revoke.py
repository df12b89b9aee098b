"""Token revocation (RFC 7009): a client ends its own access token, by its `jti`, or with a refresh token the whole
grant.

Another client's token is refused with `invalid_grant` (2.1); what is no live token of ours is answered 200
(2.2), since the client's wish is fulfilled. A hint is ignored: it may only speed up a search we do not make.
"""

from __future__ import annotations

from authlib.oauth2.rfc7009 import RevocationEndpoint  # type: ignore[import-untyped]
from sqlalchemy.util import await_only

from auth.credentials.secrets import Prefix, hash_of, well_formed
from auth.grants.issuing import end
from auth.principal import Principal
from auth.server.call import Call
from auth.server.clients import Client
from auth.server.core import Body, Core, OAuthRequest
from auth.server.faults import NO_STORE, AnothersToken, Headers, MissingParameter
from auth.server.keyring import Keyring
from storage import audit, revocations
from storage.oauth import grants, refresh_tokens


class Revocation(RevocationEndpoint):  # type: ignore[misc]
    ENDPOINT_NAME = "revocation"

    def __init__(self, keyring: Keyring, server: Core | None = None) -> None:
        super().__init__(server)
        self._keyring = keyring

    def create_endpoint_response(self, request: OAuthRequest) -> tuple[int, Body, Headers]:
        client: Client = self.server.authenticate_client(request)
        token = request.form.get("token")
        if token is None:
            raise MissingParameter
        call = request.call
        if well_formed(token, Prefix.REFRESH_TOKEN):
            await_only(_end_grant(call, client, token))
            return 200, {}, list(NO_STORE)
        principal = await_only(self._keyring.read(call.session, token, call.now))
        if principal is not None:
            if principal.client_id != client.client_id:
                raise AnothersToken
            await_only(_revoke(call, client, principal))
        return 200, {}, list(NO_STORE)


async def _end_grant(call: Call, client: Client, text: str) -> None:
    token = await refresh_tokens.find(call.session, hash_of(text))
    grant = None if token is None else await grants.get(call.session, token.grant_id)
    if grant is None:
        return
    if grant.app_id != client.app.id:
        raise AnothersToken
    await end(call.session, grant, "client", call.origin, call.now)


async def _revoke(call: Call, client: Client, principal: Principal) -> None:
    await revocations.add(
        call.session,
        jti=principal.token_id,
        app_id=client.app.id,
        expires_at=principal.expires_at,
        reason="client",
        now=call.now,
    )
    await audit.append(
        call.session,
        at=call.now,
        actor_kind="app",
        actor_id=client.app.id,
        act="token.revoke",
        object_kind="token",
        object_id=principal.token_id,
        organisation_id=client.app.organisation_id,
        request_id=call.origin.request_id,
        ip=call.origin.ip,
        after={"expires_at": principal.expires_at},
    )
