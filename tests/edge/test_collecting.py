"""A body that the line wants whole before it decides: gathered, bounded, sent on with the head."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from gateway.edge.errors import (
    BodyTooLarge,
    ClientGone,
    EdgeFault,
    RequestBodyMalformed,
    SlowClient,
    TooManyBodies,
)
from gateway.edge.exchange import Exchange
from gateway.edge.limits import EdgeLimits
from tests.line_support.raw_client import raw_client
from tests.line_support.running_edge import TestEdge, render, running_edge
from tests.line_support.scripted_upstream import echo, scripted_upstream

CHUNKED = b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


def post(body: bytes, length: int | None = None, fields: bytes = b"") -> bytes:
    return b"POST /a HTTP/1.1\r\nHost: a\r\n%bContent-Length: %d\r\n\r\n%b" % (
        fields,
        len(body) if length is None else length,
        body,
    )


@dataclass
class Collector:
    """A line that collects every body, then forwards; ``reply_at`` says which faults it answers itself."""

    edge: TestEdge
    limit: int = 100
    insist: bool = True
    found: list[bytes | EdgeFault] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.edge.line = self.take

    def take(self, exchange: Exchange) -> None:
        def done(result: bytes | EdgeFault) -> None:
            self.found.append(result)
            self.news.set()
            if isinstance(result, bytes) or (
                not self.insist and isinstance(result, BodyTooLarge | TooManyBodies)
            ):
                self.edge.forward(exchange)
            else:
                exchange.reply(*render(result))

        exchange.collect(self.limit, done)

    async def next(self) -> bytes | EdgeFault:
        while not self.found:
            self.news.clear()
            await asyncio.wait_for(self.news.wait(), 10)
        return self.found.pop(0)


@pytest.mark.parametrize(
    ("pieces", "body"),
    [
        ([b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"], b""),
        ([post(b"")], b""),
        ([post(b"hello")], b"hello"),
        ([post(b"he", 5), b"l", b"lo"], b"hello"),
        ([CHUNKED + b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"], b"hello"),
        ([CHUNKED, b"2\r", b"\nhe\r\n3\r\nl", b"lo\r\n0\r\nX-T: 1\r\n", b"\r\n"], b"hello"),
    ],
)
async def test_a_body_is_whole_before_the_upstream_hears_of_it(pieces: list[bytes], body: bytes) -> None:
    async with (
        scripted_upstream(echo) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        collector = Collector(edge)
        for number in range(2):  # and the connection goes on as if nothing had been held
            for piece in pieces:
                assert len(upstream.arrived) == number
                client.send(piece)
                await client.drain()
                await asyncio.sleep(0)
            assert (await client.answer()).body == body
            assert await collector.next() == body
            ending = await edge.ending()
            assert (ending.bytes_in, ending.bytes_out, ending.fault) == (len(body), len(body), None)
        assert upstream.arrived[0].complete
        assert edge.server.collected.bytes == 0


async def test_pipelined_requests_keep_their_order_behind_a_collected_body() -> None:
    """H5: what follows a body in the same segment is the next request, answered after it."""
    async with (
        scripted_upstream(echo) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        Collector(edge)
        client.send(post(b"one") + CHUNKED + b"3\r\ntwo\r\n0\r\n\r\n" + post(b"thr", 5))
        assert (await client.answer()).body == b"one"
        assert (await client.answer()).body == b"two"
        client.send(b"ee" + post(b"four"))
        assert (await client.answer()).body == b"three"
        assert (await client.answer()).body == b"four"


@pytest.mark.parametrize(
    ("sent", "keep"),
    [
        (post(b"x" * 101), True),  # short enough to be thrown away
        (post(b"", 10**9), False),
        (CHUNKED + b"65\r\n" + b"x" * 101 + b"\r\n", False),
        (post(b"", 101, b"Expect: 100-continue\r\n"), False),
    ],
)
async def test_a_body_above_the_limit_is_refused(sent: bytes, keep: bool) -> None:
    async with (
        scripted_upstream(echo) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        collector = Collector(edge)
        answer = await client.ask(sent)
        assert (answer.status, answer.field("connection")) == (413, None if keep else "close")
        assert isinstance(await collector.next(), BodyTooLarge)
        assert keep or await client.ended()
        assert (upstream.visits, edge.server.collected.bytes) == (0, 0)


@pytest.mark.parametrize("declared", [True, False])
async def test_the_line_may_pass_a_body_on_that_is_too_large_to_hold(declared: bool) -> None:
    """What was held goes first and the rest streams; the client is told to go on once."""
    async with (
        scripted_upstream(echo) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        Collector(edge, insist=False)
        if declared:
            client.send(post(b"x" * 60, 150))
            client.send(b"y" * 90)
        else:
            client.send(CHUNKED.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
            assert (await client.answer()).status == 100
            client.send(b"3c\r\n" + b"x" * 60 + b"\r\n")
            await client.drain()
            client.send(b"3c\r\n" + b"y" * 60 + b"\r\n")
            await asyncio.wait_for(upstream.news.wait(), 10)
            client.send(b"1e\r\n" + b"y" * 30 + b"\r\n0\r\n\r\n")
        answer = await client.answer()
        assert (answer.status, answer.body) == (200, b"x" * 60 + b"y" * 90)
        assert (await edge.ending()).bytes_in == 150
        assert (await client.ask(post(b"next"))).body == b"next"


async def test_a_client_that_waits_is_told_to_send() -> None:
    """Expect: 100-continue: the body is wanted, so it is asked for, once, before any upstream is."""
    async with (
        scripted_upstream(echo) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        Collector(edge)
        assert (await client.ask(post(b"", 5, b"Expect: 100-continue\r\n"))).status == 100
        assert upstream.visits == 0
        client.send(b"hello")
        answer = await client.answer()
        assert (answer.status, answer.body) == (200, b"hello")


@pytest.mark.parametrize("first", [b"", b"2\r\nhi\r\n"])
async def test_a_malformed_body_is_400_and_the_end(first: bytes) -> None:
    async with (
        scripted_upstream(echo) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        collector = Collector(edge)
        client.send(CHUNKED + first)
        await client.drain()
        answer = await client.ask(b"g\r\n")
        assert (answer.status, answer.field("connection")) == (400, "close")
        assert isinstance(await collector.next(), RequestBodyMalformed)
        assert await client.ended()
        assert (upstream.visits, edge.server.collected.bytes) == (0, 0)


@pytest.mark.parametrize("reset", [True, False])
async def test_the_line_hears_of_a_client_that_left(reset: bool) -> None:
    async with running_edge() as edge, raw_client(edge.port) as client:
        collector = Collector(edge)
        client.send(post(b"", 5, b"Expect: 100-continue\r\n"))
        assert (await client.answer()).status == 100
        client.send(b"he")
        await client.drain()
        if reset:
            client.reset()
        else:
            client.half_close()
        assert isinstance(await collector.next(), ClientGone)
        assert edge.server.collected.bytes == 0


async def test_a_collected_body_must_keep_its_rate() -> None:
    limits = EdgeLimits(body_grace_seconds=0.3, body_rate=1000, tick_seconds=0.02)
    async with running_edge(limits=limits) as edge, raw_client(edge.port) as client:
        collector = Collector(edge)
        answer = await client.ask(post(b"he", 50))
        assert (answer.status, answer.field("connection")) == (408, "close")
        assert isinstance(await collector.next(), SlowClient)


async def test_the_process_bounds_all_held_bodies_together() -> None:
    """A share of memory for all callers: what does not fit is refused, and the rest still gets through."""
    async with (
        scripted_upstream(echo) as upstream,
        running_edge(upstream.url, EdgeLimits(collected=100)) as edge,
        raw_client(edge.port) as first,
        raw_client(edge.port) as second,
    ):
        collector = Collector(edge)
        first.send(post(b"", 90, b"Expect: 100-continue\r\n"))
        assert (await first.answer()).status == 100
        first.send(b"x" * 80)
        while edge.server.collected.bytes < 80:
            await asyncio.sleep(0)
        answer = await second.ask(post(b"y" * 30, 60))
        assert (answer.status, answer.body) == (503, b"too-many-bodies")
        assert isinstance(await collector.next(), TooManyBodies)
        first.send(b"x" * 10)
        assert (await first.answer()).body == b"x" * 90
        assert edge.server.collected.bytes == 0


async def test_a_line_that_raises_on_a_body_answers_500(caplog: pytest.LogCaptureFixture) -> None:
    async with running_edge() as edge, raw_client(edge.port) as client:

        def line(exchange: Exchange) -> None:
            def done(result: bytes | EdgeFault) -> None:
                raise RuntimeError("broken")

            exchange.collect(100, done)

        edge.line = line
        client.send(post(b"he", 5))
        await client.drain()
        answer = await client.ask(b"llo")
        assert (answer.status, answer.body) == (500, b"internal-fault")
        assert await client.ended()
        assert "the line failed" in caplog.text
