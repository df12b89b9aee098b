"""An OpenID Connect provider in this process that can be told to answer wrongly in any one way."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

ISSUER = "https://id.region.example"
CLIENT = "sluss"
SUBJECT = "subject-1"
NEVER = object()


@dataclass
class Foreign:
    """`asked` and `redeemed` hold what came; the rest is what it answers with."""

    now: Callable[[], int]
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "k1", "alg": "ES256"}))
    metadata: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    token: str | None = None  # in place of a signed one
    answers: dict[str, httpx.Response] = field(default_factory=dict)  # by path, in place of the right one
    asked: dict[str, str] = field(default_factory=dict)
    redeemed: list[dict[str, str]] = field(default_factory=list)
    authorization: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)

    def authorize(self, address: str) -> dict[str, str]:
        """What the person's browser brings back after signing in there."""
        split = urlsplit(address)
        assert f"{split.scheme}://{split.netloc}{split.path}" == f"{ISSUER}/authorize"
        self.asked = dict(parse_qsl(split.query))
        return {"state": self.asked["state"], "code": "the-code", "iss": ISSUER}

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._answer)

    def signed(self, **changed: Any) -> str:
        if self.token is not None:
            return self.token
        now = self.now()
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": CLIENT,
            "sub": SUBJECT,
            "iat": now,
            "exp": now + 300,
            "nonce": self.asked.get("nonce"),
            "sid": "there-1",
        }
        claims = {k: v for k, v in (claims | self.claims | changed).items() if v is not NEVER}
        return jwt.encode({"alg": "ES256", "kid": "k1", **self.header}, claims, self.key)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.fetched.append(str(request.url))
        if path in self.answers:
            return self.answers[path]
        if path == "/.well-known/openid-configuration":
            found = {
                "issuer": ISSUER,
                "authorization_endpoint": f"{ISSUER}/authorize",
                "token_endpoint": f"{ISSUER}/token",
                "jwks_uri": f"{ISSUER}/jwks",
                "authorization_response_iss_parameter_supported": True,
            }
            return httpx.Response(200, json={**found, **self.metadata})
        if path == "/jwks":
            return httpx.Response(200, json={"keys": [self.key.as_dict(private=False)]})
        assert path == "/token"
        form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        self.redeemed.append(form)
        self.authorization.append(request.headers.get("authorization", ""))
        challenge = urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        assert challenge == self.asked["code_challenge"]
        return httpx.Response(
            200, json={"access_token": "x", "token_type": "Bearer", "id_token": self.signed()}
        )


def unsigned(claims: dict[str, Any], alg: str = "none") -> str:
    def part(value: object) -> str:
        return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': alg})}.{part(claims)}."


def by_public_key(foreign: Foreign, claims: dict[str, Any]) -> str:
    """HS256 with the public key as the secret (RFC 8725, 2.1)."""
    key = OctKey.import_key(json.dumps(foreign.key.as_dict(private=False)))
    return jwt.encode({"alg": "HS256", "kid": "k1"}, claims, key, algorithms=["HS256"])
