"""Whether Redis is asked: a circuit as a table, pure.

Owns the states and how long an open circuit rests. Does not own the probe. One failure opens it: the exchange has
already been tried again where that was safe, and while the circuit is not closed no call waits for Redis, so a
hanging Redis costs the calls of one timeout and then nothing.
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
    FAILED = "failed"  # no answer, or one that says that Redis has no quotas
    RESTED = "rested"


# A pair that is not here changes nothing.
CIRCUIT: Final[Mapping[tuple[Circuit, Sign], Circuit]] = {
    (Circuit.CLOSED, Sign.FAILED): Circuit.OPEN,
    (Circuit.OPEN, Sign.RESTED): Circuit.HALF_OPEN,
    (Circuit.HALF_OPEN, Sign.ANSWERED): Circuit.CLOSED,
    (Circuit.HALF_OPEN, Sign.FAILED): Circuit.OPEN,
}

SHORTEST_REST: Final = 0.05
LONGEST_REST: Final = 1.0


class Breaker:
    """The circuit, and the seconds until its next probe: doubled by each that fails."""

    def __init__(self) -> None:
        self.circuit = Circuit.CLOSED
        self.rest = SHORTEST_REST

    @property
    def closed(self) -> bool:
        """Whether calls go to Redis."""
        return self.circuit is Circuit.CLOSED

    def see(self, sign: Sign) -> None:
        """Apply one sign."""
        following = CIRCUIT.get((self.circuit, sign), self.circuit)
        if sign is Sign.ANSWERED:
            self.rest = SHORTEST_REST
        elif self.circuit is Circuit.HALF_OPEN and following is Circuit.OPEN:
            self.rest = min(self.rest * 2, LONGEST_REST)
        self.circuit = following
