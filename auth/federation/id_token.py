"""ID tokens and logout tokens: OpenID Connect Core, 3.1.3.7, and Back-Channel Logout, 2.6.

The signature is joserfc's, with an explicit list of algorithms; every claim is held to its type and value here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeGuard

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from auth.errors import LevelTooLow, VouchingRefused
from auth.federation.named import Provider
from auth.federation.provider import Json

ALGORITHMS = ("ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "Ed25519", "EdDSA")
LONGEST = 16 * 1024  # characters
LEEWAY = 60  # seconds
_LOGOUT = "http://schemas.openid.net/event/backchannel-logout"


@dataclass(frozen=True, slots=True)
class Vouched:
    """Whom the provider vouches for."""

    subject: str
    session: str  # `sid`, empty when the provider names none
    acr: str


def key_id(token: str) -> object:
    """The `kid` that the header names, unchecked: only ever looked up in the provider's own set."""
    try:
        return jws.extract_compact(token.encode()).headers().get("kid")
    except (JoseError, ValueError, TypeError, LookupError, RecursionError) as error:
        raise VouchingRefused("unreadable") from error


def verified(token: str, keys: Json) -> Mapping[str, object]:
    """The claims behind a right signature. Raises VouchingRefused."""
    if len(token) > LONGEST:
        raise VouchingRefused("too long")
    try:
        # A copy as plain types: whatever else stood in the set is not ours to judge.
        found = jwt.decode(token, KeySet.import_key_set(dict(keys)), algorithms=list(ALGORITHMS))  # type: ignore[arg-type]  # refused below when it is no key set
    except (JoseError, ValueError, TypeError, LookupError, RecursionError, AttributeError) as error:
        raise VouchingRefused(type(error).__qualname__) from error
    return dict(found.claims)


def vouched(claims: Mapping[str, object], provider: Provider, nonce: str, now: int) -> Vouched:
    """An ID token's claims. Raises VouchingRefused, LevelTooLow."""
    _demand_common(claims, provider, now)
    if claims.get("nonce") != nonce:
        raise VouchingRefused("nonce")
    expires = claims.get("exp")
    if not _is_time(expires) or not now < expires + LEEWAY:
        raise VouchingRefused("exp")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255 or "\x00" in subject:
        raise VouchingRefused("sub")
    acr = claims.get("acr", "")
    if provider.acr and acr not in provider.acr:
        raise LevelTooLow
    return Vouched(subject, _text(claims.get("sid")), _text(acr))


def logged_out(claims: Mapping[str, object], provider: Provider, now: int) -> tuple[str, str, str]:
    """A logout token's `sub`, `sid` and `jti`; one of the first two may be empty. Raises VouchingRefused."""
    _demand_common(claims, provider, now)
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(_LOGOUT), dict) or "nonce" in claims:
        raise VouchingRefused("no logout token")
    subject, session, jti = (_text(claims.get(name)) for name in ("sub", "sid", "jti"))
    if not (subject or session) or not jti:
        raise VouchingRefused("sub, sid, jti")
    return subject, session, jti


def _demand_common(claims: Mapping[str, object], provider: Provider, now: int) -> None:
    if claims.get("iss") != provider.issuer:
        raise VouchingRefused("iss")
    audience = claims.get("aud")
    meant = audience if isinstance(audience, list) else [audience]
    if provider.client_id not in meant or not all(isinstance(each, str) for each in meant):
        raise VouchingRefused("aud")
    if (len(meant) > 1 or "azp" in claims) and claims.get("azp") != provider.client_id:
        raise VouchingRefused("azp")
    issued = claims.get("iat")
    # Written so that no odd number slips through a comparison.
    if not _is_time(issued) or not now - 600 <= issued <= now + LEEWAY:
        raise VouchingRefused("iat")


def _is_time(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _text(value: object) -> str:
    """Up to 255 characters that the database can hold; anything else is as if it were not there."""
    return value if isinstance(value, str) and len(value) <= 255 and "\x00" not in value else ""
