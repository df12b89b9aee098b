"""The conversation of one process with Redis: batches, what became of lost ones, and coming back.

Owns the order of things on the one connection. Does not own decisions on the line: it hands answers to
`answered` and calls that Redis will not answer to `away`.

- All calls that wait go in one script; while it is under way the next gather. One task, no future per call.
- Nothing is repeated blindly. A batch has a number, and before anything else is sent Redis is asked whether it
  ran (`lua.SETTLE`), which also makes sure that it never will. A connection that broke is opened again at once:
  a batch that ran is answered by what it said then, one that never did is sent anew. When the deadline is over
  its calls are told so, and what it took goes back as soon as Redis can be asked.
- While the circuit is not closed nothing waits: `_run` rests, probes, rebuilds and only then lets calls in.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from quota import window
from quota.clock import SteadyClock
from quota.counters import lua
from quota.counters.batch import Answer, Batch, Change, Waiting, arguments, read
from quota.counters.breaker import Breaker, Sign
from quota.counters.link import Link, Script
from quota.counters.patience import Result, within
from quota.counters.protocol import Used
from quota.errors import CountersUnreachable

_KEYS_AT_ONCE = 500


class Standing(NamedTuple):
    """What Redis must hold at least: units used by subscription, and those taken while it was away that stand in
    `used` and are not to be told again.
    """

    used: Mapping[str, Used]
    told: Mapping[str, Used]


class Exchange:
    """One process's side. `process` names it in Redis and is new at each start."""

    def __init__(
        self,
        url: str,
        *,
        answered: Callable[[list[Waiting], Answer], None],
        away: Callable[[Waiting], None],
        rebuild: Callable[[int], Awaitable[Standing]],
        agreed: Callable[[str], None],
        clock: SteadyClock,
        timeout: float,
        time_us: Callable[[], int] | None = None,
    ) -> None:
        """`agreed` is told the epoch of a Redis whose quotas hold all that this process knows. `timeout`: seconds for
        one exchange. `time_us` takes the place of Redis TIME in tests.
        """
        self.breaker = Breaker()
        self.fault = ""  # why Redis was not asked, last time; for readiness and the log
        self.process = secrets.token_hex(8)
        self._batch_key = lua.batch_key(self.process)
        self._link = Link(url)
        self._answered = answered
        self._away = away
        self._rebuild = rebuild
        self._agreed = agreed
        self._clock = clock
        self._timeout = timeout
        self._time_us = time_us
        self._scripts = (Script(lua.TAKE), Script(lua.SETTLE), Script(lua.RAISE), Script(lua.UNDO))
        self._wanted = asyncio.Event()
        self._calls: list[Waiting] = []
        self._changes: dict[Change, int] = {}
        self._number = 0
        self._acknowledged = 0  # number of the last batch that Redis answered
        self._dead: tuple[str, int, int] | None = None  # the process before this one, see `lua.UNDO`
        self._unknown: Batch | None = None  # sent, and its answer has not come
        self._under_way: list[Waiting] = []
        self._incomplete = False  # Redis lost quotas: rebuild before the circuit closes
        self._epoch = b""  # of the quotas that this process's numbers belong to
        self.book = b""  # whose units `tell` tells
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

    def tell(self, subscription_id: str, kind: int, window_id: int, units: int) -> None:
        """So many units of `book` are in a window, in all; sent with the next batch, again and again if need be."""
        self._changes[subscription_id, kind, window_id] = units
        self._wanted.set()

    def continue_from(self, epoch: str) -> None:
        """Units were told in this epoch before the start. In another one Redis must first be completed."""
        self._epoch = epoch.encode() or b"-"

    def continue_after(self, process: str, batch: int, begun: int) -> None:
        """A process before this one took in the answer to that batch last, and began so many of its calls."""
        self._dead = (process, batch, begun)

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
        self._under_way = []
        try:
            batch, answer = await self._patient(self._perform())
            self._take_in(batch, answer)
        except asyncio.CancelledError:
            self._refuse()
            raise
        except Exception as error:  # unreachable, too late, or a fault of ours: no caller may wait for ever
            self._failed(error)

    async def _perform(self) -> tuple[Batch, bytes]:
        """Gather and send. Until its answer is here, a batch is `_unknown`."""
        await self._settle()  # first, so that what it returns can be taken by this very batch
        batch = self._gather()
        self._under_way = batch.calls
        self._unknown = batch
        try:
            answer = await self._link.script(self._scripts[0], *self._words(batch))
        except CountersUnreachable:
            answer = await self._ask_about(batch)
            if not answer:
                self._number += 1
                self._unknown = batch = batch._replace(number=self._number)
                answer = await self._link.script(self._scripts[0], *self._words(batch))
        self._unknown = None
        return batch, answer

    def _take_in(self, batch: Batch, answer: bytes) -> None:
        if answer[0] == lua.ANSWERED:
            self.breaker.see(Sign.ANSWERED)
            self._acknowledged = batch.number
            if batch.calls:
                self._answered(batch.calls, read(batch, answer))
            return
        self._incomplete = self._incomplete or answer[0] in (lua.LOST, lua.ROLLED_BACK)
        self._put_back(batch.changes)
        self._failed(CountersUnreachable(lua.NOT_RUN.get(answer[0], "unexpected answer")))

    def _patient(self, work: Awaitable[Result]) -> Awaitable[Result]:
        """At most `timeout` seconds of Redis's time. TimeoutError."""
        return within(self._timeout, work, self._link.answer_is_here)

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
        return keys, [*numbers, lua.pack_windows(batch.rows), items, time_us, self.book]

    async def _ask_about(self, batch: Batch) -> bytes:
        """What it answered if it ran, or nothing: then it never will. CountersUnreachable."""
        return await self._link.script(self._scripts[1], [self._batch_key], [b"%d" % batch.number])

    async def _settle(self) -> None:
        """Learn what became of the batch whose answer never came, and undo it if it ran."""
        batch = self._unknown
        if batch is None:
            return
        held = await self._ask_about(batch)
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
            epoch = await self._patient(self._greet())
            if not epoch or self._incomplete or (self._epoch and epoch != self._epoch):
                epoch = await self._complete(emptied=not epoch)
        except Exception as error:  # `rebuild` is the caller's: whatever it raises, the quotas are not known
            self._failed(error)
        else:
            self.fault = ""
            self._epoch = epoch
            self._agreed(epoch.decode())
            self.breaker.see(Sign.ANSWERED)

    async def _greet(self) -> bytes:
        await self._settle()
        if self._dead is not None:
            process, *taken_in = self._dead
            await self._link.script(
                self._scripts[3], [lua.batch_key(process)], [b"%d" % each for each in taken_in]
            )
            self._dead = None
        return await self._asked_epoch()

    async def _asked_epoch(self) -> bytes:
        epoch = await self._link.command(b"GET", lua.EPOCH_KEY)
        return epoch if isinstance(epoch, bytes) else b""

    async def _complete(self, *, emptied: bool) -> bytes:
        """Raise every quota to what the ledger says, and then say that Redis is complete. Its epoch."""
        now_s = self._clock.now_s()
        if emptied:
            self._changes.clear()  # what they give back is not in the totals that the rebuilding starts from
        used, told = await self._rebuild(now_s)
        windows, none = window.windows(now_s), Used(0, 0)
        names = [*used, *(name for name in told if name not in used)]
        for start in range(0, len(names), _KEYS_AT_ONCE):
            part = names[start : start + _KEYS_AT_ONCE]
            rows = [(*used.get(name, none), *told.get(name, none)) for name in part]
            arguments = lua.pack_raise(windows, self.book, rows)
            await self._patient(self._link.script(self._scripts[2], [*map(lua.quota_key, part)], arguments))
        await self._patient(self._link.command(b"SET", lua.EPOCH_KEY, secrets.token_hex(8).encode(), b"NX"))
        epoch = await self._patient(self._asked_epoch())
        self._acknowledged = 0  # its memory of our batches may be gone, and that is now mended
        self._incomplete = False
        return epoch

    def _failed(self, error: Exception) -> None:
        self.fault = f"{type(error).__name__}: {error}"
        self.breaker.see(Sign.FAILED)
        self._refuse()

    def _refuse(self) -> None:
        """Neither the calls under way nor those behind them wait any longer."""
        under_way, self._under_way = self._under_way, []
        for call in under_way:
            self._away(call)
        self._drop_waiting()

    def _drop_waiting(self) -> None:
        waiting, self._calls = self._calls, []
        for call in waiting:
            self._away(call)

    def _put_back(self, changes: dict[Change, int]) -> None:
        for (subscription_id, kind, window_id), units in changes.items():
            if kind in lua.TELLS:  # what was told since then is newer
                self._changes.setdefault((subscription_id, kind, window_id), units)
            else:
                self.change(subscription_id, kind, window_id, units)
