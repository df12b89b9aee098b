"""Public keys that others register or show: one JWK, or a JWK Set (RFC 7517, 7518), held to what we accept.

RSA of 2048 to 4096 bits with an ordinary exponent, P-256, P-384 and Ed25519. A private member is refused and said so:
whoever sent it must take the key out of use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from auth.errors import InvalidProof
from auth.proofs.jose import KEY_OF, Object, PublicKey, parsed

MOST_KEYS: Final = 20
LARGEST: Final = 64 * 1024  # octets of a set
_SMALLEST_RSA, _LARGEST_RSA = 2048, 4096  # larger ones cost too much to check for anybody who asks
_LARGEST_EXPONENT: Final = 2**32 - 1
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
# What makes the key (RFC 7638, 3.2), and so all that is read of it.
_MEMBERS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"EC": ("crv", "x", "y"), "RSA": ("n", "e"), "OKP": ("crv", "x")}
)


@dataclass(frozen=True, slots=True)
class Key:
    """One public key. `thumbprint` is RFC 7638's; `certificate` the first of x5c, base64 DER, if there is one."""

    kid: str
    algorithm: str  # the only one it may be used with, "" when it names none
    public: PublicKey = field(repr=False)
    thumbprint: str
    certificate: str = field(default="", repr=False)

    def takes(self, algorithm: str) -> bool:
        kind, curve = KEY_OF[algorithm]
        own = "" if isinstance(self.public, RSAKey) else str(self.public.curve_name)
        return self.algorithm in ("", algorithm) and self.public.key_type == kind and own == curve


def key_of(jwk: object) -> Key:
    """Raises InvalidProof, which says what is wrong with it."""
    if not isinstance(jwk, dict):
        raise InvalidProof("a key is not a JSON object")
    if _PRIVATE & jwk.keys():
        raise InvalidProof("a key holds private members: send public keys only, and take this one out of use")
    public = _public(jwk)
    _check_use(jwk)
    algorithm = jwk.get("alg", "")
    if algorithm and (not isinstance(algorithm, str) or algorithm not in KEY_OF):
        raise InvalidProof(f"a key's alg must be one of {', '.join(KEY_OF)}")
    kid, chain = jwk.get("kid", ""), jwk.get("x5c", [""])
    if not isinstance(kid, str) or len(kid) > 255:
        raise InvalidProof("a key's kid is not a short text")
    if not isinstance(chain, list) or not chain or not isinstance(chain[0], str):
        raise InvalidProof("a key's x5c is not a list of certificates")
    return Key(kid, algorithm, public, public.thumbprint(), chain[0])


def keys_of(text: str) -> Sequence[Key]:
    """Every key of a JWK Set. Raises InvalidProof."""
    if len(text) > LARGEST:
        raise InvalidProof("the key set is too large")
    jwks: Object = parsed(text.encode("utf-8", "surrogatepass"))
    listed = jwks.get("keys")
    if not isinstance(listed, list):
        raise InvalidProof("a key set is a JSON object whose member keys is a list")
    if not 0 < len(listed) <= MOST_KEYS:
        raise InvalidProof(f"a key set holds 1 to {MOST_KEYS} keys")
    keys = [key_of(jwk) for jwk in listed]
    kids = [key.kid for key in keys if key.kid]
    if len(set(kids)) != len(kids):
        raise InvalidProof("two keys have the same kid")
    return keys


def chosen(keys: Sequence[Key], kid: object, algorithm: str) -> Key | None:
    """The one key that a header means: by kid, or without kid the only one its algorithm fits."""
    fitting = [key for key in keys if key.takes(algorithm) and (kid is None or key.kid == kid)]
    return fitting[0] if len(fitting) == 1 else None


def _public(jwk: Mapping[str, object]) -> PublicKey:
    kind = jwk.get("kty")
    if not isinstance(kind, str) or kind not in _MEMBERS:
        raise InvalidProof("a key's kty must be EC, RSA or OKP")
    members: dict[str, str | list[str]] = {"kty": kind}
    for name in _MEMBERS[kind]:
        value = jwk.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= 1024:
            raise InvalidProof(f"a key lacks {name}")
        members[name] = value
    if kind != "RSA" and (kind, members["crv"]) not in KEY_OF.values():
        raise InvalidProof("a key's curve must be P-256, P-384 or Ed25519")
    try:
        if kind == "EC":
            return ECKey.import_key(members)
        if kind == "OKP":
            return OKPKey.import_key(members)
        key = RSAKey.import_key(members)
        _check_rsa(key)
    except (JoseError, ValueError, TypeError, OverflowError):
        raise InvalidProof("a key is not what its kty says") from None  # a point off the curve, say
    return key


def _check_rsa(key: RSAKey) -> None:
    public = key.public_key
    assert isinstance(public, rsa.RSAPublicKey)
    exponent = public.public_numbers().e
    if not _SMALLEST_RSA <= public.key_size <= _LARGEST_RSA or not 3 <= exponent <= _LARGEST_EXPONENT:
        raise InvalidProof(f"an RSA key must have {_SMALLEST_RSA} to {_LARGEST_RSA} bits")


def _check_use(jwk: Mapping[str, object]) -> None:
    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        raise InvalidProof("a key is not for signatures: its use must be sig, its key_ops hold verify")
