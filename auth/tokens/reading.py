"""A token of ours read back: its three parts, its header, its signature (RFC 7515, RFC 8725).

The form is closed: the header holds `alg`, `typ` and `kid` and nothing else, so `crit`, `b64`, `jwk`, `jku`, `x5u`,
`x5c` and `zip` are refused unread. What the claims say is not looked at here.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import NoReturn

from auth.errors import ForeignToken, MalformedToken, WrongTokenType
from auth.tokens.keys import VerificationKeys

_LONGEST_HEADER = 512  # octets of the encoded JOSE header; ours takes about 100
_HEADER_NAMES = {"alg", "typ", "kid"}

Claims = dict[str, object]


def claims_of(token: bytes, keys: VerificationKeys, typ: str) -> tuple[Claims, str]:
    """The claims of a token of one kind that a key of ours has signed, and the key's id; times are not looked at.

    Raises subclasses of InvalidToken.
    """
    parts = token.split(b".")
    if len(parts) != 3:
        raise MalformedToken("not three parts")
    head, body, mark = parts
    if len(head) > _LONGEST_HEADER:
        raise MalformedToken("header too long")
    header = parsed(head)
    if header.keys() != _HEADER_NAMES:
        raise _wrong_header(header)
    if header["typ"] != typ:
        raise WrongTokenType
    kid = header["kid"]
    key = keys.find(kid) if isinstance(kid, str) else None
    if key is None or header["alg"] != key.algorithm:
        raise ForeignToken("no key of ours, or not its algorithm")
    if not key.verify(decoded(mark), head + b"." + body):
        raise ForeignToken("signature")
    return parsed(body), key.kid


def _wrong_header(header: Claims) -> MalformedToken | WrongTokenType | ForeignToken:
    if header.get("typ") != "at+jwt":
        return WrongTokenType()
    if not header.keys() >= _HEADER_NAMES:
        return ForeignToken("header without alg or kid")
    return MalformedToken("a header parameter our issuer does not write")


def decoded(segment: bytes) -> bytes:
    """Strict base64url (RFC 7515, 2): one text for one value, so no padding and no stray trailing bits."""
    try:
        raw = urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))
    except ValueError:
        raise MalformedToken("base64url") from None
    # Decoders skip foreign characters and ignore the last bits; only the round trip tells.
    if urlsafe_b64encode(raw).rstrip(b"=") != segment:
        raise MalformedToken("base64url")
    return raw


def parsed(segment: bytes) -> Claims:
    raw = decoded(segment)
    try:
        value = json.loads(
            raw.decode(), object_pairs_hook=_once, parse_constant=_no_constant, parse_float=_no_float
        )
    except (ValueError, RecursionError):  # RecursionError: 4,000 opening brackets fit in a token
        raise MalformedToken("JSON") from None  # the fault carries the whole text
    if not isinstance(value, dict):
        raise MalformedToken("not a JSON object")
    return value


def _once(pairs: Sequence[tuple[str, object]]) -> Claims:
    # RFC 7515, 4: names are unique. Two parsers that pick different twins see two tokens.
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name twice")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and Infinity are not JSON, and NaN passes every "too old" comparison


def _no_float(text: str) -> NoReturn:
    raise ValueError("a float")  # our issuer writes none; a time is an integer
