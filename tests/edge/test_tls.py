"""The edge as the end of TLS: the same line under a coat."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.edge.server import EdgeServer
from tests.line_support.raw_client import RawClient
from tests.line_support.running_edge import render, running_edge
from tests.line_support.scripted_upstream import echo, scripted_upstream


def certificate(folder: Path) -> Path:
    """A self-signed certificate for 127.0.0.1 with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sluss.test")])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / "both.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + built.public_bytes(serialization.Encoding.PEM)
    )
    return path


async def test_requests_over_tls(tmp_path: Path) -> None:
    pem = certificate(tmp_path)
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(pem)
    theirs = ssl.create_default_context(cafile=str(pem))
    async with (
        scripted_upstream(echo) as upstream,
        running_edge(upstream.url, body_limit=10_000_000) as plain,
    ):
        server = EdgeServer(plain.take, render)
        port = await server.start("127.0.0.1", 0, ssl=ours)
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=theirs)
        client = RawClient(reader, writer)
        body = b"x" * 1_000_000
        for _ in range(2):
            client.send(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            assert (await client.answer()).body == body
        assert plain.requests[0].secure
        client.send(b"GET /a HTTP/1.1\r\nX : y\r\n\r\n")
        assert (await client.answer()).status == 400
        assert await client.ended()
        await client.close()
        await server.drain(1.0)
