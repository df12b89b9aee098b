"""Bodies on their way: streamed, counted, cut; backpressure in both directions."""

from __future__ import annotations

import asyncio

import pytest

from gateway.edge.errors import BodyTooLarge, ClientGone, RequestBodyMalformed, UpstreamUnreachable
from tests.line_support.raw_client import raw_client
from tests.line_support.running_edge import TestEdge, running_edge
from tests.line_support.scripted_upstream import OK, Visit, echo, scripted_upstream

CHUNKED = b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
MEBIBYTE = 1024 * 1024


def buffered(edge: TestEdge) -> int:
    """Every byte the edge holds for its clients and its upstream."""
    clients = edge.clients
    upstreams = list(edge.upstream._open)
    return (
        sum(each.transport.get_write_buffer_size() + len(each._buffer) for each in clients)
        + sum(each.transport.get_write_buffer_size() + len(each._buffer) for each in upstreams)
    )  # fmt: skip


async def test_a_body_streams_as_it_comes() -> None:
    """The upstream sees the first part before the client sends the second."""
    seen = asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.head()
        assert await visit.reader.readexactly(5) == b"first"
        seen.set()
        assert await visit.reader.readexactly(6) == b"second"
        await visit.send(OK)

    async with (
        scripted_upstream(script) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        client.send(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nfirst")
        await asyncio.wait_for(seen.wait(), 5)
        client.send(b"second")
        assert (await client.answer()).status == 200
        ending = await edge.ending()
        assert (ending.bytes_in, ending.bytes_out, ending.fault) == (11, 2, None)


@pytest.mark.parametrize("size", [0, 1, 65536, 300_000, 3_000_000])
async def test_bodies_of_all_sizes_come_back_whole(size: int) -> None:
    body = bytes(number % 251 for number in range(1000)) * (size // 1000) + b"x" * (size % 1000)
    async with (
        scripted_upstream(echo) as upstream,
        running_edge(upstream.url, body_limit=10 * MEBIBYTE) as edge,
        raw_client(edge.port) as client,
    ):
        client.send(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (size, body))
        assert (await client.answer()).body == body
        chunks = b"".join(
            b"%x\r\n%b\r\n" % (len(part), part)
            for at in range(0, size, 7000)
            if (part := body[at : at + 7000])
        )
        client.send(CHUNKED + chunks + b"0\r\n\r\n")
        assert (await client.answer()).body == body
        assert upstream.visits == 1


async def test_a_declared_body_above_the_limit_never_starts() -> None:
    async with (
        scripted_upstream(echo) as upstream,
        running_edge(upstream.url, body_limit=10) as edge,
        raw_client(edge.port) as client,
    ):
        answer = await client.ask(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello worl")
        assert (answer.status, answer.field("connection")) == (413, "close")
        assert await client.ended()
        ending = await edge.ending()
        assert isinstance(ending.fault, BodyTooLarge)
        assert (ending.upstream_reached, ending.answered, ending.status) == (False, False, 0)
        assert upstream.visits == 0


async def test_a_body_without_length_is_counted_while_it_streams() -> None:
    async with (
        scripted_upstream(echo) as upstream,
        running_edge(upstream.url, body_limit=100) as edge,
        raw_client(edge.port) as client,
    ):
        client.send(CHUNKED + b"32\r\n" + b"x" * 50 + b"\r\n")
        await asyncio.wait_for(upstream.news.wait(), 5)
        client.send(b"33\r\n" + b"x" * 51 + b"\r\n0\r\n\r\n")
        answer = await client.answer()
        assert (answer.status, answer.field("connection")) == (413, "close")
        assert await client.ended()
        await asyncio.wait_for(upstream.ended.wait(), 5)
        assert not upstream.arrived[0].complete
        ending = await edge.ending()
        assert isinstance(ending.fault, BodyTooLarge)
        assert ending.upstream_reached


@pytest.mark.parametrize(
    "bad",
    [
        b"g\r\n", b"5 \r\nhello\r\n", b"5\r\nhelloXX", b"5\nhello\n", b"-5\r\n", b"0x5\r\n", b"ffffffffffffffffff\r\n",
        b"5;a=\x00\r\n", b"0\r\nX A: b\r\n\r\n", b"0\r\nX-A: b\n\n", b"0\n\n", b"5\r\nhello\r\r\n", b"\r\n",
    ],
)  # fmt: skip
@pytest.mark.parametrize("first", [b"", b"2\r\nhi\r\n"])
async def test_a_malformed_body_never_completes_upstream(bad: bytes, first: bytes) -> None:
    async with (
        scripted_upstream(echo) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        if first:
            client.send(CHUNKED + first)
            await asyncio.wait_for(upstream.news.wait(), 5)
            client.send(bad)
        else:
            client.send(CHUNKED + bad)
        client.send(b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = await client.answer()
        assert (answer.status, answer.field("connection")) == (400, "close")
        assert await client.ended()
        assert isinstance((await edge.ending()).fault, RequestBodyMalformed)
        assert not any(arrived.complete for arrived in upstream.arrived)
        assert len(edge.requests) == 1


@pytest.mark.parametrize("reset", [False, True])
async def test_a_client_that_leaves_in_its_body_leaves_no_whole_request(reset: bool) -> None:
    async with (
        scripted_upstream(echo) as upstream,
        running_edge(upstream.url) as edge,
    ):
        for stream in (
            CHUNKED + b"5\r\nhello\r\n",
            b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhello",
        ):
            upstream.news.clear()
            upstream.ended.clear()
            async with raw_client(edge.port) as client:
                client.send(stream)
                await asyncio.wait_for(upstream.news.wait(), 5)
                if reset:
                    client.reset()
            await asyncio.wait_for(upstream.ended.wait(), 5)
            ending = await edge.ending()
            assert isinstance(ending.fault, ClientGone)
            assert (ending.answered, ending.upstream_reached) == (False, True)
        assert [arrived.complete for arrived in upstream.arrived] == [False, False]


async def test_a_client_that_leaves_while_the_upstream_works() -> None:
    async def silent(visit: Visit) -> None:
        await visit.request()
        await visit.reader.read()

    async with scripted_upstream(silent) as upstream, running_edge(upstream.url) as edge:
        async with raw_client(edge.port) as client:
            client.send(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
            await asyncio.wait_for(upstream.news.wait(), 5)
        ending = await edge.ending()
        assert isinstance(ending.fault, ClientGone)
        await asyncio.wait_for(upstream.ended.wait(), 5)
        assert edge.server.open_connections == 0


async def test_a_client_that_leaves_before_the_decision() -> None:
    async with running_edge() as edge:
        began = asyncio.Event()
        edge.line = lambda exchange: began.set()
        async with raw_client(edge.port) as client:
            client.send(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
            await began.wait()
            exchange = edge.clients[0].exchange
            assert exchange is not None
        while edge.server.open_connections:
            await asyncio.sleep(0.01)
        assert exchange.gone
        edge.forward(exchange)
        ending = await edge.ending()
        assert isinstance(ending.fault, ClientGone)
        assert not ending.upstream_reached


async def test_an_early_answer_reaches_a_client_that_still_sends() -> None:
    async def refusing(visit: Visit) -> None:
        await visit.head()
        await visit.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig")
        await visit.reader.read()

    async with (
        scripted_upstream(refusing) as upstream,
        running_edge(upstream.url, body_limit=100 * MEBIBYTE) as edge,
        raw_client(edge.port) as client,
    ):
        client.send(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 8000000\r\n\r\n" + b"x" * 7_000_000)
        answer = await client.answer()
        assert (answer.status, answer.body, answer.field("connection")) == (413, b"big", "close")
        assert await client.ended()
        await asyncio.wait_for(upstream.ended.wait(), 5)
        assert (await edge.ending()).fault is None
        assert edge.upstream.open_connections == 0


async def test_an_upstream_that_leaves_in_the_body() -> None:
    async def leaving(visit: Visit) -> None:
        await visit.head()

    async with (
        scripted_upstream(leaving) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        answer = await client.ask(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe")
        assert answer.status == 502
        assert isinstance((await edge.ending()).fault, UpstreamUnreachable)


async def test_memory_is_bounded_when_the_upstream_does_not_read() -> None:
    release = asyncio.Event()

    async def slow(visit: Visit) -> None:
        arrived = await visit.head()
        await release.wait()
        await visit.body(arrived)
        await visit.send(OK)

    async with (
        scripted_upstream(slow) as upstream,
        running_edge(upstream.url, body_limit=100 * MEBIBYTE) as edge,
        raw_client(edge.port) as client,
    ):
        size = 20 * MEBIBYTE
        client.send(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)
        most = 0
        for _ in range(30):
            await asyncio.sleep(0.01)
            most = max(most, buffered(edge))
        assert 0 < most <= MEBIBYTE
        release.set()
        assert (await client.answer()).status == 200
        assert len(upstream.arrived[0].body) == size


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
async def test_memory_is_bounded_when_the_client_does_not_read(framing: str) -> None:
    size = 20 * MEBIBYTE

    async def generous(visit: Visit) -> None:
        await visit.request()
        if framing == "length":
            await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        elif framing == "chunked":
            await visit.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        else:
            await visit.send(b"HTTP/1.1 200 OK\r\n\r\n")
        piece = b"x" * 65536
        for _ in range(size // len(piece)):
            await visit.send(piece if framing != "chunked" else b"10000\r\n" + piece + b"\r\n")
        if framing == "chunked":
            await visit.send(b"0\r\n\r\n")

    async with (
        scripted_upstream(generous) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port, receive_buffer=65536) as client,
    ):
        client.send(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
        most = 0
        for _ in range(30):
            await asyncio.sleep(0.01)
            most = max(most, buffered(edge))
        assert 0 < most <= MEBIBYTE
        answer = await asyncio.wait_for(client._answer("GET"), 30)
        assert answer.whole
        assert len(answer.body) == size
        assert (await edge.ending()).bytes_out == size
