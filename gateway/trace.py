"""Who this call is in logs: W3C trace context and our request id.

A valid `traceparent` is taken over with a new parent id of ours; anything else starts a new trace
(W3C Trace Context, 3.2 and 4). The request id is unique, not secret: a random start per process and a counter.
"""

from __future__ import annotations

import random
import re
import secrets
from binascii import hexlify
from collections.abc import Iterator
from itertools import count
from typing import Final

_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")
_MADE_AHEAD: Final = 256  # ids at a time: what their making costs is shared
_PLACES: Final = tuple(b"%02x" % number for number in range(_MADE_AHEAD))
_NONE: Final = b"0" * 16


class Trace:
    """Every value is hexadecimal digits and dashes: fit for heads and for JSON as it stands."""

    __slots__ = ("lines", "parent", "request_id")

    def __init__(self, request_id: bytes, parent: bytes) -> None:
        self.request_id = request_id  # 24 hex digits
        self.parent = parent  # the traceparent we send on, both ways
        self.lines = b"".join((b"traceparent: ", parent, b"\r\nRequest-Id: ", request_id, b"\r\n"))

    @property
    def fields(self) -> list[tuple[bytes, bytes]]:
        """`lines` as fields, for an answer of our own."""
        return [(b"Request-Id", self.request_id), (b"traceparent", self.parent)]

    @property
    def instance(self) -> str:
        """For a problem document's `instance`."""
        return f"urn:sluss:request:{self.request_id.decode()}"


class Tracer:
    def __init__(self) -> None:
        self._ids = _ids(secrets.token_hex(6).encode())

    def of(self, traceparent: bytes | None) -> Trace:
        request_id, trace_id, parent_id = next(self._ids)
        found = _TRACEPARENT.fullmatch(traceparent) if traceparent is not None else None
        if found is None:
            return Trace(request_id, b"".join((b"00-", trace_id, b"-", parent_id, b"-01")))
        return Trace(request_id, b"".join((b"00-", found[1], b"-", parent_id, b"-", found[2])))


def _ids(prefix: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Request id, trace id and parent id, again and again."""
    # Trace ids need to be distinct, not unguessable.
    chance = random.Random(secrets.randbits(128))  # noqa: S311
    for block in count():
        begun = b"%b%010x" % (prefix, block)
        digits = hexlify(chance.randbytes(24 * _MADE_AHEAD))
        for place, at in zip(_PLACES, range(0, 48 * _MADE_AHEAD, 48), strict=True):
            parent_id = digits[at + 32 : at + 48]
            if parent_id != _NONE and digits[at : at + 16] != _NONE:  # all zeros would mean none
                yield begun + place, digits[at : at + 32], parent_id
