"""Keep-alive, pipelining, and the end of connections."""

from __future__ import annotations

import asyncio

import pytest

from gateway.edge.exchange import Exchange
from gateway.edge.limits import EdgeLimits
from tests.line_support.raw_client import raw_client
from tests.line_support.running_edge import running_edge
from tests.line_support.scripted_upstream import OK, Visit, answering, echo, scripted_upstream

GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"


async def test_one_connection_serves_many_requests_and_so_does_the_upstreams() -> None:
    async with (
        scripted_upstream(echo) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        for number in range(20):
            body = b"x" * number
            answer = await client.ask(
                b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (number, body)
            )
            assert answer.body == body
        assert upstream.visits == 1
        assert edge.server.connections_total == 1
        assert edge.server.requests == 20


async def test_pipelined_requests_are_answered_in_order_each_on_its_own() -> None:
    """Slow and fast, local and relayed, with and without bodies, all sent at once."""

    async def slow_first(visit: Visit) -> None:
        while True:
            arrived = await visit.request()
            if arrived.line.startswith(b"GET /0"):
                await asyncio.sleep(0.1)
            name = arrived.line.split(b" ")[1] + arrived.body
            await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(name), name))

    async with (
        scripted_upstream(slow_first) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):

        def line(exchange: Exchange) -> None:
            if exchange.request.path.startswith("/local"):
                exchange.reply(403, [], exchange.request.path.encode())
            else:
                edge.forward(exchange)

        edge.line = line
        stream = b""
        for number in range(30):
            stream += b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number
            stream += b"GET /local%d HTTP/1.1\r\nHost: a\r\n\r\n" % number
            stream += b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n%02d" % number
            stream += (
                b"POST /q HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n%02d\r\n0\r\n\r\n"
                % number
            )
        client.send(stream)
        for number in range(30):
            assert (await client.answer()).body == b"/%d" % number
            refused = await client.answer()
            assert (refused.status, refused.body) == (403, b"/local%d" % number)
            assert (await client.answer()).body == b"/p%02d" % number
            assert (await client.answer()).body == b"/q%02d" % number
        assert edge.server.requests == 120
        assert len(upstream.arrived) == 90


async def test_the_connection_waits_while_a_decision_is_pending() -> None:
    async with running_edge() as edge, raw_client(edge.port) as client:
        waiting: list[Exchange] = []
        begun = asyncio.Event()

        def later(exchange: Exchange) -> None:
            waiting.append(exchange)
            begun.set()

        edge.line = later
        client.send(GET + GET)
        await begun.wait()
        await asyncio.sleep(0.05)
        assert len(waiting) == 1
        begun.clear()
        waiting[0].reply(200, [], b"first")
        await begun.wait()
        assert len(waiting) == 2
        waiting[1].reply(200, [], b"second")
        assert (await client.answer()).body == b"first"
        assert (await client.answer()).body == b"second"


async def test_what_a_client_sends_ahead_is_bounded() -> None:
    async with (
        running_edge(limits=EdgeLimits(held=4096)) as edge,
        raw_client(edge.port) as client,
    ):
        waiting: list[Exchange] = []
        begun = asyncio.Event()

        def later(exchange: Exchange) -> None:
            waiting.append(exchange)
            begun.set()

        edge.line = later
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n" + b"x" * 20_000_000)
        await begun.wait()
        await asyncio.sleep(0.2)
        connection = waiting[0]._client
        assert len(connection._buffer) < 1024 * 1024
        assert not connection.transport.is_reading()
        waiting[0].reply(413, [], b"")
        assert (await client.answer()).status == 413


@pytest.mark.parametrize(
    "head",
    [
        b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, CLOSE\r\n\r\n",
        b"GET /a HTTP/1.0\r\nHost: a\r\n\r\n",
        b"GET /a HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
    ],
)
async def test_the_last_answer_says_so_and_ends(head: bytes) -> None:
    async with (
        scripted_upstream(answering(OK)) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        client.send(head + GET)
        answer = await client.answer()
        assert answer.field("connection") == "close"
        assert answer.body == b"ok"
        assert await client.ended()
        assert len(upstream.arrived) == 1


async def test_a_short_body_that_nobody_reads_is_discarded_and_the_connection_kept() -> None:
    async with running_edge() as edge, raw_client(edge.port) as client:
        edge.line = lambda exchange: exchange.reply(401, [], b"no")
        for stream in (
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        ):
            answer = await client.ask(stream)
            assert (answer.status, answer.field("connection")) == (401, None)
        answer = await client.ask(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
        assert (answer.status, answer.field("connection")) == (401, None)
        answer = await client.ask(b"hello" + GET)
        assert answer.status == 401
        assert len(edge.requests) == 4


async def test_a_long_body_that_nobody_reads_ends_the_connection() -> None:
    async with running_edge() as edge, raw_client(edge.port) as client:
        edge.line = lambda exchange: exchange.reply(401, [], b"no")
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n" + b"x" * 5_000_000)
        answer = await client.answer()
        assert (answer.status, answer.field("connection"), answer.body) == (401, "close", b"no")
        assert await client.ended()
        assert len(edge.requests) == 1


async def test_too_many_connections_are_told_so() -> None:
    async with running_edge(limits=EdgeLimits(connections=2)) as edge:
        edge.line = lambda exchange: exchange.reply(200, [], b"")
        async with raw_client(edge.port) as first, raw_client(edge.port) as second:
            assert (await first.ask(GET)).status == 200
            assert (await second.ask(GET)).status == 200
            async with raw_client(edge.port) as third:
                answer = await third.answer()
                assert (answer.status, answer.body) == (503, b"too-many-connections")
                assert await third.ended()
            assert (await first.ask(GET)).status == 200


async def test_a_client_that_never_reads_does_not_grow_the_process() -> None:
    """Pipelined requests stop being answered when their answers pile up."""
    async with running_edge() as edge, raw_client(edge.port, receive_buffer=4096) as client:
        edge.line = lambda exchange: exchange.reply(200, [], b"x" * 50_000)
        client.send(GET * 5000)
        for _ in range(20):
            await asyncio.sleep(0.02)
            for connection in edge.clients:
                assert connection.transport.get_write_buffer_size() < 1024 * 1024
                assert len(connection._buffer) < 1024 * 1024
        answered = edge.server.requests
        assert answered < 200
        for _ in range(30):  # nor one by one, as each arrives by itself
            client.send(GET)
            await asyncio.sleep(0.005)
        assert edge.server.requests <= answered + 1


async def test_requests_one_by_one_wait_for_the_answers_before_them_to_be_read() -> None:
    async with running_edge() as edge, raw_client(edge.port, receive_buffer=4096) as client:
        edge.line = lambda exchange: exchange.reply(200, [], b"x" * 8_000_000)
        client.send(GET)
        while edge.server.requests == 0:
            await asyncio.sleep(0.01)
        for _ in range(20):
            client.send(GET)
            await asyncio.sleep(0.005)
        assert edge.server.requests == 1


async def test_pipelined_answers_all_arrive_at_a_slow_reader() -> None:
    async with running_edge() as edge, raw_client(edge.port, receive_buffer=65536) as client:
        edge.line = lambda exchange: exchange.reply(200, [], b"x" * 50_000)
        client.send(GET * 40)
        for _ in range(40):
            assert (await client.answer()).body == b"x" * 50_000
