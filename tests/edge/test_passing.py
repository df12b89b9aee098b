"""What the edge has no opinion on passes through it as it is: ranges, codings, conditions, lengths."""

from __future__ import annotations

import gzip

import pytest

from tests.line_support.raw_client import raw_client
from tests.line_support.running_edge import running_edge
from tests.line_support.scripted_upstream import answering, scripted_upstream

ZIPPED = gzip.compress(b"hello" * 1000)
PARTS = (
    b"--b\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/9\r\n\r\nab\r\n"
    b"--b\r\nContent-Type: text/plain\r\nContent-Range: bytes 4-5/9\r\n\r\nef\r\n--b--\r\n"
)


def answer(line: bytes, body: bytes, *fields: bytes) -> bytes:
    head = b"".join(each + b"\r\n" for each in fields)
    return b"HTTP/1.1 %b\r\n%bContent-Length: %d\r\n\r\n%b" % (line, head, len(body), body)


CASES = {
    "206": (
        ["Range: bytes=0-1", 'If-Range: "v1"'],
        answer(b"206 Partial Content", b"ab", b"Content-Range: bytes 0-1/9", b'ETag: "v1"', b"Accept-Ranges: bytes"),
    ),
    "multipart/byteranges": (
        ["Range: bytes=0-1,4-5"],
        answer(b"206 Partial Content", PARTS, b"Content-Type: multipart/byteranges; boundary=b"),
    ),
    "416": (["Range: bytes=99-"], answer(b"416 Range Not Satisfiable", b"", b"Content-Range: bytes */9")),
    "gzip": (
        ["Accept-Encoding: gzip, br"],
        answer(b"200 OK", ZIPPED, b"Content-Encoding: gzip", b"Vary: Accept-Encoding"),
    ),
    "not modified": (
        ['If-None-Match: "v1"', "If-Modified-Since: Sun, 01 Nov 2026 00:00:00 GMT"],
        b'HTTP/1.1 304 Not Modified\r\nETag: "v1"\r\nContent-Length: 9\r\n\r\n',
    ),
    "precondition": (['If-Match: "v0"'], answer(b"412 Precondition Failed", b"")),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
async def test_passes_untouched(name: str) -> None:
    asked, given = CASES[name]
    head, _, body = given.partition(b"\r\n\r\n")
    request = "\r\n".join(["GET /a HTTP/1.1", "Host: a", *asked, "", ""]).encode()
    async with (
        scripted_upstream(answering(given)) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        for _ in range(2):
            got = await client.ask(request)
            assert (got.status, got.body, got.whole) == (int(head.split()[1]), body, True)
            for line in head.decode().split("\r\n")[1:]:
                field, _, value = line.partition(": ")
                assert got.values(field.lower()) == [value]
        for line in asked:
            field, _, value = line.partition(": ")
            assert upstream.arrived[0].values(field.lower()) == [value]
        assert upstream.visits == 1


@pytest.mark.parametrize("coding", [b"gzip", b"br", b"zstd", b"nonsense"])
async def test_a_coded_request_body_is_bytes(coding: bytes) -> None:
    """H39: nothing here decompresses."""
    async with (
        scripted_upstream(answering(answer(b"200 OK", b"ok"))) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        got = await client.ask(
            b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Encoding: %b\r\nContent-Length: %d\r\n\r\n%b"
            % (coding, len(ZIPPED), ZIPPED)
        )
        assert got.status == 200
        assert upstream.arrived[0].body == ZIPPED
        assert upstream.arrived[0].values("content-encoding") == [coding.decode()]


async def test_the_answer_to_head_is_what_get_would_have_said() -> None:
    """H25: the length of what is not sent; the connection goes on."""
    given = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\nContent-Encoding: gzip\r\n\r\n"
    async with (
        scripted_upstream(answering(given)) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        for _ in range(3):
            got = await client.ask(b"HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n", "HEAD")
            assert got.values("content-length") == ["5000"]
        assert upstream.visits == 1


async def test_a_refusal_of_head_has_no_body() -> None:
    """H25, also before the line: what a client does not expect it would take for the next answer."""
    async with running_edge() as edge, raw_client(edge.port) as client:
        client.send(b"HEAD /a//b HTTP/1.1\r\nHost: a\r\n\r\n")
        rest = await client.rest()
        assert rest.startswith(b"HTTP/1.1 400")
        assert rest.endswith(b"\r\n\r\n")
