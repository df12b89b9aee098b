"""Access tokens as we write them: the claims (RFC 9068) and the signature.

Pure: time and the token's id are given. Who may have which scopes is `auth.server`.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from joserfc import jwt

from auth.principal import UNBOUND, Confirmation
from auth.tokens.signing import Signer

LIFE = 300  # seconds; short, because a copy of the token is the token

Claims = dict[str, object]


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a token is about."""

    client_id: str
    subject: str  # the client_id itself for client_credentials
    organisation_id: str
    app_id: str
    environment: str
    # Of a token for a person only (RFC 9068, 2.2.1):
    grant_id: str = ""  # what it descends from; ends with it
    acr: str = ""
    auth_time: int = 0


def new_token_id() -> str:
    """128 random bits: nobody guesses a jti, nor do two tokens share one."""
    return secrets.token_urlsafe(16)


def access_token_claims(
    subject: Subject,
    scopes: Iterable[str],
    *,
    issuer: str,
    audience: str,
    token_id: str,
    now: int,
    life: int = LIFE,
    confirmation: Confirmation = UNBOUND,
) -> Claims:
    """The claims of one access token. `now` and `life` are whole seconds."""
    person: Claims = {"grant_id": subject.grant_id, "acr": subject.acr, "auth_time": subject.auth_time}
    bound: Claims = {"cnf": confirmation.claims} if confirmation.claims else {}
    return {
        "iss": issuer,
        "aud": audience,
        "sub": subject.subject,
        "client_id": subject.client_id,
        "jti": token_id,
        "iat": now,
        "exp": now + life,
        "scope": " ".join(sorted(scopes)),
        "org": subject.organisation_id,
        "app": subject.app_id,
        "env": subject.environment,
        **(person if subject.grant_id else {}),
        **bound,
    }


def sign(claims: Claims, signer: Signer, *, typ: str = "at+jwt") -> str:
    """The compact JWT. `typ` tells the kinds apart: the edge takes access tokens alone.

    Signed with one key, never with a set: from a set the library picks a key at random.
    """
    header = {"alg": signer.algorithm, "typ": typ, "kid": signer.kid}
    return jwt.encode(header, claims, signer.key, algorithms=[signer.algorithm])
