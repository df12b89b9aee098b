"""A body of `multipart/form-data`, read as it passes (RFC 7578, RFC 2046 section 5.1.1).

Owns the cutting into parts and what a part says of itself. Only what all readers cut alike is a form here: nothing
before the first boundary and nothing after the last, line ends of CRLF, one `name` for each part, no backslash in it,
no coding. Where two readers differ, the service would take what the gateway has not judged. Memory is bounded by one
head and one piece of the body.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from gateway.validation import media
from gateway.validation.media import MediaType

LONGEST_BOUNDARY: Final = 70  # RFC 2046, 5.1.1
HEAD_BYTES: Final = 4096  # of one part
_BOUNDARY: Final = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_TOKEN: Final = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_LINE: Final = re.compile(rb"(" + _TOKEN + rb"):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")
_QUOTED: Final = rb"\"(?:[^\"\\\x00-\x1f\x7f]|\\[\x20-\x7e])*\""
_PARAMETER: Final = re.compile(rb";[ \t]*(" + _TOKEN + rb")=(" + _QUOTED + rb"|" + _TOKEN + rb")[ \t]*")
_PLAIN_CODINGS: Final = (b"7bit", b"8bit", b"binary")

_START, _AFTER, _HEAD, _BODY, _ENDED = range(5)


class NotAForm(Exception):
    """`code` names the sentence in `faults`; nothing of the body is kept."""

    def __init__(self, code: str, *values: str) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


class Part(NamedTuple):
    """`media` is None where the part does not say."""

    name: str
    is_file: bool
    media: MediaType | None


class Reader:
    """`begin`, `content` and `end` are called for each part, `content` as often as it comes. Raises NotAForm."""

    def __init__(
        self,
        boundary: str,
        begin: Callable[[Part], None],
        content: Callable[[bytes], None],
        end: Callable[[], None],
    ) -> None:
        self._delimiter = b"\r\n--" + boundary.encode("ascii")
        self._begin, self._content, self._end = begin, content, end
        self._state = _START
        # As if a line had ended before it: then the first boundary is one like the others.
        self._buffer = b"\r\n"
        self._at = 0

    def feed(self, data: bytes) -> None:
        self._buffer += data
        while self._step(self._buffer, self._at):
            pass
        self._buffer, self._at = self._buffer[self._at :], 0

    def finish(self) -> None:
        """The body is complete."""
        if self._state != _ENDED:
            raise NotAForm("malformed-form")

    def _step(self, buffer: bytes, at: int) -> bool:
        """One step on; False when more has to come first."""
        delimiter, left = self._delimiter, len(buffer) - at
        if self._state == _START:
            if not delimiter.startswith(buffer[: len(delimiter)]):
                raise NotAForm("malformed-form")
            return left >= len(delimiter) and self._go(_AFTER, len(delimiter))
        if self._state == _AFTER:
            after = buffer[at : at + 2]
            if len(after) == 2 and after not in (b"\r\n", b"--"):
                raise NotAForm("malformed-form")
            return len(after) == 2 and self._go(_HEAD if after == b"\r\n" else _ENDED, 2)
        if self._state == _HEAD:
            return self._head(buffer, at)
        if self._state == _BODY:
            return self._body(buffer, at)
        if left > 2 or not b"\r\n".startswith(buffer[at:]):
            raise NotAForm("malformed-form")
        return False

    def _go(self, state: int, taken: int) -> bool:
        self._state = state
        self._at += taken
        return True

    def _head(self, buffer: bytes, at: int) -> bool:
        end = buffer.find(b"\r\n\r\n", at, at + HEAD_BYTES + 4)
        if end < 0:
            if len(buffer) - at >= HEAD_BYTES + 4:
                raise NotAForm("malformed-form")
            return False
        self._begin(part_of(buffer[at:end]))
        return self._go(_BODY, end + 4 - at)

    def _body(self, buffer: bytes, at: int) -> bool:
        end = buffer.find(self._delimiter, at)
        if end >= 0:
            if end > at:
                self._content(buffer[at:end])
            self._end()
            return self._go(_AFTER, end + len(self._delimiter) - at)
        certain = (
            len(buffer) - len(self._delimiter) + 1
        )  # what comes after may be the beginning of a boundary
        if certain > at:
            self._content(buffer[at:certain])
            self._go(_BODY, certain - at)
        return False


def boundary_of(kind: MediaType) -> str:
    """Raises NotAForm."""
    boundary = kind.parameters.get("boundary", "")
    if _BOUNDARY.fullmatch(boundary) is None:
        raise NotAForm("boundary", str(LONGEST_BOUNDARY))
    return boundary


def part_of(head: bytes) -> Part:
    """What the lines of one part say. Raises NotAForm."""
    found: dict[bytes, bytes] = {}
    for line in head.split(b"\r\n"):
        match = _LINE.fullmatch(line)
        name = match.group(1).lower() if match is not None else b""
        if match is None or name in found:
            raise NotAForm("malformed-form")
        found[name] = match.group(2).rstrip(b" \t")
    if found.get(b"content-transfer-encoding", b"binary").lower() not in _PLAIN_CODINGS:
        raise NotAForm("malformed-form")
    kind = media.parse(found[b"content-type"]) if b"content-type" in found else None
    if kind is None and b"content-type" in found:
        raise NotAForm("malformed-form")
    parameters = _parameters(found.get(b"content-disposition", b""))
    return Part(parameters[b"name"], b"filename" in parameters or b"filename*" in parameters, kind)


def _parameters(disposition: bytes) -> dict[bytes, str]:
    """Of `form-data`, with exactly one name that every reader takes alike."""
    found: dict[bytes, str] = {}
    kind, semicolon, _ = disposition.partition(b";")
    at = len(kind)
    while semicolon and at < len(disposition):
        match = _PARAMETER.match(disposition, at)
        if match is None or match.group(1).lower() in found:
            raise NotAForm("part-name")
        try:
            found[match.group(1).lower()] = match.group(2).strip(b'"').decode("utf-8")
        except UnicodeDecodeError:
            raise NotAForm("not-utf8") from None
        at = match.end()
    if kind.strip(b" \t").lower() != b"form-data" or not found.get(b"name") or b"name*" in found:
        raise NotAForm("part-name")
    if "\\" in found[b"name"]:
        raise NotAForm("part-name")
    return found
