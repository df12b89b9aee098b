"""Slow clients and slow upstreams. The limits are short here; the shape of the rules is the same."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

import pytest

from gateway.edge.errors import SlowClient, UpstreamTimeout
from gateway.edge.limits import EdgeLimits
from tests.line_support.raw_client import RawClient, raw_client
from tests.line_support.running_edge import running_edge
from tests.line_support.scripted_upstream import OK, Visit, answering, echo, scripted_upstream

SHORT = EdgeLimits(
    head_seconds=0.3,
    idle_seconds=0.3,
    body_grace_seconds=0.3,
    body_rate=100,
    stall_seconds=0.3,
    linger_seconds=0.3,
    tick_seconds=0.02,
)
GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"


async def trickle(client: RawClient, data: bytes, pause: float) -> None:
    for octet in data:
        client.send(bytes([octet]))
        await asyncio.sleep(pause)


async def test_a_head_must_be_whole_in_time_however_steadily_it_comes() -> None:
    async with running_edge(limits=SHORT) as edge, raw_client(edge.port) as client:
        began = time.monotonic()
        slow = asyncio.create_task(trickle(client, GET + b"x" * 100, 0.03))
        answer = await client.answer()
        assert answer.status == 408
        assert 0.3 <= time.monotonic() - began < 2.5
        assert await client.ended()
        slow.cancel()
        assert edge.requests == []


async def test_a_later_head_too() -> None:
    async with running_edge(limits=SHORT) as edge, raw_client(edge.port) as client:
        edge.line = lambda exchange: exchange.reply(200, [], b"")
        assert (await client.ask(GET)).status == 200
        client.send(GET[:10])
        assert (await client.answer()).status == 408
        assert await client.ended()


async def test_a_silent_connection_is_closed_without_a_word() -> None:
    async with running_edge(limits=SHORT) as edge:
        edge.line = lambda exchange: exchange.reply(200, [], b"")
        async with raw_client(edge.port) as client:
            assert await client.ended()
        async with raw_client(edge.port) as client:
            assert (await client.ask(GET)).status == 200
            assert await client.ended()
        assert edge.server.open_connections == 0


async def test_a_body_must_keep_its_rate() -> None:
    async with (
        scripted_upstream(echo) as upstream,
        running_edge(upstream.url, SHORT) as edge,
        raw_client(edge.port) as client,
    ):
        client.send(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
        slow = asyncio.create_task(trickle(client, b"x" * 100, 0.05))
        answer = await client.answer()
        assert (answer.status, answer.field("connection")) == (408, "close")
        assert await client.ended()
        slow.cancel()
        assert isinstance((await edge.ending()).fault, SlowClient)
        await asyncio.wait_for(upstream.ended.wait(), 5)
        assert not upstream.arrived[0].complete


async def test_a_body_that_keeps_its_rate_may_take_long() -> None:
    async with (
        scripted_upstream(echo) as upstream,
        running_edge(upstream.url, SHORT, first_byte_timeout=0.3) as edge,
        raw_client(edge.port) as client,
    ):
        client.send(b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 200\r\n\r\n")
        for _ in range(20):
            client.send(b"x" * 10)
            await asyncio.sleep(0.05)
        assert (await client.answer()).status == 200


async def test_a_client_that_stops_reading_is_cut() -> None:
    async def endless(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await visit.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")

    async with (
        scripted_upstream(endless) as upstream,
        running_edge(upstream.url, SHORT) as edge,
        raw_client(edge.port, receive_buffer=4096) as client,
    ):
        client.send(GET)
        await asyncio.wait_for(upstream.ended.wait(), 5)
        ending = await edge.ending()
        assert ending.fault is not None
        assert ending.answered


async def test_a_slow_reader_of_the_last_answer_gets_all_of_it() -> None:
    """The time for lingering counts from the last byte sent, not from the answer."""
    async with running_edge(limits=SHORT) as edge, raw_client(edge.port, receive_buffer=4096) as client:
        body = b"x" * 4_000_000
        edge.line = lambda exchange: exchange.reply(200, [], body, close=True)
        client.send(GET)
        received = 0
        began = time.monotonic()
        while time.monotonic() - began < 1.5:
            received += len(await client.reader.read(65536))
            await asyncio.sleep(0.02)
        while piece := await client.reader.read(65536):
            received += len(piece)
        assert received > len(body)


@pytest.mark.parametrize("limit", ["first_byte", "idle", "total"])
async def test_a_slow_upstream(limit: str) -> None:
    async def slow(visit: Visit) -> None:
        await visit.request()
        if limit == "first_byte":
            await visit.reader.read()
        await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nx")
        while limit == "total":
            await visit.send(b"x")
            await asyncio.sleep(0.05)
        await visit.reader.read()

    async with (
        scripted_upstream(slow) as upstream,
        running_edge(
            upstream.url,
            EdgeLimits(tick_seconds=0.02),
            first_byte_timeout=0.3 if limit == "first_byte" else 9.0,
            idle_timeout=0.3 if limit == "idle" else 9.0,
            total_timeout=0.3 if limit == "total" else 9.0,
        ) as edge,
        raw_client(edge.port) as client,
    ):
        began = time.monotonic()
        answer = await client.ask(GET)
        assert 0.3 <= time.monotonic() - began < 2.5
        ending = await edge.ending()
        assert isinstance(ending.fault, UpstreamTimeout)
        if limit == "first_byte":
            assert answer.status == 504
        else:
            assert (answer.status, answer.whole) == (200, False)
            assert await client.ended()
        await asyncio.wait_for(upstream.ended.wait(), 5)


async def test_a_queue_in_front_of_the_pool_has_its_deadline() -> None:
    """F6: who waits for others to end gets 503 in time, and the circuit takes no notice; who waits for an answer 504.

    A listener that never accepts: the connection is made by the kernel, so the first byte decides.
    """

    async def silent(visit: Visit) -> None:
        await visit.reader.read()

    from gateway.proxy.pool import PoolLimits

    async with (
        scripted_upstream(silent) as upstream,
        running_edge(
            upstream.url,
            EdgeLimits(tick_seconds=0.02),
            pool=PoolLimits(connections=1, waiting=1),
            connect_timeout=0.3,
            first_byte_timeout=1.0,
        ) as edge,
        raw_client(edge.port) as first,
        raw_client(edge.port) as second,
        raw_client(edge.port) as third,
    ):
        first.send(GET)
        await asyncio.sleep(0.1)
        second.send(GET)
        await asyncio.sleep(0.1)
        refused = await third.ask(GET)
        assert (refused.status, refused.body) == (503, b"upstream-busy")
        waited = await second.answer()
        assert (waited.status, waited.body) == (503, b"upstream-busy")
        assert edge.upstream.waiting_callers == 0
        assert edge.upstream.circuit.failures == 0
        assert (await first.answer()).status == 504


async def durations(client: RawClient, count: int) -> list[float]:
    """Sorted, in seconds."""
    taken = []
    for _ in range(count):
        began = time.perf_counter()
        assert (await client.ask(GET)).status == 200
        taken.append(time.perf_counter() - began)
    return sorted(taken)


async def test_slow_connections_do_not_disturb_others() -> None:
    """H35: with 500 connections held in the middle of a head, median and p99 stay below twice what they were.

    Best of several tries on either side: what a busy machine adds is none of the edge's.
    """
    async with (
        scripted_upstream(answering(OK)) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
        AsyncExitStack() as stack,
    ):
        await durations(client, 100)
        alone = [await durations(client, 200) for _ in range(4)]
        for number in range(500):
            _, writer = await asyncio.open_connection("127.0.0.1", edge.port)
            writer.write(GET[: 10 + number % 20])
            stack.callback(writer.close)
        held = [await durations(client, 200) for _ in range(6)]
        assert edge.server.open_connections == 501
        for rank in (100, 197):
            least = max(min(each[rank] for each in alone), 0.002)
            assert min(each[rank] for each in held) < 2 * least
