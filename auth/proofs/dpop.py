"""DPoP proofs (RFC 9449): one JWT for one call, by which the sender shows that it holds a key.

Pure: the proof, the call and the time are given. Whether the proof has been used before is asked of a store with
`Proof.name`, after everything else was found right; nothing here is remembered but parsed keys.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from auth.errors import InvalidProof, MissingProof, ProofOfAnotherCall, ProofOutOfTime
from auth.proofs.jose import ForeignJwt, genuine, read, text_of, time_of
from auth.proofs.key_sets import Key, key_of

ALGORITHMS: Final = ("ES256", "ES384", "PS256", "EdDSA", "Ed25519")
EARLY: Final = 10  # seconds a proof's clock may be ahead of ours
OLD: Final = 60  # seconds a proof may be old; documented
KEPT: Final = EARLY + OLD  # seconds from its use until it is refused for its age
_LONGEST_JTI: Final = 256
_KEYS: Final = 500
_PORTS: Final = {"https": 443, "http": 80}
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Proof:
    """One that was right in itself. `name` is the same for the same proof however it is written."""

    thumbprint: str  # of the key: what a token is bound to (`cnf.jkt`)
    name: bytes
    nonce: str | None
    issued_at: float


class ProofReader:
    """Checks proofs. Remembers the keys met lately, for a client signs call after call with the same one."""

    def __init__(self) -> None:
        self._keys: dict[str, Key] = {}

    def read(
        self,
        values: Sequence[str],
        *,
        method: str,
        addresses: Sequence[str],
        now: float,
        token: bytes | None = None,
    ) -> Proof:
        """The proof in the DPoP lines of one call. `addresses` are scheme, host and path as the client may have
        called them; with `token` the proof must be made for it (`ath`). Raises subclasses of InvalidProof.
        """
        if not values:
            raise MissingProof
        if len(values) > 1:
            raise InvalidProof("more than one DPoP header")
        jwt = read(values[0])
        key = self._proved(jwt)
        claims = jwt.claims
        if text_of(claims, "htm") != method:
            raise ProofOfAnotherCall("htm is not the method of this call")
        named = text_of(claims, "htu", 4096)
        if not any(same_address(named, address) for address in addresses):
            raise ProofOfAnotherCall("htu is not the address of this call, without query and fragment")
        if token is not None and not hmac.compare_digest(text_of(claims, "ath").encode(), _hash(token)):
            raise ProofOfAnotherCall("ath is not the hash of the access token")
        issued_at = time_of(claims, "iat")
        # Not "older or newer than": NaN would pass either.
        if not now - OLD <= issued_at <= now + EARLY:
            raise ProofOutOfTime("iat is more than 60 seconds old or in the future")
        jti = text_of(claims, "jti", _LONGEST_JTI)
        nonce = claims.get("nonce")
        if nonce is not None and not isinstance(nonce, str):
            raise InvalidProof("nonce is not a text")
        name = sha256(f"{key.thumbprint} {jti}".encode("utf-8", "surrogatepass")).digest()
        return Proof(key.thumbprint, name, nonce, issued_at)

    def _proved(self, jwt: ForeignJwt) -> Key:
        if jwt.header.get("typ") != "dpop+jwt":
            raise InvalidProof("typ must be dpop+jwt")
        if jwt.algorithm not in ALGORITHMS:
            raise InvalidProof(f"alg must be one of {', '.join(ALGORITHMS)}")
        key = self._key(jwt.header.get("jwk"))
        if not key.takes(jwt.algorithm):
            raise InvalidProof("alg does not fit the key in jwk")
        if not genuine(jwt, jwt.algorithm, key.public):
            raise InvalidProof("the signature is not by the key in jwk")
        return key

    def _key(self, jwk: object) -> Key:
        # By its very text: two texts of one key are two entries with the same thumbprint.
        text = repr(jwk)
        known = self._keys.get(text)
        if known is None:
            known = key_of(jwk)
            if len(self._keys) >= _KEYS:
                self._keys.clear()
            self._keys[text] = known
        return known


def same_address(claimed: str, actual: str) -> bool:
    """RFC 9449, 4.3: compared after the normalisations of RFC 3986, 6.2.2 and 6.2.3, without query and fragment."""
    try:
        return _normal(claimed) == _normal(actual)
    except ValueError:
        return False  # a port that is no number, a broken bracket


def _normal(address: str) -> tuple[str, str, int, str]:
    parts = urlsplit(address)
    if parts.username is not None or parts.scheme not in _PORTS:
        raise ValueError("no address of a call")
    port = parts.port if parts.port is not None else _PORTS[parts.scheme]
    return parts.scheme, (parts.hostname or "").rstrip("."), port, _ESCAPE.sub(_unescaped, parts.path or "/")


def _unescaped(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    unreserved = character.isascii() and (character.isalnum() or character in "-._~")
    return character if unreserved else match[0].upper()


def _hash(token: bytes) -> bytes:
    return urlsafe_b64encode(sha256(token).digest()).rstrip(b"=")
