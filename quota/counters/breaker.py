"""Whether Redis is asked: a circuit as a table, pure.

Owns the states and how long an open circuit rests. Does not own the probe: while the circuit is not closed no
call waits for Redis, so a hanging Redis costs the calls of two timeouts and then nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Circuit(StrEnum):
    CLOSED = "closed"  # calls go to Redis
    OPEN = "open"  # resting
    HALF_OPEN = "half-open"  # one probe is under way


class Sign(StrEnum):
    ANSWERED = "answered"
    FAILED = "failed"  # one exchange
    FAILED_OFTEN = "failed often"  # THRESHOLD in a row
    LOST = "lost"  # Redis answers but has no quotas: never ask it before they are rebuilt
    RESTED = "rested"


# A pair that is not here changes nothing.
CIRCUIT: Final[Mapping[tuple[Circuit, Sign], Circuit]] = {
    (Circuit.CLOSED, Sign.FAILED_OFTEN): Circuit.OPEN,
    (Circuit.CLOSED, Sign.LOST): Circuit.OPEN,
    (Circuit.OPEN, Sign.RESTED): Circuit.HALF_OPEN,
    (Circuit.HALF_OPEN, Sign.ANSWERED): Circuit.CLOSED,
    (Circuit.HALF_OPEN, Sign.FAILED): Circuit.OPEN,
    (Circuit.HALF_OPEN, Sign.FAILED_OFTEN): Circuit.OPEN,
    (Circuit.HALF_OPEN, Sign.LOST): Circuit.OPEN,
}

THRESHOLD: Final = 2
SHORTEST_REST: Final = 0.1
LONGEST_REST: Final = 2.0


class Breaker:
    """The circuit and its count of failures in a row."""

    def __init__(self) -> None:
        self.circuit = Circuit.CLOSED
        self.rest = SHORTEST_REST  # seconds until the next probe
        self._failures = 0

    @property
    def closed(self) -> bool:
        """Whether calls go to Redis."""
        return self.circuit is Circuit.CLOSED

    def see(self, sign: Sign) -> None:
        """Apply one sign."""
        if sign is Sign.FAILED:
            self._failures += 1
            if self._failures >= THRESHOLD:
                sign = Sign.FAILED_OFTEN
        following = CIRCUIT.get((self.circuit, sign), self.circuit)
        if sign is Sign.ANSWERED:
            self._failures = 0
            self.rest = SHORTEST_REST
        elif self.circuit is Circuit.HALF_OPEN and following is Circuit.OPEN:
            self.rest = min(self.rest * 2, LONGEST_REST)
        self.circuit = following
