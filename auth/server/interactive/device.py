"""The device authorization endpoint (RFC 8628, 3.1 to 3.3), and what a person answers on another screen.

A device without a browser shows a short code; the person enters it in the console, sees which app it is and says yes or
no there. The short code is for one device and one answer; whoever guesses at codes is stopped by the page's limit of
tries, and can win no more than to give an app access to their own data.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from auth.attempts import Allowance, Attempts
from auth.authorization.faults import ScopeRequired
from auth.authorization.request import resource_of, scopes_of
from auth.credentials.secrets import hash_of
from auth.errors import SpentRequest, TooManyAttempts
from auth.grants import consent
from auth.grants.issuing import BARE_GRANT, may_refresh, record
from auth.grants.scopes import ABOUT_PERSON, ApiScopes, allowed_by_api, granted
from auth.origin import Origin
from auth.server.call import Call
from auth.server.clients import Client
from auth.server.core import Body
from auth.server.faults import TemporarilyUnavailable, UnauthorizedClient
from auth.server.interactive.authorize import Visitor
from storage import apps, clients
from storage.database import Database
from storage.oauth import consents, device_codes, grants
from storage.oauth.device_codes import DeviceCode
from storage.schema.order import in_order

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
LIFE = 600  # seconds
INTERVAL = 5  # seconds between two questions of the device
PAGE = "/console/device"
TRIES = Allowance(tries=20, seconds=600)  # codes that a person enters and that are nobody's
# 20 letters without vowels, so that no words come out (RFC 8628, 6.1): 34 bits, of which a guesser has 20 tries.
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
_TYPED = re.compile(rf"[{_LETTERS}]{{8}}")


class DeviceAuthorization:
    """The endpoint's work for an authenticated client."""

    def __init__(self, issuer: str, api_scopes: ApiScopes) -> None:
        self._issuer = issuer
        self._api_scopes = api_scopes

    async def __call__(self, call: Call, client: Client) -> Body:
        """Raises UnauthorizedClient, ScopeRequired, InvalidScope, InvalidTarget."""
        if not client.check_grant_type(GRANT_TYPE):
            raise UnauthorizedClient
        allowed = await allowed_by_api(call.session, client.app, client.metadata.scopes, self._api_scopes())
        resource = resource_of(call.form.get("resource"), self._issuer, allowed)
        asked = call.form.get("scope")
        if asked is None:
            raise ScopeRequired
        scope = granted(asked, scopes_of(allowed, resource) | ABOUT_PERSON)
        device_code = secrets.token_urlsafe(32)
        user_code = await _stored(call, client, device_code, scope, resource)
        page = f"{self._issuer}{PAGE}"
        return {
            "device_code": device_code,
            "user_code": user_code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={user_code}",
            "expires_in": LIFE,
            "interval": INTERVAL,
        }


async def _stored(call: Call, client: Client, device_code: str, scope: frozenset[str], resource: str) -> str:
    for _ in range(3):  # a taken code is one in millions
        letters = "".join(secrets.choice(_LETTERS) for _ in range(8))
        if await device_codes.add(
            call.session,
            device_hash=hash_of(device_code),
            user_code_hash=hash_of(letters),
            app_id=client.app.id,
            scope=" ".join(sorted(scope)),
            resource=resource,
            expires_at=call.now + LIFE,
            interval=INTERVAL,
            now=call.now,
        ):
            return f"{letters[:4]}-{letters[4:]}"
    raise TemporarilyUnavailable


@dataclass(frozen=True, slots=True)
class Waiting:
    """A device that waits for a person's answer."""

    client: Client
    scope: frozenset[str]
    until: int
    user_code: str


class DeviceAnswers:
    """What the page asks: which device a code belongs to, and a person's answer to it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tries = Attempts(TRIES)

    async def find(self, user_code: str, visitor: Visitor, now: int) -> Waiting:
        """Raises SpentRequest for a code that is nobody's, TooManyAttempts."""
        async with self._database.read() as session:
            row, client = await self._found(session, user_code, visitor, now)
        return Waiting(client, frozenset(row.scope.split()), now + consent.LIFE, user_code)

    async def answer(self, user_code: str, visitor: Visitor, *, yes: bool, origin: Origin, now: int) -> None:
        """Raises the same. Who enters somebody else's code gives access to their own data, so the page says whose."""
        async with self._database.begin() as session:
            await in_order(session)
            row, client = await self._found(session, user_code, visitor, now)
            grant_id = await _grant(session, row, client, visitor, origin, now) if yes else None
            state = "approved" if yes else "denied"
            if not await device_codes.move(session, row.device_hash, state, grant_id=grant_id):
                raise SpentRequest

    async def _found(
        self, session: AsyncSession, user_code: str, visitor: Visitor, now: int
    ) -> tuple[DeviceCode, Client]:
        if wait := self._tries.wait(visitor.person.id, now):
            raise TooManyAttempts(wait)
        letters = re.sub(r"[\s-]", "", user_code).upper()
        row = None
        if _TYPED.fullmatch(letters):
            row = await device_codes.pending(session, hash_of(letters), now)
        app = None if row is None else await apps.any_by_id(session, row.app_id)
        if row is None or app is None or app.state != "active":
            self._tries.count(visitor.person.id, now)
            raise SpentRequest
        return row, Client(app, "", await clients.get(session, app.organisation_id, app.id))


async def _grant(
    session: AsyncSession, row: DeviceCode, client: Client, visitor: Visitor, origin: Origin, now: int
) -> str:
    scope = frozenset(row.scope.split())
    before = await consents.find(session, visitor.person.id, client.app.id, now)
    given = await consent.give(session, visitor.person.id, client.app, scope, before, origin, now)
    lasting = may_refresh(client, scope)
    grant = await grants.add(
        session,
        app_id=client.app.id,
        person_id=visitor.person.id,
        scope=row.scope,
        resource=row.resource,
        session_hash="",  # the device goes on when the browser is closed
        acr=visitor.authentication.acr,
        amr=" ".join(visitor.authentication.amr),
        auth_time=visitor.authentication.auth_time,
        ends_with_session=False,
        expires_at=given.expires_at if lasting else now + LIFE + BARE_GRANT,
        now=now,
    )
    await record(session, "grant.give", grant, origin, now, {"scope": grant.scope, "by": "device"})
    return grant.id
