"""An upstream that swallows bodies: `python -m tests.bench.programs.sink PORT`.

Reads a body of stated length to its end and only then answers, as a service does that stores it.
"""

from __future__ import annotations

import asyncio
import re
import sys
from typing import cast

import uvloop

LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked", re.IGNORECASE)
LAST_CHUNK = b"\r\n0\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Sink(asyncio.Protocol):
    """One connection; the bodies the bench sends hold no chunk of the last one's form."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._head = b""
        self._left = 0
        self._chunked = False
        self._tail = b""

    def data_received(self, data: bytes) -> None:
        if self._chunked:
            self._swallow_chunks(data)
        elif self._left:
            self._swallow(len(data))
        else:
            self._read_head(data)

    def _read_head(self, data: bytes) -> None:
        self._head += data
        end = self._head.find(b"\r\n\r\n")
        if end < 0:
            return
        head, rest = self._head[: end + 2], self._head[end + 4 :]
        self._head = b""
        if CHUNKED.search(head):
            self._chunked = True
            self._swallow_chunks(rest)
            return
        length = LENGTH.search(head)
        self._left = int(length[1]) if length else 0
        self._swallow(len(rest))

    def _swallow(self, size: int) -> None:
        self._left -= size
        if self._left <= 0:
            self._left = 0
            self._transport.write(ANSWER)

    def _swallow_chunks(self, data: bytes) -> None:
        self._tail = (self._tail + data)[-len(LAST_CHUNK) :]
        if self._tail == LAST_CHUNK:
            self._chunked, self._tail = False, b""
            self._transport.write(ANSWER)


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
