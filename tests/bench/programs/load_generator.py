"""The load where there is no wrk: `python -m tests.bench.programs.load_generator ORDER`, the order in JSON.

Understands answers with Content-Length only; anything else counts as an error and ends its connection.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import sys
from collections.abc import Mapping
from time import perf_counter
from typing import Any, cast

import uvloop

LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
GRACE = 10.0


class Caller(asyncio.Protocol):
    """One connection: the next request goes out when the last answer is whole."""

    def __init__(self, request: bytes, took: list[float]) -> None:
        self._request = request
        self._took = took
        self._buffer = b""
        self._stopping = False
        self.errors = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own class is not derived from it
        self._send()

    def _send(self) -> None:
        self._buffer = b""
        self._began = perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        length = LENGTH.search(self._buffer, 0, end)
        if length is None:
            self.errors += 1
            self._transport.close()
            return
        if len(self._buffer) < end + 4 + int(length[1]):
            return
        self._took.append(perf_counter() - self._began)
        if not self._buffer.startswith(b"HTTP/1.1 2"):
            self.errors += 1
        if self._stopping:
            self._transport.close()
        else:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._stopping:
            self.errors += 1
        if not self.done.done():
            self.done.set_result(None)

    def stop_after_this_answer(self) -> None:
        self._stopping = True


def request_bytes(
    port: int, path: str, headers: Mapping[str, str], method: str = "GET", body_bytes: int = 0
) -> bytes:
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        *(f"{k}: {v}" for k, v in headers.items()),
    ]
    if body_bytes:
        lines.append(f"Content-Length: {body_bytes}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + b"x" * body_bytes


def any_certificate() -> ssl.SSLContext:
    """The bench makes its certificates itself, for one run."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def run(request: bytes, port: int, tls: bool, connections: int, seconds: float) -> dict[str, float]:
    loop = asyncio.get_running_loop()
    took: list[float] = []
    context = any_certificate() if tls else None
    began = perf_counter()
    callers = []
    for _ in range(connections):
        _, caller = await loop.create_connection(
            lambda: Caller(request, took), "127.0.0.1", port, ssl=context
        )
        callers.append(caller)
    ended = asyncio.ensure_future(asyncio.wait([caller.done for caller in callers]))
    # Every connection lost before its time is the only reason to stop early.
    await asyncio.wait([ended], timeout=seconds)
    measured, requests = perf_counter() - began, len(took)
    for caller in callers:
        caller.stop_after_this_answer()
    await asyncio.wait([ended], timeout=GRACE)
    ordered = sorted(took) or [0.0]
    return {
        "requests": requests,
        "seconds": measured,
        "errors": sum(caller.errors for caller in callers),
        "p50_us": ordered[len(ordered) // 2] * 1e6,
        "p99_us": ordered[int(len(ordered) * 0.99)] * 1e6,
        "max_us": ordered[-1] * 1e6,
    }


def main(order: Mapping[str, Any]) -> None:
    request = request_bytes(
        order["port"], order["path"], order["headers"], order["method"], order["body_bytes"]
    )
    figures = uvloop.run(run(request, order["port"], order["tls"], order["connections"], order["seconds"]))
    sys.stdout.write("RESULT " + json.dumps(figures) + "\n")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
