"""A request body that is wanted whole before the request goes on.

Owns the pieces and their bound. What arrives and when is the connection's, what happens after is the
exchange's.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.edge.errors import BodyTooLarge, EdgeFault, TooManyBodies

Collected = Callable[[bytes | EdgeFault], None]
"""Called once: with the whole body, or with why there is none."""


class Held:
    """Bytes of bodies under collection in the whole process. Each connection is bounded by its route; this
    bounds ten thousand of them together.
    """

    __slots__ = ("bytes", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.bytes = 0


class Collecting:
    """The pieces of one body so far."""

    __slots__ = ("_held", "_limit", "_pieces", "done", "size")

    def __init__(self, limit: int, held: Held, done: Collected) -> None:
        self._limit = limit
        self._held = held
        self._pieces: list[bytes] = []
        self.done = done
        self.size = 0

    def add(self, content: bytes) -> BodyTooLarge | TooManyBodies | None:
        """Keeps the content in any case: a fault leaves the choice between refusing and passing it on."""
        self._pieces.append(content)
        self.size += len(content)
        self._held.bytes += len(content)
        if self.size > self._limit:
            return BodyTooLarge("while it was collected")
        if self._held.bytes > self._held.limit:
            return TooManyBodies("bodies under collection")
        return None

    def take(self) -> bytes:
        """All of it, once: from here on it is no longer counted."""
        pieces, self._pieces = self._pieces, []
        self._held.bytes -= self.size
        self.size = 0
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)
