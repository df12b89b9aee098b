"""How many requests may be sent a second time: a token bucket per group. Pure: time and counts are given.

Repetition without a budget turns a small fault into a flood: when every call fails, every call is doubled. What a
bucket gives is a share of the calls that really came, and a little every second so that a quiet API may repeat too.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryLimits:
    """Per group and process."""

    share: float = 0.2
    """Repetitions for each call."""
    per_second: float = 1.0
    """And so many a second whatever the number of calls."""
    most: float = 50.0
    """What may be saved up."""


class Budget:
    """Filled when asked, so that a call that goes well costs nothing."""

    __slots__ = ("_at", "_calls", "_limits", "_tokens")

    def __init__(self, limits: RetryLimits, now: float, calls: int) -> None:
        self._limits = limits
        self._tokens = min(10.0, limits.most)
        self._at = now
        self._calls = calls

    def spend(self, now: float, calls: int) -> bool:
        """One repetition, when the budget has it; `calls` is the number of calls so far."""
        limits = self._limits
        earned = max(0, calls - self._calls) * limits.share + max(0.0, now - self._at) * limits.per_second
        self._tokens = min(limits.most, self._tokens + earned)
        self._at, self._calls = now, calls
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True
