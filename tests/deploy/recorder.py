"""A service that remembers every byte that reached it and answers 200, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.line_support.raw_client import RawAnswer, raw_client
from tests.line_support.scripted_upstream import Arrived, Script, ScriptedUpstream, Visit, scripted_upstream

# It says things that are not its to say; the proxy must not let them through beside Sluss's own.
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nRateLimit: theirs\r\nRequest-Id: theirs\r\n"
    b"Content-Length: 2\r\n\r\n"
)


CLIENT = "127.0.0.9"  # Linux has all of 127/8; the proxies speak to Sluss from 127.0.0.1


class Recorder:
    def __init__(self, script: Script | None = None) -> None:
        self.port = 0
        self._script = script or _answer
        self._upstream: ScriptedUpstream
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._ended: asyncio.Event

    @property
    def arrived(self) -> list[Arrived]:
        return self._upstream.arrived

    def taken(self) -> list[Arrived]:
        """What has come since the last time. A call is here before its answer is with the client."""
        found = list(self.arrived)
        self.arrived.clear()
        return found

    async def _serve(self) -> None:
        self._ended = asyncio.Event()
        async with scripted_upstream(self._script) as self._upstream:
            self.port = self._upstream.port
            self._ready.set()
            await self._ended.wait()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    @contextmanager
    def running(self) -> Iterator[Recorder]:
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        self._ready.wait(10)
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._ended.set)
            thread.join(10)


async def _answer(visit: Visit) -> None:
    while True:
        arrived = await visit.request()
        await visit.send(ANSWER if arrived.line.startswith(b"HEAD") else ANSWER + b"ok")


def head(line: str, *fields: str, host: str = "localhost") -> bytes:
    """A request without a body, or the head of one."""
    return "\r\n".join((f"{line} HTTP/1.1", f"Host: {host}", *fields, "", "")).encode("latin-1")


def ask(port: int, request: bytes) -> RawAnswer:
    """One call on a connection of its own."""
    return asyncio.run(_ask(port, request))


def ask_many(port: int, request: bytes, count: int) -> list[RawAnswer]:
    """That many at once."""

    async def all_of_them() -> list[RawAnswer]:
        return await asyncio.gather(*(_ask(port, request) for _ in range(count)))

    return asyncio.run(all_of_them())


async def _ask(port: int, request: bytes) -> RawAnswer:
    async with raw_client(port, address=CLIENT) as client:
        return await client.ask(request, request.split(b" ", 1)[0].decode("latin-1"))
