"""Callers that hold keys: their assertions, DPoP proofs and certificates, genuine ones and every wrong one."""

from __future__ import annotations

import datetime
import json
import secrets
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from auth.proofs.assertions import TYPE
from tests.auth.mint import ISSUER, LEFT_OUT, NOW, changed

__all__ = ["LEFT_OUT", "Authority", "Holder", "client_cert"]

TOKEN_ENDPOINT = f"{ISSUER}/oauth2/token"
JOSERFC_NAMES = {"EdDSA": "Ed25519"}


def encoded(value: Mapping[str, object] | bytes) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


class Holder:
    """One key pair and the algorithm it signs with."""

    def __init__(self, algorithm: str = "ES256", kid: str = "k1") -> None:
        self.algorithm = algorithm
        self.kid = kid
        self.key = _generated(algorithm)

    @property
    def public(self) -> dict[str, object]:
        return {**self.key.as_dict(private=False), "kid": self.kid}

    @property
    def jwks(self) -> str:
        return json.dumps({"keys": [self.public]})

    @property
    def thumbprint(self) -> str:
        return self.key.thumbprint()

    def sign(self, header: Mapping[str, object], claims: Mapping[str, object] | bytes) -> str:
        signed = f"{encoded(header)}.{encoded(claims)}"
        model = JWSRegistry.algorithms[JOSERFC_NAMES.get(self.algorithm, self.algorithm)]
        return f"{signed}.{encoded(model.sign(signed.encode(), self.key))}"

    def assertion(
        self, client_id: str, /, header: Mapping[str, object] | None = None, **claims: object
    ) -> str:
        base: dict[str, object] = {
            "iss": client_id,
            "sub": client_id,
            "aud": ISSUER,
            "jti": secrets.token_urlsafe(16),
            "iat": NOW,
            "exp": NOW + 60,
        }
        said = changed({"alg": self.algorithm, "typ": "JWT", "kid": self.kid}, header or {})
        return self.sign(said, changed(base, claims))

    def asserting(
        self, client_id: str, /, header: Mapping[str, object] | None = None, **claims: object
    ) -> dict[str, str]:
        """The form of a token request that proves itself by an assertion."""
        text = self.assertion(client_id, header, **claims)
        return {
            "grant_type": "client_credentials",
            "client_assertion_type": TYPE,
            "client_assertion": text,
        }

    def proof(
        self, token: str | None = None, /, header: Mapping[str, object] | None = None, **claims: object
    ) -> str:
        """A DPoP proof, by default for the token endpoint."""
        base: dict[str, object] = {
            "htm": "POST",
            "htu": TOKEN_ENDPOINT,
            "iat": NOW,
            "jti": secrets.token_urlsafe(16),
        }
        if token is not None:
            base["ath"] = encoded(sha256(token.encode()).digest())
        jwk = {name: value for name, value in self.public.items() if name != "kid"}
        said = changed({"alg": self.algorithm, "typ": "dpop+jwt", "jwk": jwk}, header or {})
        return self.sign(said, changed(base, claims))


def _generated(algorithm: str) -> ECKey | RSAKey | OKPKey:
    if algorithm in ("EdDSA", "Ed25519"):
        return OKPKey.generate_key("Ed25519")
    if algorithm.startswith("ES"):
        return ECKey.generate_key("P-256" if algorithm == "ES256" else "P-384")
    return RSAKey.generate_key(2048)


@dataclass(frozen=True, slots=True)
class Issued:
    der: bytes
    key: ec.EllipticCurvePrivateKey

    @property
    def header(self) -> dict[str, str]:
        """As the edge hands it over."""
        return client_cert(self.der)

    @property
    def thumbprint(self) -> str:
        return encoded(sha256(self.der).digest())


def client_cert(der: bytes) -> dict[str, str]:
    return {"Client-Cert": f":{b64encode(der).decode()}:"}


class Authority:
    """Issues certificates; each object is one authority."""

    def __init__(self, name: str = "Test CA") -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.pem = (
            self._builder(self.name, self.key.public_key(), 0)
            .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
            .add_extension(
                x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True
            )
            .sign(self.key, hashes.SHA256())
            .public_bytes(Encoding.PEM)
        )

    def issue(
        self,
        subject: str = "CN=client",
        *,
        dns: str = "",
        ended: bool = False,
        usage: x509.ObjectIdentifier | None = None,
    ) -> Issued:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(x509.Name.from_rfc4514_string(subject), key.public_key(), -10 if ended else 0)
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
        )
        if dns:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(dns)]), critical=False)
        if usage is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        return Issued(builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER), key)

    def _builder(
        self, subject: x509.Name, public: ec.EllipticCurvePublicKey, days: int
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.fromtimestamp(NOW, datetime.UTC) + datetime.timedelta(days=days)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        )


def self_signed(subject: str = "CN=alone") -> Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name.from_rfc4514_string(subject)
    now = datetime.datetime.fromtimestamp(NOW, datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return Issued(certificate.public_bytes(Encoding.DER), key)
