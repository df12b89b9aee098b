"""Client authentication: the registered method of a client, held against what its request shows.

Authlib's own is not used: it answers 500 to invalid UTF-8, says which part was wrong, takes two methods at
once and wants the secret in clear. Here every failure is the same answer, is counted and is recorded; only a client
that has shown that it holds its key is told what else is wrong. The methods themselves are `auth.server.methods`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from auth.attempts import Allowance, Attempts, Guard, network
from auth.credentials.secrets import hash_of
from auth.origin import Origin
from auth.principal import UNBOUND, Confirmation
from auth.server.faults import InvalidClient
from auth.server.methods import Methods
from auth.server.presented import Presented, presented
from storage import apps, audit, clients
from storage.apps import App
from storage.clients import ClientMetadata
from storage.database import Database

__all__ = ["PER_ADDRESS", "PER_CLIENT", "Client", "ClientAuthentication", "Presented", "presented"]

# A secret has 256 bits, so these limits guard our database and the audit log, not the secret. The first is
# per client and address together: nobody can lock another one's client out.
PER_CLIENT = Allowance(tries=20, seconds=60)
PER_ADDRESS = Allowance(tries=200, seconds=60)

_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")


@dataclass(frozen=True, slots=True)
class Client:
    """An authenticated client. The methods are those Authlib's grants ask for. `confirmation` is what its tokens are
    bound to.
    """

    app: App
    method: str
    metadata: ClientMetadata
    confirmation: Confirmation = UNBOUND

    @property
    def client_id(self) -> str:
        return self.app.client_id

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.metadata.grant_types


class ClientAuthentication:
    """Proves clients against the database; counts and records the failures of this process."""

    def __init__(
        self, methods: Methods, per_client: Allowance = PER_CLIENT, per_address: Allowance = PER_ADDRESS
    ) -> None:
        self._methods = methods
        self._first = frozenset({1, per_client.tries})
        self._per_client = Attempts(per_client)
        self._guard = Guard((self._per_client, Attempts(per_address)))

    def check_tries(self, shown: Presented, origin: Origin, now: int) -> None:
        """Raises the same InvalidClient as a wrong secret when too many have failed. Asks no database."""
        if self._guard.wait(_names(shown, origin), now):
            raise InvalidClient

    async def prepare(self, database: Database, shown: Presented, now: int) -> Presented:
        """With the keys that the proof needs from the client's own address, if any: before the transaction."""
        if shown.assertion is None and shown.certificate is None:
            return shown
        async with database.read() as session:
            found = await _registered(session, shown.client_id)
        return shown if found is None else await self._methods.prepare(found[1], shown, now)

    async def authenticate(
        self, session: AsyncSession, shown: Presented, origin: Origin, now: int, address: str
    ) -> Client:
        """The client, or InvalidClient. `address` is the endpoint's. What it wrote must be committed in both cases."""
        found = await _registered(session, shown.client_id)
        app = None if found is None else found[0]
        # Asked also without a client: an unknown name takes the time of a wrong secret.
        if not await self._methods.prove(session, found, shown, now, address) or found is None:
            await self._failed(session, shown, app, origin, now)
            raise InvalidClient
        method = shown.method if shown.method != "client_id" else found[1].auth_method
        return Client(found[0], method, found[1])

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


async def _registered(session: AsyncSession, client_id: str) -> tuple[App, ClientMetadata] | None:
    # A text of another form never reaches the database: PostgreSQL refuses NUL with an error.
    if not _CLIENT_ID.fullmatch(client_id):
        return None
    app = await apps.by_client_id(session, client_id)
    return None if app is None else (app, await clients.get(session, app.organisation_id, app.id))


def _names(shown: Presented, origin: Origin) -> tuple[str, str]:
    address = network(origin.ip)
    return (
        f"{hash_of(shown.client_id)} {address}",
        address,
    )  # hashed: a name of any length takes the same room
