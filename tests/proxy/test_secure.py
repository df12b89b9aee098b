"""TLS towards services: verified always, refused when anything is wrong, with certificates of both sides (P14)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from gateway.catalog.model import UpstreamTls
from gateway.edge.clock import Clock
from gateway.edge.errors import UpstreamInsecure
from gateway.proxy.address import Address
from gateway.proxy.dialling.dialler import Dialler
from gateway.proxy.dialling.secure import Contexts
from gateway.proxy.pool import PoolLimits, Upstream
from gateway.proxy.response import AnswerReader
from tests.line_support.raw_client import raw_client
from tests.line_support.running_edge import running_edge
from tests.line_support.scripted_upstream import OK, ScriptedUpstream, Visit, answering, scripted_upstream

GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
YESTERDAY = datetime.now(UTC) - timedelta(days=1)


def server_context(certificate: trustme.LeafCert, clients: trustme.CA | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    if clients is not None:
        clients.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def made(
    port: int, tls: UpstreamTls | None, contexts: Contexts | None = None, host: str = "127.0.0.1"
) -> Callable[[Clock], Upstream]:
    url = f"https://{host}:{port}"

    def make(clock: Clock) -> Upstream:
        dialler = Dialler(Address.parse(url), clock, contexts, tls)
        return Upstream(url, clock, AnswerReader(), PoolLimits(), dialler)

    return make


def written(folder: Path, name: str, *blobs: trustme.Blob) -> Path:
    """A file in one step, as certificates are renewed."""
    draft = folder / f".{name}"
    draft.write_bytes(b"".join(blob.bytes() for blob in blobs))
    return draft.rename(folder / name)


async def asked(
    upstream: ScriptedUpstream, tls: UpstreamTls | None, host: str = "127.0.0.1"
) -> tuple[int, bytes]:
    async with (
        running_edge(made=made(upstream.port, tls, host=host)) as edge,
        raw_client(edge.port) as client,
    ):
        answer = await client.ask(GET)
        fault = (await edge.ending()).fault
        assert isinstance(fault, UpstreamInsecure) or answer.status == 200, repr(fault)
        return answer.status, answer.body


REFUSED = (502, b"upstream-tls")


async def test_a_service_with_a_private_authority(tmp_path: Path) -> None:
    ca = trustme.CA()
    tls = UpstreamTls(ca=written(tmp_path, "ca.pem", ca.cert_pem))
    async with scripted_upstream(answering(OK), tls=server_context(ca.issue_cert("127.0.0.1"))) as upstream:
        assert await asked(upstream, tls) == (200, b"ok")
        assert upstream.arrived[0].values("host") == [f"127.0.0.1:{upstream.port}"]


@pytest.mark.parametrize("kind", ["system", "other authority", "wrong name", "expired", "self-signed"])
async def test_what_is_not_to_be_trusted_gets_no_call(tmp_path: Path, kind: str) -> None:
    """Not one byte of the request leaves."""
    ca, other = trustme.CA(), trustme.CA()
    name = "elsewhere.test" if kind == "wrong name" else "127.0.0.1"
    certificate = ca.issue_cert(name, not_after=YESTERDAY if kind == "expired" else None)
    trusted = other if kind in ("other authority", "self-signed") else ca
    context = server_context(certificate)
    if kind == "self-signed":
        alone = trustme.CA(organization_name="127.0.0.1")
        written(tmp_path, "own.pem", alone.cert_pem)
        written(tmp_path, "own.key", alone.private_key_pem)
        context.load_cert_chain(tmp_path / "own.pem", tmp_path / "own.key")
    tls = None if kind == "system" else UpstreamTls(ca=written(tmp_path, "ca.pem", trusted.cert_pem))
    async with scripted_upstream(answering(OK), tls=context) as upstream:
        assert await asked(upstream, tls) == REFUSED
        assert upstream.arrived == []


async def test_a_service_may_be_known_by_another_name(tmp_path: Path) -> None:
    """SNI and the verified name are the publication's `serverName`."""
    ca, seen = trustme.CA(), []
    context = server_context(ca.issue_cert("inner.service.test"))
    context.sni_callback = lambda _sock, name, _context: seen.append(name)
    tls = UpstreamTls(ca=written(tmp_path, "ca.pem", ca.cert_pem), server_name="inner.service.test")
    async with scripted_upstream(answering(OK), tls=context) as upstream:
        assert await asked(upstream, tls) == (200, b"ok")
        assert seen == ["inner.service.test"]
        other = UpstreamTls(ca=tls.ca, server_name="outer.service.test")
        assert await asked(upstream, other) == REFUSED


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
async def test_tls_1_1_is_refused(tmp_path: Path) -> None:
    ca = trustme.CA()
    context = server_context(ca.issue_cert("127.0.0.1"))
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1_1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    tls = UpstreamTls(ca=written(tmp_path, "ca.pem", ca.cert_pem))
    async with scripted_upstream(answering(OK), tls=context) as upstream:
        assert await asked(upstream, tls) == REFUSED


