"""UserInfo (OpenID Connect Core, 5.3): what a person has let an app know about them, asked with the access token.

The token stands in the Authorization header and nowhere else. What the edge would refuse is refused here: the same
function decides.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from auth.errors import Unauthenticated
from auth.grants.scopes import OPENID
from auth.principal import Principal
from auth.server.core import Answer
from auth.server.faults import NO_STORE
from auth.server.introspect import active
from auth.server.keyring import Keyring
from storage import apps, people
from storage.people import Person


class UserInfo:
    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    async def answer(self, session: AsyncSession, shown: list[str], query: str, now: int) -> Answer:
        """`shown`: every Authorization header."""
        if len(shown) > 1 or query:
            return _refused(400, "invalid_request")
        if not shown:
            return _refused(401, None)
        try:
            principal = await self._keyring.caller(session, shown[0], now)
        except Unauthenticated as fault:
            return _refused(401, fault.bearer_error)
        app = await apps.by_client_id(session, principal.client_id)
        if app is None or not principal.grant_id or not await active(session, app, principal, now):
            return _refused(401, "invalid_token")
        person = await people.by_id(session, principal.subject)
        if person is None:
            return _refused(401, "invalid_token")
        if OPENID not in principal.scopes:
            return _refused(403, "insufficient_scope")
        return Answer(200, _claims(principal, person), list(NO_STORE))


def _claims(principal: Principal, person: Person) -> dict[str, object]:
    claims: dict[str, object] = {"sub": person.id}
    if "profile" in principal.scopes:
        claims |= {"name": person.name, "locale": person.language}
    if "email" in principal.scopes:
        claims |= {"email": person.email, "email_verified": False}  # nobody has been asked to prove it
    return claims


def _refused(status: int, error: str | None) -> Answer:
    """RFC 6750, 3: no error code when nothing was shown."""
    challenge = 'Bearer realm="sluss"' + (f', error="{error}"' if error else "")
    scope = f', scope="{OPENID}"' if error == "insufficient_scope" else ""
    return Answer(
        status, {"error": error or "unauthorized"}, [*NO_STORE, ("WWW-Authenticate", challenge + scope)]
    )
