"""Proof Key for Code Exchange (RFC 7636), method S256 only.

`plain` is the same as none to whoever reads the request, and RFC 9700 (2.1.1) wants S256. So there is nothing to
negotiate and nothing to downgrade.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode
from hashlib import sha256

METHOD = "S256"
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # SHA-256 in base64url without padding (4.2)
_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")  # 4.1


def acceptable(challenge: str | None, method: str | None) -> bool:
    """Whether a request asks for S256 with what can be its result."""
    return method == METHOD and challenge is not None and _CHALLENGE.fullmatch(challenge) is not None


def challenge_of(verifier: str) -> str:
    return urlsafe_b64encode(sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode()


def proves(verifier: str | None, challenge: str) -> bool:
    """Whether the verifier is the one that the challenge was made of (4.6)."""
    if verifier is None or not _VERIFIER.fullmatch(verifier):
        return False
    return hmac.compare_digest(challenge_of(verifier), challenge)
