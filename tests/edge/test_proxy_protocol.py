"""The PROXY protocol, version 2: by the byte, and with a real HAProxy in front."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from gateway.edge.door.certificates import Certificates, TlsFiles
from gateway.edge.door.proxy_header import SIGNATURE, BadProxyHeader, read
from gateway.edge.limits import EdgeLimits
from tests.line_support.raw_client import PATIENCE, RawClient, raw_client
from tests.line_support.running_edge import Door, TestEdge, running_edge
from tests.line_support.scripted_upstream import OK, answering, scripted_upstream
from tests.parts.process import free_port

GET = b"GET /a HTTP/1.1\r\nHost: sluss.test\r\n\r\n"
LOOPBACK = ("127.0.0.0/8",)
REQUIRED: Door = {"proxy_protocol": True}


def header(
    source: str = "192.0.2.7", additions: bytes = b"", *, command: int = 0x21, family: int | None = None
) -> bytes:
    address = ip_address(source)
    payload = address.packed * 2 + struct.pack("!HH", 1234, 443) + additions
    kind = (0x11 if address.version == 4 else 0x21) if family is None else family
    return SIGNATURE + struct.pack("!BBH", command, kind, len(payload)) + payload


def addition(kind: int, value: bytes) -> bytes:
    return struct.pack("!BH", kind, len(value)) + value


def over_tls(client: int) -> bytes:
    return addition(0x20, struct.pack("!BI", client, 0))


LOCAL = SIGNATURE + b"\x20\x00\x00\x00"
BAD = {
    "version 1": b"PROXY TCP4 192.0.2.7 192.0.2.8 1234 443\r\n",
    "no header": GET,
    "a broken signature": SIGNATURE[:-1] + b"X" + header()[12:],
    "version 1 in binary": SIGNATURE + b"\x11" + header()[13:],
    "version 3": SIGNATURE + b"\x31" + header()[13:],
    "unknown command": header(command=0x22),
    "no family": header(family=0x00),
    "UDP": header(family=0x12),
    "unix": header(family=0x31),
    "unknown family": header(family=0x41),
    "too short for the family": SIGNATURE + b"\x21\x21\x00\x0c" + bytes(12),
    "too short for anything": SIGNATURE + b"\x21\x11\x00\x00",
    "too long": header(additions=addition(0x04, bytes(600))),
    "length of 65535": SIGNATURE + b"\x21\x11\xff\xff",
    "addition cut short": header(additions=b"\x04\x00"),
    "addition beyond the end": header(additions=b"\x04\x00\x09abc"),
    "addition about TLS too short": header(additions=addition(0x20, b"\x01")),
    "TLS handshake": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
async def test_a_bad_header_closes_without_a_word(bad: bytes) -> None:
    async with (
        running_edge(trusted=LOOPBACK, door=REQUIRED) as edge,
        raw_client(edge.port) as client,
    ):
        client.send(bad + GET)
        assert await client.ended()
        assert edge.server.turned_away == {"proxy-header": 1}
        assert (edge.requests, edge.server.open_connections) == ([], 0)


@pytest.mark.parametrize(
    ("said", "peer", "secure"),
    [
        (header(), "192.0.2.7", False),
        (header("2001:db8::7"), "2001:db8::7", False),
        (header("::ffff:192.0.2.9"), "192.0.2.9", False),
        (header(additions=addition(0x01, b"h2") + addition(0xEA, bytes(40))), "192.0.2.7", False),
        (header(additions=over_tls(1)), "192.0.2.7", True),
        (header(additions=over_tls(0)), "192.0.2.7", False),
        (LOCAL, "127.0.0.1", False),
        (header(command=0x20), "127.0.0.1", False),
    ],
)  # fmt: skip
async def test_the_client_is_whom_the_proxy_announces(said: bytes, peer: str, secure: bool) -> None:
    """H20: the announced address is the client's, and it is no trusted proxy because the balancer is one."""
    async with (
        scripted_upstream(answering(OK)) as upstream,
        running_edge(upstream.url, trusted=LOOPBACK, door=REQUIRED) as edge,
        raw_client(edge.port) as client,
    ):
        spoofed = GET.replace(b"\r\n\r\n", b"\r\nX-Forwarded-For: 198.51.100.1\r\n\r\n")
        assert (await client.ask(said + GET)).status == 200
        assert (await client.ask(spoofed)).status == 200
        assert edge.requests[0].peer == peer
        assert edge.requests[0].secure == secure
        own = peer == "127.0.0.1"
        assert edge.requests[1].peer == ("198.51.100.1" if own else peer)


