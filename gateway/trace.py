"""Who this call is in logs: W3C trace context and our request id.

A valid `traceparent` is taken over with a new parent id of ours; anything else starts a new trace
(W3C Trace Context, 3.2 and 4). The request id is unique, not secret: a random start per process and a counter.
"""

from __future__ import annotations

import random
import re
import secrets
from typing import NamedTuple

_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")


class Trace(NamedTuple):
    request_id: bytes  # 24 hex digits
    parent: bytes  # the traceparent we send on, both ways

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
        if found is None:
            parent = b"00-%032x-%016x-01" % (self._bits(128) or 1, self._bits(64) or 1)
        else:
            parent = b"00-%b-%016x-%b" % (found[1], self._bits(64) or 1, found[2])
        return Trace(request_id, parent)
