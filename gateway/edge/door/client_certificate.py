"""The client's certificate: out of our own handshake, or out of the header of a trusted proxy (RFC 9440).

Owns the strict reading of ``Client-Cert`` and ``Client-Cert-Chain``. A certificate is no secret: whoever may write
this header may be anybody, so it is read only where the operator says that the proxy writes it over the client's.
What a certificate proves is `auth`'s matter.
"""

from __future__ import annotations

import base64
import binascii
import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cryptography import x509

from gateway.edge.errors import MalformedField

MOST_IN_CHAIN: Final = 8
# A structured field's byte sequence (RFC 9651 section 3.3.5), without parameters: RFC 9440 has none.
_BYTES: Final = re.compile(rb":((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?):")
_OWS: Final = b" \t"
_REMEMBERED: Final = 256


class Source(StrEnum):
    """Who has checked that the client holds the key."""

    HANDSHAKE = "handshake"
    PROXY = "proxy"


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """``der`` is the client's own; ``chain`` what was sent to go with it, towards the issuer, also DER."""

    der: bytes
    source: Source
    chain: tuple[bytes, ...] = ()


def from_handshake(tls: ssl.SSLObject) -> ClientCertificate | None:
    """The certificate that the handshake has verified, if one was shown."""
    der = tls.getpeercert(binary_form=True)
    return None if der is None else ClientCertificate(der, Source.HANDSHAKE)


class HeaderReader:
    """Reads the two headers; remembers certificates it has looked at, for proxies send the same ones again."""

    def __init__(self) -> None:
        self._known: dict[bytes, bytes] = {}

    def read(self, leaf: Sequence[bytes], chain: Sequence[bytes]) -> ClientCertificate | None:
        """The values of all lines of each name. None without any; MalformedField unless all is right."""
        if not leaf:
            if chain:
                raise MalformedField("Client-Cert-Chain without Client-Cert")
            return None
        if len(leaf) != 1:
            raise MalformedField("two Client-Cert lines")
        others = [item for line in chain for item in line.split(b",")]
        if len(others) > MOST_IN_CHAIN:
            raise MalformedField("Client-Cert-Chain is too long")
        return ClientCertificate(
            self._certificate(leaf[0]), Source.PROXY, tuple(self._certificate(item) for item in others)
        )

    def _certificate(self, value: bytes) -> bytes:
        value = value.strip(_OWS)
        known = self._known.get(value)
        if known is not None:
            return known
        match = _BYTES.fullmatch(value)
        if match is None:
            raise MalformedField("Client-Cert is no byte sequence")
        try:
            der = base64.b64decode(match.group(1), validate=True)
            x509.load_der_x509_certificate(der)
        except (binascii.Error, ValueError) as error:
            raise MalformedField("Client-Cert is no certificate") from error
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[value] = der
        return der
