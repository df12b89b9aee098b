"""Coarse time for deadlines and the Date header, and the one sweep that enforces every deadline.

A timer per request costs more than the request's own parsing; one sweep over the open connections ten times a
second costs nothing that can be measured. ``now`` is therefore stale by up to one tick, and the sweep allows
for it: a deadline is never enforced early.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from email.utils import formatdate


class Clock:
    """``now`` in monotonic seconds, ``date`` as a ready header line (RFC 9110 section 6.6.1)."""

    __slots__ = ("_second", "date", "now")

    def __init__(self) -> None:
        self.now = 0.0
        self.date = b""
        self._second = 0
        self.advance(time.monotonic(), time.time())

    def advance(self, monotonic: float, wall: float) -> None:
        self.now = monotonic
        second = int(wall)
        if second != self._second:
            self._second = second
            self.date = b"Date: " + formatdate(second, usegmt=True).encode("ascii")


class Sweeper:
    """Advances a clock and calls each registered sweep with its time, until stopped."""

    def __init__(self, clock: Clock, tick: float) -> None:
        self._clock = clock
        self._tick = tick
        self._sweeps: list[Callable[[float], None]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def add(self, sweep: Callable[[float], None]) -> None:
        self._sweeps.append(sweep)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._clock.advance(time.monotonic(), time.time())
        self._timer = loop.call_later(self._tick, self._run)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _run(self) -> None:
        loop = self._loop
        if loop is None:
            return
        # Armed first: a sweep that raises must not end all deadlines of the process.
        self._timer = loop.call_later(self._tick, self._run)
        self._clock.advance(time.monotonic(), time.time())
        for sweep in self._sweeps:
            sweep(self._clock.now)
