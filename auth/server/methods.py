"""The methods of client authentication, one function each, and the table from what is registered to them.

A request's proof is only ever held against the one method its client is registered for: a client with a key cannot
be entered by a secret that was forgotten somewhere.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from auth.credentials.secrets import hash_of, which
from auth.errors import InvalidProof, UnprovedAssertion
from auth.profiles import PROFILES, SECRETS
from auth.proofs import assertions
from auth.proofs.certificates import Issuers, bears, is_registered
from auth.proofs.key_sets import Key, keys_of
from auth.proofs.remote_keys import RemoteKeys
from auth.server.faults import InvalidClient
from auth.server.presented import Fetched, Presented
from storage import credentials, organisations
from storage.apps import App
from storage.clients import ClientMetadata
from storage.proofs import seen

_TOUCH_AFTER = 60  # seconds between two notes of a secret's last use: not one write per token
_NO_HASH = hash_of("")

Registered = tuple[App, ClientMetadata]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One proof held against one client."""

    session: AsyncSession
    app: App
    client: ClientMetadata
    shown: Presented
    now: int
    address: str

    @property
    def keys(self) -> Sequence[Key]:
        """The client's own; those fetched count only while it still names the address they came from."""
        if self.client.jwks_uri is not None:
            fetched = self.shown.fetched
            return fetched.keys if fetched is not None and fetched.uri == self.client.jwks_uri else ()
        try:
            return keys_of(self.client.jwks or "")
        except InvalidProof:
            return ()


class Methods:
    """`remote` fetches key sets, `authorities` are those whose certificates prove a name; without them the methods that
    need them prove nobody.
    """

    def __init__(
        self, issuer: str, remote: RemoteKeys | None = None, authorities: Issuers | None = None
    ) -> None:
        self._issuer = issuer
        self._remote = remote
        self._authorities = authorities or Issuers()

    async def prepare(self, client: ClientMetadata, shown: Presented, now: int) -> Presented:
        """`shown` with the keys at the client's address, where its method needs them."""
        assertion, certificate = shown.assertion, shown.certificate
        if client.jwks_uri is None or self._remote is None:
            return shown

        def sufficient(keys: Sequence[Key]) -> bool:
            if assertion is not None:
                wanted = assertions.key_id(assertion)
                return any(wanted is None or key.kid == wanted for key in keys)
            return certificate is not None and is_registered(certificate, keys, now)

        needed = {"private_key_jwt": assertion, "self_signed_tls_client_auth": certificate}
        if needed.get(client.auth_method) is None:
            return shown
        keys = await self._remote.keys(client.jwks_uri, sufficient, now)
        return replace(shown, fetched=Fetched(client.jwks_uri, keys))

    async def prove(
        self, session: AsyncSession, found: Registered | None, shown: Presented, now: int, address: str
    ) -> bool:
        """Whether `shown` proves the client. Raises InvalidClient with a reason for one that holds its key."""
        registered = "client_secret" if found is None else found[1].auth_method
        prove = METHODS.get((registered, shown.method))
        if prove is None or found is None:
            which(shown.secret, [_NO_HASH])
            return False
        attempt = Attempt(session, *found, shown, now, address)
        if registered not in SECRETS and not await _stands(session, attempt.app):
            return False
        return await prove(self, attempt)

    async def _secret(self, attempt: Attempt) -> bool:
        # Empty for a suspended app and a disabled organisation.
        session, now = attempt.session, attempt.now
        live = await credentials.live_for_client(session, attempt.app.client_id, now)
        found = which(attempt.shown.secret, [one.secret_hash for one in live] or [_NO_HASH])
        if not live or found is None:
            return False
        used = live[found]
        if used.last_used_at is None or now - used.last_used_at >= _TOUCH_AFTER:
            await credentials.touch(session, used.id, now)
        return True

    async def _assertion(self, attempt: Attempt) -> bool:
        client, assertion = attempt.client, attempt.shown.assertion
        profile = PROFILES[client.profile]
        named = {
            "issuer": self._issuer,
            "token_endpoint": f"{self._issuer}/oauth2/token",
            "endpoint": attempt.address,
        }
        audiences = frozenset(named[each] for each in profile.assertion_to)
        assert assertion is not None
        try:
            name, until = assertions.check(
                assertion, attempt.keys, profile, client.auth_signing_alg, audiences, attempt.now
            )
        except UnprovedAssertion:
            return False
        except InvalidProof as fault:
            raise InvalidClient(f"The client assertion is not accepted: {fault.detail}.") from None
        if not await seen.first_use(attempt.session, name, until):
            raise InvalidClient("The client assertion has been used before: make a new jti for each request.")
        return True

    async def _issued_certificate(self, attempt: Attempt) -> bool:
        name, value = attempt.client.tls_client_auth_name, attempt.client.tls_client_auth_value
        shown = attempt.shown.certificate
        if shown is None or not name or not value:
            return False
        vouched = self._authorities.vouch(shown, attempt.now)
        return vouched is not None and bears(vouched, name, value)

    async def _own_certificate(self, attempt: Attempt) -> bool:
        shown = attempt.shown.certificate
        return shown is not None and is_registered(shown, attempt.keys, attempt.now)

    async def _none(self, attempt: Attempt) -> bool:
        return True


Prove = Callable[[Methods, Attempt], Awaitable[bool]]

# (registered, shown) → how it is proved. A pair that is not here proves nobody.
METHODS: Final[Mapping[tuple[str, str], Prove]] = MappingProxyType(
    {
        ("client_secret", "client_secret_basic"): Methods._secret,
        ("client_secret", "client_secret_post"): Methods._secret,
        ("client_secret_basic", "client_secret_basic"): Methods._secret,
        ("client_secret_post", "client_secret_post"): Methods._secret,
        ("private_key_jwt", "private_key_jwt"): Methods._assertion,
        ("tls_client_auth", "client_id"): Methods._issued_certificate,
        ("self_signed_tls_client_auth", "client_id"): Methods._own_certificate,
        ("none", "client_id"): Methods._none,
    }
)


async def _stands(session: AsyncSession, app: App) -> bool:
    organisation = await organisations.by_id(session, app.organisation_id)
    return app.state == "active" and organisation is not None and organisation.disabled_at is None
