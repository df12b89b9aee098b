"""A TCP proxy between two parts of the platform, which a test makes hang, refuse, cut or lose answers.

It lives in a thread of its own, so that a test with or without a loop may hold it. A change of mode has taken
effect when the method returns. What a real network does is kept apart: `hang` holds bytes back and `flow` lets
them through late, as after retransmission; `swallow_answers` takes them for good on an open connection.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

T = TypeVar("T")
RESET = struct.pack("ii", 1, 0)  # linger for no time: closing says RST, not FIN


class TcpCut:
    """Listens on `port` of loopback from the start and passes everything to `host`:`target`."""

    def __init__(self, target: int, host: str = "127.0.0.1") -> None:
        self._to = (host, target)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="cut", daemon=True)
        self._thread.start()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._left: int | None = None
        self._swallow = False
        self._delay = 0.0
        self.accepted = 0
        self.answers_swallowed = 0
        self.port = 0
        self._flowing = self._do(self._event())
        self._do(self._listen())

    @classmethod
    def before(cls, url: str) -> TcpCut:
        """In front of the server that a URL names."""
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        return cls(parts.port, parts.hostname)

    def url(self, url: str) -> str:
        """The same URL, leading through here."""
        parts = urlsplit(url)
        who = f"{parts.username}{':' + parts.password if parts.password else ''}@" if parts.username else ""
        return urlunsplit(parts._replace(netloc=f"{who}127.0.0.1:{self.port}"))

    @property
    def open_connections(self) -> int:
        return len(self._writers) // 2

    # --- modes

    def flow(self) -> None:
        """Everything passes again; what a hang held back arrives now."""
        self._do(self._flow())

    def hang(self) -> None:
        """Connections stay open and are accepted, and nothing comes through in either direction."""
        self._call(self._flowing.clear)

    def refuse(self) -> None:
        """Nobody listens any more, and what was connected is reset: the other side is down."""
        self._do(self._refuse())

    def reset(self) -> None:
        """Every present connection is reset; new ones pass."""
        self._call(self._reset)

    def delay(self, seconds: float) -> None:
        """Each piece comes this much later, each way."""
        self._delay = seconds

    def cut_after(self, answered: int) -> None:
        """When so many more bytes of answers have passed, all connections are reset; then everything passes."""
        self._left = answered

    def swallow_answers(self) -> None:
        """Requests arrive and are carried out, and no answer comes back; the connections stay open."""
        self._swallow = True

    def close(self) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # --- in its own thread

    def _do(self, work: Coroutine[object, object, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def _call(self, step: Callable[[], None]) -> None:
        async def work() -> None:
            step()

        self._do(work())

    async def _event(self) -> asyncio.Event:
        event = asyncio.Event()
        event.set()
        return event

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _flow(self) -> None:
        self._left, self._swallow, self._delay = None, False, 0.0
        self._flowing.set()
        if self._server is None:
            await self._listen()

    async def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        self._reset()

    async def _end(self) -> None:
        await self._refuse()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _reset(self) -> None:
        for writer in list(self._writers):
            end = writer.get_extra_info("socket")
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        try:
            their_reader, their_writer = await asyncio.open_connection(*self._to)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, their_writer}
        for source, sink, answers in ((reader, their_writer, False), (their_reader, writer, True)):
            task = asyncio.create_task(self._pump(source, sink, answers=answers))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        try:
            while data := await reader.read(65_536):
                await self._flowing.wait()
                if self._delay:
                    await asyncio.sleep(self._delay)
                if answers and self._swallow:
                    self.answers_swallowed += 1
                    continue
                if answers and self._left is not None:
                    data, self._left = data[: self._left], self._left - len(data)
                writer.write(data)
                await writer.drain()
                if answers and self._left is not None and self._left <= 0:
                    self._left = None
                    await asyncio.sleep(0)
                    self._reset()
                    return
            await self._flowing.wait()
        except OSError:
            pass
        finally:
            self._writers.discard(writer)
            writer.close()
