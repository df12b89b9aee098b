"""The authorization code grant at the token endpoint (RFC 6749, 4.1.3; RFC 7636, 4.5 and 4.6; RFC 9700, 4.5).

The code is claimed before anything of it is believed, by an UPDATE that one caller alone wins. A second use ends the
grant with all that was issued on it; that stays, although the answer is an error.
"""

from __future__ import annotations

from auth.authorization.faults import InvalidTarget
from auth.authorization.pkce import proves
from auth.authorization.request import resource_of
from auth.credentials.secrets import hash_of
from auth.grants.faults import CodeRefused
from auth.grants.issuing import Issuing, end, may_refresh, new_refresh_token
from auth.grants.scopes import ApiScopes
from auth.server.call import Call
from auth.server.clients import Client
from auth.server.core import Body
from auth.server.faults import MissingParameter
from storage import people
from storage.oauth import codes, grants
from storage.oauth.codes import Code
from storage.oauth.grants import Grant


class AuthorizationCode:
    def __init__(self, issuer: str, issuing: Issuing, api_scopes: ApiScopes) -> None:
        self._issuer = issuer
        self._issuing = issuing
        self._api_scopes = api_scopes

    async def __call__(self, call: Call, client: Client) -> Body:
        """Raises CodeRefused, the same for every reason, and MissingParameter, InvalidTarget."""
        text = call.form.get("code")
        if text is None or "code_verifier" not in call.form or "redirect_uri" not in call.form:
            raise MissingParameter
        code, grant = await self._claimed(call, client, hash_of(text))
        if call.now >= code.expires_at or grant.revoked_at is not None or not await alive(call, grant):
            raise CodeRefused
        if call.form["redirect_uri"] != code.redirect_uri:
            raise CodeRefused
        if not proves(call.form.get("code_verifier"), code.challenge):
            raise CodeRefused
        if code.dpop_jkt and code.dpop_jkt != client.confirmation.key:
            raise CodeRefused  # RFC 9449, 10
        api = narrowed(call.form.get("resource"), grant, self._issuer, self._api_scopes)
        scope = frozenset(grant.scope.split())
        body = await self._issuing.answer(call, client, grant, scope, api, code.nonce)
        if may_refresh(client, scope):
            body["refresh_token"] = await new_refresh_token(call.session, client, grant, call.now)
        return body

    async def _claimed(self, call: Call, client: Client, code_hash: str) -> tuple[Code, Grant]:
        code = await codes.find(call.session, code_hash)
        grant = None if code is None else await grants.get(call.session, code.grant_id)
        # Another client's code is left as it was: who found one must not be able to spoil it.
        if code is None or grant is None or grant.app_id != client.app.id:
            raise CodeRefused
        if not await codes.claim(call.session, code_hash, call.now):
            await end(call.session, grant, "code-reuse", call.origin, call.now)
            raise CodeRefused
        return code, grant


async def alive(call: Call, grant: Grant) -> bool:
    """Whether the person may still be spoken for."""
    person = await people.by_id(call.session, grant.person_id)
    return person is not None and person.disabled_at is None


def narrowed(asked: str | None, grant: Grant, issuer: str, api_scopes: ApiScopes) -> str:
    """The API the token is for: the one asked for, within the grant's (RFC 8707, 2.2). Raises InvalidTarget."""
    if asked is None:
        return grant.resource
    api = resource_of(asked, issuer, api_scopes())
    if grant.resource and api != grant.resource:
        raise InvalidTarget
    return api
