"""One-time codes from an app (RFC 6238): six digits, thirty seconds, each accepted once.

The arithmetic is pyotp's; that a code works once (RFC 6238, 5.2) is ours, since pyotp forgets: whoever stores the
time step that `matching` returns refuses it and all before it afterwards.
"""

from __future__ import annotations

import hmac
import re

import pyotp

STEP = 30  # seconds
DRIFT = 1  # steps that a phone's clock may be off, either way
ISSUER = "Sluss"
_CODE = re.compile(r"[0-9]{6}")


def new_secret() -> str:
    """160 random bits in base 32 (RFC 4226, 4, R6)."""
    return pyotp.random_base32(32)


def plain(code: str) -> str:
    """A code as people type it, without the spaces that apps show in it."""
    return "".join(code.split())


def looks_like_code(code: str) -> bool:
    return bool(_CODE.fullmatch(code))


def matching(secret: str, code: str, now: int, last_step: int) -> int | None:
    """The time step whose code it is, later than `last_step`; None for a wrong or used one.

    All steps are compared, so that the time taken does not tell which was near.
    """
    codes = pyotp.TOTP(secret)
    found: int | None = None
    for step in range(now // STEP - DRIFT, now // STEP + DRIFT + 1):
        same = hmac.compare_digest(codes.generate_otp(step).encode(), code.encode("utf-8", "surrogatepass"))
        if same and step > last_step and found is None:
            found = step
    return found


def address(secret: str, email: str) -> str:
    """What an app reads from the picture: the key URI format."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)
