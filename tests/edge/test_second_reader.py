"""What leaves the edge is read by another reader (h11) as the very request the edge has decided on, and as no other.

Requests are mutated with what smuggling is made of and sent to a real edge in front of an upstream that reads with h11.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import h11
import uvloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.edge.exchange import Exchange
from gateway.edge.limits import EdgeLimits
from tests.line_support.running_edge import TestEdge, running_edge

HURRIED = EdgeLimits(
    head_seconds=0.05, idle_seconds=0.1, body_grace_seconds=0.05, linger_seconds=0.05, tick_seconds=0.01
)
VALID = (
    b"GET /a?b=c HTTP/1.1\r\nHost: a\r\nX-A: b\r\n\r\n",
    b"HEAD /a HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n",
    b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\n\r\n"
    b"5\r\nhello\r\n3;x=y\r\nabc\r\n0\r\nDigest: a\r\nX: y\r\n\r\n",
    b"PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: keep-alive, X-A\r\nX-A: b\r\n\r\n",
    b"DELETE http://a/b HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok",
    b"POST /a HTTP/1.0\r\nHost: a\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok",
)
PIECES = (
    b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b"\x0b", b"\x85", b",", b";", b"%2f", b"//", b"/..", b"\xc3\xa5",
    b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", b"Content-Length: +5\r\n", b"Content-Length : 5\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: identity\r\n", b"Transfer-Encoding:\x0bchunked\r\n",
    b"transfer-encoding: chunked\r\n", b"Transfer_Encoding: chunked\r\n", b"Connection: content-length\r\n",
    b"Connection: close, transfer-encoding, host\r\n", b"Host: b\r\n", b"Upgrade: h2c\r\nConnection: Upgrade\r\n",
    b"Expect: 100-continue\r\n", b"Trailer: Content-Length\r\n", b" folded\r\n", b"0\r\n\r\n", b"\r\n\r\n", b"ffffffff",
    b"0", b"5", b"x", b"HTTP/1.1", b"HTTP/1.0", b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """One or two valid requests in a row, with up to three changes."""
    data = b"".join(draw(st.lists(st.sampled_from(VALID), min_size=1, max_size=2)))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        gone = draw(st.sampled_from((0, 0, 0, 1, 1, 2, 5, 20)))
        piece = draw(st.one_of(st.sampled_from(PIECES), st.binary(max_size=3)))
        data = data[:at] + piece + data[at + gone :]
    return data


@dataclass
class Read:
    """One request as h11 understands it; `whole` when it saw its end."""

    method: bytes
    target: bytes
    fields: list[tuple[bytes, bytes]]
    body: bytes = b""
    whole: bool = False

    def values(self, name: bytes) -> list[bytes]:
        return [value for found, value in self.fields if found == name]


@dataclass
class SecondReader:
    """An upstream that reads with h11, and keeps what it could not read."""

    read: list[Read] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER)
        try:
            while True:
                event = connection.next_event()
                if event is h11.NEED_DATA:
                    with suppress(ConnectionError):
                        data = await reader.read(65536)
                        connection.receive_data(data)
                        continue
                    return
                if not self._take(event):
                    return
                if isinstance(event, h11.EndOfMessage):
                    writer.write(
                        connection.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
                    )
                    writer.write(connection.send(h11.EndOfMessage()))
                    if connection.our_state is h11.MUST_CLOSE:
                        return
                    connection.start_next_cycle()
        except h11.RemoteProtocolError as fault:
            # A request that the edge gave up in the middle ends with its connection: that is no reading of it.
            if "peer unexpectedly closed" not in str(fault) and "without sending complete" not in str(fault):
                self.refused.append(str(fault))
        finally:
            writer.close()

    def _take(self, event: object) -> bool:
        if isinstance(event, h11.Request):
            self.read.append(Read(event.method, event.target, list(event.headers)))
        elif isinstance(event, h11.Data):
            self.read[-1].body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            self.read[-1].whole = True
        else:
            return False
        return True


@dataclass
class Bench:
    edge: TestEdge
    upstream: SecondReader
    exchanges: dict[bytes, Exchange] = field(default_factory=dict)
    numbers: itertools.count[int] = field(default_factory=itertools.count)
    arrived: int = 0

    def take(self, exchange: Exchange) -> None:
        number = b"%d" % next(self.numbers)
        self.exchanges[number] = exchange
        self.edge.forward(exchange, injected=b"X-Number: " + number + b"\r\n")

    async def send(self, data: bytes) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.edge.port)
        with suppress(ConnectionError):
            writer.write(data)
            await asyncio.wait_for(reader.read(), 20)  # the edge always comes to an end by itself
        writer.close()

    def check(self) -> None:
        assert self.upstream.refused == []
        seen: set[bytes] = set()
        for read in self.upstream.read:
            (number,) = read.values(b"x-number")
            assert number not in seen, "one request became two"
            seen.add(number)
            exchange = self.exchanges[number]
            request = exchange.request
            assert (read.method, read.target) == (request.verb, request.target)
            assert len(read.values(b"host")) == 1
            assert len(read.values(b"content-length")) + len(read.values(b"transfer-encoding")) <= 1
            if read.whole:
                assert len(read.body) == exchange.bytes_in
                assert exchange.reached
        self.arrived += len(self.upstream.read)
        self.upstream.read.clear()
        self.exchanges.clear()


@asynccontextmanager
async def bench() -> AsyncIterator[Bench]:
    upstream = SecondReader()
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with running_edge(f"http://127.0.0.1:{port}", HURRIED) as edge:
        made = Bench(edge, upstream)
        edge.line = made.take
        yield made
    server.close()


def test_whatever_reaches_the_upstream_is_one_request_and_the_same_to_both() -> None:
    """H1 to H9, H21, H33: 0 requests that two readers understand differently."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        context = bench()
        made = runner.run(context.__aenter__())

        @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.lists(mutated(), min_size=1, max_size=24))
        def several(requests: list[bytes]) -> None:
            async def together() -> None:
                await asyncio.gather(*map(made.send, requests))
                async with asyncio.timeout(20):
                    while made.edge.server.open_connections:
                        await asyncio.sleep(0.005)

            runner.run(together())
            made.check()

        try:
            several()
            assert made.arrived > 20, "the mutations leave enough of them whole"
        finally:
            runner.run(context.__aexit__(None, None, None))


def test_the_second_reader_sees_what_is_wrong() -> None:
    """The measure itself: a request with two framings, and one after another, are noticed."""

    async def read(data: bytes) -> SecondReader:
        upstream = SecondReader()
        server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0)
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(data)
        writer.write_eof()
        await asyncio.sleep(0)
        async with asyncio.timeout(10):
            while not upstream.read and not upstream.refused:
                await asyncio.sleep(0.01)
        writer.close()
        server.close()
        return upstream

    assert asyncio.run(
        read(b"GET /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n")
    ).refused
    assert asyncio.run(read(VALID[2])).read[0].body == b"hello"
