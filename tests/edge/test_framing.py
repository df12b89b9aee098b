"""Lengths and the chunked coding, as pure computations."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.edge.errors import AmbiguousLength, EdgeFault, RequestBodyMalformed
from gateway.edge.framing import ChunkedBody, LengthBody, content_length
from gateway.edge.heads import chunks

BAD = [
    b"g\r\n", b"\r\n", b" 5\r\nhello\r\n", b"5 \r\nhello\r\n", b"5\nhello\r\n", b"5\rhello",
    b"0x5\r\nhello\r\n", b"+5\r\nhello\r\n",
    b"-5\r\nhello\r\n", b"5_0\r\n", b"5\r\nhelloX\r\n", b"5\r\nhello\n", b"5\r\nhello\r0\r\n", b"5\r\nhello0\r\n\r\n",
    b"11111111111111111\r\n", b"8000000000000000\r\n", b"ffffffffffffffff\r\n", b"5;a\nb\r\nhello\r\n", b"5;\x00\r\n",
    b"5;" + b"a" * 300 + b"\r\n", b"0\r\nbad trailer\r\n\r\n", b"0\r\n: a\r\n\r\n", b"0\r\nA: b\n\r\n",
    b"0\r\n A: b\r\n\r\n",
    b"0\r\nA: \x01\r\n\r\n", b"0\r\nX", b"\xd9\xa5\r\n", b"5\r\nhello\r\n0\r\n" + b"A: b\r\n" * 2000,
    b"1;" + b"a" * 300,
]  # fmt: skip


def decoded(stream: bytes, cuts: list[int]) -> object:
    body = ChunkedBody(RequestBodyMalformed)
    content = b""
    edges = [0, *sorted({cut % (len(stream) + 1) for cut in cuts}), len(stream)]
    for start, end in pairwise(edges):
        if start == end:
            continue
        try:
            content += body.feed(stream[start:end])
        except EdgeFault:
            return "refused"
        if body.complete:
            return content, body.rest + stream[end:]
    return "waiting", content


@pytest.mark.parametrize("stream", [bad for bad in BAD if bad != b"0\r\nX"])
def test_bad_chunks_are_refused_at_once(stream: bytes) -> None:
    assert decoded(stream, []) == "refused"


@given(st.sampled_from(BAD) | st.binary(max_size=60), st.lists(st.integers(0, 400), max_size=8))
@settings(max_examples=300)
def test_splitting_changes_no_verdict(stream: bytes, cuts: list[int]) -> None:
    whole, split = decoded(stream, []), decoded(stream, cuts)
    assert whole == split


@given(
    st.lists(st.binary(min_size=1, max_size=50), max_size=6),
    st.lists(st.integers(0, 400), max_size=8),
    st.sampled_from([b"", b";a", b";a=b;c", b';a="b c"']),
    st.sampled_from([b"", b"X-A: b\r\n", b"Content-Length: 5\r\nHost: evil\r\n"]),
)
def test_every_good_stream_comes_out_whole(
    pieces: list[bytes], cuts: list[int], extension: bytes, trailers: bytes
) -> None:
    stream = b"".join(b"%X%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces)
    stream += b"000" + extension + b"\r\n" + trailers + b"\r\n"
    assert decoded(stream + b"GET /", cuts) == (b"".join(pieces), b"GET /")


@given(st.binary(max_size=200))
def test_what_we_write_we_can_read(content: bytes) -> None:
    assert decoded(chunks(content, True), []) == (content, b"")


def test_extensions_are_bounded_together() -> None:
    body = ChunkedBody(RequestBodyMalformed, extensions=1000)
    with pytest.raises(RequestBodyMalformed):
        body.feed((b"1;" + b"a" * 200 + b"\r\nx\r\n") * 10)


@pytest.mark.parametrize(
    ("value", "length"), [(b"0", 0), (b" 5\t", 5), (b"5, 5", 5), (b"5,5 , 5", 5), (b"007", 7)]
)
def test_good_lengths(value: bytes, length: int) -> None:
    assert content_length(value, None, AmbiguousLength) == length


@given(st.binary(max_size=200), st.integers(0, 150), st.lists(st.integers(1, 60), max_size=8))
def test_a_length_takes_exactly_its_bytes(data: bytes, length: int, sizes: list[int]) -> None:
    body = LengthBody(length)
    content, at = b"", 0
    for size in [*sizes, len(data)]:
        if body.complete:
            break
        content += body.feed(data[at : at + size])
        at += size
    assert content == data[: min(length, at)]
    if body.complete:
        assert body.rest + data[at:] == data[length:]
