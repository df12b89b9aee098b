"""A client that sends exactly the bytes it is given and reads answers by the book."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

PATIENCE = 5.0


@dataclass(frozen=True)
class RawAnswer:
    """One answer: ``fields`` in order with names in lower case; ``body`` decoded; ``whole`` when it ended properly."""

    status: int
    fields: list[tuple[str, str]]
    body: bytes
    whole: bool
    head: bytes

    def field(self, name: str) -> str | None:
        values = self.values(name)
        return values[0] if values else None

    def values(self, name: str) -> list[str]:
        return [value for field, value in self.fields if field == name]


class RawClient:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def drain(self) -> None:
        await asyncio.wait_for(self.writer.drain(), PATIENCE)

    async def ask(self, data: bytes, method: str = "GET") -> RawAnswer:
        self.send(data)
        return await self.answer(method)

    async def answer(self, method: str = "GET") -> RawAnswer:
        return await asyncio.wait_for(self._answer(method), PATIENCE)

    async def rest(self) -> bytes:
        """Everything until the other side ends; a reset counts as an end."""
        data = b""
        try:
            while piece := await asyncio.wait_for(self.reader.read(65536), PATIENCE):
                data += piece
        except ConnectionError:
            pass
        return data

    async def ended(self) -> bool:
        """True when the other side has closed and nothing more came."""
        return await self.rest() == b""

    def half_close(self) -> None:
        self.writer.write_eof()

    def reset(self) -> None:
        """Closes with a TCP reset."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.writer.transport.abort()

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError, TimeoutError):
            await asyncio.wait_for(self.writer.wait_closed(), PATIENCE)

    async def _answer(self, method: str) -> RawAnswer:
        head = await self.reader.readuntil(b"\r\n\r\n")
        lines = head[:-4].decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        fields = [
            (name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])
        ]
        names = dict(fields)
        if method == "HEAD" or status in (204, 304) or status < 200:
            return RawAnswer(status, fields, b"", True, head)
        try:
            if "transfer-encoding" in names:
                body, whole = await self._chunks()
            elif "content-length" in names:
                body, whole = await self.reader.readexactly(int(names["content-length"])), True
            else:
                body, whole = await self.reader.read(), True
        except asyncio.IncompleteReadError as cut:
            body, whole = cut.partial, False
        except ConnectionError:
            body, whole = b"", False
        return RawAnswer(status, fields, body, whole, head)

    async def _chunks(self) -> tuple[bytes, bool]:
        body = b""
        while True:
            try:
                size = int((await self.reader.readuntil(b"\r\n"))[:-2], 16)
                piece = await self.reader.readexactly(size + 2)
            except (asyncio.IncompleteReadError, ConnectionError):
                return body, False
            assert piece.endswith(b"\r\n")
            if size == 0:
                return body, True
            body += piece[:-2]


@asynccontextmanager
async def raw_client(port: int, *, receive_buffer: int = 0, address: str = "") -> AsyncIterator[RawClient]:
    """``receive_buffer`` makes a small window, for a client that is slow to read; ``address`` is the client's."""
    if receive_buffer:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
        reader, writer = await asyncio.open_connection(sock=sock, limit=receive_buffer)
    else:
        local = (address, 0) if address else None
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20, local_addr=local)
    client = RawClient(reader, writer)
    try:
        yield client
    finally:
        await client.close()
