"""An upstream that does exactly what a test tells it, and remembers every byte that reached it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Script = Callable[["Visit"], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Arrived:
    """One request as it came in; ``complete`` when its framing said so."""

    head: bytes
    body: bytes = b""
    complete: bool = False

    @property
    def line(self) -> bytes:
        return self.head.split(b"\r\n", 1)[0]

    @property
    def fields(self) -> list[tuple[str, str]]:
        lines = self.head.decode("latin-1").split("\r\n")[1:-2]
        return [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]

    def values(self, name: str) -> list[str]:
        return [value for found, value in self.fields if found == name]


@dataclass
class Visit:
    """One connection to the upstream, in the hands of a script."""

    upstream: ScriptedUpstream
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    number: int

    async def head(self) -> Arrived:
        arrived = Arrived(await self.reader.readuntil(b"\r\n\r\n"))
        self.upstream.arrived.append(arrived)
        self.upstream.news.set()
        return arrived

    async def request(self) -> Arrived:
        arrived = await self.head()
        await self.body(arrived)
        return arrived

    async def body(self, arrived: Arrived) -> None:
        if arrived.values("transfer-encoding"):
            while True:
                size = int((await self.reader.readuntil(b"\r\n"))[:-2], 16)
                piece = await self.reader.readexactly(size + 2)
                assert piece.endswith(b"\r\n")
                if not size:
                    break
                arrived.body += piece[:-2]
        else:
            for value in arrived.values("content-length"):
                arrived.body = await self.reader.readexactly(int(value))
        arrived.complete = True

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()


@dataclass
class ScriptedUpstream:
    script: Script
    port: int = 0
    visits: int = 0
    arrived: list[Arrived] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a visit is over, by the script's end or because the gateway left."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        try:
            await self.script(Visit(self, reader, writer, self.visits))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except Exception as fault:  # a fault of the script: the test that owns it looks
            self.faults.append(fault)
        finally:
            self.ended.set()
            writer.close()


@asynccontextmanager
async def scripted_upstream(
    script: Script, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[ScriptedUpstream]:
    upstream = ScriptedUpstream(script)
    server = await asyncio.start_server(upstream.serve, host, port, limit=2**20, ssl=tls)
    upstream.port = server.sockets[0].getsockname()[1]
    try:
        yield upstream
    finally:
        server.close()
    assert upstream.faults == []


def answering(*answers: bytes) -> Script:
    """Answers the first request with the first answer and so on, the last one for ever, keeping the connection."""

    async def script(visit: Visit) -> None:
        while True:
            await visit.request()
            at = min(len(visit.upstream.arrived), len(answers)) - 1
            await visit.send(answers[at])

    return script


async def echo(visit: Visit) -> None:
    """Answers with the request's body."""
    while True:
        arrived = await visit.request()
        await visit.send(
            b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(arrived.body), arrived.body)
        )
