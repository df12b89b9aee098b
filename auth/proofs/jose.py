"""Reads a JWT that somebody else wrote, strictly, before and apart from checking its signature (RFC 7515, 7519).

Hostile until proved otherwise: bounded in length and nesting before a parser sees it, names once, plain JSON only.
The algorithm is one of ours and must fit the key; nothing in the header leads to a key (RFC 8725, 3.1 and 3.10).
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from types import MappingProxyType
from typing import Final, NoReturn

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from auth.errors import InvalidProof

PublicKey = ECKey | RSAKey | OKPKey
Object = Mapping[str, object]

LONGEST: Final = 8 * 1024  # octets; an RSA-keyed proof with its key takes about 1,200
_DEEPEST: Final = 8
_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_MARKS = re.compile(r'\\.|["\[\]{}]', re.DOTALL)
# Parameters that would lead to a key of the sender's choice or change what is signed.
_REFUSED: Final = frozenset({"crit", "b64", "jku", "x5u", "x5c", "x5t", "x5t#S256", "zip"})

# Each algorithm with the kind of key it takes and, for curves, which. There is no `none` and no HMAC to reach.
KEY_OF: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "ES256": ("EC", "P-256"),
        "ES384": ("EC", "P-384"),
        "PS256": ("RSA", ""),
        "PS384": ("RSA", ""),
        "RS256": ("RSA", ""),
        "RS384": ("RSA", ""),
        "EdDSA": ("OKP", "Ed25519"),
        "Ed25519": ("OKP", "Ed25519"),  # the name of RFC 9864
    }
)
_JOSERFC: Final[Mapping[str, str]] = {"EdDSA": "Ed25519"}


@dataclass(frozen=True, slots=True)
class ForeignJwt:
    """The parts of a JWT; nothing in them is believed."""

    header: Object
    claims: Object
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    @property
    def algorithm(self) -> str:
        """Its name, "" when it is none of ours."""
        name = self.header.get("alg")
        return name if isinstance(name, str) and name in KEY_OF else ""


def read(text: str) -> ForeignJwt:
    """The JWT in `text`. Raises InvalidProof."""
    if len(text) > LONGEST:
        raise InvalidProof("the JWT is too long")
    match = _COMPACT.fullmatch(text)
    if match is None:
        raise InvalidProof("it is not a signed JWT in compact form")
    header = parsed(_decoded(match[1]))
    refused = _REFUSED & header.keys()
    if refused:
        raise InvalidProof(f"the header parameter {min(refused)} is not accepted")
    return ForeignJwt(
        header, parsed(_decoded(match[2])), text[: match.end(2)].encode("ascii"), _decoded(match[3])
    )


def genuine(jwt: ForeignJwt, algorithm: str, key: PublicKey) -> bool:
    """Whether `key` signed it with `algorithm`, which the caller has chosen for the key."""
    model = JWSRegistry.algorithms[_JOSERFC.get(algorithm, algorithm)]
    try:
        model.check_key(key)
        return model.verify(jwt.signed, jwt.signature, key)
    except (JoseError, ValueError, TypeError):
        return False  # another curve, a signature of another length


def parsed(raw: bytes) -> Object:
    """One JSON object of bounded depth whose names occur once. Raises InvalidProof."""
    try:
        text = raw.decode()
        _refuse_deep(text)
        value = json.loads(text, object_pairs_hook=_once, parse_constant=_not_json, parse_float=_finite)
    except (ValueError, RecursionError):
        raise InvalidProof("it does not hold a plain JSON object") from None
    if not isinstance(value, dict):
        raise InvalidProof("it does not hold a plain JSON object")
    return value


def text_of(claims: Object, name: str, longest: int = 1024) -> str:
    """A claim that must be a text. Raises InvalidProof."""
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise InvalidProof(f"{name} is missing or is not a text")
    return value


def time_of(claims: Object, name: str) -> float:
    """A NumericDate (RFC 7519, 2), which may have a fraction. Raises InvalidProof."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidProof(f"{name} is missing or is not a number of seconds")
    try:
        return float(value)
    except OverflowError:
        raise InvalidProof(f"{name} is not a time") from None


def _refuse_deep(text: str) -> None:
    # The parser recurses: depth is bounded before it runs, and brackets within texts do not count.
    if text.count("[") + text.count("{") <= _DEEPEST:
        return
    depth, in_text = 0, False
    for mark in _MARKS.findall(text):
        if mark == '"':
            in_text = not in_text
        elif not in_text and mark in "[{":
            depth += 1
            if depth > _DEEPEST:
                raise ValueError("too deep")
        elif not in_text and mark in "]}":
            depth -= 1


def _decoded(segment: str) -> bytes:
    raw = urlsafe_b64decode(segment + "=" * (-len(segment) % 4)) if len(segment) % 4 != 1 else b""
    # One text for one value: decoders ignore the last bits, and a replay could differ in them.
    if urlsafe_b64encode(raw).rstrip(b"=").decode() != segment:
        raise InvalidProof("it is not base64url")
    return raw


def _once(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name twice")
    return value


def _not_json(name: str) -> NoReturn:
    raise ValueError(name)


def _finite(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError("infinite")  # 1e999: passes every comparison in one direction
    return value
