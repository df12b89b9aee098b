"""F10 on a real process: what streams that nobody reads cost in memory."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from tests.line.platform import Platform

STREAMS = 40
PER_STREAM = 1024 * 1024
PATIENCE = 30.0


def resident(process: int) -> int:
    """Bytes of memory that the process holds."""
    text = Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("VmRSS"))


def settled(figure: Callable[[], int]) -> int:
    """The figure when it has stood still for a second."""
    until = time.monotonic() + PATIENCE
    before, since = figure(), time.monotonic()
    while time.monotonic() - since < 1.0:
        assert time.monotonic() < until, "it does not come to rest"
        time.sleep(0.05)
        if abs(figure() - before) > 256 * 1024:
            before, since = figure(), time.monotonic()
    return before


def test_a_stream_that_nobody_reads_costs_less_than_a_mebibyte(own_platform: Callable[..., Platform]) -> None:
    """16 MiB are on offer to each of forty clients; each reads its head and no more."""
    platform = own_platform().start()
    client = platform.client()
    token = platform.token(client)
    assert platform.get("/eko/v1/bytes/1048576", token).status_code == 200  # what the first one makes ready
    process = platform.processes["edge-0"].pid
    before = resident(process)
    ask = (
        f"GET /eko/v1/bytes/16777216 HTTP/1.1\r\nHost: localhost:{platform.ports[0]}\r\n"
        f"Authorization: Bearer {token}\r\n\r\n"
    ).encode()
    with ExitStack() as stack:
        for _ in range(STREAMS):
            caller = stack.enter_context(socket.socket())
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            caller.connect(("127.0.0.1", platform.ports[0]))
            caller.sendall(ask)
            assert caller.recv(12) == b"HTTP/1.1 200"
        grown = settled(lambda: resident(process)) - before
        assert platform.metric("sluss_upstream_connections") == STREAMS
        assert grown < STREAMS * PER_STREAM, f"{grown / STREAMS / 1024:.0f} KiB each"
    platform.wait(lambda: platform.metric("sluss_upstream_connections") == 0)
