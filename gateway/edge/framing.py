"""Where a body ends: Content-Length and the chunked coding (RFC 9112 sections 6 and 7), for both directions.

Owns the reading of lengths and of bodies as a pure computation over the bytes fed in. Which class is raised
for a fault is given by the caller: the client's faults are 400, the upstream's 502.
"""

from __future__ import annotations

import re
from typing import Final, Protocol

from gateway.edge.errors import EdgeFault
from gateway.edge.fields import TRAILERS

LARGEST_LENGTH: Final = 2**63 - 1
_DIGITS: Final = re.compile(rb"[0-9]{1,19}")
_TEXT: Final = rb"[\t\x20-\x7e\x80-\xff]"
_SIZE_LINE: Final = re.compile(rb"([0-9A-Fa-f]{1,16})(?:;(" + _TEXT + rb"{0,256}))?")
# A prefix of what can still become a size line: anything else is refused without waiting for its end.
_SIZE_START: Final = re.compile(rb"(?:[0-9A-Fa-f]{1,16}(?:;" + _TEXT + rb"{0,256})?\r?)?")
_TRAILER: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:" + _TEXT + rb"*")
_TRAILER_START: Final = re.compile(_TEXT + rb"*\r?")

_SIZE: Final = 0
_DATA: Final = 1
_DATA_END: Final = 2
_TRAILERS: Final = 3


def content_length(value: bytes, known: int | None, fault: type[EdgeFault]) -> int:
    """One value from a Content-Length line; repeated and listed values must agree (RFC 9110 section 8.6).

    ``int()`` would take ``+5``, ``1_0`` and digits of other scripts, each a length of its own to another
    reader.
    """
    plain = value.strip(b" \t")
    if (
        known is None and len(plain) < 19 and plain.isdigit()
    ):  # for bytes, the ten ASCII digits and nothing else
        return int(plain)
    for item in value.split(b","):
        digits = item.strip(b" \t")
        if _DIGITS.fullmatch(digits) is None:
            raise fault("content-length is not a number")
        length = int(digits)
        if length > LARGEST_LENGTH:
            raise fault("content-length is too large")
        if known is not None and length != known:
            raise fault("content-lengths differ")
        known = length
    assert known is not None
    return known


class Body(Protocol):
    """Takes what arrived, gives back the content in it. After ``complete``, ``rest`` is what follows the
    body.
    """

    complete: bool
    rest: bytes

    def feed(self, data: bytes) -> bytes: ...


class LengthBody:
    """A body of a known number of bytes."""

    __slots__ = ("complete", "remaining", "rest")

    def __init__(self, length: int) -> None:
        self.remaining = length
        self.complete = length == 0
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        remaining = self.remaining - len(data)
        if remaining > 0:
            self.remaining = remaining
            return data
        self.complete = True
        if remaining < 0:
            self.rest = data[remaining:]
            data = data[:remaining]
        self.remaining = 0
        return data


class ChunkedBody:
    """Decoder of the chunked coding. Extensions are validated, bounded and dropped, so are trailers but for those
    that may pass: these are in ``trailers``, each with its line end, when the body is complete.
    """

    __slots__ = (
        "_extensions",
        "_fault",
        "_held",
        "_remaining",
        "_room",
        "_state",
        "complete",
        "rest",
        "trailers",
    )

    def __init__(self, fault: type[EdgeFault], extensions: int = 4096, trailers: int = 8192) -> None:
        self._fault = fault
        self._extensions = extensions
        self._room = trailers
        self.trailers = b""
        self._held = b""
        self._remaining = 0
        self._state = _SIZE
        self.complete = False
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        if self._state == _DATA and len(data) <= self._remaining:
            self._remaining -= len(data)
            if not self._remaining:
                self._state = _DATA_END
            return data
        if self._held:
            data = self._held + data
            self._held = b""
        pieces: list[bytes] = []
        at = 0
        while at < len(data) and not self.complete:
            state = self._state
            if state == _SIZE:
                at = self._size(data, at)
            elif state == _DATA:
                at = self._content(data, at, pieces)
            elif state == _DATA_END:
                at = self._end(data, at)
            else:
                at = self._trailer(data, at)
        if self.complete:
            self.rest = data[at:]
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _content(self, data: bytes, at: int, pieces: list[bytes]) -> int:
        piece = data[at : at + self._remaining]
        pieces.append(piece)
        self._remaining -= len(piece)
        if not self._remaining:
            self._state = _DATA_END
        return at + len(piece)

    def _size(self, data: bytes, at: int) -> int:
        line, after = self._line(data, at, _SIZE_START)
        if line is None:
            return after
        match = _SIZE_LINE.fullmatch(line)
        if match is None:
            raise self._fault("chunk size")
        size = int(match.group(1), 16)
        if size > LARGEST_LENGTH:
            raise self._fault("chunk size is too large")
        if match.group(2) is not None:
            self._extensions -= len(match.group(2)) + 1
            if self._extensions < 0:
                raise self._fault("too many chunk extensions")
        self._remaining = size
        self._state = _DATA if size else _TRAILERS
        return after

    def _end(self, data: bytes, at: int) -> int:
        end = data[at : at + 2]
        if end == b"\r\n":
            self._state = _SIZE
        elif end == b"\r":
            self._held = end
        else:
            raise self._fault("chunk terminator")
        return at + 2

    def _trailer(self, data: bytes, at: int) -> int:
        line, after = self._line(data, at, _TRAILER_START)
        if line is None:
            if len(self._held) > self._room:
                raise self._fault("trailers are too large")
            return after
        if not line:
            self.complete = True
            return after
        self._room -= len(line) + 2
        if self._room < 0:
            raise self._fault("trailers are too large")
        if _TRAILER.fullmatch(line) is None:
            raise self._fault("trailer")
        if line.partition(b":")[0].lower() in TRAILERS:
            self.trailers += line + b"\r\n"
        return after

    def _line(self, data: bytes, at: int, start: re.Pattern[bytes]) -> tuple[bytes | None, int]:
        """The next CRLF-ended line and where it ends; an unfinished one is held when it can still become
        valid.
        """
        end = data.find(b"\r\n", at)
        if end >= 0:
            return data[at:end], end + 2
        tail = data[at:]
        if start.fullmatch(tail) is None:
            raise self._fault("line end")
        self._held = tail
        return None, len(data)
