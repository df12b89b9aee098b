"""Who this call is in logs: W3C trace context and our request id.

A valid `traceparent` is taken over with a new parent id of ours; anything else starts a new trace
(W3C Trace Context, 3.2 and 4). The request id is unique, not secret: a random start per process and a counter.
"""

from __future__ import annotations

import random
import re
import secrets

_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")
_NEVER_ZERO = 1 << 64 | 1  # a bit of the trace id and one of the parent id


class Trace:
    """Every value is hexadecimal digits and dashes: fit for heads and for JSON as it stands."""

    __slots__ = ("lines", "parent", "request_id")

    def __init__(self, request_id: bytes, parent: bytes) -> None:
        self.request_id = request_id  # 24 hex digits
        self.parent = parent  # the traceparent we send on, both ways
        self.lines = b"traceparent: %b\r\nRequest-Id: %b\r\n" % (parent, request_id)

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
        self._prefix = secrets.token_hex(6).encode()
        self._count = 0
        # Trace ids need to be distinct, not unguessable.
        self._bits = random.Random(secrets.randbits(128)).getrandbits  # noqa: S311

    def of(self, traceparent: bytes | None) -> Trace:
        self._count += 1
        request_id = b"%b%012x" % (self._prefix, self._count)
        found = _TRACEPARENT.fullmatch(traceparent) if traceparent is not None else None
        # Neither id may be all zeros, which means none.
        if found is None:
            digits = (self._bits(192) | _NEVER_ZERO).to_bytes(24, "big").hex()
            parent = f"00-{digits[:32]}-{digits[32:]}-01".encode()
        else:
            parent = b"00-%b-%016x-%b" % (found[1], self._bits(64) | 1, found[2])
        return Trace(request_id, parent)
