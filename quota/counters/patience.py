"""How long to wait for Redis: a deadline in this process's own waking time.

On a machine with too little processor time the wall clock says nothing of Redis: the answer may long be in the
socket while this process was not let run. So the wait is counted in slices; one that took much longer than it
should counts as one slice, since it was we who were late. At the end an answer that is already in the socket gets
a moment to be read. A Redis that hangs on a machine with room costs `seconds` and at most one slice more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

Result = TypeVar("Result")
SLICES: Final = 8
_LATE: Final = 1.5  # slices; what took longer was our own delay
_LONGEST: Final = 25  # times `seconds` on the wall clock, whatever happens
_READING: Final = 2  # slices for an answer that is here


async def within(seconds: float, work: Awaitable[Result], answer_is_here: Callable[[], bool]) -> Result:
    """At most `seconds` of the other side's time. TimeoutError."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(None) as deadline:
        wait = _Wait(loop, deadline, seconds, answer_is_here)
        try:
            return await work
        finally:
            wait.timer.cancel()


class _Wait:
    """One wait; `timer` is its next look at the clock."""

    __slots__ = (
        "_answer_is_here",
        "_began",
        "_counted",
        "_deadline",
        "_loop",
        "_seconds",
        "_since",
        "_slice",
        "timer",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        deadline: asyncio.Timeout,
        seconds: float,
        answer_is_here: Callable[[], bool],
    ) -> None:
        self._loop = loop
        self._deadline = deadline
        self._seconds = seconds
        self._slice = seconds / SLICES
        self._answer_is_here = answer_is_here
        self._counted = 0.0
        self._began = self._since = loop.time()
        self.timer = loop.call_at(self._since + self._slice, self._look)

    def _look(self) -> None:
        now = self._loop.time()
        slice_ = self._slice
        passed, self._since = now - self._since, now
        self._counted += passed if passed < _LATE * slice_ else slice_
        left = self._seconds - self._counted
        if left > 0.001 and now - self._began < _LONGEST * self._seconds:
            self.timer = self._loop.call_at(now + min(slice_, left), self._look)
        else:
            self._deadline.reschedule(now + (_READING * slice_ if self._answer_is_here() else 0))
