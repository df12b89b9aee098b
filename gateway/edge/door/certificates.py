"""The certificate the edge shows, and whose certificates it takes: files in, an SSLContext out, again when they change.

Owns what TLS is spoken: 1.2 and 1.3, key agreement and ciphers that keep old traffic secret when a key is lost, no
renegotiation, no compression, HTTP/1.1 and nothing else by ALPN. A new context is built whole and then taken, so
that a half-written pair of files never serves anybody; connections keep the one they began with.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

# Of TLS 1.2: ephemeral key agreement and authenticated encryption. Those of 1.3 are all of that kind.
CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
WATCH_SECONDS: Final = 2.0
_log = logging.getLogger("sluss.edge")


class ClientCertificates(StrEnum):
    """Are clients asked for a certificate?"""

    OFF = "off"
    OPTIONAL = "optional"
    REQUIRED = "required"


_VERIFY: Final = {
    ClientCertificates.OFF: ssl.CERT_NONE,
    ClientCertificates.OPTIONAL: ssl.CERT_OPTIONAL,
    ClientCertificates.REQUIRED: ssl.CERT_REQUIRED,
}


class CertificateFault(Exception):
    """A file cannot be used. The sentence begins with the setting's name and says how to mend it."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files: the chain from the server's own certificate upwards, its key, the issuers of clients' ones."""

    certificate: Path
    key: Path
    client_ca: Path | None = None
    clients: ClientCertificates = ClientCertificates.OFF


class Certificates:
    """The context for the next connection. ``hosts`` says which names in the handshake (SNI) are ours; None: all."""

    def __init__(self, files: TlsFiles, hosts: Callable[[str], bool] | None = None) -> None:
        self.files = files
        self.failures = 0
        self._hosts = hosts
        self._seen = _signature(files)
        self.context = build(files, self._check_name)
        self.expires = expiry(files.certificate)

    def refresh(self) -> bool:
        """Take what has changed on the disk. Whatever is wrong with it, the old stays and it is logged, once.

        Reads files: not for the loop's own thread.
        """
        seen = _signature(self.files)
        if seen == self._seen:
            return False
        self._seen = seen
        try:
            context, expires = build(self.files, self._check_name), expiry(self.files.certificate)
        except CertificateFault as fault:
            self.failures += 1
            _log.error("the old TLS certificate stays in use: %s", fault)
            return False
        self.context, self.expires = context, expires
        _log.info("a new TLS certificate is in use")
        return True

    async def watch(self) -> None:
        """Look at the files for ever."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            await asyncio.to_thread(self.refresh)

    def _check_name(
        self, tls: ssl.SSLObject | ssl.SSLSocket, name: str | None, context: object
    ) -> int | None:
        """A name that is not ours is told so, before any certificate is shown (RFC 6066 section 3)."""
        if name is None or self._hosts is None or self._hosts(name.lower().removesuffix(".")):
            return None
        return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME


def build(files: TlsFiles, check_name: Callable[..., int | None] | None = None) -> ssl.SSLContext:
    """A context of these files. Raises CertificateFault."""
    check_pair(files)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    try:
        context.load_cert_chain(files.certificate, files.key)
    except (ssl.SSLError, OSError) as error:
        raise CertificateFault(f"SLUSS_TLS_CERT and SLUSS_TLS_KEY cannot be used: {error}") from error
    if files.client_ca is not None:
        try:
            context.load_verify_locations(cafile=files.client_ca)
        except (ssl.SSLError, OSError) as error:
            raise CertificateFault(
                f"SLUSS_TLS_CLIENT_CA={files.client_ca} cannot be used ({error}); "
                "a PEM file with the issuers' certificates is needed"
            ) from error
        context.verify_mode = _VERIFY[files.clients]
    if check_name is not None:
        context.sni_callback = check_name
    return context


def check_pair(files: TlsFiles) -> None:
    """Raises CertificateFault when the certificate or the key cannot be read, or they are no pair.

    Tried before OpenSSL sees them: its own words tell nobody which file to mend, and it would ask for the
    passphrase of a key on the terminal.
    """
    certificate = read_certificate(files.certificate)
    try:
        key = load_pem_private_key(files.key.read_bytes(), password=None)
    except TypeError as error:
        raise CertificateFault(
            f"SLUSS_TLS_KEY={files.key} has a passphrase; give a key without one, in a file that only Sluss may read"
        ) from error
    except OSError as error:
        raise CertificateFault(f"SLUSS_TLS_KEY={files.key} cannot be read: {error.strerror}") from error
    except Exception as error:  # ValueError, UnsupportedAlgorithm and what else a damaged file provokes
        raise CertificateFault(f"SLUSS_TLS_KEY={files.key} holds no private key in PEM form") from error
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    if key.public_key().public_bytes(*form) != certificate.public_key().public_bytes(*form):
        raise CertificateFault(
            f"SLUSS_TLS_KEY={files.key} is not the key of the first certificate in SLUSS_TLS_CERT={files.certificate}"
        )


def read_certificate(path: Path) -> x509.Certificate:
    """The server's own certificate: the first in the file. Raises CertificateFault."""
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())[0]
    except OSError as error:
        raise CertificateFault(f"SLUSS_TLS_CERT={path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise CertificateFault(f"SLUSS_TLS_CERT={path} holds no certificate in PEM form") from error


def expiry(path: Path) -> float:
    """When it ends, in seconds of the epoch. Raises CertificateFault."""
    return read_certificate(path).not_valid_after_utc.timestamp()


def covers(path: Path, host: str) -> bool:
    """Is the certificate for this host (RFC 6125: whole names, or one label for an asterisk)? CertificateFault."""
    try:
        names = read_certificate(path).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    known = {name.lower() for name in names.get_values_for_type(x509.DNSName)}
    known |= {str(address) for address in names.get_values_for_type(x509.IPAddress)}
    return host.lower() in known or "*." + host.lower().partition(".")[2] in known


def _signature(files: TlsFiles) -> tuple[object, ...]:
    """What tells a changed file from an unchanged one, through the links that Kubernetes and ACME clients swap."""
    found: list[object] = []
    for path in (files.certificate, files.key, files.client_ca):
        try:
            state = path.stat() if path is not None else None
        except OSError:
            state = None
        found.append(state and (state.st_ino, state.st_dev, state.st_mtime_ns, state.st_size))
    return tuple(found)
