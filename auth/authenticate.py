"""Who is calling: verifies access tokens in `Authorization`, Bearer or DPoP (RFC 6750, RFC 9068, RFC 8725).

The resource server's side, written by hand: ready-made validators accept a bound token as Bearer, a missing
`typ`, and floats for times. Synchronous and without input or output; `now` is given. Whether a genuine token
is still honoured (revocation, suspended app) and what it may do is `auth.authorise`.

The form is closed: a token is exactly what `auth.tokens.issue` writes. The header holds `alg`, `typ` and
`kid` and nothing else, so `crit`, `b64`, `jwk`, `jku`, `x5u`, `x5c` and `zip` are refused unread.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import NoReturn

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
    WrongTokenType,
)
from auth.principal import UNBOUND, Confirmation, Principal
from auth.tokens.keys import VerificationKeys

LEEWAY = 30  # seconds our clocks may differ; documented
CACHED_FOR = 60  # seconds a verified token is remembered, never past its `exp`
LONGEST = 8 * 1024  # octets of the whole header value
_LONGEST_HEADER = 512  # octets of the encoded JOSE header; ours takes about 100

# Scheme in any case, exactly one space, b64token (RFC 6750, 2.1). Bounded by LONGEST before it runs.
_BEARER = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] ([A-Za-z0-9\-._~+/]+=*)")
_SCHEME = re.compile(rb"(?i:bearer|dpop)(?![!#$%&'*+.^_`|~0-9A-Za-z-])")
_DPOP = re.compile(rb"[Dd][Pp][Oo][Pp] ([A-Za-z0-9\-._~+/]+=*)")  # RFC 9449, 7.1
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")  # of SHA-256, base64url
# What may go into a header to the upstream or a log line without a second thought.
_IDENTIFIER = re.compile(r"[\x21-\x7e]{1,255}")
_SCOPES = re.compile(r"(?:[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*)?")  # RFC 6749, 3.3
_ENVIRONMENTS = frozenset({"sandbox", "production"})
_HEADER_NAMES = {"alg", "typ", "kid"}

_Object = dict[str, object]


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
        parts = token.split(b".")
        if len(parts) != 3:
            raise MalformedToken("not three parts")
        head, body, mark = parts
        if len(head) > _LONGEST_HEADER:
            raise MalformedToken("header too long")
        header = _parsed(head)
        if header.keys() != _HEADER_NAMES:
            raise _wrong_header(header)
        if header["typ"] != "at+jwt":
            raise WrongTokenType
        kid = header["kid"]
        key = keys.find(kid) if isinstance(kid, str) else None
        if key is None or header["alg"] != key.algorithm:
            raise ForeignToken("no key of ours, or not its algorithm")
        if not key.verify(_decoded(mark), head + b"." + body):
            raise ForeignToken("signature")
        return self._principal(_parsed(body), key.kid, now)

    def _principal(self, claims: _Object, key_id: str, now: float) -> Principal:
        if claims.get("iss") != self._issuer:
            raise ForeignToken("issuer")
        if not self._audiences.intersection(_audience(claims.get("aud"))):
            raise WrongAudience
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
        )

    def _times(self, claims: _Object, now: float) -> tuple[int, int]:
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


def _wrong_header(header: _Object) -> MalformedToken | WrongTokenType | ForeignToken:
    if header.get("typ") != "at+jwt":
        return WrongTokenType()
    if not header.keys() >= _HEADER_NAMES:
        return ForeignToken("header without alg or kid")
    return MalformedToken("a header parameter our issuer does not write")


def _decoded(segment: bytes) -> bytes:
    """Strict base64url (RFC 7515, 2): one text for one value, so no padding and no stray trailing bits."""
    try:
        raw = urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))
    except ValueError:
        raise MalformedToken("base64url") from None
    # Decoders skip foreign characters and ignore the last bits; only the round trip tells.
    if urlsafe_b64encode(raw).rstrip(b"=") != segment:
        raise MalformedToken("base64url")
    return raw


def _parsed(segment: bytes) -> _Object:
    raw = _decoded(segment)
    try:
        value = json.loads(
            raw.decode(), object_pairs_hook=_once, parse_constant=_no_constant, parse_float=_no_float
        )
    except (ValueError, RecursionError):  # RecursionError: 4,000 opening brackets fit in a token
        raise MalformedToken("JSON") from None  # the fault carries the whole text
    if not isinstance(value, dict):
        raise MalformedToken("not a JSON object")
    return value


def _once(pairs: Sequence[tuple[str, object]]) -> _Object:
    # RFC 7515, 4: names are unique. Two parsers that pick different twins see two tokens.
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name twice")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and Infinity are not JSON, and NaN passes every "too old" comparison


def _no_float(text: str) -> NoReturn:
    raise ValueError("a float")  # our issuer writes none; a time is an integer


def _identifier(claims: _Object, name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not _IDENTIFIER.fullmatch(value):
        raise MalformedToken(name)
    return value


def _time(claims: _Object, name: str) -> int:
    value = claims.get(name)
    if type(value) is not int:  # not isinstance: true is an int to Python
        raise MalformedToken(name)
    return value


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
