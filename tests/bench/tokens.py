"""Keys and tokens of realistic size for peers that verify them. Made anew for each run; nothing is kept."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

HOUR = 3600


@dataclass(frozen=True, slots=True)
class Signed:
    algorithm: str
    token: str
    public_key: Path  # PEM

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


def sign(algorithm: str, folder: Path) -> Signed:
    """A token with the claims of Sluss's own, and its public key as a PEM file in the folder."""
    key: ECKey | RSAKey = ECKey.generate_key("P-256") if algorithm == "ES256" else RSAKey.generate_key(2048)
    now = int(time.time())
    claims = {
        "iss": "http://localhost:8080",
        "aud": "http://localhost:8080",
        "sub": "sluss_app_" + "0" * 32,
        "client_id": "sluss_app_" + "0" * 32,
        "jti": "0" * 32,
        "iat": now,
        "exp": now + HOUR,
        "scope": "bench:read",
        "org": "org_" + "0" * 32,
        "app": "app_" + "0" * 32,
        "env": "sandbox",
    }
    token = jwt.encode({"alg": algorithm, "typ": "at+jwt", "kid": "bench"}, claims, key, [algorithm])
    public_key = folder / f"{algorithm.lower()}.pem"
    public_key.write_bytes(key.as_pem(private=False))
    return Signed(algorithm, token, public_key)
