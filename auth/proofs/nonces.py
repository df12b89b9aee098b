"""Nonces for DPoP proofs (RFC 9449, 8): that a proof was made now, and not beforehand by one who had the key once.

Nothing is stored: a nonce is its own time and a keyed hash of it, so that every process knows every other's.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Final

LIFE: Final = 300  # seconds; a proof with an older one is asked again


class Nonces:
    def __init__(self, key: bytes) -> None:
        """`key` is for nothing else."""
        self._key = key

    def at(self, now: int) -> str:
        """The nonce that is handed out now; the same within a minute, so that clients may keep it."""
        return self._of(now // 60)

    def accepts(self, nonce: str, now: int) -> bool:
        """Whether it was handed out within the last LIFE seconds."""
        minute = now // 60
        known = [self._of(minute - back) for back in range(LIFE // 60 + 1)]
        text = nonce.encode("utf-8", "surrogatepass")
        return bool(sum(hmac.compare_digest(text, each.encode()) for each in known))

    def _of(self, minute: int) -> str:
        digest = hmac.digest(self._key, b"dpop %d" % minute, sha256)
        return urlsafe_b64encode(digest[:18]).decode("ascii")
