"""`private_key_jwt`: a client signs a short-lived JWT about itself (RFC 7521, RFC 7523; OpenID Connect Core, 9).

Pure. `shown` reads who the client says it is; `check` holds the assertion against that client's keys and profile.
That its `jti` comes once is asked of the database by the caller, last, so that a forgery never spends a number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from auth.errors import InvalidProof, UnprovedAssertion
from auth.profiles import Profile
from auth.proofs.jose import ForeignJwt, genuine, read, text_of, time_of
from auth.proofs.key_sets import Key, chosen

TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_LIFE: Final = 300
LEEWAY: Final = 10  # seconds: FAPI 2.0, 5.3.2.1, 13
# Other JWTs must not pass for an assertion (RFC 8725, 3.11).
_TYPES: Final = frozenset({None, "JWT", "jwt", "client-authentication+jwt"})


@dataclass(frozen=True, slots=True)
class Assertion:
    client_id: str
    jwt: ForeignJwt = field(repr=False)


def shown(text: str) -> Assertion:
    """Raises InvalidProof."""
    jwt = read(text)
    typ = jwt.header.get("typ")
    if not isinstance(typ, str | None) or typ not in _TYPES:
        raise InvalidProof("typ must be JWT or client-authentication+jwt")
    issuer, subject = text_of(jwt.claims, "iss", 255), text_of(jwt.claims, "sub", 255)
    if issuer != subject:
        raise InvalidProof("iss and sub must both be the client_id")
    return Assertion(subject, jwt)


def key_id(assertion: Assertion) -> str | None:
    kid = assertion.jwt.header.get("kid")
    return kid if isinstance(kid, str) else None


def check(
    assertion: Assertion,
    keys: Sequence[Key],
    profile: Profile,
    algorithm: str | None,
    audiences: frozenset[str],
    now: int,
) -> tuple[bytes, int]:
    """A name for its `jti` and when that may be forgotten. Raises UnprovedAssertion, and once the client has shown that
    it holds its key InvalidProof with what is wrong.
    """
    jwt = assertion.jwt
    known = jwt.algorithm
    if known not in profile.assertion_algorithms or algorithm not in (None, known):
        raise UnprovedAssertion("alg is not one that the client may use")
    key = chosen(keys, jwt.header.get("kid"), known)
    if key is None or not genuine(jwt, known, key.public):
        raise UnprovedAssertion("no key of the client fits")
    claims = jwt.claims
    # One text, never a list: a list would let one receiver present it to another.
    audience = claims.get("aud")
    if not isinstance(audience, str) or audience not in audiences:
        raise InvalidProof("aud must be one text: " + " or ".join(sorted(audiences)))
    expires_at = _times(assertion, now)
    said = f"assertion {assertion.client_id} {text_of(claims, 'jti', 255)}"
    return sha256(said.encode("utf-8", "surrogatepass")).digest(), int(expires_at) + LEEWAY + 1


def _times(assertion: Assertion, now: int) -> float:
    claims = assertion.jwt.claims
    expires_at = time_of(claims, "exp")
    if not now < expires_at + LEEWAY:
        raise InvalidProof("the assertion has expired: make a new one for each request")
    if not expires_at <= now + LONGEST_LIFE + LEEWAY:
        raise InvalidProof(f"exp must be at most {LONGEST_LIFE} seconds ahead")
    for name in ("iat", "nbf"):
        if name in claims and not time_of(claims, name) <= now + LEEWAY:
            raise InvalidProof(f"{name} lies in the future: set the clock")
    return expires_at
