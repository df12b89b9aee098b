"""Makes access tokens for tests: genuine ones, and every wrong one, signed byte for byte as asked."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc.jwk import ECKey

from auth.authenticate import Authenticator
from auth.tokens.keys import VerificationKeys

ISSUER = "http://localhost:8080"
NOW = 1_800_000_000
LEFT_OUT = object()  # a claim or header parameter that is not there


@dataclass(frozen=True, slots=True)
class Row:
    """A published key as storage gives it."""

    kid: str
    algorithm: str
    public_jwk: str


def encoded(raw: bytes) -> bytes:
    return urlsafe_b64encode(raw).rstrip(b"=")


def changed(base: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in {**base, **changes}.items() if value is not LEFT_OUT}


class Mint:
    """One issuer's key and what it signs."""

    def __init__(self, kid: str = "key-1") -> None:
        self.kid = kid
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.jwk = ECKey.import_key(self.private)
        self.row = Row(kid, "ES256", json.dumps(self.jwk.as_dict(private=False)))
        self.keys = VerificationKeys.from_rows([self.row])

    def header(self, **changes: object) -> dict[str, object]:
        return changed({"alg": "ES256", "typ": "at+jwt", "kid": self.kid}, changes)

    def claims(self, **changes: object) -> dict[str, object]:
        client = "sluss_app_0123456789abcdef0123456789abcdef"
        base: dict[str, object] = {
            "iss": ISSUER,
            "aud": ISSUER,
            "sub": client,
            "client_id": client,
            "jti": "qO0YQ5yqD2rS6pL8Z3c1bA",
            "iat": NOW,
            "exp": NOW + 300,
            "scope": "behov:read behov:write",
            "org": "org_0123456789abcdef0123456789abcdef",
            "app": "app_0123456789abcdef0123456789abcdef",
            "env": "sandbox",
        }
        return changed(base, changes)

    def token(self, header: Mapping[str, object] | None = None, /, **claims: object) -> bytes:
        """A token with our header, or `header` in its place, and changed claims; genuinely signed."""
        return self.raw(
            json.dumps(self.header() if header is None else header).encode(),
            json.dumps(self.claims(**claims)).encode(),
        )

    def raw(self, header: bytes, payload: bytes) -> bytes:
        """The given octets, genuinely signed."""
        signed = encoded(header) + b"." + encoded(payload)
        return signed + b"." + encoded(self.signature(signed))

    def signature(self, signed: bytes) -> bytes:
        r, s = decode_dss_signature(self.private.sign(signed, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def authenticator() -> Authenticator:
    return Authenticator(ISSUER, frozenset({ISSUER}))


def bearer(token: bytes) -> bytes:
    return b"Bearer " + token
