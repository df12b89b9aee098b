"""H10: trailers by allow-list, in both directions; and H28: interim answers."""

from __future__ import annotations

import asyncio

import pytest

from tests.line_support.raw_client import PATIENCE, RawClient, raw_client
from tests.line_support.running_edge import running_edge
from tests.line_support.scripted_upstream import OK, Script, Visit, answering, scripted_upstream

GET = b"GET /a HTTP/1.1\r\nHost: a\r\n%b\r\n"
SAFE = [b"Content-Digest: sha-256=:AAAA:", b"repr-digest: sha-256=:AAAA:", b"Digest: SHA-256=AAAA"]
NEVER = [
    b"Host: evil.test", b"Content-Length: 5", b"Transfer-Encoding: chunked", b"Authorization: Bearer x", b"Cookie: a=b",
    b"Sluss-App: x", b"Sluss_App: x", b"Forwarded: for=1.1.1.1", b"X-Forwarded-For: 1.1.1.1", b"Connection: close",
    b"Client-Cert: :AAAA:", b"Request-Id: x", b"traceparent: x", b"Set-Cookie: a=b", b"Location: /x", b"X-Anything: x",
    b"Content-Type: text/html", b"Trailer: Host", b"TE: trailers", b"Expect: 100-continue", b"Date: now", b"Link: </x>",
]  # fmt: skip


async def tail(client: RawClient) -> bytes:
    """Everything after the last chunk up to the empty line."""
    await asyncio.wait_for(client.reader.readuntil(b"\r\n0\r\n"), PATIENCE)
    lines = b""
    while (line := await asyncio.wait_for(client.reader.readuntil(b"\r\n"), PATIENCE)) != b"\r\n":
        lines += line
    return lines


def keeping(lines: list[bytes]) -> Script:
    """Remembers the bytes after the head, in ``lines``."""

    async def script(visit: Visit) -> None:
        arrived = await visit.head()
        while not (data := await visit.reader.readuntil(b"\r\n")).startswith(b"0"):
            arrived.body += await visit.reader.readexactly(int(data, 16) + 2)
        while (line := await visit.reader.readuntil(b"\r\n")) != b"\r\n":
            lines.append(line[:-2])
        await visit.send(OK)

    return script


