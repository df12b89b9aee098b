"""The frame scanner: any split of the stream gives the same, and another reader agrees on what is lawful."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, SERVER, Protocol

from gateway.tunnels.frames import Broken, Frames, close_frame
from tests.line_support.tunnel_line import frame

MOST = 400


@dataclass
class Seen:
    """What came of a stream: bytes passed on, where messages began, how many ended, and the end."""

    passed: bytes
    begun: list[int]
    ended: int
    controls: int
    closed: bool
    broken: Broken | None


def read(pieces: list[bytes], *, masked: bool = True, compressed: bool = False, turn: int = 64) -> Seen:
    frames = Frames(masked=masked, compressed=compressed, most=MOST, single=True, turn=turn)
    passed, begun = b"", []
    for piece in pieces:
        frames.feed(piece)
        while (part := frames.next()) is not None:
            if part.begins:
                begun.append(len(passed))
            passed += part.data
    return Seen(passed, begun, frames.messages, frames.controls, frames.closed, frames.broken)


def wire(it: Frame, mask: bool = True) -> bytes:
    """Also of frames that the library would not send."""
    return frame(it.opcode, bytes(it.data), fin=it.fin, mask=mask, rsv=0x40 if it.rsv1 else 0)


OPCODES = st.sampled_from([Opcode.TEXT, Opcode.BINARY, Opcode.CONT, Opcode.PING, Opcode.PONG])
LAWFUL_OR_NOT = st.builds(
    Frame,
    OPCODES,
    st.binary(max_size=200),
    st.booleans(),
    st.sampled_from([False] * 9 + [True]),
)


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Frames in any order, mostly lawful: a continuation is begun and ended as it should be most of the time."""
    whole = b""
    for each in draw(st.lists(LAWFUL_OR_NOT, max_size=8)):
        if each.opcode in (Opcode.PING, Opcode.PONG):
            each.data, each.fin = each.data[:125], True
        whole += wire(each, draw(st.sampled_from([True] * 15 + [False])))
    if draw(st.booleans()):
        whole += close_frame(draw(st.sampled_from([1000, 1005, 2999, 4000])), "bye", masked=True)
    if draw(st.integers(0, 9)) == 0 and whole:
        at = draw(st.integers(0, len(whole) - 1))
        whole = whole[:at] + bytes((draw(st.integers(0, 255)),)) + whole[at + 1 :]
    return whole


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


@settings(max_examples=300)
@given(streams(), st.lists(st.integers(0, 10_000), max_size=12), st.sampled_from([1, 3, 64]))
def test_any_split_of_the_stream_gives_the_same(data: bytes, cuts: list[int], turn: int) -> None:
    whole = read([data])
    assert read(split(data, cuts), turn=turn) == whole
    assert read([data[place : place + 1] for place in range(len(data))]) == whole
    assert data.startswith(whole.passed)


def judged_by_another(data: bytes, compressed: bool) -> tuple[int, int | None]:
    """Whole messages, and the close code with which the `websockets` library gives up, None when it does not."""
    other = Protocol(SERVER, max_size=MOST)
    if compressed:
        other.extensions = [PerMessageDeflate(False, False, 15, 15)]
    other.receive_data(data)
    ended = sum(
        each.fin
        for each in other.events_received()
        if isinstance(each, Frame) and each.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)
    )
    fault = other.parser_exc
    if isinstance(fault, ProtocolError):
        return ended, None if str(fault) == "incomplete fragmented message" else 1002
    if isinstance(fault, PayloadTooBig):
        return ended, 1009
    return ended, 1007 if isinstance(fault, UnicodeDecodeError) else None


@settings(max_examples=300)
@given(streams())
def test_another_reader_agrees_on_what_is_lawful(data: bytes) -> None:
    """The `websockets` library reads the same bytes: the same messages whole, a fault where it sees one.

    It waits for a frame to be whole where we judge its head, so ours may be the earlier. A close frame within a
    message is lawful (RFC 6455 section 5.4), but not to the library.
    """
    ours = read([data])
    ended, fault = judged_by_another(data, compressed=False)
    if fault is not None:
        assert ours.broken is not None
        assert ours.broken.close == fault
    assert ours.ended == ended


@given(
    st.lists(st.tuples(st.sampled_from([Opcode.TEXT, Opcode.BINARY]), st.binary(max_size=300)), max_size=6)
)
def test_lawful_messages_all_pass(messages: list[tuple[Opcode, bytes]]) -> None:
    data = b"".join(wire(Frame(opcode, payload)) for opcode, payload in messages)
    seen = read([data])
    assert (seen.passed, seen.ended, seen.broken) == (data, len(messages), None)
    assert len(seen.begun) == len(messages)


def test_a_piece_leaves_as_it_came_without_a_copy() -> None:
    frames = Frames(masked=False)
    data = wire(Frame(Opcode.BINARY, b"x" * 100_000), mask=False)
    frames.feed(data)
    part = frames.next()
    assert part is not None
    assert part.data is data
    rest = bytes(50_000)
    frames.feed(wire(Frame(Opcode.BINARY, bytes(100_000)), mask=False)[:50_010])
    frames.next()
    frames.feed(rest)
    part = frames.next()
    assert part is not None
    assert part.data is rest


def test_a_control_frame_between_fragments_belongs_to_the_message() -> None:
    data = (
        wire(Frame(Opcode.TEXT, b"a", fin=False))
        + wire(Frame(Opcode.PING, b"p"))
        + wire(Frame(Opcode.CONT, b"b"))
        + wire(Frame(Opcode.PONG, b""))
        + wire(Frame(Opcode.BINARY, b"c"))
    )
    seen = read([data])
    assert seen.begun == [0, len(data) - 7]
    assert (seen.ended, seen.controls) == (2, 2)


@pytest.mark.parametrize(
    ("first", "compressed", "lawful"),
    [(0xC1, True, True), (0xC2, True, True), (0xC1, False, False), (0xC9, True, False), (0xA1, True, False)],
)
def test_the_compressed_bit_is_for_first_frames_when_it_was_agreed(
    first: int, compressed: bool, lawful: bool
) -> None:
    seen = read([bytes((first, 0x80, 0, 0, 0, 0))], compressed=compressed)
    assert (seen.broken is None) is lawful


def test_the_compressed_bit_on_a_continuation_is_refused() -> None:
    data = wire(Frame(Opcode.TEXT, b"a", fin=False, rsv1=True)) + wire(Frame(Opcode.CONT, b"b", rsv1=True))
    seen = read([data], compressed=True)
    assert seen.broken == Broken(1002, "reserved bit")


def test_nothing_passes_after_a_close_frame() -> None:
    data = close_frame(1000, "", masked=True)
    seen = read([data + wire(Frame(Opcode.TEXT, b"late")), b"more"])
    assert (seen.passed, seen.closed, seen.ended) == (data, True, 0)


def test_our_own_close_frame_is_read_by_others() -> None:
    for side, masked in ((CLIENT, False), (SERVER, True)):
        other = Protocol(side)
        other.receive_data(close_frame(1008, "rate-exceeded retry-after=3", masked=masked))
        assert other.close_rcvd is not None
        assert (other.close_rcvd.code, other.close_rcvd.reason) == (1008, "rate-exceeded retry-after=3")
