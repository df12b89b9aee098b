"""WebSocket tunnels where the route allows them; every other upgrade is stripped."""

from __future__ import annotations

import asyncio

import pytest

from gateway.edge.errors import BadUpstreamAnswer, UpstreamTimeout
from gateway.edge.limits import EdgeLimits
from tests.line_support.raw_client import raw_client
from tests.line_support.running_edge import running_edge
from tests.line_support.scripted_upstream import OK, Visit, answering, scripted_upstream

SHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: x\r\n"
    b"Sec-WebSocket-Version: 13\r\n\r\n"
)
SWITCHED = (
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Accept: y\r\n\r\n"
)


async def mirror(visit: Visit) -> None:
    """Accepts the handshake, says hello in the same breath, then sends everything back."""
    arrived = await visit.head()
    assert arrived.values("upgrade") == ["websocket"]
    assert arrived.values("connection") == ["Upgrade"]
    await visit.send(SWITCHED + b"hello")
    while data := await visit.reader.read(65536):
        await visit.send(data)


async def test_a_tunnel_carries_bytes_both_ways() -> None:
    async with (
        scripted_upstream(mirror) as upstream,
        running_edge(upstream.url, allow_upgrade=True, response_lines=b"Request-Id: r\r\n") as edge,
        raw_client(edge.port) as client,
    ):
        client.send(SHAKE + b"early")
        answer = await client.answer()
        assert answer.status == 101
        assert answer.field("upgrade") == "websocket"
        assert answer.field("sec-websocket-accept") == "y"
        assert answer.field("request-id") == "r"
        assert await client.reader.readexactly(10) == b"helloearly"
        data = bytes(range(256)) * 8192
        client.send(data)
        assert await client.reader.readexactly(len(data)) == data
        await client.close()
        ending = await edge.ending()
        assert (ending.status, ending.fault) == (101, None)
        assert ending.bytes_in == len(data) + 5
        assert ending.bytes_out == len(data) + 10
        await asyncio.wait_for(upstream.ended.wait(), 5)


async def test_the_upstream_ends_the_tunnel() -> None:
    async def brief(visit: Visit) -> None:
        await visit.head()
        await visit.send(SWITCHED + b"bye")

    async with (
        scripted_upstream(brief) as upstream,
        running_edge(upstream.url, allow_upgrade=True) as edge,
        raw_client(edge.port) as client,
    ):
        client.send(SHAKE)
        assert (await client.answer()).status == 101
        assert await client.rest() == b"bye"
        assert (await edge.ending()).fault is None


async def test_a_silent_tunnel_is_closed() -> None:
    async with (
        scripted_upstream(mirror) as upstream,
        running_edge(
            upstream.url, EdgeLimits(tick_seconds=0.02), allow_upgrade=True, idle_timeout=0.3
        ) as edge,
        raw_client(edge.port) as client,
    ):
        client.send(SHAKE)
        assert (await client.answer()).status == 101
        assert await client.rest() == b"hello"
        assert isinstance((await edge.ending()).fault, UpstreamTimeout)


@pytest.mark.parametrize(
    "fields",
    [
        b"Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
        b"Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n",
        b"Upgrade: websocket\r\n",
        b"Connection: Upgrade\r\n",
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n",
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n",
    ],
)
async def test_other_upgrades_are_stripped(fields: bytes) -> None:
    async with (
        scripted_upstream(answering(OK)) as upstream,
        running_edge(upstream.url, allow_upgrade=True) as edge,
        raw_client(edge.port) as client,
    ):
        answer = await client.ask(b"GET /ws HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\nx")
        assert answer.status == 200
        names = [name for name, _ in upstream.arrived[0].fields]
        assert not {"upgrade", "connection", "http2-settings"} & set(names)


async def test_a_route_without_tunnels_strips_websocket_too() -> None:
    async with (
        scripted_upstream(answering(OK)) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        assert (await client.ask(SHAKE)).status == 200
        assert upstream.arrived[0].values("upgrade") == []


@pytest.mark.parametrize("allowed", [True, False])
@pytest.mark.parametrize("head", [SHAKE, b"GET /ws HTTP/1.1\r\nHost: a\r\n\r\n"])
async def test_a_101_that_nobody_asked_for_is_a_bad_answer(allowed: bool, head: bytes) -> None:
    other = SWITCHED.replace(b"websocket", b"h2c") if allowed and head == SHAKE else SWITCHED
    async with (
        scripted_upstream(answering(other)) as upstream,
        running_edge(upstream.url, allow_upgrade=allowed) as edge,
        raw_client(edge.port) as client,
    ):
        assert (await client.ask(head)).status == 502
        assert isinstance((await edge.ending()).fault, BadUpstreamAnswer)
        assert edge.upstream.open_connections == 0
