"""Cuts one request head off the front of a client's bytes, however they were split on the way.

Pure: bytes in, a request and what follows it out, or None when the head is not whole yet. What can already be
seen to be wrong is refused before its end has come, so that a line ended by a lone LF is a 400 and not a
timeout.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.edge.errors import EdgeFault, HeadTooLarge, MalformedLine, MalformedRequest, TargetTooLong
from gateway.edge.limits import EdgeLimits
from gateway.edge.reader import RequestReader
from gateway.edge.request import Request

_END: Final = b"\r\n\r\n"
# A line feed without its carriage return, the reverse, or any other control character.
_STRAY: Final = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def take_head(
    reader: RequestReader, data: bytes, seen: int, peer: str, secure: bool
) -> tuple[Request, bytes] | None:
    """The first request in ``data`` and the bytes after its head. The first ``seen`` bytes have been here
    before.

    Most often the data is one head and nothing else. Then its end need not be searched for: an empty line
    inside would be refused by the reader, and only then is the first one looked up.
    """
    if data.endswith(_END):
        try:
            return reader.read(data[:-4], peer, secure), b""
        except EdgeFault:
            pass  # judged below, on exactly the first head
    start = 2 if data.startswith(b"\r\n") else 0  # RFC 9112 section 2.2: one empty line before it is forgiven
    end = data.find(_END, max(seen - 3, start))
    if end < 0:
        check_partial(reader.limits, data, start, seen)
        return None
    return reader.read(data[start:end], peer, secure), data[end + 4 :]


def check_partial(limits: EdgeLimits, data: bytes, start: int, seen: int) -> None:
    """Returns when the beginning of a head can still become a good one; else raises what the whole would."""
    if _STRAY.search(data, max(seen - 2, 0)) is not None:
        raise MalformedRequest("control character or bare line end")
    if data.startswith(b"\r\n", start) or data.startswith((b" ", b"\t"), start):
        raise MalformedLine("no request line")
    if (
        len(data) - start > limits.request_line
        and data.find(b"\r\n", start, start + limits.request_line + 2) < 0
    ):
        raise TargetTooLong("request line")
    if len(data) - start > limits.head + 3:
        raise HeadTooLarge("head")
