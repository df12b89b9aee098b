"""Who is calling: the outcome of authentication, the only thing later stages know about the caller.

Owns no rules. What a principal may do is `auth.authorise`.
"""

from __future__ import annotations

from dataclasses import dataclass


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
    # Of a token for a person only:
    grant_id: str = ""  # what it descends from: what a withdrawn consent names
    acr: str = ""
    auth_time: int = 0
    apis: frozenset[str] = frozenset()  # keys of the only APIs it is for (RFC 8707); empty: any
