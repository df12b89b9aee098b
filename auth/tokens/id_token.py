"""ID tokens and logout tokens (OpenID Connect Core, 2; Back-Channel Logout, 2.4): what a client learns of a sign-in.

Pure. They are for the client (`aud`), never for an API: their `typ` is not that of an access token, and the edge looks.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256

from auth.tokens.issue import Claims
from storage.oauth.grants import Grant

LIFE = 300  # seconds; the client looks at it once
LOGOUT_LIFE = 120  # seconds
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


def id_token_claims(
    grant: Grant, *, issuer: str, client_id: str, access_token: str, nonce: str | None, now: int
) -> Claims:
    claims: Claims = {
        "iss": issuer,
        "sub": grant.person_id,
        "aud": client_id,
        "iat": now,
        "exp": now + LIFE,
        "auth_time": grant.auth_time,
        "acr": grant.acr,
        "amr": grant.amr.split(),
        "at_hash": half_hash(access_token),
    }
    if grant.session_hash:
        claims["sid"] = session_name(grant.session_hash)
    if nonce is not None:
        claims["nonce"] = nonce
    return claims


def logout_token_claims(
    *, issuer: str, client_id: str, subject: str, session: str, token_id: str, now: int
) -> Claims:
    """Never with a nonce: so nobody can pass it off as an ID token (Back-Channel Logout, 2.4)."""
    return {
        "iss": issuer,
        "sub": subject,
        "aud": client_id,
        "iat": now,
        "exp": now + LOGOUT_LIFE,
        "jti": token_id,
        "sid": session,
        "events": {LOGOUT_EVENT: {}},
    }


def half_hash(text: str) -> str:
    """Core, 3.1.3.6: the left half of SHA-256, for every algorithm of ours."""
    return urlsafe_b64encode(sha256(text.encode("ascii")).digest()[:16]).rstrip(b"=").decode()


def session_name(session_hash: str) -> str:
    """`sid`: names a session to clients, but not by what is stored of it."""
    return urlsafe_b64encode(sha256(b"sid:" + session_hash.encode()).digest()[:16]).rstrip(b"=").decode()
