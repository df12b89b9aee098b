"""Proof that a form was ours: the token it carries.

Signed in, the token is the session's own. Before that, it is derived from a random cookie that only we set: a page of
another site can make the browser send the cookie but cannot read it, so it cannot write the token (double submit).
Every form post is also held to its origin, in `console.origin`.
"""

from __future__ import annotations

import hmac
import re
import secrets
from hashlib import sha256

_SEED = re.compile(r"[A-Za-z0-9_-]{43}")


def new_seed() -> str:
    return secrets.token_urlsafe(32)


def usable_seed(cookie: str) -> bool:
    return bool(_SEED.fullmatch(cookie))


def token_of(seed: str) -> str:
    """What the form holds: not the cookie's value, so that a leaked page does not give the cookie away."""
    return sha256(b"form:" + seed.encode()).hexdigest()


def equal(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "surrogatepass"))
