"""Secrets that programs show: how they are made, recognised, stored and compared.

`sluss_sec_` + 43 characters (256 random bits, base64url) + 6 characters (CRC-32 of all before it, base 62).
The prefix lets scanners find leaked secrets; the checksum tells a typing error and a scanner's false alarm
from a real secret without asking the database. Stored as plain SHA-256: a value with 256 random bits cannot
be guessed, so a slow hash would only cost.

Owns no storage and no life cycle; rotation is `auth.credentials.rotation`.
"""

from __future__ import annotations

import hmac
import re
import secrets
import string
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM_CHARACTERS = 43  # 32 octets in base64url
_CHECK_CHARACTERS = 6  # 62**6 > 2**32
_BODY = re.compile(r"[A-Za-z0-9_-]{43}[A-Za-z0-9]{6}")


class Prefix(StrEnum):
    """What a secret is for, readable in its first characters."""

    CLIENT_SECRET = "sluss_sec_"  # noqa: S105 - a prefix, not a secret
    PERSONAL_TOKEN = "sluss_pat_"  # noqa: S105
    REFRESH_TOKEN = "sluss_ref_"  # noqa: S105
    API_KEY = "sluss_key_"
    INITIAL_ACCESS_TOKEN = "sluss_iat_"  # noqa: S105
    REGISTRATION_TOKEN = "sluss_reg_"  # noqa: S105


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret just made. `text` is shown once and stored nowhere."""

    text: str = field(repr=False)
    hash: str = field(repr=False)
    last4: str


def make(prefix: Prefix) -> NewSecret:
    body = prefix + secrets.token_urlsafe(32)
    text = body + _checksum(body)
    return NewSecret(text=text, hash=hash_of(text), last4=text[-4:])


def hash_of(text: str) -> str:
    """SHA-256 in hexadecimal, as stored. Any text has one, so that no input takes another path."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def well_formed(text: str, prefix: Prefix) -> bool:
    """Whether it can be a secret of ours at all: prefix, length, alphabet, checksum."""
    if not text.startswith(prefix) or not _BODY.fullmatch(text, len(prefix)):
        return False
    return _checksum(text[:-_CHECK_CHARACTERS]) == text[-_CHECK_CHARACTERS:]


def which(text: str, hashes: Sequence[str]) -> int | None:
    """The index of the stored hash that belongs to `text`.

    Every hash is compared, in constant time, so the answer's time says neither which nor how near.
    """
    shown = hash_of(text)
    found: int | None = None
    for index, stored in enumerate(hashes):
        if hmac.compare_digest(shown, stored) and found is None:
            found = index
    return found


def _checksum(body: str) -> str:
    rest = zlib.crc32(body.encode())
    digits = []
    for _ in range(_CHECK_CHARACTERS):
        rest, digit = divmod(rest, len(_BASE62))
        digits.append(_BASE62[digit])
    return "".join(reversed(digits))
