"""A small HTTPS server under the name keys.example, with answers of every unwanted kind."""

from __future__ import annotations

import asyncio
import datetime
import gzip
import ipaddress
import ssl
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from auth.proofs.addresses import Network


@dataclass
class Served:
    port: int
    trust: ssl.SSLContext
    networks: list[Network] = field(default_factory=lambda: [ipaddress.ip_network("127.0.0.0/8")])
    paths: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    sent: int = 0
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tasks.append(asyncio.create_task(self.answer(reader, writer)))

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            path = head.split(" ")[1]
            self.paths.append(path)
            self.heads.append(head)
            self.hosts += [line[6:] for line in head.split("\r\n") if line.lower().startswith("host: ")]
            for part in _parts(path):
                writer.write(part)
                self.sent += len(part)
                await writer.drain()
        writer.close()


def _head(status: str, length: int | None, *more: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", "Connection: close", *more]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _parts(path: str) -> list[bytes]:
    body = b'{"keys": []}'
    packed = gzip.compress(b" " * 1_000_000)
    return {
        "/keys": [_head("200 OK", len(body)), body],
        "/redirect": [_head("302 Found", 0, "Location: /keys")],
        "/missing": [_head("404 Not Found", 0)],
        "/large": [_head("200 OK", 200_000), b" " * 200_000],
        "/endless": [_head("200 OK", None), *[b" " * 50_000] * 1000],
        "/packed": [_head("200 OK", len(packed), "Content-Encoding: gzip"), packed],
        "/binary": [_head("200 OK", 2), b"\xff\xfe"],
    }[path]


@asynccontextmanager
async def serving() -> AsyncIterator[Served]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "keys.example")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("keys.example")]), critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "server.pem"
        file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate)
        context.load_cert_chain(file)
    trust = ssl.create_default_context(cadata=certificate.decode())
    served = Served(0, trust)
    server = await asyncio.start_server(served.connected, "127.0.0.1", 0, ssl=context)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()
        await asyncio.gather(*served.tasks, return_exceptions=True)
        await server.wait_closed()
