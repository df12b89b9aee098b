"""Every request here breaks HTTP, or bends it: refused with its status, the connection closed, nothing upstream."""

from __future__ import annotations

import pytest

from tests.line_support.raw_client import raw_client
from tests.line_support.running_edge import running_edge
from tests.line_support.scripted_upstream import OK as ANSWER
from tests.line_support.scripted_upstream import answering, scripted_upstream

H = b"Host: sluss.test\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: sluss.test\r\n\r\n"


def get(fields: bytes, body: bytes = b"") -> bytes:
    return b"GET /a HTTP/1.1\r\n" + H + fields + b"\r\n" + body


def post(fields: bytes, body: bytes = b"hello") -> bytes:
    return b"POST /a HTTP/1.1\r\n" + H + fields + b"\r\n" + body


CASES: list[tuple[str, bytes, int]] = [
    # H1: both framings
    ("CL then TE", post(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n" + SMUGGLED), 400),
    ("TE then CL", post(b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n" + SMUGGLED), 400),
    ("TE in other case and CL", post(b"tRANSFER-eNCODING: CHUNKED\r\ncontent-length: 5\r\n"), 400),
    ("TE and CL 0", post(b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", b"0\r\n\r\n"), 400),
    # H2: disagreeing lengths
    ("two CL", post(b"Content-Length: 5\r\nContent-Length: 6\r\n"), 400),
    ("CL list", post(b"Content-Length: 5, 6\r\n"), 400),
    ("CL and list", post(b"Content-Length: 5\r\nContent-Length: 5, 6\r\n"), 400),
    ("CL 0 and 5", post(b"Content-Length: 0\r\nContent-Length: 5\r\n"), 400),
    ("CL in two cases", post(b"Content-Length: 5\r\nCONTENT-LENGTH: 7\r\n"), 400),
    # H3: what is not 1*DIGIT
    ("CL +5", post(b"Content-Length: +5\r\n"), 400),
    ("CL -5", post(b"Content-Length: -5\r\n"), 400),
    ("CL -0", post(b"Content-Length: -0\r\n"), 400),
    ("CL 0x5", post(b"Content-Length: 0x5\r\n"), 400),
    ("CL 5_0", post(b"Content-Length: 5_0\r\n"), 400),
    ("CL 5e0", post(b"Content-Length: 5e0\r\n"), 400),
    ("CL 5.0", post(b"Content-Length: 5.0\r\n"), 400),
    ("CL 1 2", post(b"Content-Length: 1 2\r\n"), 400),
    ("CL 5;a", post(b"Content-Length: 5;a\r\n"), 400),
    ("CL empty", post(b"Content-Length:\r\n"), 400),
    ("CL comma", post(b"Content-Length: ,\r\n"), 400),
    ("CL 5,", post(b"Content-Length: 5,\r\n"), 400),
    ("CL quoted", post(b'Content-Length: "5"\r\n'), 400),
    ("CL Arabic digits", post("Content-Length: ٥\r\n".encode()), 400),
    ("CL fullwidth digit", post("Content-Length: ５\r\n".encode()), 400),
    ("CL 2^63", post(b"Content-Length: 9223372036854775808\r\n"), 400),
    ("CL 2^64+5", post(b"Content-Length: 18446744073709551621\r\n"), 400),
    ("CL 40 digits", post(b"Content-Length: " + b"0" * 39 + b"5\r\n"), 400),
    ("CL with vertical tab", post(b"Content-Length: \x0b5\r\n"), 400),
    # H4: codings
    ("TE gzip", post(b"Transfer-Encoding: gzip\r\n"), 501),
    ("TE identity", post(b"Transfer-Encoding: identity\r\n"), 501),
    ("TE gzip, chunked", post(b"Transfer-Encoding: gzip, chunked\r\n"), 400),
    ("TE chunked, identity", post(b"Transfer-Encoding: chunked, identity\r\n"), 400),
    ("TE chunked, chunked", post(b"Transfer-Encoding: chunked, chunked\r\n"), 400),
    ("TE twice", post(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400),
    ("TE chunked then identity", post(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"), 400),
    ("TE xchunked", post(b"Transfer-Encoding: xchunked\r\n"), 400),
    ("TE chunked;q=1", post(b"Transfer-Encoding: chunked;q=1\r\n"), 400),
    ("TE quoted", post(b'Transfer-Encoding: "chunked"\r\n'), 400),
    ("TE empty", post(b"Transfer-Encoding:\r\n"), 400),
    ("TE comma", post(b"Transfer-Encoding: chunked,\r\n"), 400),
    ("TE with vertical tab", post(b"Transfer-Encoding: \x0bchunked\r\n"), 400),
    ("TE with NUL", post(b"Transfer-Encoding: chunked\x00\r\n"), 400),
    ("TE with non-ASCII", post(b"Transfer-Encoding: chunked\xa0\r\n"), 400),
    ("TE folded", post(b"Transfer-Encoding:\r\n chunked\r\n"), 400),
    ("TE in HTTP/1.0", b"POST /a HTTP/1.0\r\n" + H + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("TE: with space before the colon", post(b"Transfer-Encoding : chunked\r\n"), 400),
    ("Transfer_Encoding", post(b"Transfer_Encoding: chunked\r\n"), 400),
    ("Content_Length", post(b"Content_Length: 5\r\n"), 400),
    # H5: header lines
    ("space before the colon", get(b"X-A : b\r\n"), 400),
    ("tab before the colon", get(b"X-A\t: b\r\n"), 400),
    ("space before the first header", b"GET /a HTTP/1.1\r\n X-A: b\r\n" + H + b"\r\n", 400),
    ("tab before the first header", b"GET /a HTTP/1.1\r\n\tHost: sluss.test\r\n\r\n", 400),
    ("nameless", get(b": b\r\n"), 400),
    ("colonless", get(b"X-A\r\n"), 400),
    ("known name, colonless", get(b"Accept\r\n"), 400),
    ("colonless Host", b"GET /a HTTP/1.1\r\nHost\r\n\r\n", 400),
    ("name with space", get(b"X A: b\r\n"), 400),
    ("name with parenthesis", get(b"X(A): b\r\n"), 400),
    ("name with quote", get(b'X"A: b\r\n'), 400),
    ("name with slash", get(b"X/A: b\r\n"), 400),
    ("name with at sign", get(b"X@A: b\r\n"), 400),
    ("name with non-ASCII", get("X-Å: b\r\n".encode()), 400),
    ("name with brackets", get(b"X[A]: b\r\n"), 400),
    # H6
    ("folded line", get(b"X-A: b\r\n c\r\n"), 400),
    ("folded with tab", get(b"X-A: b\r\n\tc\r\n"), 400),
    # H7: control characters
    ("NUL in value", get(b"X-A: b\x00c\r\n"), 400),
    ("NUL in name", get(b"X-\x00A: b\r\n"), 400),
    ("NUL in target", b"GET /a\x00b HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("bare CR in value", get(b"X-A: b\rc\r\n"), 400),
    ("bare CR at the end of a value", get(b"X-A: b\r\r\n"), 400),
    ("bare CR in name", get(b"X-\rA: b\r\n"), 400),
    ("bare CR in the request line", b"GET /a\rb HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("CR smuggling a header", get(b"X-A: b\rContent-Length: 5\r\n"), 400),
    ("escape in value", get(b"X-A: \x1b[31m\r\n"), 400),
    ("delete in value", get(b"X-A: \x7f\r\n"), 400),
    ("backspace in method", b"GE\x08T /a HTTP/1.1\r\n" + H + b"\r\n", 400),
    # H8: line ends
    ("bare LF everywhere", b"GET /a HTTP/1.1\nHost: sluss.test\n\n", 400),
    ("bare LF after the request line", b"GET /a HTTP/1.1\n" + H + b"\r\n", 400),
    ("bare LF after a header", b"GET /a HTTP/1.1\r\n" + H + b"X-A: b\nX-B: c\r\n\r\n", 400),
    ("LF CR", b"GET /a HTTP/1.1\n\rHost: sluss.test\n\r\n\r", 400),
    ("empty line of LF", b"GET /a HTTP/1.1\r\n" + H + b"\n", 400),
    # H11: Host
    ("no Host", b"GET /a HTTP/1.1\r\n\r\n", 400),
    ("no Host in HTTP/1.0", b"GET /a HTTP/1.0\r\n\r\n", 400),
    ("two Hosts", get(b"Host: other.test\r\n"), 400),
    ("two equal Hosts", get(H), 400),
    ("Host in two cases", get(b"hOST: other.test\r\n"), 400),
    ("empty Host", b"GET /a HTTP/1.1\r\nHost:\r\n\r\n", 400),
    ("Host list", b"GET /a HTTP/1.1\r\nHost: a.test, b.test\r\n\r\n", 400),
    ("Host with user", b"GET /a HTTP/1.1\r\nHost: user@sluss.test\r\n\r\n", 400),
    ("Host with path", b"GET /a HTTP/1.1\r\nHost: sluss.test/a\r\n\r\n", 400),
    ("Host with query", b"GET /a HTTP/1.1\r\nHost: sluss.test?a\r\n\r\n", 400),
    ("Host with space", b"GET /a HTTP/1.1\r\nHost: sluss.test other\r\n\r\n", 400),
    ("Host with empty port", b"GET /a HTTP/1.1\r\nHost: sluss.test:\r\n\r\n", 400),
    ("Host with port 99999", b"GET /a HTTP/1.1\r\nHost: sluss.test:99999\r\n\r\n", 400),
    ("Host with signed port", b"GET /a HTTP/1.1\r\nHost: sluss.test:+80\r\n\r\n", 400),
    ("Host with two ports", b"GET /a HTTP/1.1\r\nHost: sluss.test:80:80\r\n\r\n", 400),
    ("Host of another script", "GET /a HTTP/1.1\r\nHost: slüss.test\r\n\r\n".encode(), 400),
    ("Host with escape", b"GET /a HTTP/1.1\r\nHost: sluss%2etest\r\n\r\n", 400),
    ("Host with empty label", b"GET /a HTTP/1.1\r\nHost: sluss..test\r\n\r\n", 400),
    ("absolute target with bad Host", b"GET http://sluss.test/a HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    ("absolute target without Host", b"GET http://sluss.test/a HTTP/1.1\r\n\r\n", 400),
    # H13: forms and methods
    ("other scheme", b"GET ftp://sluss.test/a HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("file scheme", b"GET file:///etc/passwd HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("authority form", b"GET sluss.test:80 HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("user in absolute target", b"GET http://user@sluss.test/a HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("absolute target without authority", b"GET http:///a HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("asterisk", b"OPTIONS * HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("relative target", b"GET a HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("CONNECT", b"CONNECT sluss.test:443 HTTP/1.1\r\n" + H + b"\r\n", 405),
    ("TRACE", b"TRACE /a HTTP/1.1\r\n" + H + b"\r\n", 405),
    ("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ("unknown method", b"BREW /a HTTP/1.1\r\n" + H + b"\r\n", 501),
    ("lower-case method", b"get /a HTTP/1.1\r\n" + H + b"\r\n", 501),
    ("method with brackets", b"GE[T] /a HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("empty method", b" /a HTTP/1.1\r\n" + H + b"\r\n", 400),
    # H14: versions
    ("HTTP/0.9", b"GET /a\r\n\r\n", 400),
    ("HTTP/2.0", b"GET /a HTTP/2.0\r\n" + H + b"\r\n", 505),
    ("HTTP/1.2", b"GET /a HTTP/1.2\r\n" + H + b"\r\n", 505),
    ("HTTP/1", b"GET /a HTTP/1\r\n" + H + b"\r\n", 400),
    ("HTTP/1.10", b"GET /a HTTP/1.10\r\n" + H + b"\r\n", 400),
    ("HTTP/01.1", b"GET /a HTTP/01.1\r\n" + H + b"\r\n", 400),
    ("http/1.1", b"GET /a http/1.1\r\n" + H + b"\r\n", 400),
    ("HTTPS/1.1", b"GET /a HTTPS/1.1\r\n" + H + b"\r\n", 400),
    ("two spaces", b"GET  /a HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("space at the end of the line", b"GET /a HTTP/1.1 \r\n" + H + b"\r\n", 400),
    ("tab as separator", b"GET\t/a HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("space in the target", b"GET /a b HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("empty lines", b"\r\n\r\n\r\n" + SMUGGLED, 400),
    ("TLS handshake", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64, 400),
    # H15: sizes
    ("long target", b"GET /" + b"a" * 8192 + b" HTTP/1.1\r\n" + H + b"\r\n", 414),
    ("endless target", b"GET /" + b"a" * 70000, 414),
    ("long field", get(b"X-A: " + b"a" * 16384 + b"\r\n"), 431),
    ("101 fields", get(b"X-A: b\r\n" * 100), 431),
    ("66 KiB of fields", get((b"X-A: " + b"a" * 8000 + b"\r\n") * 9), 431),
    ("endless fields", b"GET /a HTTP/1.1\r\n" + H + b"X-A: " + b"a" * 70000, 431),
    # H16, H18, H26 and others
    ("two Authorization", get(b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n"), 400),
    ("Expect of something else", post(b"Content-Length: 5\r\nExpect: 200-ok\r\n", b""), 417),
    ("X_Forwarded_For", get(b"X_Forwarded_For: 10.0.0.1\r\n"), 400),
    ("X_Original_URL", get(b"X_Original_URL: /admin\r\n"), 400),
    ("x-forwarded_host", get(b"x-forwarded_host: a\r\n"), 400),
    ("X.Forwarded.For", get(b"X.Forwarded.For: 10.0.0.1\r\n"), 400),
    ("Connection with junk", get(b"Connection: a b\r\n"), 400),
]  # fmt: skip


@pytest.mark.parametrize(
    ("request_bytes", "status"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
async def test_is_refused_and_reaches_nobody(request_bytes: bytes, status: int) -> None:
    async with (
        scripted_upstream(answering(ANSWER)) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        answer = await client.ask(request_bytes)
        assert answer.status == status
        assert answer.field("connection") == "close"
        assert answer.whole
        assert await client.ended()
        assert edge.requests == []
        assert upstream.visits == 0
        assert sum(edge.server.refusals.values()) == 1


@pytest.mark.parametrize("cut", [1, 7, 40])
@pytest.mark.parametrize(
    ("request_bytes", "status"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
async def test_is_refused_in_pieces_too(request_bytes: bytes, status: int, cut: int) -> None:
    """The head arrives in two pieces, the second after the first has been looked at."""
    async with running_edge() as edge, raw_client(edge.port) as client:
        client.send(request_bytes[:cut])
        await client.drain()
        while edge.server.open_connections == 0:
            client.send(b"")
            await client.drain()
        client.send(request_bytes[cut:])
        answer = await client.answer()
        assert answer.status == status
        assert await client.ended()
        assert edge.requests == []


async def test_what_follows_a_refused_request_is_not_looked_at() -> None:
    async with (
        scripted_upstream(answering(ANSWER)) as upstream,
        running_edge(upstream.url) as edge,
        raw_client(edge.port) as client,
    ):
        client.send(get(b"X-A : b\r\n") + SMUGGLED * 3)
        assert (await client.answer()).status == 400
        assert await client.ended()
        assert upstream.visits == 0
