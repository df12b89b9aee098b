"""Who calls the management API: a personal token, or the console's session cookie.

A token in the query or the body is never looked at. Where there is an Authorization header the cookie is not asked,
so a request can never be decided on one and recorded on the other.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from auth.credentials import personal
from console import cookies, transactions
from console.arrival import Arrival
from console.desk import Desk
from console.errors import CrossSite, NotSignedIn, Unreadable
from console.origin import same_origin
from console.roles import Actor, Via
from console.services import accounts
from storage.people import Person
from storage.personal_tokens import PersonalToken

CSRF_HEADER = "x-sluss-csrf"


@dataclass(frozen=True, slots=True)
class Caller:
    actor: Actor
    by_cookie: bool

    def refuse_cross_site(self, request: Request, issuer: str) -> None:
        """A cookie travels by itself, so it proves nothing about who wrote the request. The header cannot be set
        across origins without a preflight, which we never grant; the origin is checked besides (Z13)."""
        if not self.by_cookie:
            return
        if request.headers.get(CSRF_HEADER) != "1" or not same_origin(request.headers, issuer):
            raise CrossSite("cookie without proof of origin")


async def identify(request: Request, desk: Desk, arrival: Arrival, now: int) -> Caller | None:
    """None for a caller that shows nothing; NotSignedIn for one that shows something that does not hold."""
    given = request.headers.getlist("authorization")
    if len(given) > 1:
        raise Unreadable("two Authorization headers")
    if given:
        token, person = await _by_token(given[0], desk, now)
        multi_factor = token.multi_factor
    else:
        visit = await cookies.visit(request, desk, now)
        if visit is None:
            return None
        person, multi_factor = visit.person, visit.authentication.multi_factor
    actor = accounts.actor_of(
        person, Via.API, ip=arrival.ip, request_id=arrival.request_id, multi_factor=multi_factor
    )
    return Caller(actor, by_cookie=not given)


async def _by_token(authorization: str, desk: Desk, now: int) -> tuple[PersonalToken, Person]:
    scheme, _, text = authorization.partition(" ")

    async def find(session: AsyncSession) -> tuple[PersonalToken, Person] | None:
        return await personal.bearer(session, text, now)

    found = await transactions.read(desk.database, find) if scheme.lower() == "bearer" else None
    if found is None:
        raise NotSignedIn("unknown, ended or revoked personal token")
    return found
