"""Streams of events and long polling: nothing is gathered, nobody waits for the wrong side, ends are honest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import pytest

from gateway.edge.errors import ClientGone, UpstreamBusy, UpstreamTimeout
from gateway.edge.limits import EdgeLimits
from gateway.proxy.pool import PoolLimits
from gateway.tunnels.errors import AccessEnded
from tests.line_support.raw_client import PATIENCE, RawClient, raw_client
from tests.line_support.running_edge import TestEdge, running_edge
from tests.line_support.scripted_upstream import OK, Visit, scripted_upstream

QUICK = EdgeLimits(tick_seconds=0.02)
ASK = b"GET /stream HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\nLast-Event-ID: 41\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@pytest.mark.parametrize("head", [CHUNKED, UNTIL_CLOSE])
@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
async def test_events_arrive_one_by_one(head: bytes, version: bytes) -> None:
    """The next event is not sent before the one before it has been seen: any gathering would stop both for ever."""
    seen = asyncio.Event()

    async def events(visit: Visit) -> None:
        arrived = await visit.request()
        assert arrived.values("last-event-id") == ["41"]
        await visit.send(head)
        for number in range(5):
            event = b"id: %d\ndata: x\n\n" % number
            await visit.send(chunk(event) if head is CHUNKED else event)
            await asyncio.wait_for(seen.wait(), PATIENCE)
            seen.clear()
        if head is CHUNKED:
            await visit.send(b"0\r\n\r\n")

    async with (
        scripted_upstream(events) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        client.send(ASK.replace(b"HTTP/1.1", b"HTTP/" + version))
        whole = await client.reader.readuntil(b"\r\n\r\n")
        assert whole.startswith(b"HTTP/1.1 200 OK")
        for number in range(5):
            await asyncio.wait_for(client.reader.readuntil(b"id: %d\ndata: x\n\n" % number), PATIENCE)
            seen.set()
        rest = await client.rest() if version == b"1.0" else await client.reader.readuntil(b"0\r\n\r\n")
        assert rest.endswith(b"" if version == b"1.0" else b"0\r\n\r\n")
        assert (await edge.ending()).fault is None


async def test_a_client_that_leaves_a_stream_frees_the_upstream_at_once() -> None:
    async def endless(visit: Visit) -> None:
        await visit.request()
        await visit.send(CHUNKED + chunk(b"data: 1\n\n"))
        await visit.reader.read()  # nothing more until the gateway leaves

    async with scripted_upstream(endless) as upstream, running_edge(upstream.url) as edge:
        async with raw_client(edge.port) as client:
            client.send(ASK)
            await client.reader.readuntil(b"data: 1\n\n")
        await asyncio.wait_for(upstream.ended.wait(), PATIENCE)
        assert isinstance((await edge.ending()).fault, ClientGone)


async def test_heartbeats_keep_a_stream_open_and_silence_cuts_it() -> None:
    """A comment line now and then is enough; a stream that falls silent is cut without a clean end."""

    async def beats(visit: Visit) -> None:
        await visit.request()
        await visit.send(CHUNKED)
        for _ in range(12):
            await visit.send(chunk(b":\n\n"))
            await asyncio.sleep(0.1)
        await visit.reader.read()

    async with (
        scripted_upstream(beats) as upstream,
        running_edge(upstream.url, QUICK, idle_timeout=0.8) as edge,
        raw_client(edge.port) as client,
    ):
        answer = await client.ask(ASK)
        assert (answer.status, answer.body, answer.whole) == (200, b":\n\n" * 12, False)
        assert isinstance((await edge.ending()).fault, UpstreamTimeout)


async def test_a_long_poll_waits_for_its_answer_longer_than_a_stream_may_be_silent() -> None:
    news = asyncio.Event()

    async def poll(visit: Visit) -> None:
        await visit.request()
        await news.wait()
        await visit.send(OK)

    async with (
        scripted_upstream(poll) as upstream,
        running_edge(upstream.url, QUICK, idle_timeout=0.1, first_byte_timeout=PATIENCE) as edge,
        raw_client(edge.port) as client,
    ):
        client.send(ASK)
        await asyncio.wait_for(upstream.news.wait(), PATIENCE)
        await asyncio.sleep(0.4)  # the time in question: several times what a stream might be silent
        news.set()
        assert (await client.answer()).body == b"ok"


async def test_head_of_a_stream_has_no_content_and_ends_at_once() -> None:
    async def script(visit: Visit) -> None:
        while True:
            await visit.request()
            await visit.send(CHUNKED)

    async with (
        scripted_upstream(script) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        for _ in range(2):
            answer = await client.ask(ASK.replace(b"GET", b"HEAD"), "HEAD")
            assert answer.field("content-type") == "text/event-stream"
        assert upstream.visits == 1


async def test_a_client_that_does_not_read_stops_the_upstream() -> None:
    """F10."""
    written = 0
    block = chunk(b"x" * 65536)

    async def endless(visit: Visit) -> None:
        nonlocal written
        await visit.request()
        await visit.send(CHUNKED)
        while True:
            visit.writer.write(block)
            written += len(block)
            await visit.writer.drain()

    async with (
        scripted_upstream(endless) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port, receive_buffer=4096) as client,
    ):
        client.send(ASK)
        await client.reader.readuntil(b"\r\n\r\n")
        await resting(lambda: written)
        assert written < 32 * 2**20
        client.reset()
        assert isinstance((await edge.ending()).fault, ClientGone)
        await asyncio.wait_for(upstream.ended.wait(), PATIENCE)


async def resting(figure: Callable[[], int]) -> None:
    """Returns when the figure has stood still for a while; fails when it never does."""
    async with asyncio.timeout(30):
        before = -1
        while before != figure():
            before = figure()
            await asyncio.sleep(0.3)


# --- the end of access while a call is under way


async def started(edge: TestEdge, client: RawClient, request: bytes, seen: bytes = b"") -> None:
    client.send(request)
    if seen:
        await asyncio.wait_for(client.reader.readuntil(seen), PATIENCE)


def holding(sent: bytes) -> Callable[[Visit], object]:
    async def script(visit: Visit) -> None:
        await visit.request()
        visit.upstream.news.set()
        if sent:
            await visit.send(sent)
        await visit.reader.read()

    return script


WITH_LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun"


@pytest.mark.parametrize(
    ("sent", "expired", "cut"),
    [
        (CHUNKED + chunk(b"begun"), True, True),
        (CHUNKED + chunk(b"begun"), False, True),
        (WITH_LENGTH, True, False),
        (WITH_LENGTH, False, True),
    ],
)
async def test_an_answer_under_way_is_cut_when_access_ends(sent: bytes, expired: bool, cut: bool) -> None:
    """Z10: never with a clean end. Only what has a stated length may end after its token's time."""
    async with (
        scripted_upstream(holding(sent)) as upstream,  # type: ignore[arg-type]
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        client.send(ASK)
        await asyncio.wait_for(client.reader.readuntil(b"begun"), PATIENCE)
        (exchange,) = edge.server.exchanges()
        exchange.end_access("expired-token" if expired else "revoked-token", expired)
        if cut:
            assert b"0\r\n\r\n" not in await client.rest()
            ending = await edge.ending()
            assert isinstance(ending.fault, AccessEnded)
            assert ending.fault.detail == ("expired-token" if expired else "revoked-token")
            await asyncio.wait_for(upstream.ended.wait(), PATIENCE)
        else:
            assert edge.server.exchanges() == [exchange]
            assert edge.endings == []


@pytest.mark.parametrize(
    ("method", "expired", "refused"),
    [(b"GET", False, True), (b"GET", True, False), (b"POST", False, False), (b"DELETE", False, False)],
)
async def test_a_call_that_waits_is_refused_only_when_it_changes_nothing(
    method: bytes, expired: bool, refused: bool
) -> None:
    async with (
        scripted_upstream(holding(b"")) as upstream,  # type: ignore[arg-type]
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        client.send(ASK.replace(b"GET", method))
        await asyncio.wait_for(upstream.news.wait(), PATIENCE)
        (exchange,) = edge.server.exchanges()
        exchange.end_access("revoked-token", expired)
        if refused:
            assert (await client.answer()).body == b"access-ended"
            assert isinstance((await edge.ending()).fault, AccessEnded)
            await asyncio.wait_for(upstream.ended.wait(), PATIENCE)
        else:
            assert edge.server.exchanges() == [exchange]


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not true():
            await asyncio.sleep(0.001)


class Waiting:
    """An upstream whose streams and long waits go on until they are told to end; all else is answered at once."""

    def __init__(self) -> None:
        self.end = asyncio.Event()
        self.open = 0

    def opened(self, count: int) -> bool:
        return self.open == count

    async def __call__(self, visit: Visit) -> None:
        while True:
            asked = await visit.request()
            path = asked.head.split(b" ")[1]
            if path == b"/quick":
                await visit.send(OK)
                continue
            self.open += 1
            if path == b"/stream":
                await visit.send(CHUNKED + chunk(b"data: x\n\n"))
            elif path == b"/slow":
                await visit.send(CHUNKED.replace(b"text/event-stream", b"text/csv") + chunk(b"a\n"))
            await self.end.wait()
            await visit.send(OK if path == b"/poll" else b"0\r\n\r\n")


def asked_for(path: bytes) -> bytes:
    return b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % path


@pytest.mark.parametrize("path", [b"/stream", b"/slow", b"/poll"])
async def test_what_lives_long_takes_no_place_from_other_calls(path: bytes) -> None:
    """With two connections for calls, three streams and one call after the other (F9)."""
    waiting = Waiting()
    pool = PoolLimits(connections=2, long_lived=3, long_seconds=0.05 if path == b"/slow" else 30.0)
    async with (
        scripted_upstream(waiting) as upstream,
        running_edge(upstream.url, QUICK, pool=pool, lasting=path == b"/poll", connect_timeout=30.0) as edge,
        raw_client(edge.port) as first,
        raw_client(edge.port) as second,
        raw_client(edge.port) as third,
        raw_client(edge.port) as other,
    ):
        for number, client in enumerate((first, second, third), 1):
            client.send(asked_for(path))
            await until(partial(waiting.opened, number))
        await until(lambda: len(edge.upstream._long) == 3)
        for _ in range(3):
            assert (await other.ask(asked_for(b"/quick"))).status == (200 if path != b"/poll" else 503)
        waiting.end.set()
        for client in (first, second, third):
            assert (await client.answer()).whole
        await until(lambda: not edge.upstream._long and edge.upstream.outstanding == 0)
        assert (await first.ask(asked_for(b"/quick"))).status == 200
        assert edge.upstream.open_connections <= pool.connections


async def test_a_stream_too_many_is_refused_and_the_others_go_on() -> None:
    waiting = Waiting()
    async with (
        scripted_upstream(waiting) as upstream,
        running_edge(upstream.url, QUICK, pool=PoolLimits(connections=8, long_lived=1)) as edge,
        raw_client(edge.port) as one,
        raw_client(edge.port) as other,
    ):
        one.send(asked_for(b"/stream"))
        await until(lambda: len(edge.upstream._long) == 1)
        refused = await other.ask(asked_for(b"/stream"))
        assert refused.status == 503
        assert isinstance((await edge.ending()).fault, UpstreamBusy)
        assert not edge.upstream.circuit.failures, "the service has done nothing wrong"
        assert (await other.ask(asked_for(b"/quick"))).status == 200
        waiting.end.set()
        assert (await one.answer()).body == b"data: x\n\n"


async def test_a_long_answer_without_room_ends_among_the_others() -> None:
    waiting = Waiting()
    pool = PoolLimits(connections=8, long_lived=0, long_seconds=0.0)
    async with (
        scripted_upstream(waiting) as upstream,
        running_edge(upstream.url, QUICK, pool=pool) as edge,
        raw_client(edge.port) as client,
    ):
        client.send(asked_for(b"/slow"))
        await client.reader.readuntil(b"\r\n\r\n")
        swept = edge.server.clock.now
        await until(lambda: edge.server.clock.now > swept + 3 * QUICK.tick_seconds)
        waiting.end.set()
        assert await client.reader.readuntil(b"0\r\n\r\n")
