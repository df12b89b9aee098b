"""The edge as the end of TLS: the same line under a coat, and the coat's own promises (P14)."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import trustme

from gateway.edge.door.certificates import CertificateFault, Certificates, ClientCertificates, TlsFiles
from gateway.edge.door.client_certificate import Source
from gateway.edge.limits import EdgeLimits
from tests.line_support.raw_client import PATIENCE, RawClient
from tests.line_support.running_edge import TestEdge, running_edge
from tests.line_support.scripted_upstream import OK, Visit, answering, echo, scripted_upstream

GET = b"GET /a HTTP/1.1\r\nHost: sluss.test\r\n\r\n"


class Papers:
    """An authority, the server's files and how a client trusts them."""

    def __init__(self, folder: Path, *names: str) -> None:
        self.folder = folder
        self.authority = trustme.CA()
        self.issue(self.authority, *(names or ("sluss.test", "127.0.0.1")))

    @property
    def files(self) -> TlsFiles:
        return TlsFiles(self.folder / "cert.pem", self.folder / "key.pem")

    def issue(self, authority: trustme.CA, *names: str) -> None:
        leaf = authority.issue_cert(*names)
        (self.folder / "cert.pem").write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        leaf.private_key_pem.write_to_path(self.folder / "key.pem")

    def asking(self, mode: ClientCertificates) -> TlsFiles:
        self.authority.cert_pem.write_to_path(self.folder / "ca.pem")
        return TlsFiles(self.folder / "cert.pem", self.folder / "key.pem", self.folder / "ca.pem", mode)

    def client(self, *, certificate: str = "") -> ssl.SSLContext:
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        if certificate:
            self.authority.issue_cert(certificate).configure_cert(context)
        return context


@pytest.fixture
def papers(tmp_path: Path) -> Papers:
    return Papers(tmp_path)


@asynccontextmanager
async def tls_client(
    port: int, context: ssl.SSLContext, name: str | None = "sluss.test"
) -> AsyncIterator[RawClient]:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=context, server_hostname=name or "127.0.0.1", limit=2**20
    )
    client = RawClient(reader, writer)
    try:
        yield client
    finally:
        with suppress(ssl.SSLError):
            await client.close()


