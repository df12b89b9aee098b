"""One direction of a WebSocket, read frame by frame as the bytes come (RFC 6455 section 5). Pure.

Owns what a lawful stream of frames is, and where in it messages begin and end. Content is never unmasked,
copied or gathered: a piece leaves as the bytes it came in. Only heads, and close frames whole, are waited
for, so that nothing of a frame has been passed on before the frame is judged. Whether texts are UTF-8 is the
receiver's business (it may be compressed), as is the size of a message once it is unpacked.
"""

from __future__ import annotations

from typing import Final, NamedTuple

CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

PROTOCOL_ERROR: Final = 1002
MALFORMED_TEXT: Final = 1007
TOO_BIG: Final = 1009
UNLIMITED: Final = (1 << 63) - 1

_FIN: Final = 0x80
_COMPRESSED: Final = 0x40
_RESERVED: Final = 0x70
_CONTROL: Final = 0x08
_LONGEST_CONTROL: Final = 125
# Codes that may stand in a close frame (RFC 6455 section 7.4 and the registry); the rest of 1000–2999 may not.
_CODES: Final = frozenset((1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014))


class Part(NamedTuple):
    """A run of bytes that may be passed on. `begins`: a message begins with its first byte; `ends`: one ends in
    it.
    """

    data: bytes
    begins: bool
    ends: bool


class Broken(NamedTuple):
    """The frame at which the stream broke the rules, and the close code for it."""

    close: int
    why: str


