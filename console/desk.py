"""What pages and management API share: the values given at start, nothing that changes with a request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from auth.authenticate import Authenticator
from auth.factors.passkeys import Passkeys
from auth.federation.flow import Federation
from auth.people import People
from auth.server.interactive.endpoints import PersonEndpoints
from auth.sign_in.passkey_sign_in import PasskeySignIn
from console.letters.post import Post
from gateway.catalog.model import Catalog
from storage.database import Database


@dataclass(frozen=True, slots=True)
class Desk:
    database: Database
    issuer: str  # public base URL without a trailing slash
    catalog: Callable[[], Catalog]
    people: People
    authenticator: Authenticator  # our own copy: verifies the text of tokens that are to be revoked
    passkeys: Passkeys
    passkey_sign_in: PasskeySignIn
    federation: Federation | None  # sign-in at another provider, where one is set
    post: Post
    clock: Callable[[], float]
    endpoints: PersonEndpoints

    @property
    def token_endpoint(self) -> str:
        return f"{self.issuer}/oauth2/token"

    @property
    def secure(self) -> bool:
        """Whether people reach us over TLS; decides the cookie's name and flags."""
        return self.issuer.startswith("https://")

    def now(self) -> int:
        return int(self.clock())
