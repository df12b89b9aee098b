"""Pushed authorization requests (RFC 9126): the client deposits its request here, the browser carries only its name.

Judged at once, by the same rules as at the authorization endpoint, so that the client hears of faults where it can act
on them. The name is for one use by this client, and used up when the code is issued.
"""

from __future__ import annotations

import json
import secrets

from auth.authorization.faults import RequestUriUnsupported, UnregisteredRedirectUri
from auth.authorization.parameters import Parameters
from auth.authorization.request import judged
from auth.credentials.secrets import hash_of
from auth.errors import Unanswerable
from auth.grants.scopes import ABOUT_PERSON, ApiScopes, allowed_by_api
from auth.server.call import Call
from auth.server.clients import Client
from auth.server.core import Body
from auth.server.faults import InvalidDpopProof
from auth.server.interactive.authorize import URN
from storage.oauth import pushed_requests

LIFE = 90  # seconds until a person has seen it
_PROOFS = frozenset({"client_secret", "client_assertion", "client_assertion_type"})  # never stored


class PushedAuthorization:
    def __init__(self, issuer: str, api_scopes: ApiScopes) -> None:
        self._issuer = issuer
        self._api_scopes = api_scopes

    async def __call__(self, call: Call, client: Client) -> Body:
        """Raises subclasses of OAuthFault."""
        if "request_uri" in call.form:
            raise RequestUriUnsupported  # 2.1: no request by the name of another
        parameters = {name: value for name, value in call.form.items() if name not in _PROOFS}
        key = client.confirmation.key
        if key and parameters.setdefault("dpop_jkt", key) != key:  # RFC 9449, 10.1: the proof says it too
            raise InvalidDpopProof("dpop_jkt names another key than the DPoP proof is signed with.")
        try:
            judged(
                Parameters(parameters),
                client.metadata,
                issuer=self._issuer,
                allowed=await allowed_by_api(
                    call.session, client.app, client.metadata.scopes, self._api_scopes()
                ),
                beside=ABOUT_PERSON,
            )
        except Unanswerable:
            raise UnregisteredRedirectUri from None
        request_uri = URN + secrets.token_urlsafe(32)
        await pushed_requests.add(
            call.session,
            uri_hash=hash_of(request_uri),
            app_id=client.app.id,
            parameters=json.dumps(parameters),
            expires_at=call.now + LIFE,
            now=call.now,
        )
        return {"request_uri": request_uri, "expires_in": LIFE}
