"""The refresh token grant (RFC 6749, 6; RFC 9700, 4.14).

A token that rotates is exchanged once; which of several callers is the first the database says, and the second use,
which only a thief or a robbed client makes, ends the grant. Never more than was granted: neither scope, nor client,
nor audience.
"""

from __future__ import annotations

from auth.credentials.secrets import Prefix, hash_of, well_formed
from auth.grants.authorization_code import alive, narrowed
from auth.grants.faults import RefreshRefused
from auth.grants.issuing import Issuing, end, idle_end, new_refresh_token, rotates
from auth.grants.scopes import ApiScopes, granted
from auth.server.call import Call
from auth.server.clients import Client
from auth.server.core import Body
from auth.server.faults import MissingParameter
from storage.oauth import grants, refresh_tokens
from storage.oauth.grants import Grant
from storage.oauth.refresh_tokens import RefreshToken


class Refresh:
    def __init__(self, issuer: str, issuing: Issuing, api_scopes: ApiScopes) -> None:
        self._issuer = issuer
        self._issuing = issuing
        self._api_scopes = api_scopes

    async def __call__(self, call: Call, client: Client) -> Body:
        """Raises RefreshRefused, the same for every reason, and MissingParameter, InvalidScope, InvalidTarget."""
        text = call.form.get("refresh_token")
        if text is None:
            raise MissingParameter
        token, grant = await self._found(call, client, text)
        scope = granted(call.form.get("scope"), frozenset(grant.scope.split()))
        api = narrowed(call.form.get("resource"), grant, self._issuer, self._api_scopes)
        successor = await self._exchanged(call, client, token, grant)
        body = await self._issuing.answer(call, client, grant, scope, api, None)
        return {**body, "refresh_token": successor or text}

    async def _found(self, call: Call, client: Client, text: str) -> tuple[RefreshToken, Grant]:
        if not well_formed(text, Prefix.REFRESH_TOKEN):
            raise RefreshRefused
        token = await refresh_tokens.find(call.session, hash_of(text))
        grant = None if token is None else await grants.get(call.session, token.grant_id)
        if token is None or grant is None or grant.app_id != client.app.id:
            raise RefreshRefused
        if token.dpop_jkt and token.dpop_jkt != client.confirmation.key:
            raise RefreshRefused  # RFC 9449, 5
        if token.used_at is not None:
            await end(call.session, grant, "refresh-reuse", call.origin, call.now)
            raise RefreshRefused
        if call.now >= min(token.expires_at, grant.expires_at) or grant.revoked_at is not None:
            raise RefreshRefused
        if not await alive(call, grant):
            raise RefreshRefused
        return token, grant

    async def _exchanged(self, call: Call, client: Client, token: RefreshToken, grant: Grant) -> str | None:
        """The successor of one that rotates."""
        if not rotates(client):
            await refresh_tokens.prolong(call.session, token.token_hash, idle_end(grant, call.now))
            return None
        if not await refresh_tokens.claim(call.session, token.token_hash, call.now):
            await end(call.session, grant, "refresh-reuse", call.origin, call.now)
            raise RefreshRefused
        return await new_refresh_token(call.session, client, grant, call.now)
