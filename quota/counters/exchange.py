"""The conversation of one process with Redis: batches, what became of lost ones, and coming back.

Owns the order of things on the one connection. Does not own decisions on the line: it hands answers to
`answered` and calls that Redis will not answer to `away`.

- All calls that wait go in one script; while it is under way the next gather. One task, no future per call.
- An exchange that fails is never repeated. Its batch has a number; before anything else is sent, Redis is
  asked whether it ran (`lua.SETTLE`), which also makes sure that it never will: what it took then goes back.
- While the circuit is not closed nothing waits: `_return` rests, probes, rebuilds and only then lets calls
  in.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping

from quota import window
from quota.clock import SteadyClock
from quota.counters import lua
from quota.counters.batch import Answer, Batch, Change, Waiting, arguments, read
from quota.counters.breaker import Breaker, Sign
from quota.counters.link import Link, Script
from quota.counters.protocol import Used
from quota.errors import CountersUnreachable


class Exchange:
    """One process's side. `process` names it in Redis and is new at each start."""

    def __init__(
        self,
        url: str,
        *,
        answered: Callable[[list[Waiting], Answer], None],
        away: Callable[[Waiting], None],
        rebuild: Callable[[int], Awaitable[Mapping[str, Used]]],
        clock: SteadyClock,
        timeout: float,
        time_us: Callable[[], int] | None = None,
    ) -> None:
        """`timeout`: seconds for one exchange. `time_us` takes the place of Redis TIME in tests."""
        self.breaker = Breaker()
        self.fault = ""  # why Redis was not asked, last time; for readiness and the log
        self.process = secrets.token_hex(8)
        self._batch_key = lua.batch_key(self.process)
        self._link = Link(url)
        self._answered = answered
        self._away = away
        self._rebuild = rebuild
        self._clock = clock
        self._timeout = timeout
        self._time_us = time_us
        self._scripts = (Script(lua.TAKE), Script(lua.SETTLE), Script(lua.RAISE))
        self._wanted = asyncio.Event()
        self._calls: list[Waiting] = []
        self._changes: dict[Change, int] = {}
        self._number = 0
        self._acknowledged = 0  # number of the last batch that Redis answered
        self._unknown: Batch | None = None
        self._incomplete = False  # Redis lost quotas: rebuild before the circuit closes
        self._rows = window.around(clock.now_s())
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    async def start(self) -> None:
        """Reach Redis if it is there, and go on trying if it is not."""
        await self._probe_once()
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Send what is waiting, once, and hang up."""
        if self._task is not None:
            self._closing = True
            self._wanted.set()
            await asyncio.wait(
                [self._task], timeout=2 * self._timeout
            )  # a batch under way may yet be answered
            self._task.cancel()
            await asyncio.wait([self._task])
        if self.breaker.closed and (self._calls or self._changes or self._unknown):
            await self._send()
        self._drop_waiting()
        await self._link.close()

    def put(self, call: Waiting) -> None:
        """Ask at the next turn of the loop, together with all that come until then."""
        self._calls.append(call)
        self._wanted.set()

    def change(self, subscription_id: str, kind: int, window_id: int, units: int) -> None:
        """Add units to a window in Redis (or take them away), with the next batch."""
        name = (subscription_id, kind, window_id)
        self._changes[name] = self._changes.get(name, 0) + units
        self._wanted.set()

    def require_rebuild(self) -> None:
        """Before Redis is used it must hold at least what the ledger holds."""
        self._incomplete = True

    async def _run(self) -> None:
        while not self._closing:
            if not self.breaker.closed:
                await asyncio.sleep(self.breaker.rest)
                self.breaker.see(Sign.RESTED)
                await self._probe_once()
                continue
            await self._wanted.wait()
            self._wanted.clear()
            if self._calls or self._changes:
                await self._send()

    async def _send(self) -> None:
        batch: Batch | None = None
        try:
            async with asyncio.timeout(self._timeout):
                await self._settle()  # first, so that what it returns can be taken by this very batch
                batch = self._gather()
                answer = await self._link.script(self._scripts[0], *self._words(batch))
        except (CountersUnreachable, TimeoutError) as error:
            self.fault = f"{type(error).__name__}: {error}"
            self.breaker.see(Sign.FAILED)
            self._give_up(batch)
        except asyncio.CancelledError:
            self._give_up(batch)
            raise
        else:
            self._take_in(batch, answer)

    def _take_in(self, batch: Batch, answer: bytes) -> None:
        if answer[0] == lua.ANSWERED:
            self.breaker.see(Sign.ANSWERED)
            self._acknowledged = batch.number
            if batch.calls:
                self._answered(batch.calls, read(batch, answer))
            return
        self.fault = lua.NOT_RUN.get(answer[0], "unexpected answer")
        self._incomplete = self._incomplete or answer[0] in (lua.LOST, lua.ROLLED_BACK)
        self.breaker.see(Sign.LOST)
        self._put_back(batch.changes)
        self._refuse(batch.calls)

    def _gather(self) -> Batch:
        self._number += 1
        now_s = self._time_us() // 1_000_000 if self._time_us else self._clock.now_s()
        if not self._rows[1].day_start <= now_s < self._rows[1].day_end:
            self._rows = window.around(now_s)
        batch = Batch(self._number, self._calls, self._changes, self._rows)
        self._calls, self._changes = [], {}
        return batch

    def _words(self, batch: Batch) -> tuple[list[bytes], list[bytes]]:
        places: dict[str, int] = {}
        items = arguments(batch, places)
        keys = [lua.EPOCH_KEY, self._batch_key, *map(lua.quota_key, places)]
        time_us = b"%d" % self._time_us() if self._time_us else b""
        numbers = (b"%d" % batch.number, b"%d" % self._acknowledged)
        return keys, [*numbers, lua.pack_windows(batch.rows), items, time_us]

    async def _settle(self) -> None:
        """Learn what became of the batch whose answer never came, and undo it if it ran."""
        batch = self._unknown
        if batch is None:
            return
        held = await self._link.script(self._scripts[1], [self._batch_key], [b"%d" % batch.number])
        self._unknown = None
        self._acknowledged = batch.number
        if not held:
            self._put_back(batch.changes)
            return
        answer = read(batch, held)
        for call, (refused, *_) in zip(batch.calls, answer.verdicts, strict=True):
            if not refused:
                subscription_id = call.limits.subscription_id
                self.change(subscription_id, lua.CHANGE_DAY, answer.windows.day_id, -call.units)
                self.change(subscription_id, lua.CHANGE_MONTH, answer.windows.month_id, -call.units)

    async def _probe_once(self) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                await self._settle()
                known = await self._link.command(b"EXISTS", lua.EPOCH_KEY)
            if not known or self._incomplete:
                await self._complete()
        except Exception as error:  # `rebuild` is the caller's: whatever it raises, the quotas are not known
            self.fault = f"{type(error).__name__}: {error}"
            self.breaker.see(Sign.LOST)
        else:
            self.fault = ""
            self.breaker.see(Sign.ANSWERED)

    async def _complete(self) -> None:
        """Raise every quota to what the ledger says, and then say that Redis is complete."""
        now_s = self._clock.now_s()
        windows = window.windows(now_s)
        used = await self._rebuild(now_s)
        names = list(used)
        for start in range(0, len(names), 500):
            part = names[start : start + 500]
            arguments = [b"d%d" % windows.day_id, b"m%d" % windows.month_id]
            for name in part:
                arguments += [b"%d" % used[name].day, b"%d" % used[name].month]
            async with asyncio.timeout(1 + self._timeout):
                await self._link.script(self._scripts[2], [lua.quota_key(name) for name in part], arguments)
        async with asyncio.timeout(self._timeout):
            await self._link.command(b"SET", lua.EPOCH_KEY, secrets.token_hex(8).encode(), b"NX")
        self._acknowledged = 0  # its memory of our batches may be gone, and that is now mended
        self._incomplete = False

    def _give_up(self, batch: Batch | None) -> None:
        """Its answer did not come. Without a batch nothing was sent, and the calls have waited long enough."""
        if batch is None:
            self._drop_waiting()
        else:
            self._unknown = batch
            self._refuse(batch.calls)

    def _refuse(self, calls: list[Waiting]) -> None:
        for call in calls:
            self._away(call)
        if not self.breaker.closed:
            self._drop_waiting()

    def _drop_waiting(self) -> None:
        waiting, self._calls = self._calls, []
        for call in waiting:
            self._away(call)

    def _put_back(self, changes: dict[Change, int]) -> None:
        for (subscription_id, kind, window_id), units in changes.items():
            self.change(subscription_id, kind, window_id, units)
