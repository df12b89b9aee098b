"""An observer of the relayed answer: it sees all of it, and can harm none of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from gateway.proxy.response import Answer
from tests.line_support.raw_client import raw_client
from tests.line_support.running_edge import running_edge
from tests.line_support.scripted_upstream import Visit, answering, scripted_upstream

GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"


@dataclass
class Notes:
    """Writes down what it is told; ``raises`` at one of the three."""

    raises: str = ""
    heads: list[list[bytes]] = field(default_factory=list)
    body: bytes = b""
    ends: list[bool] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def begin(self, answer: Answer) -> None:
        self.heads.append(list(answer.lines))
        self._maybe("begin")

    def content(self, data: bytes) -> None:
        assert data
        self.body += data
        self._maybe("content")

    def end(self, whole: bool) -> None:
        self.ends.append(whole)
        self.ended.set()
        self._maybe("end")

    def _maybe(self, call: str) -> None:
        if self.raises == call:
            raise RuntimeError("broken")


@pytest.mark.parametrize(
    ("sent", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 5\r\n\r\nhello", b"hello"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", b"hi"),
        (b"HTTP/1.1 204 No Content\r\nContent-Type: a/b\r\n\r\n", b""),
    ],
)  # fmt: skip
async def test_it_sees_status_lines_content_and_end(sent: bytes, body: bytes) -> None:
    async with (
        scripted_upstream(answering(sent)) as upstream,
        running_edge(upstream.url, response_lines=b"X-Own: 1\r\n") as edge,
        raw_client(edge.port) as client,
    ):
        edge.watch = notes = Notes()
        answer = await client.ask(GET)
        assert (answer.body, answer.field("x-own")) == (body, "1")
        assert notes.heads == [[sent.split(b"\r\n")[0], b"Content-Type: a/b"]]
        assert (notes.body, notes.ends) == (body, [True])


async def test_an_answer_in_pieces_is_seen_in_pieces_and_a_cut_one_is_not_whole() -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
        await visit.send(b"hel")

    async with (
        scripted_upstream(script) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        edge.watch = notes = Notes()
        assert not (await client.ask(GET)).whole
        assert (len(notes.heads), notes.body, notes.ends) == (1, b"hel", [False])


async def test_a_client_that_leaves_ends_it_unwhole() -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhel")
        await visit.reader.read()

    async with (
        scripted_upstream(script) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        edge.watch = notes = Notes()
        client.send(GET)
        await client.reader.readuntil(b"hel")
        client.reset()
        await asyncio.wait_for(notes.ended.wait(), 10)
        assert notes.ends == [False]


async def test_nothing_is_told_when_no_answer_came() -> None:
    async with running_edge() as edge, raw_client(edge.port) as client:
        edge.watch = notes = Notes()
        assert (await client.ask(GET)).status == 502
        assert (notes.heads, notes.ends) == ([], [])


@pytest.mark.parametrize("call", ["begin", "content", "end"])
async def test_an_observer_that_raises_harms_nobody(call: str, caplog: pytest.LogCaptureFixture) -> None:
    async with (
        scripted_upstream(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        edge.watch = Notes(call)
        assert (await client.ask(GET)).body == b"ok"
        assert (await client.ask(GET)).body == b"ok"
        assert "an observer of an answer failed" in caplog.text
