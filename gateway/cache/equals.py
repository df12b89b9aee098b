"""Equal calls at the same time: one goes to the service, and the others wait for what comes of it.

Owns who waits for whom. Every one of them has been authenticated, authorised and limited before it comes here, and
each answers for itself afterwards: it takes the kept answer, or goes to the service as if it had never waited. Only
calls with one key wait for each other, so nobody gets what a kept answer would not have given.

A call waits at most `WAIT_SECONDS`, for the one it waits for may have a client that reads slowly. When that time is
over, or the head of the answer says that it will not be kept, all go on at once, and nobody waits under that key for
`ALONE_SECONDS`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Final

from gateway.cache.key import Key

WAIT_SECONDS: Final = 2.0
ALONE_SECONDS: Final = 10.0
MOST_WAITING: Final = 512  # in one process; further ones go to the service
_MOST_ALONE: Final = 4096


class _Led:
    """One call under way and those that wait for it."""

    __slots__ = ("leader", "timer", "waiting")

    def __init__(self, leader: object) -> None:
        self.leader = leader
        self.waiting: list[Callable[[], None]] = []
        self.timer: asyncio.TimerHandle | None = None


class Equals:
    """`waited` counts those that have. A leader is known by its identity."""

    def __init__(self) -> None:
        self.waited = 0
        self.waiting = 0
        self._led: dict[Key, _Led] = {}
        self._alone: dict[Key, float] = {}

    def lead(self, key: Key, leader: object, now: float) -> None:
        """`leader` is on its way: equal calls may wait for it, when there is none before it."""
        if self._alone.get(key, 0.0) <= now:
            self._led.setdefault(key, _Led(leader))

    def wait(self, key: Key, resume: Callable[[], None]) -> bool:
        """Is there a call to wait for? Then `resume` is called once, later."""
        led = self._led.get(key)
        if led is None or self.waiting >= MOST_WAITING:
            return False
        if led.timer is None:
            loop = asyncio.get_running_loop()
            led.timer = loop.call_later(WAIT_SECONDS, lambda: self.fruitless(key, led.leader, monotonic()))
        led.waiting.append(resume)
        self.waiting += 1
        self.waited += 1
        return True

    def over(self, key: Key, leader: object) -> None:
        """Nobody waits for it any more; it may have been over before."""
        led = self._led.get(key)
        if led is None or led.leader is not leader:
            return
        del self._led[key]
        if led.timer is not None:
            led.timer.cancel()
        self.waiting -= len(led.waiting)
        for resume in led.waiting:
            asyncio.get_running_loop().call_soon(resume)  # not within the other call, whose end this is

    def fruitless(self, key: Key, leader: object, now: float) -> None:
        """Its answer helps nobody else, and the next one's is not likely to."""
        if key in self._led and self._led[key].leader is leader:
            if len(self._alone) >= _MOST_ALONE:
                self._alone.clear()
            self._alone[key] = now + ALONE_SECONDS
            self.over(key, leader)
