"""A multipart body is cut alike however it arrives, and what two readers could cut differently is refused."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.validation import media
from gateway.validation.multipart import HEAD_BYTES, NotAForm, Part, Reader, boundary_of

EDGE = "x-Y"
Found = list[tuple[str, bool, bytes]]


def read(*pieces: bytes) -> Found:
    found: Found = []
    texts: list[bytes] = []
    parts: list[Part] = []

    def end() -> None:
        found.append((parts[-1].name, parts[-1].is_file, b"".join(texts)))
        texts.clear()

    reader = Reader(EDGE, parts.append, texts.append, end)
    for piece in pieces:
        reader.feed(piece)
    reader.finish()
    assert len(parts) == len(found)
    return found


def part(name: str, content: bytes, more: str = "") -> bytes:
    return (
        f'--{EDGE}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode()
        + content
        + b"\r\n"
    )


END = f"--{EDGE}--\r\n".encode()
TWO = part("a", b"one") + part("b", b"--x-Y\r\n-", '; filename="c.png"\r\nContent-Type: image/png') + END


@given(
    contents=st.lists(
        st.lists(st.sampled_from([b"\r", b"\n", b"-", b"x-Y", b"\r\n--x-", b"a"]), max_size=8)
        .map(b"".join)
        .filter(lambda content: b"\r\n--x-Y" not in content),
        min_size=1,
        max_size=4,
    ),
    cuts=st.lists(st.integers(0, 400), max_size=12),
    tail=st.sampled_from([b"", b"\r\n"]),
)
def test_however_it_is_cut_on_the_way_the_parts_are_the_same(
    contents: list[bytes], cuts: list[int], tail: bytes
) -> None:
    whole = b"".join(part(f"n{number}", content) for number, content in enumerate(contents)) + END[:-2] + tail
    places = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    pieces = [whole[a:b] for a, b in itertools.pairwise(places)]
    wanted = [(f"n{number}", False, content) for number, content in enumerate(contents)]
    assert read(*pieces) == wanted
    assert read(*(whole[at : at + 1] for at in range(len(whole)))) == wanted


def test_a_part_says_whether_it_is_a_file() -> None:
    assert read(TWO) == [("a", False, b"one"), ("b", True, b"--x-Y\r\n-")]
    assert read(part("å", b"") + END) == [("å", False, b"")]


HEAD = b"--x-Y\r\n"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\r\n" + TWO,  # something before the first boundary
        b"preamble\r\n" + TWO,
        TWO + b"epilogue",
        TWO + b"\r\n",
        TWO[:-4],  # no end
        TWO.replace(b"\r\n", b"\n"),
        TWO.replace(b"--x-Y\r\n", b"--x-Y \r\n"),  # padding after a boundary
        TWO.replace(b"one\r\n--x-Y", b"one\r\n--x-Yz"),  # a line that begins like one
        HEAD + b"\r\n\r\nx\r\n" + END,  # a part that says nothing
        HEAD + b"Content-Type: text/plain\r\n\r\nx\r\n" + END,
        HEAD + b"Content-Disposition: attachment; name=a\r\n\r\nx\r\n" + END,
        HEAD + b"Content-Disposition: form-data\r\n\r\nx\r\n" + END,
        HEAD + b'Content-Disposition: form-data; name=""\r\n\r\nx\r\n' + END,
        HEAD + b'Content-Disposition: form-data; name="a"; name="b"\r\n\r\nx\r\n' + END,
        HEAD + b"Content-Disposition: form-data; name=a; NAME=b\r\n\r\nx\r\n" + END,
        HEAD + b"Content-Disposition: form-data; name=a; name*=utf-8''b\r\n\r\nx\r\n" + END,
        HEAD + b'Content-Disposition: form-data; name="a\\"b"\r\n\r\nx\r\n' + END,
        HEAD + b'Content-Disposition: form-data; name="\xff"\r\n\r\nx\r\n' + END,
        HEAD + b'Content-Disposition: form-data; name="a\r\n\r\nx\r\n' + END,
        HEAD
        + b"Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b\r\n\r\nx\r\n"
        + END,
        HEAD + b"Content-Disposition: form-data; name=a\r\n folded: yes\r\n\r\nx\r\n" + END,
        HEAD + b"Content-Disposition: form-data; name=a\nX: y\r\n\r\nx\r\n" + END,
        HEAD + b"Content-Disposition : form-data; name=a\r\n\r\nx\r\n" + END,
        HEAD + b"Content-Disposition: form-data; name=a\r\nContent-Type: text\r\n\r\nx\r\n" + END,
        HEAD
        + b"Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64\r\n\r\nx\r\n"
        + END,
        HEAD + b"Content-Disposition: form-data; name=" + b"a" * HEAD_BYTES + b"\r\n\r\nx\r\n" + END,
    ],
    ids=range(27),
)
def test_what_is_no_form(body: bytes) -> None:
    with pytest.raises(NotAForm):
        read(body)
    with pytest.raises(NotAForm):
        read(*(body[at : at + 1] for at in range(len(body))))


@given(st.binary(max_size=300), st.integers(0, 300))
def test_no_bytes_break_the_reader(data: bytes, cut: int) -> None:
    for body in (data, TWO[: cut % len(TWO)] + data, TWO[: cut % len(TWO)] + data + TWO[cut % len(TWO) :]):
        try:
            read(body)
        except NotAForm:
            continue


@pytest.mark.parametrize(
    ("value", "boundary"),
    [
        (b"multipart/form-data; boundary=abc", "abc"),
        (b'multipart/form-data; boundary="a b=c"', "a b=c"),
        (b"multipart/form-data", None),
        (b'multipart/form-data; boundary=""', None),
        (b'multipart/form-data; boundary="a "', None),
        (b"multipart/form-data; boundary=" + b"a" * 71, None),
        (b'multipart/form-data; boundary="\xe5"', None),
        (b'multipart/form-data; boundary="a;b"', None),
    ],
)
def test_a_boundary(value: bytes, boundary: str | None) -> None:
    kind = media.parse(value)
    assert kind is not None
    if boundary is None:
        with pytest.raises(NotAForm):
            boundary_of(kind)
    else:
        assert boundary_of(kind) == boundary