async def test_in_single_bytes() -> None:
    async with (
        scripted_upstream(answering(OK)) as upstream,
        running_edge(upstream.url, trusted=LOOPBACK, door=REQUIRED) as edge,
        raw_client(edge.port) as client,
    ):
        for octet in header():
            client.send(bytes([octet]))
            await client.drain()
            await asyncio.sleep(0)
        assert (await client.ask(GET)).status == 200
        assert edge.requests[0].peer == "192.0.2.7"


@pytest.mark.parametrize("cut", [0, 5, 14, 20])
async def test_a_header_that_does_not_come_whole_has_a_deadline(cut: int) -> None:
    limits = EdgeLimits(handshake_seconds=0.1, tick_seconds=0.02)
    async with (
        running_edge(limits=limits, trusted=LOOPBACK, door=REQUIRED) as edge,
        raw_client(edge.port) as client,
    ):
        client.send(header()[:cut])
        assert await client.ended()
        assert edge.server.turned_away == {"handshake-timeout": 1}


async def test_nobody_but_a_trusted_proxy_may_send_one() -> None:
    async with (
        running_edge(trusted=("192.0.2.0/24",), door=REQUIRED) as edge,
        raw_client(edge.port) as client,
    ):
        client.send(header() + GET)
        assert await client.ended()
        assert edge.server.turned_away == {"untrusted-proxy": 1}
        assert edge.requests == []


async def test_where_it_is_off_it_is_no_http() -> None:
    async with running_edge(trusted=LOOPBACK) as edge, raw_client(edge.port) as client:
        assert (await client.ask(header() + GET)).status == 400
        assert edge.requests == []


def papers(folder: Path) -> tuple[Certificates, ssl.SSLContext]:
    authority = trustme.CA()
    leaf = authority.issue_cert("sluss.test")
    leaf.private_key_and_cert_chain_pem.write_to_path(folder / "both.pem")
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return Certificates(TlsFiles(folder / "both.pem", folder / "both.pem")), context


async def test_the_header_comes_before_the_handshake(tmp_path: Path) -> None:
    """In one segment with the ClientHello, as a balancer may send it."""
    certificates, trusting = papers(tmp_path)
    async with (
        scripted_upstream(answering(OK)) as upstream,
        running_edge(
            upstream.url, trusted=LOOPBACK, door={"proxy_protocol": True, "certificates": certificates}
        ) as edge,
    ):

        def ask() -> bytes:
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = trusting.wrap_bio(incoming, outgoing, server_hostname="sluss.test")
            said = header()
            with socket.create_connection(("127.0.0.1", edge.port), timeout=PATIENCE) as raw:
                while True:
                    try:
                        tls.do_handshake()
                        break
                    except ssl.SSLWantReadError:
                        raw.sendall(said + outgoing.read())
                        said = b""
                        incoming.write(raw.recv(65536))
                tls.write(GET)
                raw.sendall(outgoing.read())
                while True:
                    incoming.write(raw.recv(65536))
                    try:
                        return tls.read(65536)
                    except ssl.SSLWantReadError:
                        continue

        assert (await asyncio.to_thread(ask)).startswith(b"HTTP/1.1 200")
        assert (edge.requests[0].peer, edge.requests[0].secure) == ("192.0.2.7", True)


