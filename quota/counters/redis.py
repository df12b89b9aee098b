"""Counters shared by any number of processes: limits in Redis, usage in this process's own files.

Owns the order of one take and what happens when Redis is away. Redis holds rate and quotas only. Usage is
counted here, when the answer has come and the call goes on: it cannot be lost with Redis or counted twice by
a lost answer, and kill -9 leaves it in the mapped files. A call is taken in Redis first; units whose answer
was lost go back.

Away (F1): a plan that is `open_when_away` goes on with a local estimate, the limits divided by the known
number of processes, counted in the files below `away`: the journal. Its units reach the ledger as all others do,
and Redis is told them when it is back, as absolute numbers, so that neither a lost answer nor a kill -9 in between
counts them twice. Every other plan gets "unavailable". Nothing in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from quota import window
from quota.clock import SteadyClock
from quota.counters import lua
from quota.counters.accounts import DAY_WINDOW, MONTH_WINDOW
from quota.counters.batch import Answer, Waiting
from quota.counters.breaker import Circuit
from quota.counters.calls import Call, Calls, Place
from quota.counters.cells import Cells, Name
from quota.counters.exchange import Exchange, Standing
from quota.counters.memory import MemoryCounters
from quota.counters.protocol import (
    REFUSED_AS,
    Decided,
    Decision,
    Outcome,
    Rebuild,
    Taken,
    Total,
    UsageKey,
    Used,
    decision,
    unavailable,
)
from quota.counters.records import Records
from quota.errors import CountersFull
from quota.plans import MICROSECOND, Limits

_RETRY_WHEN_FULL = 30
_RETRY_WHEN_AWAY = 2
_SECOND_US = 1_000_000
_EPOCH: Final = "epoch"
_PROCESS: Final = "process"
TELL: Final = {DAY_WINDOW: lua.TELL_DAY, MONTH_WINDOW: lua.TELL_MONTH}


class RedisCounters:
    """One process's counters over Redis."""

    def __init__(
        self,
        url: str,
        folder: Path,
        *,
        processes: int = 1,
        rebuild: Rebuild | None = None,
        clock: SteadyClock | None = None,
        timeout: float = 0.08,
        time_us: Callable[[], int] | None = None,
    ) -> None:
        """`folder` is this process's alone. `timeout`: seconds for one exchange with Redis; when one fails, nothing
        waits any longer, so a hang costs no call more than this. `time_us` takes the place of Redis TIME in tests.
        """
        self._clock = clock if clock is not None else SteadyClock()
        self._processes = self._sharing = processes
        self._rebuild = rebuild
        self._cells = Cells(folder)
        self._records = Records(self._cells)
        self._calls = Calls(self._cells, self._records)
        self._estimate = MemoryCounters(folder / "away", clock=self._clock)
        self._told: dict[tuple[str, int, int], int] = {}
        self._untold = False  # whether the estimate may hold what Redis was not told
        self._exchange = Exchange(
            url,
            answered=self._answered,
            away=self._away,
            rebuild=self._used,
            agreed=self._agree,
            clock=self._clock,
            timeout=timeout,
            time_us=time_us,
        )

    @property
    def circuit(self) -> Circuit:
        """Whether Redis is asked; closed is well."""
        return self._exchange.breaker.circuit

    @property
    def fault(self) -> str:
        """Why Redis was not asked, last time; private."""
        return self._exchange.fault

    async def start(self) -> None:
        """Open the files, and reach Redis if it is there. CountersLocked, CountersDamaged, CountersFull."""
        self._cells.open()
        try:
            self._records.open()
            lost = self._calls.open()
            self._records.turn(window.hour_of(self._clock.now_s()))
            await self._estimate.start()
        except BaseException:  # whatever stops the start, the lock must not outlive it
            self._cells.close()
            raise
        before = next((str(name[1]) for name in self._cells.names if name[0] == _PROCESS), "")
        if before:
            self._exchange.continue_after(before, *self._calls.progress)
        for call in lost:
            self._return(call.subscription_id, call.units, call.day_id, call.month_id)
        self._exchange.book = self._estimate.book.encode()
        if any(True for _ in self._estimate.standing()):
            self._untold = True
            self._exchange.continue_from(self._agreed_epoch())
        await self._exchange.start()

    async def close(self) -> None:
        """Send what waits, once, and close the files."""
        await self._exchange.close()
        await self._estimate.close()
        self._cells.close()

    def shared_by(self, processes: int) -> None:
        """So many processes share the limits; never fewer than was said at the start."""
        self._sharing = max(processes, self._processes)

    def take(self, limits: Limits, key: UsageKey, units: int, decided: Decided) -> None:
        """See `Counters.take`; `decided` is called in a later turn of the loop."""
        call = Waiting(limits, key, units, decided)
        if self._exchange.breaker.closed:
            self._exchange.put(call)
        else:
            self._away(call)

    def sent(self, taken: Taken) -> None:
        """See `Counters.sent`."""
        assert isinstance(taken, Call)
        (self._estimate if taken.place.day_word > 0 else self._calls).sent(taken)

    def keep(self, taken: Taken) -> None:
        """See `Counters.keep`."""
        assert isinstance(taken, Call)
        (self._estimate if taken.place.day_word > 0 else self._calls).keep(taken)

    def give_back(self, taken: Taken, outcome: Outcome = Outcome.UPSTREAM_FAILED) -> None:
        """See `Counters.give_back`. The units reach Redis with the next batch."""
        assert isinstance(taken, Call)
        if taken.place.day_word > 0:
            self._estimate.give_back(taken, outcome)
            self._untold = True
        elif self._calls.give_back(taken, outcome):
            _, _, day_id, month_id = taken.place
            self._return(str(taken.record.name[3]), taken.units, day_id, month_id)

    def record(self, key: UsageKey, outcome: Outcome) -> None:
        """See `Counters.record`."""
        try:
            self._records.count(self._records.of(key), outcome)
        except CountersFull:
            return

    def totals(self) -> Sequence[Total]:
        """See `Counters.totals`. Its beat also tells Redis what was taken without it."""
        found = [*self._estimate.totals(), *self._records.totals()]
        hour = window.hour_of(self._clock.now_s())
        if hour > self._records.hour:
            self._records.turn(hour)
        if self._untold and self._exchange.breaker.closed:
            self._tell()
        return found

    def written(self, totals: Sequence[Total]) -> None:
        """See `Counters.written`."""
        self._estimate.written(totals)
        self._records.written(totals)

    def _answered(self, calls: list[Waiting], answer: Answer) -> None:
        now_us, windows, verdicts, number = answer
        self._calls.taking_in(number)
        now_s = now_us // _SECOND_US
        hour = now_s // window.HOUR
        resets = (windows.day_end - now_s, windows.month_end - now_s)
        # No cell of ours: negative ids, so that a start after kill -9 knows where the units stand.
        place = Place(-windows.day_id, -windows.month_id, windows.day_id, windows.month_id)
        current = self._records.current
        for index, ((limits, key, units, decided), (refused, backlog_us, day, month)) in enumerate(
            zip(calls, verdicts, strict=True)
        ):
            taken = None
            try:
                if hour != self._records.hour:
                    self._records.turn(hour)
                record = current.get(key) or self._records.of(key)
            except CountersFull:
                if not refused:
                    self._return(limits.subscription_id, units, windows.day_id, windows.month_id)
                _tell_caller(decided, unavailable(_RETRY_WHEN_FULL))
                continue
            limited_by = lua.REFUSED_BY[refused]
            if refused:
                self._records.count(record, REFUSED_AS[limited_by])
            else:
                taken = self._calls.begin_from(index, record, units, place)
            after = (backlog_us * MICROSECOND, day, month)
            _tell_caller(decided, decision(limits, limited_by, after, resets, taken))
        self._calls.taken_in(len(calls))

    def _away(self, call: Waiting) -> None:
        limits, key, units, decided = call
        if limits.open_when_away:
            self._untold = True
            share = limits.share(self._sharing)
            self._estimate.take(share, key, units, lambda answer: _tell_caller(decided, answer))
        else:
            _tell_caller(decided, unavailable(_RETRY_WHEN_AWAY))

    def _return(self, subscription_id: str, units: int, day_id: int, month_id: int) -> None:
        self._exchange.change(subscription_id, lua.CHANGE_DAY, day_id, -units)
        self._exchange.change(subscription_id, lua.CHANGE_MONTH, month_id, -units)

    async def _used(self, now_s: int) -> Standing:
        """What Redis must hold at least: the ledger, with our calls under way; our estimate is in the ledger."""
        if self._rebuild is None:
            return Standing({}, {})
        windows = window.windows(now_s)
        told, under_way = self._estimate.ended_in(windows), self._records.under_way(windows)
        self._told = {}
        for name, units in told.items():
            self._told[name, DAY_WINDOW, windows.day_id] = units.day
            self._told[name, MONTH_WINDOW, windows.month_id] = units.month
        self._untold = True
        used = dict(await self._rebuild(now_s, [*self._estimate.totals(), *self._records.totals()]))
        for name, busy in under_way.items():
            day, month = used.get(name, Used(0, 0))
            used[name] = Used(day + busy.day, month + busy.month)
        return Standing(used, told)

    def _tell(self) -> None:
        """Make the units of the estimate known to Redis, as absolute numbers; see `lua`."""
        for name, units in self._estimate.standing():
            if units != self._told.get(name, 0):
                subscription_id, kind, window_id = name
                self._exchange.tell(subscription_id, TELL[kind], window_id, units)
                self._told[name] = units
        self._untold = False

    def _agreed_epoch(self) -> str:
        """The epoch of Redis in which this book was told from, "" when it is not known."""
        found = (name for name in self._cells.names if name[0] == _EPOCH and name[2] == self._estimate.book)
        return next((str(name[1]) for name in found), "")

    def _agree(self, epoch: str) -> None:
        """Remember over a kill -9 what was agreed on, and as whom. With no room, the next start completes Redis from
        the ledger instead.
        """
        process = (_PROCESS, self._exchange.process)
        try:
            if process not in self._cells.names:
                self._calls.forget_progress()
                self._replace(process)
            self._replace((_EPOCH, epoch, self._exchange.book.decode()))
        except CountersFull:
            return

    def _replace(self, name: Name) -> None:
        """The only one of its kind."""
        if name not in self._cells.names:
            for old in [each for each in self._cells.names if each[0] == name[0]]:
                self._cells.release(old)
            self._cells.assign(name)


def _tell_caller(decided: Decided, answer: Decision) -> None:
    """One caller's fault must not cost the others of the batch their answers."""
    try:
        decided(answer)
    except Exception as error:  # a callback of the line: it goes where the loop's own faults go
        asyncio.get_running_loop().call_exception_handler(
            {"message": "a callback of take() failed", "exception": error}
        )
