"""The time that windows are chosen by: steady, so that a stepped wall clock neither frees nor locks a quota.

Owns the relation between the boot clock (never steps, counts suspended time) and the wall clock. The wall
clock is read at the start; later differences are followed at no more than 5 % (`SLEW`), so a step of an hour
is taken in over twenty hours and a restart takes it in at once. Redis counters do not use this: their time is
Redis TIME.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

SLEW_NS_PER_S = 50_000_000


# Nanoseconds on a clock that never steps and goes on while the machine is suspended. A partial, since a
# function of ours around it would cost as much again.
boot_ns: Callable[[], int] = partial(time.clock_gettime_ns, time.CLOCK_BOOTTIME)


class SteadyClock:
    """`boot_ns() + offset_ns` is wall time in nanoseconds, as steady as the boot clock."""

    __slots__ = ("_followed_at", "_wall_ns", "boot_ns", "offset_ns")

    def __init__(self, boot: Callable[[], int] = boot_ns, wall: Callable[[], int] = time.time_ns) -> None:
        self.boot_ns = boot
        self._wall_ns = wall
        self._followed_at = boot()
        self.offset_ns = wall() - self._followed_at

    def now_s(self) -> int:
        """Epoch seconds, steady."""
        return (self.boot_ns() + self.offset_ns) // 1_000_000_000

    def follow(self) -> int:
        """Move towards the wall clock by at most 5 % of the time since last asked; returns what is left, in
        ns.
        """
        now = self.boot_ns()
        most = (now - self._followed_at) * SLEW_NS_PER_S // 1_000_000_000
        self._followed_at = now
        difference = self._wall_ns() - now - self.offset_ns
        self.offset_ns += max(-most, min(most, difference))
        return self._wall_ns() - now - self.offset_ns