class Frames:
    """`masked`: frames must be (from a client) or must not be. `compressed`: permessage-deflate was agreed.

    `most` is the largest message in payload bytes, `fragments` the most frames of one. `single`: a part holds
    at most one message's beginning, as its first byte; else parts are as long as `turn` frames permit.
    """

    __slots__ = (
        "_at", "_compressed", "_data", "_final", "_fragments", "_masked", "_most", "_most_fragments", "_open",
        "_remaining", "_single", "_size", "_turn", "broken", "closed", "controls", "messages", "waiting",
    )  # fmt: skip

    def __init__(
        self,
        *,
        masked: bool,
        compressed: bool = False,
        most: int = UNLIMITED,
        fragments: int = UNLIMITED,
        single: bool = False,
        turn: int = 64,
    ) -> None:
        self._masked = masked
        self._compressed = compressed
        self._most = most
        self._most_fragments = fragments
        self._single = single
        self._turn = turn
        self._data = b""
        self._at = 0
        self._remaining = 0  # payload of the present frame that is yet to come
        self._final = False  # the present frame is the last of its message
        self._open = False  # the last data frame was not the last of its message
        self._size = 0
        self._fragments = 0
        self.messages = 0  # whole ones
        self.controls = 0  # pings and pongs
        self.waiting = False  # what was fed holds more than the last part: ask again
        self.closed = False  # a close frame has been passed on; what follows it is thrown away
        self.broken: Broken | None = None

    @property
    def at_boundary(self) -> bool:
        """Does a frame end where the parts handed out so far end?"""
        return not self._remaining

    @property
    def _stopped(self) -> bool:
        return self.closed or self.broken is not None

    def feed(self, data: bytes) -> None:
        """More bytes; only part of a head, or of a close frame, is joined to them."""
        self._data = self._data[self._at :] + data if self._at < len(self._data) else data
        self._at = 0

    def next(self) -> Part | None:
        """The next part, or None when more bytes are needed, or nothing more may pass (`broken`, `closed`)."""
        data, start = self._data, self._at
        at, end, frames = start, len(data), 0
        begins = ends = self.waiting = False
        while at < end and not self._stopped:
            if self._remaining:
                step = min(self._remaining, end - at)
                self._remaining -= step
            else:
                first = data[at] & 0x0F in (TEXT, BINARY)
                if frames == self._turn or (first and self._single and at > start):
                    self.waiting = True
                    break
                step = self._head(data, at, end)
                if not step:
                    break
                frames += 1
                begins = begins or first
            at += step
            if self._final and not self._remaining:
                self._final = False
                self.messages += 1
                ends = True
        self._at = at
        if self._stopped:
            self._data, self._at = b"", 0
        if at == start:
            return None
        return Part(data if at - start == end else data[start:at], begins, ends)

    def _head(self, data: bytes, at: int, end: int) -> int:
        """Judges one frame; the size of its head (with a control frame's payload), 0 when that is not whole."""
        if end - at < 2:
            return 0
        first, second = data[at], data[at + 1]
        opcode, length, size = first & 0x0F, second & 0x7F, 2
        why = self._flags(first, bool(second & 0x80), length)
        if why:
            return self._break(PROTOCOL_ERROR, why)
        if length > _LONGEST_CONTROL:
            wide = 2 if length == 126 else 8
            size += wide
            if end - at < size:
                return 0
            length = int.from_bytes(data[at + 2 : at + size], "big")
            if length < 126 or (wide == 8 and not 0xFFFF < length < 1 << 63):
                return self._break(PROTOCOL_ERROR, "length not in its shortest form")
        mask = at + size
        if self._masked:
            size += 4
        if opcode & _CONTROL:
            return self._control(opcode, data[mask : at + size + length], size + length, end - at)
        if end - at < size:
            return 0
        return self._content(first, opcode, length, size)

    def _flags(self, first: int, masked: bool, length: int) -> str:
        """What is wrong with the first two bytes, "" when nothing."""
        opcode, reserved = first & 0x0F, first & _RESERVED
        if masked is not self._masked:
            return "masked" if masked else "not masked"
        if reserved and not (reserved == _COMPRESSED and self._compressed and opcode in (TEXT, BINARY)):
            return "reserved bit"
        if opcode in (CLOSE, PING, PONG):
            if not first & _FIN:
                return "fragmented control frame"
            return "long control frame" if length > _LONGEST_CONTROL else ""
        if opcode == CONTINUATION:
            return "" if self._open else "continuation of nothing"
        if opcode in (TEXT, BINARY):
            return "message within a message" if self._open else ""
        return "unknown opcode"

    def _content(self, first: int, opcode: int, length: int, size: int) -> int:
        if opcode != CONTINUATION:
            self._size = self._fragments = 0
        self._size += length
        self._fragments += 1
        if self._size > self._most:
            return self._break(TOO_BIG, "message too large")
        if self._fragments > self._most_fragments:
            return self._break(TOO_BIG, "too many frames in one message")
        self._final = bool(first & _FIN)
        self._open = not self._final
        self._remaining = length
        return size

    def _control(self, opcode: int, rest: bytes, size: int, there: int) -> int:
        """Waits for a control frame whole: it is short, and a close frame must be read. `rest`: mask and
        payload.
        """
        if there < size:
            return 0
        if opcode != CLOSE:
            self.controls += 1
            return size
        payload = unmasked(rest[4:], rest[:4]) if self._masked else rest
        close = close_fault(payload)
        if close is not None:
            return self._break(*close)
        self.closed = True
        return size

    def _break(self, close: int, why: str) -> int:
        self.broken = Broken(close, why)
        return 0


def unmasked(payload: bytes, mask: bytes) -> bytes:
    return bytes(byte ^ mask[place & 3] for place, byte in enumerate(payload))


def close_fault(payload: bytes) -> tuple[int, str] | None:
    """What is wrong with the payload of a close frame (RFC 6455 section 5.5.1 and 7.4)."""
    if not payload:
        return None
    if len(payload) == 1:
        return PROTOCOL_ERROR, "half a close code"
    code = int.from_bytes(payload[:2], "big")
    if code not in _CODES and not 3000 <= code <= 4999:
        return PROTOCOL_ERROR, "close code"
    try:
        payload[2:].decode("utf-8")
    except UnicodeDecodeError:
        return MALFORMED_TEXT, "close reason"
    return None


def close_frame(code: int, reason: str, *, masked: bool) -> bytes:
    """A close frame of our own. Masked with zeros where a mask is due: what it hides is ours and known."""
    payload = code.to_bytes(2, "big") + reason.encode("ascii")[: _LONGEST_CONTROL - 2]
    head = bytes((_FIN | CLOSE, len(payload) | (0x80 if masked else 0)))
    return head + (b"\0\0\0\0" if masked else b"") + payload
