"""Who is calling: verifies access tokens in `Authorization`, Bearer or DPoP (RFC 6750, RFC 9068, RFC 8725).

The resource server's side, written by hand: ready-made validators accept a bound token as Bearer, a missing
`typ`, and floats for times. Synchronous and without input or output; `now` is given. Whether a genuine token
is still honoured (revocation, suspended app) and what it may do is `auth.authorise`.

The form is closed: a token is exactly what `auth.tokens.issue` writes. Its outer form is `auth.tokens.reading`.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TypedDict

from auth.errors import (
    BoundToken,
    ExpiredToken,
    ForeignToken,
    MalformedAuthorization,
    MalformedToken,
    MissingToken,
    NotYetValidToken,
    UnboundToken,
    WrongAudience,
)
from auth.principal import UNBOUND, Confirmation, Principal
from auth.tokens.keys import VerificationKeys
from auth.tokens.reading import Claims, claims_of

LEEWAY = 30  # seconds our clocks may differ; documented
CACHED_FOR = 60  # seconds a verified token is remembered, never past its `exp`
LONGEST = 8 * 1024  # octets of the whole header value

# Scheme in any case, exactly one space, b64token (RFC 6750, 2.1). Bounded by LONGEST before it runs.
_BEARER = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] ([A-Za-z0-9\-._~+/]+=*)")
_SCHEME = re.compile(rb"(?i:bearer|dpop)(?![!#$%&'*+.^_`|~0-9A-Za-z-])")
_DPOP = re.compile(rb"[Dd][Pp][Oo][Pp] ([A-Za-z0-9\-._~+/]+=*)")  # RFC 9449, 7.1
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")  # of SHA-256, base64url
# What may go into a header to the upstream or a log line without a second thought.
_IDENTIFIER = re.compile(r"[\x21-\x7e]{1,255}")
_SCOPES = re.compile(r"(?:[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*)?")  # RFC 6749, 3.3
_API = re.compile(r"[a-z0-9-]{1,100}/v[0-9]{1,9}")  # "behov/v1"
_ENVIRONMENTS = frozenset({"sandbox", "production"})


class Authenticator:
    """Verifies tokens of one issuer for one receiver, and remembers the ones it has verified.

    The memory holds at most `cache_size` tokens in two generations: when the young one is full it becomes
    the old one and the old one is dropped. Only verified tokens enter, so nobody without our signature can
    fill it, and a hit costs one digest and one look-up.
    """

    def __init__(
        self,
        issuer: str,
        audiences: frozenset[str],
        *,
        leeway: int = LEEWAY,
        cache_size: int = 20_000,
    ) -> None:
        self._issuer = issuer
        self._audiences = audiences
        self._leeway = leeway
        self._generation = max(cache_size // 2, 1)
        self._young: dict[bytes, tuple[float, Principal]] = {}
        self._old: dict[bytes, tuple[float, Principal]] = {}
        self._bound: dict[bytes, tuple[float, Principal]] = {}
        self._keys: VerificationKeys | None = None

    def authenticate(self, authorization: bytes | None, keys: VerificationKeys, now: float) -> Principal:
        """The caller behind one Authorization header value. Raises a subclass of Unauthenticated.

        A token bound to a key or a certificate always raises BoundToken, with the principal for whoever can check the
        proof (`auth.possession`): a caller that forgets to check refuses.
        """
        if authorization is None:
            raise MissingToken
        if len(authorization) > LONGEST:
            raise MalformedToken("too long")
        if keys is not self._keys:
            self._take(keys)
        # The digest, not the token: no live token lies in memory longer than its request.
        digest = sha256(authorization).digest()
        known = self._young.get(digest)
        if known is not None and now < known[0]:
            return known[1]
        return self._unknown(authorization, digest, keys, now)

    def read(self, authorization: bytes, keys: VerificationKeys, now: float) -> Principal:
        """The same for one who asks about a token and lets nobody in by it: a bound one needs no proof."""
        try:
            return self.authenticate(authorization, keys, now)
        except BoundToken as bound:
            if bound.principal is None:
                raise
            return bound.principal

    @property
    def remembered(self) -> int:
        """How many tokens are in memory; for metrics."""
        return len(self._young) + len(self._old) + len(self._bound)

    def _unknown(self, authorization: bytes, digest: bytes, keys: VerificationKeys, now: float) -> Principal:
        known = self._old.get(digest)
        if known is None or now >= known[0]:
            self._refuse_bound(digest, now)
            principal = self._verified(_token(authorization), keys, now)
            known = (min(principal.expires_at, now + CACHED_FOR), principal)
            if principal.confirmation.claims:
                # Apart from the others: what authenticates by itself is looked up first and knows none of these.
                if len(self._bound) >= self._generation:
                    self._bound = {}
                self._bound[digest] = known
                raise BoundToken(principal)
            if _DPOP.match(authorization):
                raise UnboundToken
        if len(self._young) >= self._generation:
            self._old = self._young
            self._young = {}
        self._young[digest] = known
        return known[1]

    def _refuse_bound(self, digest: bytes, now: float) -> None:
        bound = self._bound.get(digest)
        if bound is not None and now < bound[0]:
            raise BoundToken(bound[1])

    def _take(self, keys: VerificationKeys) -> None:
        # The snapshot is swapped often and its keys seldom change; a deleted key must take its tokens along.
        if self._keys is None or keys.fingerprint != self._keys.fingerprint:
            self._young = {}
            self._old = {}
            self._bound = {}
        self._keys = keys

    def _verified(self, token: bytes, keys: VerificationKeys, now: float) -> Principal:
        claims, key_id = claims_of(token, keys, "at+jwt")
        return self._principal(claims, key_id, now)

    def _principal(self, claims: Claims, key_id: str, now: float) -> Principal:
        if claims.get("iss") != self._issuer:
            raise ForeignToken("issuer")
        apis = self._apis(_audience(claims.get("aud")))
        issued_at, expires_at = self._times(claims, now)
        environment = _identifier(claims, "env")
        if environment not in _ENVIRONMENTS:
            raise MalformedToken("env")
        return Principal(
            client_id=_identifier(claims, "client_id"),
            subject=_identifier(claims, "sub"),
            organisation_id=_identifier(claims, "org"),
            app_id=_identifier(claims, "app"),
            environment=environment,
            scopes=_scopes(claims.get("scope", "")),
            token_id=_identifier(claims, "jti"),
            issued_at=issued_at,
            expires_at=expires_at,
            key_id=key_id,
            confirmation=_confirmation(claims["cnf"]) if "cnf" in claims else UNBOUND,
            apis=apis,
            **_person(claims),
        )

    def _apis(self, audience: tuple[str, ...]) -> frozenset[str]:
        """The APIs a token is for by its audience (RFC 8707), none named if it is for all. Raises WrongAudience."""
        if self._audiences.intersection(audience):
            return frozenset()
        begin = f"{self._issuer}/"
        named = (each.removeprefix(begin) for each in audience if each.startswith(begin))
        apis = frozenset(key for key in named if _API.fullmatch(key))
        if not apis:
            raise WrongAudience
        return apis

    def _times(self, claims: Claims, now: float) -> tuple[int, int]:
        issued_at = _time(claims, "iat")
        expires_at = _time(claims, "exp")
        if not now < expires_at + self._leeway:
            raise ExpiredToken
        if not issued_at <= now + self._leeway:
            raise NotYetValidToken("iat")
        if "nbf" in claims and not _time(claims, "nbf") <= now + self._leeway:
            raise NotYetValidToken("nbf")
        return issued_at, expires_at


def _token(authorization: bytes) -> bytes:
    match = _BEARER.fullmatch(authorization) or _DPOP.fullmatch(authorization)
    if match is not None:
        return match[1]
    if _SCHEME.match(authorization):
        raise MalformedAuthorization
    raise MissingToken("another scheme")


def _confirmation(value: object) -> Confirmation:
    # What our issuer writes and nothing else: a member we do not know could demand what we do not check.
    if not isinstance(value, dict) or not value or not value.keys() <= {"jkt", "x5t#S256"}:
        raise BoundToken
    for each in value.values():
        if not isinstance(each, str) or not _THUMBPRINT.fullmatch(each):
            raise BoundToken
    return Confirmation(value.get("jkt", ""), value.get("x5t#S256", ""))


def _identifier(claims: Claims, name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not _IDENTIFIER.fullmatch(value):
        raise MalformedToken(name)
    return value


def _time(claims: Claims, name: str) -> int:
    value = claims.get(name)
    if type(value) is not int:  # not isinstance: true is an int to Python
        raise MalformedToken(name)
    return value


class _Person(TypedDict, total=False):
    grant_id: str
    acr: str
    auth_time: int


def _person(claims: Claims) -> _Person:
    """What stands in a token that descends from a person's grant, all three of it."""
    if "grant_id" not in claims:
        return {}
    return {
        "grant_id": _identifier(claims, "grant_id"),
        "acr": _identifier(claims, "acr"),
        "auth_time": _time(claims, "auth_time"),
    }


def _audience(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise MalformedToken("aud")
    return tuple(value)


def _scopes(value: object) -> frozenset[str]:
    if not isinstance(value, str) or not _SCOPES.fullmatch(value):
        raise MalformedToken("scope")
    return frozenset(value.split(" ")) if value else frozenset()