@given(st.binary(max_size=80), st.integers(0, 60))
def test_nothing_but_its_fault_is_raised(noise: bytes, cut: int) -> None:
    for data in (noise, SIGNATURE + noise, header()[:cut] + noise):
        try:
            found = read(data, 536)
        except BadProxyHeader:
            continue
        assert found is None or 16 <= found[1] <= len(data)


# --- with the real thing

HAPROXY = shutil.which("haproxy")
CONFIGURATION = """
global
    maxconn 50
defaults
    mode tcp
    timeout connect 5s
    timeout client 10s
    timeout server 10s
frontend in
    bind 127.0.0.1:{port}
    default_backend sluss
backend sluss
    {check}
    server sluss 127.0.0.1:{edge} {options}
"""
PROBE = """
    option httpchk
    http-check send meth GET uri /probe ver HTTP/1.1 hdr Host sluss.test"""


@asynccontextmanager
async def haproxy(folder: Path, edge: TestEdge, options: str, check: str = "") -> AsyncIterator[int]:
    assert HAPROXY is not None
    port = free_port()
    file = folder / "haproxy.cfg"
    file.write_text(CONFIGURATION.format(port=port, edge=edge.port, options=options, check=check))
    process = await asyncio.create_subprocess_exec(
        HAPROXY, "-db", "-f", str(file), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(30):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    break
        yield port
    finally:
        process.terminate()
        await process.wait()


needs_haproxy = pytest.mark.skipif(
    HAPROXY is None, reason="HAProxy is not installed: its header is not tried"
)


@needs_haproxy
async def test_behind_haproxy(tmp_path: Path) -> None:
    async with (
        scripted_upstream(answering(OK)) as upstream,
        running_edge(upstream.url, trusted=LOOPBACK, door=REQUIRED) as edge,
        haproxy(tmp_path, edge, "send-proxy-v2") as port,
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.3", 0))
        answer = await RawClient(reader, writer).ask(GET)
        assert answer.status == 200
        assert edge.requests[0].peer == "127.0.0.3"
        writer.close()


@needs_haproxy
async def test_the_health_check_of_haproxy_is_its_own_call(tmp_path: Path) -> None:
    """It comes with LOCAL; a server that refused it would be taken out of service."""
    async with (
        scripted_upstream(answering(OK)) as upstream,
        running_edge(upstream.url, trusted=LOOPBACK, door=REQUIRED) as edge,
        haproxy(
            tmp_path, edge, "send-proxy-v2 check check-send-proxy inter 100ms fall 1 rise 1", PROBE
        ) as port,
    ):
        async with asyncio.timeout(30):
            while sum(request.path == "/probe" for request in edge.requests) < 3:
                await asyncio.sleep(0.05)
        assert {request.peer for request in edge.requests} == {"127.0.0.1"}
        async with raw_client(port) as client:
            assert (await client.ask(GET)).status == 200
        assert edge.server.turned_away == {}


@needs_haproxy
async def test_haproxy_s_version_1_is_refused(tmp_path: Path) -> None:
    async with (
        running_edge(trusted=LOOPBACK, door=REQUIRED) as edge,
        haproxy(tmp_path, edge, "send-proxy") as port,
        raw_client(port) as client,
    ):
        client.send(GET)
        assert await client.ended()
        assert edge.requests == []
        assert edge.server.turned_away["proxy-header"] >= 1


@needs_haproxy
async def test_tls_through_haproxy(tmp_path: Path) -> None:
    certificates, trusting = papers(tmp_path)
    async with (
        scripted_upstream(answering(OK)) as upstream,
        running_edge(
            upstream.url, trusted=LOOPBACK, door={"proxy_protocol": True, "certificates": certificates}
        ) as edge,
        haproxy(tmp_path, edge, "send-proxy-v2") as port,
    ):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=trusting, server_hostname="sluss.test", local_addr=("127.0.0.4", 0)
        )
        client = RawClient(reader, writer)
        assert (await client.ask(GET)).status == 200
        assert (edge.requests[0].peer, edge.requests[0].secure) == ("127.0.0.4", True)
        await client.close()