async def turned_away(edge: TestEdge, reason: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while edge.server.turned_away.get(reason, 0) == 0:
            await asyncio.sleep(0.01)


async def test_requests_over_tls(papers: Papers) -> None:
    body = b"x" * 1_000_000
    async with (
        scripted_upstream(echo) as upstream,
        running_edge(
            upstream.url, door={"certificates": Certificates(papers.files)}, body_limit=10_000_000
        ) as edge,
        tls_client(edge.port, papers.client()) as client,
    ):
        for _ in range(2):
            client.send(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            assert (await client.answer()).body == body
        assert edge.requests[0].secure
        assert edge.requests[0].client_certificate is None
        client.send(b"GET /a HTTP/1.1\r\nX : y\r\n\r\n")
        answer = await client.answer()
        assert (answer.status, answer.whole) == (400, True)
        assert await client.ended()


async def test_a_request_in_the_same_flight_as_the_end_of_the_handshake(papers: Papers) -> None:
    """TLS 1.3: the client's Finished and its first request arrive in one segment."""
    async with (
        scripted_upstream(answering(OK)) as upstream,
        running_edge(upstream.url, door={"certificates": Certificates(papers.files)}) as edge,
    ):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = papers.client().wrap_bio(incoming, outgoing, server_hostname="sluss.test")
        reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                writer.write(outgoing.read())
                incoming.write(await asyncio.wait_for(reader.read(65536), PATIENCE))
        tls.write(GET)
        writer.write(outgoing.read())
        answer = b""
        while b"ok" not in answer:
            incoming.write(await asyncio.wait_for(reader.read(65536), PATIENCE))
            with suppress(ssl.SSLWantReadError):
                answer += tls.read()
        assert answer.startswith(b"HTTP/1.1 200")
        writer.close()


@pytest.mark.parametrize(
    ("version", "spoken"),
    [(ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_versions(papers: Papers, version: ssl.TLSVersion, spoken: bool) -> None:
    """P14: TLS 1.2 and later, nothing older."""
    context = papers.client()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    async with (
        scripted_upstream(answering(OK)) as upstream,
        running_edge(upstream.url, door={"certificates": Certificates(papers.files)}) as edge,
    ):
        if spoken:
            async with tls_client(edge.port, context) as client:
                assert (await client.ask(GET)).status == 200
        else:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                async with tls_client(edge.port, context):
                    pass
            await turned_away(edge, "tls-handshake")


@pytest.mark.parametrize("ciphers", ["AES128-SHA", "AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-SHA256", "aNULL"])
async def test_weak_ciphers_are_not_spoken(papers: Papers, ciphers: str) -> None:
    """P14: no cipher without ephemeral keys, without authentication of the data or of the server."""
    context = papers.client()
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with running_edge(door={"certificates": Certificates(papers.files)}) as edge:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            async with tls_client(edge.port, context):
                pass


@pytest.mark.parametrize(
    ("offered", "chosen"), [(["h2", "http/1.1"], "http/1.1"), (["http/1.1"], "http/1.1"), (["h2"], None)]
)
async def test_alpn(papers: Papers, offered: list[str], chosen: str | None) -> None:
    context = papers.client()
    context.set_alpn_protocols(offered)
    async with (
        running_edge(door={"certificates": Certificates(papers.files)}) as edge,
        tls_client(edge.port, context) as client,
    ):
        assert client.writer.get_extra_info("ssl_object").selected_alpn_protocol() == chosen


async def test_a_name_that_is_not_ours_is_refused_in_the_handshake(papers: Papers) -> None:
    """H12: the same list of names holds for SNI and for Host."""
    ours = {"sluss.test"}
    certificates = Certificates(papers.files, ours.__contains__)
    async with (
        scripted_upstream(answering(OK)) as upstream,
        running_edge(upstream.url, hosts=frozenset(ours), door={"certificates": certificates}) as edge,
    ):
        async with tls_client(edge.port, papers.client(), "SLUSS.test") as client:
            assert (await client.ask(GET)).status == 200
            assert (await client.ask(GET.replace(b"sluss.test", b"other.test"))).status == 421
        async with tls_client(edge.port, papers.client(), None) as client:  # by address: without SNI
            assert (await client.ask(GET)).status == 200
        with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
            async with tls_client(edge.port, papers.client(), "other.test"):
                pass
        await turned_away(edge, "tls-handshake")


@pytest.mark.parametrize("first", [GET, b"\x00" * 64, b"\x16\x03\x01\x00\x05hello"])
async def test_what_is_no_tls_is_closed(papers: Papers, first: bytes) -> None:
    """Plain HTTP on the TLS port gets no answer that could be taken for one, and no exception is left over."""
    async with running_edge(door={"certificates": Certificates(papers.files)}) as edge:
        reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
        writer.write(first)
        rest = await asyncio.wait_for(reader.read(), PATIENCE)
        assert not rest.startswith(b"HTTP")
        await turned_away(edge, "tls-handshake")
        assert edge.server.open_connections == 0
        writer.close()


@pytest.mark.parametrize("first", [b"", b"\x16\x03\x01"])
async def test_a_slow_handshake_is_closed(papers: Papers, first: bytes) -> None:
    """H34: the handshake has a deadline of its own."""
    limits = EdgeLimits(handshake_seconds=0.1, tick_seconds=0.02)
    async with running_edge(limits=limits, door={"certificates": Certificates(papers.files)}) as edge:
        reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
        writer.write(first)
        assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
        await turned_away(edge, "handshake-timeout")
        assert edge.server.open_connections == 0
        writer.close()


async def test_handshakes_count_as_connections(papers: Papers) -> None:
    limits = EdgeLimits(connections=3)
    async with running_edge(limits=limits, door={"certificates": Certificates(papers.files)}) as edge:
        waiting = [await asyncio.open_connection("127.0.0.1", edge.port) for _ in range(3)]
        async with asyncio.timeout(PATIENCE):
            while edge.server.open_connections < 3:
                await asyncio.sleep(0.01)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            async with tls_client(edge.port, papers.client()):
                pass
        for _, writer in waiting:
            writer.close()


async def test_the_client_that_ends_its_side_is_gone(papers: Papers) -> None:
    """Half-close by close_notify: as over TCP, nobody waits for the answer."""

    async def slow(visit: Visit) -> None:
        await visit.request()
        assert await visit.reader.read() == b""

    async with (
        scripted_upstream(slow) as upstream,
        running_edge(upstream.url, door={"certificates": Certificates(papers.files)}) as edge,
    ):
        raw = socket.create_connection(("127.0.0.1", edge.port))
        tls = await asyncio.to_thread(papers.client().wrap_socket, raw, server_hostname="sluss.test")
        await asyncio.to_thread(tls.sendall, GET)
        await asyncio.wait_for(upstream.news.wait(), PATIENCE)
        plain = await asyncio.to_thread(tls.unwrap)
        assert (await edge.ending()).status == 0
        await asyncio.wait_for(upstream.ended.wait(), PATIENCE)
        plain.close()


async def test_a_reset_in_the_body_leaves_no_whole_request(papers: Papers) -> None:
    """H33, over TLS."""

    async def read(visit: Visit) -> None:
        await visit.request()

    async with (
        scripted_upstream(read) as upstream,
        running_edge(upstream.url, door={"certificates": Certificates(papers.files)}) as edge,
        tls_client(edge.port, papers.client()) as client,
    ):
        client.send(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhello")
        await asyncio.wait_for(upstream.news.wait(), PATIENCE)
        client.reset()
        await asyncio.wait_for(upstream.ended.wait(), PATIENCE)
        assert not upstream.arrived[0].complete


async def test_an_early_answer_reaches_a_client_that_still_sends(papers: Papers) -> None:
    """H32, over TLS: our side is ended by close_notify, the client's bytes are read on and thrown away."""
    async with running_edge(door={"certificates": Certificates(papers.files)}, body_limit=1000) as edge:

        def upload() -> bytes:
            """A plain blocking client: writes all of it, then reads."""
            raw = socket.create_connection(("127.0.0.1", edge.port))
            with papers.client().wrap_socket(raw, server_hostname="sluss.test") as tls:
                tls.sendall(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n")
                for _ in range(40):
                    tls.sendall(b"x" * 100_000)
                answer = b""
                while piece := tls.recv(65536):
                    answer += piece
                return answer

        answer = await asyncio.to_thread(upload)
        assert answer.startswith(b"HTTP/1.1 413")
        assert b"Connection: close" in answer
        assert answer.endswith(b"body-too-large")


async def test_backpressure_through_tls(papers: Papers) -> None:
    """A client that does not read makes the upstream rest; memory stays bounded; then all of it arrives."""
    size = 20_000_000
    sent = 0

    async def much(visit: Visit) -> None:
        nonlocal sent
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        while sent < size:
            await visit.send(b"x" * 100_000)
            sent += 100_000

    async with (
        scripted_upstream(much) as upstream,
        running_edge(upstream.url, door={"certificates": Certificates(papers.files)}) as edge,
        tls_client(edge.port, papers.client()) as client,
    ):
        client.send(GET)
        await client.reader.readuntil(b"\r\n\r\n")
        (connection,) = edge.clients
        while not connection.blocked:
            await asyncio.sleep(0.01)
        assert sent < size
        assert connection.transport.get_write_buffer_size() < 2_000_000
        assert len(await asyncio.wait_for(client.reader.readexactly(size), 60)) == size


async def test_what_a_client_sends_ahead_is_bounded_through_tls(papers: Papers) -> None:
    async with (
        running_edge(door={"certificates": Certificates(papers.files)}) as edge,
        tls_client(edge.port, papers.client()) as client,
    ):
        edge.line = lambda exchange: None  # never answers
        client.send(GET)
        client.send(b"x" * 16_000_000)
        while not edge.requests:
            await asyncio.sleep(0.01)
        (connection,) = edge.clients
        while not connection._resting:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        assert len(connection._buffer) < 1_000_000
        client.writer.transport.abort()


async def test_a_cut_answer_is_seen_as_cut(papers: Papers) -> None:
    """H31, over TLS."""

    async def cut(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")

    async with (
        scripted_upstream(cut) as upstream,
        running_edge(upstream.url, door={"certificates": Certificates(papers.files)}) as edge,
        tls_client(edge.port, papers.client()) as client,
    ):
        answer = await client.ask(GET)
        assert (answer.body, answer.whole) == (b"hello", False)


@pytest.mark.parametrize(
    ("mode", "shown", "passes"),
    [
        (ClientCertificates.OPTIONAL, True, True),
        (ClientCertificates.OPTIONAL, False, True),
        (ClientCertificates.REQUIRED, True, True),
        (ClientCertificates.REQUIRED, False, False),
    ],
)
async def test_client_certificates(
    papers: Papers, mode: ClientCertificates, shown: bool, passes: bool
) -> None:
    context = papers.client(certificate="app@sluss.test" if shown else "")
    async with (
        scripted_upstream(answering(OK)) as upstream,
        running_edge(upstream.url, door={"certificates": Certificates(papers.asking(mode))}) as edge,
    ):
        if not passes:
            with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
                async with tls_client(edge.port, context) as client:
                    await client.ask(GET)
            await turned_away(edge, "tls-handshake")
            return
        async with tls_client(edge.port, context) as client:
            assert (await client.ask(GET + b"")).status == 200
            assert (
                await client.ask(GET.replace(b"\r\n\r\n", b"\r\nClient-Cert: :AAAA:\r\n\r\n"))
            ).status == 200
        found = edge.requests[0].client_certificate
        assert (found is not None) == shown
        if found is not None:
            assert found.source is Source.HANDSHAKE
            assert ssl.DER_cert_to_PEM_cert(found.der).startswith("-----BEGIN")
        assert edge.requests[1].client_certificate == found
        assert all(arrived.values("client-cert") == [] for arrived in upstream.arrived)


async def test_a_certificate_of_another_issuer_is_refused(papers: Papers, tmp_path: Path) -> None:
    context = papers.client()
    trustme.CA().issue_cert("app@sluss.test").configure_cert(context)
    certificates = Certificates(papers.asking(ClientCertificates.OPTIONAL))
    async with running_edge(door={"certificates": certificates}) as edge:
        with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
            async with tls_client(edge.port, context) as client:
                await client.ask(GET)
        await turned_away(edge, "tls-handshake")


async def test_strict_transport_security(papers: Papers) -> None:
    """H/P14: on answers of all kinds over TLS; the upstream's own is taken away."""
    theirs = b"HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=0\r\nContent-Length: 2\r\n\r\nok"
    async with (
        scripted_upstream(answering(theirs)) as upstream,
        running_edge(
            upstream.url, door={"certificates": Certificates(papers.files), "hsts_seconds": 600}
        ) as edge,
        tls_client(edge.port, papers.client()) as client,
    ):
        assert (await client.ask(GET)).values("strict-transport-security") == ["max-age=600"]
        edge.line = lambda exchange: exchange.reply(200, [], b"")
        assert (await client.ask(GET)).values("strict-transport-security") == ["max-age=600"]
        assert (await client.ask(b"BAD\r\n\r\n")).values("strict-transport-security") == ["max-age=600"]


async def test_no_strict_transport_security_over_plain_http() -> None:
    async with running_edge(door={"hsts_seconds": 600}) as edge:
        edge.line = lambda exchange: exchange.reply(200, [], b"")
        reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
        answer = await RawClient(reader, writer).ask(GET)
        assert answer.values("strict-transport-security") == []
        writer.close()


async def test_a_changed_certificate_is_taken_without_dropping_anybody(papers: Papers) -> None:
    certificates = Certificates(papers.files)
    async with (
        scripted_upstream(answering(OK)) as upstream,
        running_edge(upstream.url, door={"certificates": certificates}) as edge,
        tls_client(edge.port, papers.client()) as before,
    ):
        assert (await before.ask(GET)).status == 200
        assert not certificates.refresh()
        later = trustme.CA()
        papers.issue(later, "sluss.test")
        assert certificates.refresh()
        trusting = ssl.create_default_context()
        later.configure_trust(trusting)
        async with tls_client(edge.port, trusting) as after:
            assert (await after.ask(GET)).status == 200
        assert (await before.ask(GET)).status == 200


@pytest.mark.parametrize("broken", ["cert.pem", "key.pem", "pair", "gone"])
async def test_a_bad_certificate_leaves_the_old_one(
    papers: Papers, broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    certificates = Certificates(papers.files)
    sound = (papers.folder / "key.pem").read_bytes()
    if broken == "pair":
        trustme.CA().issue_cert("sluss.test").private_key_pem.write_to_path(papers.folder / "key.pem")
    elif broken == "gone":
        (papers.folder / "cert.pem").rename(papers.folder / "elsewhere.pem")
    else:
        (papers.folder / broken).write_text("nothing of the kind")
    assert not certificates.refresh()
    assert not certificates.refresh()
    assert certificates.failures == 1
    assert "the old TLS certificate stays" in caplog.text
    async with (
        scripted_upstream(answering(OK)) as upstream,
        running_edge(upstream.url, door={"certificates": certificates}) as edge,
        tls_client(edge.port, papers.client()) as client,
    ):
        assert (await client.ask(GET)).status == 200
    if broken == "key.pem":
        (papers.folder / "key.pem").write_bytes(sound)
        assert certificates.refresh()


def encrypted(folder: Path) -> None:
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key((folder / "key.pem").read_bytes(), None)
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )


@pytest.mark.parametrize("fault", ["cert", "key", "pair", "passphrase", "ca", "no cert", "no key"])
def test_each_fault_at_the_start_names_its_setting(papers: Papers, fault: str) -> None:
    files = papers.asking(ClientCertificates.REQUIRED)
    setting = {"cert": "CERT", "no cert": "CERT", "ca": "CLIENT_CA"}.get(fault, "KEY")
    if fault == "pair":
        trustme.CA().issue_cert("sluss.test").private_key_pem.write_to_path(papers.folder / "key.pem")
    elif fault == "passphrase":
        encrypted(papers.folder)
    elif fault.startswith("no "):
        (papers.folder / f"{fault[3:]}.pem").unlink()
    else:
        (papers.folder / f"{fault}.pem").write_text("-----BEGIN CERTIFICATE-----\nnothing\n")
    with pytest.raises(CertificateFault, match=f"^SLUSS_TLS_{setting}"):
        Certificates(files)
