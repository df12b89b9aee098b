"""Client authentication: `client_secret_basic` and `client_secret_post` (RFC 6749, 2.3.1; RFC 7617).

Authlib's own is not used: it answers 500 to invalid UTF-8, says which part was wrong, takes two methods at
once and wants the secret in clear. Here every failure is the same answer, is counted and is recorded.
"""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from sqlalchemy.ext.asyncio import AsyncSession

from auth.attempts import Allowance, Attempts, Guard, network
from auth.credentials.secrets import hash_of, which
from auth.origin import Origin
from auth.server.faults import InvalidClient, RepeatedParameter, SeveralMethods
from auth.server.form import Form
from storage import apps, audit, credentials
from storage import clients as client_metadata
from storage.apps import App
from storage.clients import ClientMetadata

# A secret has 256 bits, so these limits guard our database and the audit log, not the secret. The first is
# per client and address together: nobody can lock another one's client out.
PER_CLIENT = Allowance(tries=20, seconds=60)
PER_ADDRESS = Allowance(tries=200, seconds=60)
_TOUCH_AFTER = 60  # seconds between two notes of a secret's last use: not one write per token

_BASIC = re.compile(r"[Bb][Aa][Ss][Ii][Cc] ([A-Za-z0-9+/]+={0,2})")
_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
_NO_HASH = hash_of("")


@dataclass(frozen=True, slots=True)
class Presented:
    """What a request shows as proof. Nothing is believed yet."""

    client_id: str
    secret: str = field(repr=False)
    method: str


@dataclass(frozen=True, slots=True)
class Client:
    """An authenticated client. The methods are those Authlib's grants ask for."""

    app: App
    method: str
    metadata: ClientMetadata

    @property
    def client_id(self) -> str:
        return self.app.client_id

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.metadata.grant_types


def presented(authorization: list[str], form: Form) -> Presented:
    """The one proof of a request. Raises RepeatedParameter, SeveralMethods, InvalidClient."""
    if len(authorization) > 1:
        raise RepeatedParameter
    assertion = "client_assertion" in form or "client_assertion_type" in form
    if sum((bool(authorization), "client_secret" in form, assertion)) > 1:
        raise SeveralMethods
    if authorization:
        client_id, secret = _basic(authorization[0])
        if form.get("client_id", client_id) != client_id:
            raise SeveralMethods
        return Presented(client_id, secret, "client_secret_basic")
    if "client_secret" not in form or "client_id" not in form:
        raise InvalidClient
    return Presented(form["client_id"], form["client_secret"], "client_secret_post")


def _basic(authorization: str) -> tuple[str, str]:
    match = _BASIC.fullmatch(authorization)
    if match is None:
        raise InvalidClient
    try:
        text = b64decode(match[1], validate=True).decode()
        name, colon, secret = text.partition(":")
        # Both halves are form-encoded inside Basic (RFC 6749, 2.3.1).
        pair = unquote_plus(name, errors="strict"), unquote_plus(secret, errors="strict")
    except ValueError:
        raise InvalidClient from None
    if not colon:
        raise InvalidClient
    return pair


class ClientAuthentication:
    """Proves clients against the database; counts and records the failures of this process."""

    def __init__(self, per_client: Allowance = PER_CLIENT, per_address: Allowance = PER_ADDRESS) -> None:
        self._first = frozenset({1, per_client.tries})
        self._per_client = Attempts(per_client)
        self._guard = Guard((self._per_client, Attempts(per_address)))

    def check_tries(self, shown: Presented, origin: Origin, now: int) -> None:
        """Raises the same InvalidClient as a wrong secret when too many have failed. Asks no database."""
        if self._guard.wait(_names(shown, origin), now):
            raise InvalidClient

    async def authenticate(self, session: AsyncSession, shown: Presented, origin: Origin, now: int) -> Client:
        """The client, or InvalidClient. What it wrote must be committed in both cases."""
        app = None
        # A text of another form never reaches the database: PostgreSQL refuses NUL with an error.
        if _CLIENT_ID.fullmatch(shown.client_id):
            app = await apps.by_client_id(session, shown.client_id)
        # Empty for a suspended app and a disabled organisation.
        live = [] if app is None else await credentials.live_for_client(session, app.client_id, now)
        found = which(shown.secret, [one.secret_hash for one in live] or [_NO_HASH])
        if app is None or not live or found is None:
            await self._failed(session, shown, app, origin, now)
            raise InvalidClient
        used = live[found]
        if used.last_used_at is None or now - used.last_used_at >= _TOUCH_AFTER:
            await credentials.touch(session, used.id, now)
        metadata = await client_metadata.get(session, app.organisation_id, app.id)
        return Client(app, shown.method, metadata)

    async def _failed(
        self, session: AsyncSession, shown: Presented, app: App | None, origin: Origin, now: int
    ) -> None:
        names = _names(shown, origin)
        self._guard.count(names, now)
        tries = self._per_client.count_of(names[0])
        if tries not in self._first:
            return  # the first and the last try of a window: an attacker must not fill the audit log
        await audit.append(
            session,
            at=now,
            actor_kind="nobody",
            actor_id="",
            act="client.refused",
            object_kind="app",
            # An unknown name is not written: by mistake it may be the secret.
            object_id="" if app is None else app.id,
            organisation_id=None if app is None else app.organisation_id,
            request_id=origin.request_id,
            ip=origin.ip,
            after={"tries": tries, "method": shown.method},
        )


def _names(shown: Presented, origin: Origin) -> tuple[str, str]:
    address = network(origin.ip)
    return (
        f"{hash_of(shown.client_id)} {address}",
        address,
    )  # hashed: a name of any length takes the same room
