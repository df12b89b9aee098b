"""The head parser as a function: total, and deaf to how the bytes were split."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.edge.errors import EdgeFault
from gateway.edge.limits import EdgeLimits
from gateway.edge.peer import TrustedProxies
from gateway.edge.reader import RequestReader, take_head
from gateway.edge.request import Request
from tests.edge.test_malformed_requests import CASES

LIMITS = EdgeLimits()
GOOD = (
    b"POST /a/b?c=d HTTP/1.1\r\nHost: a.test\r\nAuthorization: Bearer x\r\nX-A: b\r\nx-ODD-name: \xe5\tb\r\n"
    b"Content-Length: 5\r\nAccept-Language: sv\r\n\r\nhello"
)

_pieces = st.lists(
    st.sampled_from(
        [
            b"GET ", b"POST ", b"/", b"/a", b"//", b"..", b"%2e", b" HTTP/1.1", b" HTTP/1.0", b"\r\n", b"\n", b"\r",
            b"Host: a.test\r\n", b"Host:", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"X-A: b\r\n",
            b" ", b"\t", b":", b"\x00", b"\xff", b"\r\n\r\n", b"Connection: close, x-a\r\n",
    b"Upgrade: websocket\r\n",
            b"Expect: 100-continue\r\n", b"X_Forwarded_For: a\r\n", b"Sluss-App: a\r\n", b"hello", b"#", b"?", b"@",
        ]
    ),
    max_size=14,
).map(b"".join)  # fmt: skip
_streams = st.one_of(
    _pieces,
    _pieces.map(lambda middle: b"GET /a HTTP/1.1\r\nHost: a.test\r\n" + middle),
    st.binary(max_size=80),
    st.sampled_from([case[1] for case in CASES if len(case[1]) < 2000]),
    st.just(GOOD),
)


def fields_of(request: Request) -> tuple[object, ...]:
    return tuple(getattr(request, name) for name in Request.__slots__)


def outcome(stream: bytes, cuts: list[int]) -> object:
    """What becomes of a stream that arrives in these pieces."""
    reader = RequestReader(LIMITS, TrustedProxies())
    buffer = b""
    edges = [0, *sorted({cut % (len(stream) + 1) for cut in cuts}), len(stream)]
    for start, end in pairwise(edges):
        seen = len(buffer)
        if start == end:
            continue
        buffer += stream[start:end]
        try:
            taken = take_head(reader, buffer, seen, "192.0.2.1", False)
        except EdgeFault as fault:
            return "refused", type(fault).__mro__[1] is not object
        if taken is not None:
            request, rest = taken
            return "taken", fields_of(request), rest + stream[end:]
    return "waiting"


@given(_streams, st.lists(st.integers(0, 400), max_size=6))
@settings(max_examples=400)
@example(GOOD, list(range(len(GOOD))))
@example(b"\r\n" + GOOD, [1, 2, 3])
def test_splitting_changes_nothing(stream: bytes, cuts: list[int]) -> None:
    assert outcome(stream, cuts) == outcome(stream, [])


@given(_streams)
@settings(max_examples=400)
def test_nothing_but_faults_is_raised_and_nothing_strange_is_passed_on(stream: bytes) -> None:
    reader = RequestReader(LIMITS, TrustedProxies())
    try:
        taken = take_head(reader, stream, 0, "192.0.2.1", False)
    except EdgeFault:
        return
    if taken is None:
        return
    request, rest = taken
    assert stream.endswith(rest)
    assert not (request.chunked and request.length is not None)
    for line in [*request.forwarded_lines, request.target]:
        assert not any(octet < 32 and octet != 9 for octet in line)
        name = line.partition(b":")[0].lower().replace(b"_", b"-")
        assert not name.startswith((b"sluss-", b"x-forwarded-", b"proxy-"))
        assert name not in (
            b"host",
            b"content-length",
            b"transfer-encoding",
            b"connection",
            b"authorization",
            b"expect",
        )


def test_the_table_of_names_is_bounded() -> None:
    reader = RequestReader(LIMITS, TrustedProxies())
    for number in range(5000):
        reader.read(b"GET / HTTP/1.1\r\nHost: h%d.test\r\nX-%d: a" % (number, number), "", False)
    assert len(reader._names.codes) < 2000
    assert len(reader._authorities) <= 256
    last = reader.read(b"GET / HTTP/1.1\r\nHost: last.test\r\nX-Last: a\r\nSLUSS-Last: b", "", False)
    assert last.forwarded_lines == [b"X-Last: a"]
