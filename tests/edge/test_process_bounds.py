"""An edge in a process of its own at its bounds: open files (F20), and memory whatever a client sends (H39)."""

from __future__ import annotations

import asyncio
import gzip
from contextlib import AsyncExitStack, suppress

import pytest

from tests.line_support.edge_process import EdgeProcess, edge_process
from tests.line_support.raw_client import raw_client
from tests.line_support.scripted_upstream import OK, Visit, answering, scripted_upstream

GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
LAST = b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
MEBIBYTE = 1024 * 1024


async def status(port: int) -> int:
    """Of one request on a connection of its own; 0 when it was closed without an answer."""
    try:
        async with raw_client(port) as client:
            return (await client.ask(LAST)).status
    except (asyncio.IncompleteReadError, ConnectionError):
        return 0


async def hold(stack: AsyncExitStack, port: int, count: int) -> None:
    for _ in range(count):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        stack.callback(writer.close)


async def recovers(edge: EdgeProcess) -> None:
    async with asyncio.timeout(30):
        while await status(edge.port) != 200:
            await asyncio.sleep(0.05)


async def test_where_few_files_may_be_open_the_rest_are_told() -> None:
    """F20: the edge knows how many clients it can serve; one more gets 503, those who are in go on."""
    async with (
        scripted_upstream(answering(OK)) as upstream,
        edge_process(upstream.url, files=160) as edge,
        AsyncExitStack() as stack,
    ):
        assert edge.connections < 60
        client = await stack.enter_async_context(raw_client(edge.port))
        assert (await client.ask(GET)).status == 200
        await hold(stack, edge.port, edge.connections - 1)
        async with asyncio.timeout(30):
            while await status(edge.port) != 503:
                await asyncio.sleep(0.05)
        assert (await client.ask(GET)).status == 200
        await hold(stack, edge.port, 200)  # a crowd: told or closed, and nobody who is in notices
        assert (await client.ask(GET)).status == 200
        await stack.aclose()
        await recovers(edge)
        assert edge.alive


async def test_at_the_limit_of_open_files_nothing_spins_and_nothing_dies() -> None:
    """F20: accept() fails with EMFILE; the edge sheds who comes, idles, and recovers by itself."""
    async with (
        scripted_upstream(answering(OK)) as upstream,
        edge_process(upstream.url, files=-30) as edge,
        AsyncExitStack() as stack,
    ):
        client = await stack.enter_async_context(raw_client(edge.port))
        assert (await client.ask(GET)).status == 200
        await hold(stack, edge.port, 100)
        assert (await client.ask(GET)).status == 200  # its sockets are open, both ways
        before = edge.processor_seconds()
        await asyncio.sleep(1.0)
        assert edge.processor_seconds() - before < 0.5, "it spins"
        assert edge.alive
        await stack.aclose()
        await recovers(edge)


BOMB = gzip.compress(b"\x00" * (256 * MEBIBYTE), 9)
DEEP = b"[" * 5000 + b"]" * 5000
PART = b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'


def _multipart() -> bytes:
    return PART * 100_000 + b"--b--\r\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("media", "coding", "body"),
    [("application/json", b"gzip", BOMB), ("application/json", b"", DEEP), ("multipart/form-data", b"", _multipart())],
    ids=["gzip bomb", "5000-deep JSON", "100,000 parts"],
)  # fmt: skip
async def test_what_would_be_large_when_read_stays_small_here(media: str, coding: bytes, body: bytes) -> None:
    """H39: nobody here decompresses or parses a body: it passes byte by byte, or is refused by its size."""
    head = b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Type: %b\r\n" % media.encode()
    if coding:
        head += b"Content-Encoding: " + coding + b"\r\n"
    seen: list[bytes] = []

    async def take(visit: Visit) -> None:
        while True:
            arrived = await visit.request()
            seen.append(arrived.body)
            await visit.send(OK)

    async with (
        scripted_upstream(take) as upstream,
        edge_process(upstream.url, body_limit=16 * MEBIBYTE) as edge,
        raw_client(edge.port) as client,
    ):
        assert (await client.ask(GET)).status == 200
        before = edge.resident()
        for _ in range(3):
            client.send(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            assert (await asyncio.wait_for(client.answer(), 60)).status == 200
            assert seen[-1] == body
        assert edge.resident() - before < 50 * MEBIBYTE


@pytest.mark.slow
async def test_errors_cost_no_memory() -> None:
    """H39: two thousand refusals in a row leave the process as large as it was."""
    async with scripted_upstream(answering(OK)) as upstream, edge_process(upstream.url) as edge:
        before = 0
        for turn in range(2000):
            with suppress(ConnectionError):
                async with raw_client(edge.port) as client:
                    await client.ask(
                        b"GET /" + b"%d" % turn * 500 + b" HTTP/1.1\r\nHost: a\r\nX-%d : y\r\n\r\n" % turn
                    )
            if turn == 200:
                before = edge.resident()
        assert edge.resident() - before < 20 * MEBIBYTE
