"""Answers nobody should relay are 502, on a socket; answers cut short are cut for the client too."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.edge.errors import AnswerCut, BadUpstreamAnswer, EdgeFault
from gateway.proxy.response import AnswerReader
from tests.line_support.raw_client import raw_client
from tests.line_support.running_edge import running_edge
from tests.line_support.scripted_upstream import OK, Visit, answering, scripted_upstream

GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
S = b"HTTP/1.1 200 OK\r\n"

BAD = [
    ("CL and TE", S + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
    ("TE and CL", S + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
    ("two CL", S + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok"),
    ("CL list", S + b"Content-Length: 2, 3\r\n\r\nok"),
    ("CL +2", S + b"Content-Length: +2\r\n\r\nok"),
    ("CL -2", S + b"Content-Length: -2\r\n\r\nok"),
    ("CL text", S + b"Content-Length: two\r\n\r\nok"),
    ("CL empty", S + b"Content-Length:\r\n\r\nok"),
    ("CL too large", S + b"Content-Length: 99999999999999999999\r\n\r\nok"),
    ("TE gzip", S + b"Transfer-Encoding: gzip\r\n\r\nok"),
    ("TE gzip, chunked", S + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    ("TE identity", S + b"Transfer-Encoding: identity\r\n\r\nok"),
    ("TE twice", S + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("TE in HTTP/1.0", b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("TE: xchunked", S + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    ("garbage", b"hello there\r\n\r\n"),
    ("SSH", b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
    ("HTTP/2 in text", b"HTTP/2 200\r\nContent-Length: 2\r\n\r\nok"),
    ("HTTP/1.2", b"HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    ("status 99", b"HTTP/1.1 99 OK\r\nContent-Length: 2\r\n\r\nok"),
    ("status 2000", b"HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok"),
    ("status 600", b"HTTP/1.1 600 OK\r\nContent-Length: 2\r\n\r\nok"),
    ("status text", b"HTTP/1.1 abc OK\r\nContent-Length: 2\r\n\r\nok"),
    ("two spaces", b"HTTP/1.1  200 OK\r\nContent-Length: 2\r\n\r\nok"),
    ("folded", S + b"X-A: b\r\n c\r\nContent-Length: 2\r\n\r\nok"),
    ("space before colon", S + b"Content-Length : 2\r\n\r\nok"),
    ("colonless", S + b"X-A\r\nContent-Length: 2\r\n\r\nok"),
    ("nameless", S + b": b\r\nContent-Length: 2\r\n\r\nok"),
    ("bare LF", b"HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nok"),
    ("bare CR", S + b"X-A: b\rSet-Cookie: evil\r\nContent-Length: 2\r\n\r\nok"),
    ("NUL", S + b"X-A: \x00\r\nContent-Length: 2\r\n\r\nok"),
    ("300 KB head", S + b"X-A: " + b"a" * 300_000 + b"\r\nContent-Length: 2\r\n\r\nok"),
    ("300 fields", S + b"X-A: a\r\n" * 300 + b"Content-Length: 2\r\n\r\nok"),
    ("101 unasked", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"),
    ("endless 100", b"HTTP/1.1 100 Continue\r\n\r\n" * 50),
    ("bad first chunk", S + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n"),
]  # fmt: skip


@pytest.mark.parametrize("answer", [case[1] for case in BAD], ids=[case[0] for case in BAD])
async def test_bad_answers_are_not_relayed(answer: bytes) -> None:
    async with (
        scripted_upstream(answering(answer, OK)) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        got = await client.ask(GET)
        assert (got.status, got.body) == (502, b"bad-upstream-answer")
        assert got.field("connection") is None
        ending = await edge.ending()
        assert isinstance(ending.fault, BadUpstreamAnswer)
        assert not ending.answered
        good = await client.ask(GET)
        assert (good.status, good.body) == (200, b"ok")
        assert upstream.visits == 2


NEVER_ENDING = [
    ("no status line", [b"hello"]),
    ("HTTP/0.9", [b"<html>hello</html>\r\n"]),
    ("TLS alert", [b"\x15\x03\x03\x00\x02\x02\x46"]),
    ("SSH", [b"SSH-2.0-OpenSSH_9.6\r\n"]),
    ("HTTP/2 settings", [b"\x00\x00\x12\x04\x00\x00\x00\x00\x00"]),
    ("lines end with LF", [b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok"]),
    ("one line ends with LF", [S + b"X-A: b\nX-B: c\r\n"]),
    ("wrong in the second piece", [b"HTT", b"X/1.1 200 OK"]),
    ("after an interim answer", [b"HTTP/1.1 100 Continue\r\n\r\nhello"]),
]


@pytest.mark.parametrize("pieces", [case[1] for case in NEVER_ENDING], ids=[case[0] for case in NEVER_ENDING])
async def test_what_cannot_become_an_answer_is_not_waited_for(pieces: list[bytes]) -> None:
    """H30: the upstream keeps the connection open, so only the bytes can tell. A head in pieces is still one."""

    async def sending(visit: Visit) -> None:
        await visit.request()
        for piece in pieces if visit.number == 1 else (OK[:1], OK[1:9], OK[9:17], OK[17:18], OK[18:]):
            await visit.send(piece)
            await asyncio.sleep(0)
        await visit.reader.read()

    async with (
        scripted_upstream(sending) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        got = await client.ask(GET)
        assert (got.status, got.body) == (502, b"bad-upstream-answer")
        good = await client.ask(GET)
        assert (good.status, good.body) == (200, b"ok")
        assert upstream.visits == 2


CUT = [
    ("length", S + b"Content-Length: 10\r\n\r\nhello"),
    ("length, nothing", S + b"Content-Length: 10\r\n\r\n"),
    ("chunk", S + b"Transfer-Encoding: chunked\r\n\r\na\r\nhello"),
    ("between chunks", S + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
    ("last chunk", S + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"),
]


@pytest.mark.parametrize("version", [b"HTTP/1.1", b"HTTP/1.0"])
@pytest.mark.parametrize("answer", [case[1] for case in CUT], ids=[case[0] for case in CUT])
async def test_a_cut_answer_never_ends_cleanly(answer: bytes, version: bytes) -> None:
    async def cutting(visit: Visit) -> None:
        await visit.request()
        await visit.send(answer)

    async with (
        scripted_upstream(cutting) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        head = GET.replace(b"HTTP/1.1", version)
        try:
            got = await client.ask(head)
        except (ConnectionError, asyncio.IncompleteReadError):
            assert version == b"HTTP/1.0"
        else:
            assert got.status == 200
            assert not got.whole
            assert await client.ended()
        ending = await edge.ending()
        assert isinstance(ending.fault, AnswerCut)
        assert ending.answered
        assert ending.status == 200


async def test_a_chunk_gone_wrong_in_the_middle_cuts() -> None:
    async def wrong(visit: Visit) -> None:
        await visit.request()
        await visit.send(S + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        await asyncio.sleep(0.05)
        await visit.send(b"zz\r\n")
        await visit.reader.read()

    async with (
        scripted_upstream(wrong) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        got = await client.ask(GET)
        assert (got.body, got.whole) == (b"hello", False)
        assert await client.ended()
        assert isinstance((await edge.ending()).fault, BadUpstreamAnswer)


@pytest.mark.parametrize("version", [b"HTTP/1.1", b"HTTP/1.0"])
async def test_an_answer_that_ends_with_its_connection(version: bytes) -> None:
    """The client gets a framing of its own: chunks, or the end of the connection in HTTP/1.0."""

    async def closing(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhel")
        await asyncio.sleep(0.02)
        await visit.send(b"lo")

    async with (
        scripted_upstream(closing) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        got = await client.ask(GET.replace(b"HTTP/1.1", version))
        assert (got.body, got.whole) == (b"hello", True)
        assert got.field("transfer-encoding") == ("chunked" if version == b"HTTP/1.1" else None)
        assert (await edge.ending()).fault is None
        if version == b"HTTP/1.1":
            assert (await client.ask(GET)).body == b"hello"
        else:
            assert await client.ended()
        assert edge.upstream.open_connections == 0


async def test_chunks_are_decoded_and_made_anew() -> None:
    answer = S + b"Transfer-Encoding: Chunked\r\n\r\n2;x=y\r\nhe\r\n0003\r\nllo\r\n0\r\nX-T: a\r\n\r\n"
    async with (
        scripted_upstream(answering(answer)) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        for _ in range(3):
            client.send(GET)
            head = await client.reader.readuntil(b"\r\n\r\n")
            assert b"\r\nTransfer-Encoding: chunked\r\n" in head
            assert await client.reader.readuntil(b"0\r\n\r\n") == b"5\r\nhello\r\n0\r\n\r\n"
        assert upstream.visits == 1


async def test_other_interim_answers_are_dropped_and_the_answer_arrives() -> None:
    early = b"HTTP/1.1 102 Processing\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"

    async def hinting(visit: Visit) -> None:
        while True:
            await visit.request()
            await visit.send(early)
            await asyncio.sleep(0.02)
            await visit.send(early + OK)

    async with (
        scripted_upstream(hinting) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        for _ in range(2):
            got = await client.ask(GET)
            assert (got.status, got.body, got.field("link")) == (200, b"ok", None)
        assert upstream.visits == 1


async def test_an_answer_may_come_in_the_smallest_pieces() -> None:
    answer = S + b"X-A: b\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"

    async def dripping(visit: Visit) -> None:
        while True:
            await visit.request()
            for octet in answer:
                await visit.send(bytes([octet]))
                await asyncio.sleep(0)

    async with (
        scripted_upstream(dripping) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        for _ in range(2):
            got = await client.ask(GET)
            assert (got.field("x-a"), got.body) == ("b", b"hello")
        assert upstream.visits == 1


@given(st.binary(max_size=100) | st.binary(max_size=60).map(lambda tail: S + tail))
def test_reading_raises_nothing_but_faults(head: bytes) -> None:
    try:
        answer = AnswerReader().read(head)
    except EdgeFault:
        return
    for line in answer.lines:
        assert not any(octet < 32 and octet != 9 for octet in line)
    assert not (answer.chunked and answer.length is not None)
