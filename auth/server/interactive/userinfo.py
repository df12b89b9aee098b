"""UserInfo (OpenID Connect Core, 5.3): what a person has let an app know about them, asked with the access token.

The token stands in the Authorization header and nowhere else. What the edge would refuse is refused here: the same
functions decide, proof of possession included.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession

from auth.errors import BoundToken, InvalidProof, Unauthenticated
from auth.grants.scopes import OPENID
from auth.possession import Possession
from auth.principal import Principal
from auth.proofs.dpop import KEPT
from auth.server.core import Answer
from auth.server.faults import NO_STORE
from auth.server.introspect import active
from auth.server.keyring import Keyring
from storage import apps, people
from storage.people import Person
from storage.proofs import seen


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request shows."""

    authorization: list[str] = field(repr=False)  # every header of that name
    query: str = field(repr=False)
    proofs: list[str] = field(repr=False)  # every DPoP header
    certificate: bytes | None = field(repr=False)
    method: str
    address: str


class UserInfo:
    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._possession = Possession()

    async def answer(self, session: AsyncSession, asked: Asked, now: int) -> Answer:
        if len(asked.authorization) > 1 or asked.query:
            return _refused(400, "invalid_request")
        if not asked.authorization:
            return _refused(401, None)
        try:
            principal = await self._caller(session, asked, now)
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

    async def _caller(self, session: AsyncSession, asked: Asked, now: int) -> Principal:
        """Raises subclasses of Unauthenticated."""
        [authorization] = asked.authorization
        try:
            return await self._keyring.caller(session, authorization, now)
        except BoundToken as bound:
            if bound.principal is None:
                raise
            principal = bound.principal
        proof = self._possession.proof(
            principal,
            authorization.encode("utf-8", "surrogatepass"),
            [line.encode("latin-1", "replace") for line in asked.proofs],
            certificate=asked.certificate,
            method=asked.method,
            addresses=(asked.address,),
            now=now,
        )
        if proof is not None and not await seen.first_use(session, proof.name, now + KEPT):
            raise InvalidProof("the proof has been used before")
        return principal


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
