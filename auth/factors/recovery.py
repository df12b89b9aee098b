"""Recovery codes for who has lost the phone: eighty random bits each, shown once, stored as SHA-256, used once."""

from __future__ import annotations

import secrets

from auth.credentials.secrets import hash_of

MANY = 10
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # thirty-two that nobody confuses in writing: no l, o, 0, 1
_GROUPS, _PER_GROUP = 4, 4


def new_codes() -> list[str]:
    return [_code() for _ in range(MANY)]


def stored(code: str) -> str:
    """The hash of a code however it was typed: case, spaces and dashes do not count."""
    return hash_of("recovery:" + "".join(c for c in code.lower() if c.isalnum()))


def _code() -> str:
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(_PER_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)
