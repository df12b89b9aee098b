"""RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0): what an app asks, without its pages.

Where the browser goes afterwards is registered by the client, to the letter; without a client that is known there is
nowhere to go. The ID token it shows is believed for whose it was, expired or not, and for nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from auth.authorization import clients
from auth.authorization.parameters import Parameters, parsed
from auth.authorization.redirects import answer_to, registered
from auth.errors import InvalidToken, UnknownClient, UnreadableRequest, WrongRedirectUri
from auth.tokens.keys import VerificationKeys
from auth.tokens.reading import claims_of
from storage import signing_keys
from storage.database import Database

PATH = "/oauth2/logout"
_LONGEST_HINT = 8 * 1024


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """`redirect` is where the browser goes afterwards; `session_name` the `sid` of the ID token that was shown."""

    redirect: str | None
    session_name: str | None


class LogoutEndpoint:
    def __init__(self, database: Database, issuer: str) -> None:
        self._database = database
        self._issuer = issuer

    async def read(self, query: bytes) -> LogoutRequest:
        """Raises Unanswerable and storage's Unavailable."""
        parameters = parsed(query)
        if parameters.repeated:
            raise UnreadableRequest("a parameter twice")
        async with self._database.read() as session:
            shown = await self._hint(session, parameters.get("id_token_hint"))
            client_id = _named(shown.get("aud"), parameters.get("client_id"))
            redirect = await _redirect(session, parameters, client_id)
        name = shown.get("sid")
        return LogoutRequest(redirect, name if isinstance(name, str) else None)

    async def _hint(self, session: AsyncSession, text: str | None) -> dict[str, object]:
        """Its claims; none for what is not ours or signed by a key that is gone."""
        if text is None or len(text) > _LONGEST_HINT:
            return {}
        keys = VerificationKeys.from_rows(await signing_keys.all_published(session))
        try:
            claims, _ = claims_of(text.encode("utf-8", "surrogatepass"), keys, "JWT")
        except InvalidToken:
            return {}
        return claims if claims.get("iss") == self._issuer else {}


def _named(audience: object, client_id: str | None) -> str | None:
    """The client, by its ID token or its own word; the two must not differ. Raises UnknownClient."""
    if audience is None:
        return client_id
    if not isinstance(audience, str) or client_id not in (None, audience):
        raise UnknownClient
    return audience


async def _redirect(session: AsyncSession, parameters: Parameters, client_id: str | None) -> str | None:
    uri = parameters.get("post_logout_redirect_uri")
    if uri is None:
        return None
    client = await clients.known(session, client_id)
    if client is None:
        raise UnknownClient
    if not registered(uri, client.metadata.post_logout_redirect_uris):
        raise WrongRedirectUri
    state = parameters.get("state")
    return uri if state is None else answer_to(uri, {"state": state})
