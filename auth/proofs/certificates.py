"""Client certificates as proof (RFC 8705): by a name that an issuer we trust vouches for, or by the certificate itself.

The edge has seen to it that the client holds the certificate's key, or a proxy has that the operator trusts to. Whose
chain is good is decided here in both cases: a proxy may be set to let any certificate through.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from ipaddress import ip_address
from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import ExtensionPolicy, PolicyBuilder, Store, VerificationError

from auth.proofs.key_sets import Key

NAMES: Final = ("subject_dn", "san_dns", "san_uri", "san_ip", "san_email")
_FOR_CLIENTS: Final = frozenset({ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE})


@dataclass(frozen=True, slots=True)
class Certificate:
    """What the client's side of the connection showed, DER; `chain` goes with it, towards the issuer."""

    der: bytes = field(repr=False)
    chain: tuple[bytes, ...] = field(default=(), repr=False)

    @property
    def thumbprint(self) -> str:
        """`x5t#S256`: what a token is bound to (RFC 8705, 3.1)."""
        return thumbprint(self.der)


def thumbprint(der: bytes) -> str:
    return base64.urlsafe_b64encode(sha256(der).digest()).rstrip(b"=").decode("ascii")


class Issuers:
    """The authorities whose clients are believed, from a PEM file's text; empty: nobody's."""

    def __init__(self, pem: bytes = b"") -> None:
        """Raises ValueError for a text without a certificate."""
        self._store = Store(x509.load_pem_x509_certificates(pem)) if pem else None

    def __bool__(self) -> bool:
        return self._store is not None

    def vouch(self, shown: Certificate, now: int) -> x509.Certificate | None:
        """The certificate, when one of them has issued it, for clients, and it is valid now."""
        if self._store is None:
            return None
        at = datetime.fromtimestamp(now, UTC)
        # Names are compared by us, and internal authorities seldom follow the web's rules for what a leaf holds.
        policy = PolicyBuilder().store(self._store).time(at).extension_policies(
            ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=ExtensionPolicy.permit_all()
        )  # fmt: skip
        try:
            leaf, *chain = (x509.load_der_x509_certificate(der) for der in (shown.der, *shown.chain))
            policy.build_client_verifier().verify(leaf, chain)
            return leaf if _is_for_clients(leaf) else None
        except (VerificationError, ValueError):
            return None


def bears(certificate: x509.Certificate, name: str, value: str) -> bool:
    """Whether its subject, or one of its alternative names, is exactly that (RFC 8705, 2.1.2)."""
    if name == "subject_dn":
        try:
            return x509.Name.from_rfc4514_string(value) == certificate.subject
        except ValueError:
            return False
    try:
        named = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    if name == "san_dns":
        return value.lower() in [each.lower() for each in named.get_values_for_type(x509.DNSName)]
    if name == "san_uri":
        return value in named.get_values_for_type(x509.UniformResourceIdentifier)
    if name == "san_email":
        return value in named.get_values_for_type(x509.RFC822Name)
    return name == "san_ip" and _address(value) in named.get_values_for_type(x509.IPAddress)


def is_registered(shown: Certificate, keys: Sequence[Key], now: int) -> bool:
    """Whether the certificate itself stands in the client's key set, as x5c, and is valid now (RFC 8705, 2.2)."""
    text = base64.b64encode(shown.der).decode("ascii")
    # Every key is looked at, in the same time: not that it is secret, but so that nothing need be argued.
    if not sum(hmac.compare_digest(key.certificate.encode(), text.encode()) for key in keys):
        return False
    try:
        certificate = x509.load_der_x509_certificate(shown.der)
    except ValueError:
        return False
    at = datetime.fromtimestamp(now, UTC)
    return certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc


def _is_for_clients(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return any(each in _FOR_CLIENTS for each in usage)


def _address(text: str) -> object:
    try:
        return ip_address(text)
    except ValueError:
        return None
