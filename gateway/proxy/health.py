"""Whether an upstream is well, by what its health checks said. Pure.

Owns the states and their transitions; asking is `checker`'s. One answer in either direction changes nothing: a
check that fails once is a lost packet, one that succeeds once may be a process between two crashes.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final


class State(Enum):
    WELL = "well"
    ILL = "ill"


class Event(Enum):
    PASSED = "passed"
    PASSED_ENOUGH = "passed enough"
    """In a row, as often as the publication says."""
    FAILED = "failed"
    FAILED_ENOUGH = "failed enough"


NEXT: Final[Mapping[tuple[State, Event], State]] = {
    (State.WELL, Event.PASSED): State.WELL,
    (State.WELL, Event.PASSED_ENOUGH): State.WELL,
    (State.WELL, Event.FAILED): State.WELL,
    (State.WELL, Event.FAILED_ENOUGH): State.ILL,
    (State.ILL, Event.PASSED): State.ILL,
    (State.ILL, Event.PASSED_ENOUGH): State.WELL,
    (State.ILL, Event.FAILED): State.ILL,
    (State.ILL, Event.FAILED_ENOUGH): State.ILL,
}


class Health:
    """Well until something else is known: a new upstream need not wait for its checks."""

    __slots__ = ("_failed", "_healthy", "_passed", "_unhealthy", "state")

    def __init__(self, unhealthy: int, healthy: int) -> None:
        self._unhealthy = unhealthy
        self._healthy = healthy
        self._passed = 0
        self._failed = 0
        self.state = State.WELL

    def passed(self) -> bool:
        """True when this changed the state."""
        self._passed, self._failed = self._passed + 1, 0
        return self._move(Event.PASSED_ENOUGH if self._passed >= self._healthy else Event.PASSED)

    def failed(self) -> bool:
        """True when this changed the state."""
        self._failed, self._passed = self._failed + 1, 0
        return self._move(Event.FAILED_ENOUGH if self._failed >= self._unhealthy else Event.FAILED)

    def _move(self, event: Event) -> bool:
        before, self.state = self.state, NEXT[self.state, event]
        return before is not self.state
