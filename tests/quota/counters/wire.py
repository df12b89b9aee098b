"""A wire between a client and Redis that a test can cut, hang, or make lose answers."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit


class Wire:
    """Listens on a free port; `url` leads through it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self._target = (parts.hostname, parts.port)
        self._path = parts.path
        self.url = ""
        self.answers_lost = 0
        self._gate = asyncio.Event()
        self._gate.set()
        self._held = self._gate
        self._lose = 0
        self._cut_at_answer = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.url = f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}{self._path}"

    async def close(self) -> None:
        """Hang up for good."""
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def hang(self) -> None:
        """Nothing goes through in either direction, and what is sent waits."""
        self._gate.clear()

    def hang_present(self) -> None:
        """As `hang`, for the connections there are; new ones pass."""
        self._held = self._gate
        self._held.clear()
        self._gate = asyncio.Event()
        self._gate.set()

    def resume(self) -> None:
        """What waited goes through, also for a client that has hung up."""
        self._gate.set()
        self._held.set()

    def cut(self) -> None:
        """Reset every connection."""
        for writer in list(self._writers):
            writer.transport.abort()

    def refuse(self) -> None:
        """No connections any more, like a Redis that is down."""
        self._server.close()
        self.cut()

    async def open_again(self) -> None:
        """Listen again on the same port, after `refuse`."""
        if not self._server.is_serving():
            port = int(self.url.rpartition(":")[2].partition("/")[0])
            self._server = await asyncio.start_server(self._connected, "127.0.0.1", port)

    def lose_answers(self, count: int) -> None:
        """Requests go through, but of the next `count` answers none comes back."""
        self._lose = count

    def cut_at_answer(self) -> None:
        """The next answer resets its connection instead of coming back."""
        self._cut_at_answer = True

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            their_reader, their_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, their_writer}
        gate = self._gate
        for task in (
            asyncio.create_task(self._pump(reader, their_writer, gate, answers=False)),
            asyncio.create_task(self._pump(their_reader, writer, gate, answers=True)),
        ):
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        gate: asyncio.Event,
        *,
        answers: bool,
    ) -> None:
        try:
            while data := await reader.read(65_536):
                await gate.wait()
                if answers and self._cut_at_answer:
                    self._cut_at_answer = False
                    self.answers_lost += 1
                    self.cut()
                    return
                if answers and self._lose:
                    self._lose -= 1
                    self.answers_lost += 1
                    continue
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            self._writers.discard(writer)
            writer.close()
