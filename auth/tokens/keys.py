"""The keys access tokens are verified with: kid → one public key and its one algorithm (RFC 7517, 7518).

A key is found by `kid` in this set only, never through the token's own `jwk`, `jku` or `x5u`, and the
algorithm belongs to the key: what a token's header says is compared with it, never obeyed. That ends key
and algorithm confusion (RFC 8725, 2.1 and 3.1).

Owns no private keys and no life cycle; those are `auth.tokens.signing`.
"""

from __future__ import annotations

import binascii
import json
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from auth.errors import UnusableKey

Verify = Callable[[bytes, bytes], bool]  # (signature, signed text) → genuine

_ES256 = "ES256"
_COORDINATE = 32  # octets of r, s, x and y on P-256 (RFC 7518, 3.4 and 6.2.1)


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """One public key, usable with one algorithm."""

    kid: str
    algorithm: str
    verify: Verify


class PublishedKey(Protocol):
    """What of a stored signing key is public (`storage.signing_keys.SigningKey` has it)."""

    @property
    def kid(self) -> str: ...
    @property
    def algorithm(self) -> str: ...
    @property
    def public_jwk(self) -> str: ...


class VerificationKeys:
    """An immutable set of verification keys. `fingerprint` is equal for equal sets."""

    __slots__ = ("_by_kid", "fingerprint")

    def __init__(
        self, keys: Mapping[str, VerificationKey], fingerprint: frozenset[tuple[str, str, str]]
    ) -> None:
        self._by_kid = MappingProxyType(dict(keys))
        self.fingerprint = fingerprint

    @classmethod
    def from_rows(cls, rows: Iterable[PublishedKey]) -> VerificationKeys:
        """Every published key. Raises UnusableKey for one that is not what it says it is."""
        keys: dict[str, VerificationKey] = {}
        fingerprint: set[tuple[str, str, str]] = set()
        for row in rows:
            if row.kid in keys:
                raise UnusableKey(f"two keys are called {row.kid}")
            keys[row.kid] = VerificationKey(row.kid, row.algorithm, _verifier(row))
            fingerprint.add((row.kid, row.algorithm, row.public_jwk))
        return cls(keys, frozenset(fingerprint))

    def find(self, kid: str) -> VerificationKey | None:
        return self._by_kid.get(kid)

    def __len__(self) -> int:
        return len(self._by_kid)


def _verifier(row: PublishedKey) -> Verify:
    make = _MAKERS.get(row.algorithm)
    if make is None:
        raise UnusableKey(f"key {row.kid}: algorithm {row.algorithm!r} is not one of ours")
    try:
        jwk = json.loads(row.public_jwk)
        return make(jwk)
    except (ValueError, KeyError, TypeError, binascii.Error) as fault:
        raise UnusableKey(f"key {row.kid}: {type(fault).__name__}") from fault


def _es256(jwk: Mapping[str, str]) -> Verify:
    if jwk["kty"] != "EC" or jwk["crv"] != "P-256":
        raise ValueError("not a P-256 key")
    x, y = (int.from_bytes(_decoded(jwk[name]), "big") for name in ("x", "y"))
    public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()  # refuses a point off the curve
    scheme = ec.ECDSA(hashes.SHA256())

    def verify(signature: bytes, signed: bytes) -> bool:
        # JOSE writes r and s side by side at fixed width (RFC 7518, 3.4); OpenSSL wants DER.
        if len(signature) != 2 * _COORDINATE:
            return False
        r = int.from_bytes(signature[:_COORDINATE], "big")
        s = int.from_bytes(signature[_COORDINATE:], "big")
        try:
            public.verify(encode_dss_signature(r, s), signed, scheme)
        except InvalidSignature:
            return False
        return True

    return verify


def _decoded(value: str) -> bytes:
    raw = urlsafe_b64decode(value + "=" * (-len(value) % 4))
    if len(raw) != _COORDINATE:
        raise ValueError("a coordinate has the wrong length")
    return raw


# The only algorithms there are. A key whose row names another one is refused when the set is built, so
# `none` and the HMAC family cannot be reached from a token.
_MAKERS: Mapping[str, Callable[[Mapping[str, str]], Verify]] = MappingProxyType({_ES256: _es256})
