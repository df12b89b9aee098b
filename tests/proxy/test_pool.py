"""Bounds of the pool, the unreachable upstream, the circuit."""

from __future__ import annotations

import asyncio
import itertools
import socket
from pathlib import Path

import pytest

from gateway.edge.clock import Clock
from gateway.edge.errors import UpstreamResting, UpstreamUnreachable
from gateway.edge.limits import EdgeLimits
from gateway.proxy.address import Address
from gateway.proxy.circuit import NEXT, Circuit, Event, State
from gateway.proxy.pool import PoolLimits
from tests.line_support.raw_client import raw_client
from tests.line_support.running_edge import running_edge
from tests.line_support.scripted_upstream import OK, ScriptedUpstream, Visit, answering, scripted_upstream

GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"


def closed_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


async def test_the_number_of_connections_is_bounded_and_everybody_is_served() -> None:
    open_now = most = 0

    async def counting(visit: Visit) -> None:
        nonlocal open_now, most
        while True:
            await visit.request()
            open_now += 1
            most = max(most, open_now)
            await asyncio.sleep(0.02)
            open_now -= 1
            await visit.send(OK)

    async def client(port: int) -> None:
        async with raw_client(port) as raw:
            for _ in range(3):
                assert (await raw.ask(GET)).status == 200

    async with (
        scripted_upstream(counting) as upstream,
        running_edge(upstream.url, pool=PoolLimits(connections=4, idle=2)) as edge,
    ):
        await asyncio.gather(*(client(edge.port) for _ in range(20)))
        assert most == 4
        assert len(upstream.arrived) == 60
        assert edge.upstream.idle_connections <= 2
        assert edge.upstream.waiting_callers == 0


async def test_idle_connections_are_closed_in_time() -> None:
    async with (
        scripted_upstream(answering(OK)) as upstream,
        running_edge(upstream.url, EdgeLimits(tick_seconds=0.02), pool=PoolLimits(idle_seconds=0.1)) as edge,
        raw_client(edge.port) as client,
    ):
        assert (await client.ask(GET)).status == 200
        assert edge.upstream.idle_connections == 1
        await asyncio.wait_for(upstream.ended.wait(), 5)
        assert edge.upstream.idle_connections == 0
        assert (await client.ask(GET)).status == 200


async def test_an_upstream_that_is_not_there() -> None:
    async with running_edge(f"http://127.0.0.1:{closed_port()}") as edge, raw_client(edge.port) as client:
        answer = await client.ask(GET)
        assert (answer.status, answer.body) == (502, b"upstream-unreachable")
        ending = await edge.ending()
        assert isinstance(ending.fault, UpstreamUnreachable)
        assert not ending.upstream_reached
        assert answer.field("connection") is None


async def test_the_circuit_opens_and_closes_by_itself() -> None:
    port = closed_port()
    limits = EdgeLimits(tick_seconds=0.02)
    async with (
        running_edge(
            f"http://127.0.0.1:{port}", limits, pool=PoolLimits(failures=3, rest_seconds=0.3)
        ) as edge,
        raw_client(edge.port) as client,
    ):
        for _ in range(3):
            assert (await client.ask(GET)).status == 502
            await edge.ending()
        states = [edge.upstream.circuit.state]
        assert (await client.ask(GET)).body == b"upstream-resting"
        assert isinstance((await edge.ending()).fault, UpstreamResting)
        upstream = ScriptedUpstream(answering(OK))
        server = await asyncio.start_server(upstream.serve, "127.0.0.1", port)
        assert (await client.ask(GET)).status == 503
        await asyncio.sleep(0.4)
        assert (await client.ask(GET)).status == 200
        states.append(edge.upstream.circuit.state)
        assert states == [State.OPEN, State.CLOSED]
        assert upstream.visits == 1
        server.close()


async def test_an_open_circuit_lets_one_through_to_find_out() -> None:
    async def silent(visit: Visit) -> None:
        await visit.request()
        await visit.reader.read()

    async with (
        scripted_upstream(silent) as upstream,
        running_edge(
            upstream.url,
            EdgeLimits(tick_seconds=0.02),
            pool=PoolLimits(failures=1, rest_seconds=0.3),
            first_byte_timeout=0.1,
        ) as edge,
        raw_client(edge.port) as first,
        raw_client(edge.port) as second,
    ):
        assert (await first.ask(GET)).status == 504
        await asyncio.sleep(0.4)
        first.send(GET)
        await asyncio.sleep(0.02)
        assert (await second.ask(GET)).status == 503
        assert (await first.answer()).status == 504
        assert len(upstream.arrived) == 2
        assert (await second.ask(GET)).status == 503


def test_every_cell_of_the_circuits_table() -> None:
    assert set(NEXT) == set(itertools.product(State, Event))
    circuit = Circuit(limit=2, rest=5.0)
    circuit.failed(1.0)
    circuit.succeeded(1.5)
    assert (circuit.state, circuit.failures) == (State.CLOSED, 0)
    circuit.failed(2.0)
    circuit.failed(3.0)
    assert circuit.state is State.OPEN
    circuit.failed(4.0)
    circuit.succeeded(4.0)
    assert circuit.state is State.OPEN
    assert not circuit.allows(7.9)
    assert circuit.allows(8.0)
    assert not circuit.allows(8.1)
    assert circuit.allows(13.1)
    circuit.failed(13.2)
    assert circuit.state is State.OPEN
    assert not circuit.allows(18.1)
    assert circuit.allows(18.3)
    circuit.succeeded(18.4)
    assert (circuit.state, circuit.failures) == (State.CLOSED, 0)
    assert circuit.allows(18.4)


async def test_a_unix_socket_and_a_base_path(tmp_path: Path) -> None:
    upstream = ScriptedUpstream(answering(OK))
    server = await asyncio.start_unix_server(upstream.serve, tmp_path / "s")
    async with running_edge(f"unix:{tmp_path / 's'}:/base/") as edge, raw_client(edge.port) as client:
        assert (await client.ask(GET)).status == 200
        assert upstream.arrived[0].line == b"GET /base/a HTTP/1.1"
        assert upstream.arrived[0].values("host") == ["localhost"]
    server.close()


@pytest.mark.parametrize(
    ("url", "host", "port", "base", "authority"),
    [
        ("http://127.0.0.1:9001", "127.0.0.1", 9001, b"", b"127.0.0.1:9001"),
        ("http://behov.test/a/b/", "behov.test", 80, b"/a/b", b"behov.test"),
        ("https://behov.test", "behov.test", 443, b"", b"behov.test"),
        ("http://[::1]:9001/", "::1", 9001, b"", b"[::1]:9001"),
    ],
)
def test_addresses(url: str, host: str, port: int, base: bytes, authority: bytes) -> None:
    address = Address.parse(url)
    assert (address.host, address.port, address.base, address.authority) == (host, port, base, authority)
    assert address.tls is url.startswith("https")


@pytest.mark.parametrize(
    "url", ["ftp://a", "http://", "http://u:p@a", "http://a?b", "http://a#b", "a:80", "unix:relative"]
)
def test_bad_addresses(url: str) -> None:
    with pytest.raises(ValueError, match=r"address|socket path"):
        Address.parse(url)


def test_the_clock_is_coarse_and_has_the_date_ready() -> None:
    clock = Clock()
    clock.advance(5.0, 784111777.9)
    assert clock.now == 5.0
    assert clock.date == b"Date: Sun, 06 Nov 1994 08:49:37 GMT"
