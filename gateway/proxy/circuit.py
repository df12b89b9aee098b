"""When to stop asking an upstream that fails, and when to try again. Pure: the time is given.

Owns the states and their transitions. What counts as a failure is the relay's judgement: no connection, no answer
in time, an answer that cannot be relayed. An upstream's own 5xx is an answer, not a failure; whether it answers so
more often than its siblings is `outlier`'s question.

Each process has its own circuit for each upstream: over all processes at most as many probes are on their way in
one rest as there are processes.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final


class State(Enum):
    CLOSED = "closed"
    """Requests pass."""
    OPEN = "open"
    """Requests are refused at once."""
    PROBING = "probing"
    """One request is on its way to find out."""


class Event(Enum):
    SUCCESS = "success"
    FAILURE = "failure"
    """One more, below the limit."""
    LAST_FAILURE = "last failure"
    """The one that reaches the limit."""
    RESTED = "rested"
    """A request comes when the rest is over."""


NEXT: Final[Mapping[tuple[State, Event], State]] = {
    (State.CLOSED, Event.SUCCESS): State.CLOSED,
    (State.CLOSED, Event.FAILURE): State.CLOSED,
    (State.CLOSED, Event.LAST_FAILURE): State.OPEN,
    (State.CLOSED, Event.RESTED): State.CLOSED,
    # Requests begun before the circuit opened may still end; only a probe of our own decides.
    (State.OPEN, Event.SUCCESS): State.OPEN,
    (State.OPEN, Event.FAILURE): State.OPEN,
    (State.OPEN, Event.LAST_FAILURE): State.OPEN,
    (State.OPEN, Event.RESTED): State.PROBING,
    (State.PROBING, Event.SUCCESS): State.CLOSED,
    (State.PROBING, Event.FAILURE): State.OPEN,
    (State.PROBING, Event.LAST_FAILURE): State.OPEN,
    # The probe's client left before an answer: the next request is the probe.
    (State.PROBING, Event.RESTED): State.PROBING,
}


class Circuit:
    """``failures`` counts those in a row; it is read on the fast path to see that there is nothing to reset."""

    __slots__ = ("_limit", "_rest", "_since", "failures", "opened", "state")

    def __init__(self, limit: int, rest: float) -> None:
        self._limit = limit
        self._rest = rest
        self._since = 0.0
        self.failures = 0
        self.opened = 0
        self.state = State.CLOSED

    def rests(self, now: float) -> bool:
        """Would a request be refused now? Asking changes nothing."""
        return self.state is not State.CLOSED and now - self._since < self._rest

    def allows(self, now: float) -> bool:
        """May a request go now? In an open circuit, once per rest, it is the probe."""
        if self.state is State.CLOSED:
            return True
        if now - self._since < self._rest:
            return False
        self._move(Event.RESTED, now)
        return True

    def succeeded(self, now: float) -> bool:
        """True when this closed an open circuit."""
        before = self.state
        self._move(Event.SUCCESS, now)
        if self.state is State.CLOSED:
            self.failures = 0
        return before is not self.state

    def failed(self, now: float) -> bool:
        """True when this opened a closed circuit."""
        before = self.state
        self.failures += 1
        self._move(Event.LAST_FAILURE if self.failures >= self._limit else Event.FAILURE, now)
        if self.state is State.OPEN and before is not State.OPEN:
            self.opened += 1
        return before is State.CLOSED and self.state is State.OPEN

    def _move(self, event: Event, now: float) -> None:
        following = NEXT[self.state, event]
        if following is not self.state or event is Event.RESTED:
            self._since = now
        self.state = following