async def test_a_service_that_speaks_no_tls_at_all(tmp_path: Path) -> None:
    async def plain(visit: Visit) -> None:
        await visit.reader.read(1)
        await visit.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    async with scripted_upstream(plain) as upstream:
        assert await asked(upstream, None) == REFUSED


async def test_the_gateway_shows_its_own_certificate(tmp_path: Path) -> None:
    ca, clients = trustme.CA(), trustme.CA()
    own = clients.issue_cert("gateway@region.example")
    context = server_context(ca.issue_cert("127.0.0.1"), clients)
    authority = written(tmp_path, "ca.pem", ca.cert_pem)
    certificate = written(tmp_path, "own.pem", *own.cert_chain_pems)
    key = written(tmp_path, "own.key", own.private_key_pem)
    async with scripted_upstream(answering(OK), tls=context) as upstream:
        assert await asked(upstream, UpstreamTls(authority, certificate, key)) == (200, b"ok")
        # With TLS 1.3 the service's refusal comes after our handshake: as an alert, or as a bare end.
        async with (
            running_edge(made=made(upstream.port, UpstreamTls(authority))) as edge,
            raw_client(edge.port) as client,
        ):
            assert (await client.ask(GET)).status == 502
        assert len(upstream.arrived) == 1


async def test_renewed_files_hold_for_the_next_connection_and_broken_ones_do_not(tmp_path: Path) -> None:
    first, second = trustme.CA(), trustme.CA()
    authority = written(tmp_path, "ca.pem", first.cert_pem)
    contexts, tls = Contexts(), UpstreamTls(ca=authority)
    async with (
        scripted_upstream(answering(OK), tls=server_context(first.issue_cert("127.0.0.1"))) as old,
        scripted_upstream(answering(OK), tls=server_context(second.issue_cert("127.0.0.1"))) as new,
        running_edge(made=made(old.port, tls, contexts)) as to_old,
        running_edge(made=made(new.port, tls, contexts)) as to_new,
        raw_client(to_old.port) as old_client,
        raw_client(to_new.port) as new_client,
    ):
        assert (await old_client.ask(GET)).status == 200
        assert (await new_client.ask(GET)).body == b"upstream-tls"
        written(tmp_path, "ca.pem", second.cert_pem)
        assert (await new_client.ask(GET)).status == 200
        to_new.upstream._drop_idle(lambda connection: True)
        written(tmp_path, "ca.pem", trustme.Blob(b"no certificate"))
        assert (await new_client.ask(GET)).status == 200
        written(tmp_path, "ca.pem", first.cert_pem)
        to_new.upstream._drop_idle(lambda connection: True)
        assert (await new_client.ask(GET)).body == b"upstream-tls"


async def test_contexts_are_shared_by_all_that_name_the_same_files(tmp_path: Path) -> None:
    contexts = Contexts()
    authority = written(tmp_path, "ca.pem", trustme.CA().cert_pem)
    one = await contexts.of(UpstreamTls(ca=authority, server_name="a"))
    assert await contexts.of(UpstreamTls(ca=authority, server_name="b")) is one
    assert await contexts.of(None) is await contexts.of(None) is not one


async def test_a_file_that_is_missing_is_told_apart_from_a_service_that_is(tmp_path: Path) -> None:
    async with scripted_upstream(answering(OK)) as upstream:
        assert await asked(upstream, UpstreamTls(ca=tmp_path / "none.pem")) == REFUSED
        await asyncio.sleep(0)
        assert upstream.visits == 0
