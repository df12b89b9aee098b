"""Ids that cannot be guessed: a prefix that tells the kind, and 128 random bits.

A counter would tell a tenant how many others there are and let one try the neighbours' objects.
"""

from __future__ import annotations

import secrets


def new_id(prefix: str) -> str:
    """`new_id("app")` is `app_` and 32 hexadecimal digits."""
    return f"{prefix}_{secrets.token_hex(16)}"