@pytest.mark.parametrize("step", [1, 1000])
async def test_of_a_request_s_trailers_only_safe_ones_go_upstream(step: int) -> None:
    """H10: Host, Content-Length, Authorization and identity names never, in any case."""
    lines: list[bytes] = []
    trailers = b"".join(line + b"\r\n" for line in [*NEVER, *SAFE, b"server-timing: db;dur=5"])
    body = b"5\r\nhello\r\n0\r\n" + trailers + b"\r\n"
    async with (
        scripted_upstream(keeping(lines)) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        client.send(
            b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
            b"Trailer: Content-Digest, Host, Sluss-App\r\nTrailer: digest\r\n\r\n"
        )
        for at in range(0, len(body), step):
            client.send(body[at : at + step])
            await client.drain()
        assert (await client.answer()).status == 200
        assert lines == [*SAFE, b"server-timing: db;dur=5"]
        assert upstream.arrived[0].values("trailer") == ["Content-Digest, digest"]
        assert upstream.arrived[0].values("te") == []


async def test_an_announcement_without_a_chunked_body_does_not_go_on() -> None:
    async with (
        scripted_upstream(answering(OK)) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        await client.ask(GET % b"Trailer: Digest\r\n")
        assert upstream.arrived[0].values("trailer") == []


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Server-Timing, Set-Cookie\r\n\r\n"
TRAILED = (
    b"2\r\nok\r\n0\r\n" + b"".join(line + b"\r\n" for line in [*NEVER, *SAFE]) + b"Server-Timing: a\r\n\r\n"
)


@pytest.mark.parametrize("te", [b"TE: trailers\r\n", b"te: gzip;q=0.5, Trailers\r\nConnection: TE\r\n"])
@pytest.mark.parametrize("cut", [0, 1, 30])
async def test_of_an_answer_s_trailers_safe_ones_reach_who_asked(te: bytes, cut: int) -> None:
    """H10, towards the client; also when the answer comes in pieces."""

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(CHUNKED + TRAILED[:cut])
        await visit.send(TRAILED[cut:])

    async with (
        scripted_upstream(script) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        client.send(GET % te)
        head = await client.reader.readuntil(b"\r\n\r\n")
        assert b"Trailer: Server-Timing\r\n" in head
        assert await tail(client) == b"".join(line + b"\r\n" for line in SAFE) + b"Server-Timing: a\r\n"
        assert upstream.arrived[0].values("te") == ["trailers"]
        assert upstream.arrived[0].values("connection") == ["TE"]


@pytest.mark.parametrize("te", [b"", b"TE: gzip\r\n", b"TE: xtrailers\r\n"])
async def test_who_did_not_ask_gets_none(te: bytes) -> None:
    async with (
        scripted_upstream(answering(CHUNKED + TRAILED)) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        for _ in range(2):  # and the connection goes on
            client.send(GET % te)
            assert b"Trailer" not in await client.reader.readuntil(b"\r\n\r\n")
            assert await tail(client) == b""
        assert upstream.arrived[0].values("te") == []


async def test_a_body_with_a_length_has_no_trailers() -> None:
    async with (
        scripted_upstream(answering(OK)) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        answer = await client.ask(GET % b"TE: trailers\r\n")
        assert (answer.body, answer.values("trailer")) == (b"ok", [])


# --- interim answers

HINTS = (
    b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nSet-Cookie: a=b\r\nSluss-App: x\r\n"
    b"Content-Length: 5\r\nX-More: y\r\nlink: </b.js>\r\n\r\n"
)


async def test_early_hints_are_relayed_at_once() -> None:
    """H28: the links and nothing else, before the answer is there."""
    seen = asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(HINTS)
        await seen.wait()
        await visit.send(b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + OK)

    async with (
        scripted_upstream(script) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        hints = await client.ask(GET % b"")
        assert hints.head == (
            b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nlink: </b.js>\r\n\r\n"
        )
        seen.set()
        assert (await client.answer()).body == b"ok"
        client.send(GET % b"")  # the connection goes on
        assert (await client.answer()).status == 103
        assert (await client.answer()).body == b"ok"


async def test_hints_without_a_link_or_to_http_1_0_are_not_relayed() -> None:
    async with (
        scripted_upstream(answering(b"HTTP/1.1 103 Hm\r\nX-More: y\r\n\r\n" + OK, HINTS + OK)) as upstream,
        running_edge(upstream.url) as edge,
    ):
        async with raw_client(edge.port) as client:
            assert (await client.ask(GET % b"")).status == 200
        async with raw_client(edge.port) as client:
            assert (await client.ask(b"GET /a HTTP/1.0\r\nHost: a\r\n\r\n")).status == 200


async def test_hints_are_bounded() -> None:
    """More than 16 interim answers are an answer nobody should relay."""
    async with (
        scripted_upstream(answering(HINTS * 20 + OK)) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        client.send(GET % b"")
        statuses = [(await client.answer()).status for _ in range(17)]
        assert statuses == [103] * 16 + [502]


async def test_hints_then_nothing_is_a_bad_gateway() -> None:
    """Not repeated: the upstream has begun to answer."""

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(HINTS)

    async with (
        scripted_upstream(script) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        assert (await client.ask(GET % b"")).status == 103
        assert (await client.answer()).status == 502
        assert upstream.visits == 1


@pytest.mark.parametrize(
    "line", [b"Transfer-Encoding: keep-alive", b"Upgrade: keep-alive", b"Bad Name: keep-alive"]
)
async def test_no_value_hides_a_bad_line(line: bytes) -> None:
    """H30: a coding that nobody knows is no answer to relay, whatever it is called."""
    async with (
        scripted_upstream(
            answering(b"HTTP/1.1 200 OK\r\n" + line + b"\r\nContent-Length: 2\r\n\r\nok")
        ) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        assert (await client.ask(GET % b"")).status == (200 if line.startswith(b"Upgrade") else 502)
