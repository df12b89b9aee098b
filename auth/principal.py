"""Who is calling: the outcome of authentication, the only thing later stages know about the caller.

Owns no rules. What a principal may do is `auth.authorise`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a token is bound to (`cnf`, RFC 7800): whoever shows it must show that too. Empty texts: to nothing."""

    key: str = ""  # jkt: thumbprint of the key that signs DPoP proofs (RFC 9449, 6)
    certificate: str = ""  # x5t#S256: thumbprint of the client's certificate (RFC 8705, 3.1)

    @property
    def claims(self) -> dict[str, str]:
        """The members of `cnf`."""
        named = {"jkt": self.key, "x5t#S256": self.certificate}
        return {name: value for name, value in named.items() if value}

    @property
    def token_type(self) -> str:
        return "DPoP" if self.key else "Bearer"


UNBOUND = Confirmation()


@dataclass(frozen=True, slots=True)
class Principal:
    """The claims of one verified access token (RFC 9068) in our own terms. Times are epoch seconds."""

    client_id: str
    subject: str
    organisation_id: str
    app_id: str
    environment: str  # "sandbox" or "production"
    scopes: frozenset[str]
    token_id: str  # jti: what a revocation names
    issued_at: int
    expires_at: int
    key_id: str = ""  # kid of the key that signed the token
    confirmation: Confirmation = UNBOUND
    # Of a token for a person only:
    grant_id: str = ""  # what it descends from: what a withdrawn consent names
    acr: str = ""
    auth_time: int = 0
    apis: frozenset[str] = frozenset()  # keys of the only APIs it is for (RFC 8707); empty: any
