"""Counters in one process: exact, answered at once, and kept through kill -9 in mapped files of the data
directory.

Owns the order of one take. The rate lives in the process, on a clock that never steps; a restart fills the
bucket. Units and usage are in cells (see `cells`, `accounts`, `records`, `calls`). One process only: the
folder is locked. When there is no room for a new counter (disk full) the answer is "unavailable", whatever
the plan says: a call that cannot be counted is not let through.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from quota import window
from quota.clock import SteadyClock
from quota.counters.accounts import DAY_WINDOW, MONTH_WINDOW, Accounts
from quota.counters.calls import Call, Calls
from quota.counters.cells import Cells
from quota.counters.protocol import (
    REFUSED_AS,
    Decided,
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
from quota.limit import backlog as backlog_of
from quota.limit import refusal
from quota.plans import SECOND, Limits
from quota.window import Windows

_RETRY_WHEN_FULL = 30


class MemoryCounters:
    """The store for one process. `rebuild` is asked at the start when the files are new or not to be trusted."""

    def __init__(
        self,
        folder: Path,
        *,
        rebuild: Rebuild | None = None,
        clock: SteadyClock | None = None,
        capacity: int = 1 << 20,
    ) -> None:
        self._clock = clock if clock is not None else SteadyClock()
        self._now = self._clock.boot_ns
        self._rebuild = rebuild
        self._cells = Cells(folder, capacity=capacity)
        self._records = Records(self._cells)
        self._calls = Calls(self._cells, self._records)
        self._accounts = Accounts(self._cells)
        self._present = self._accounts.present
        self._current = self._records.current
        # The present hour and the ends of its windows, on the boot clock.
        self._from = self._until = self._day_end = self._month_end = 0
        self._turn = -1

    async def start(self) -> None:
        """Open the files. CountersLocked, CountersDamaged, CountersFull, and whatever `rebuild` raises."""
        self._cells.open()
        self._words = self._cells.words
        self._records.open()
        self._calls.open()
        try:
            self._move(self._now())
            self._accounts.forget_before(window.windows(self._accounts.windows.month_start - 1).month_id)
            await self._raise_to_ledger()
        except BaseException:  # whatever stops the start, the lock must not outlive it
            self._cells.close()
            raise

    async def close(self) -> None:
        """Close the files; totals that were not written are found by the next start."""
        self._cells.close()

    def take(self, limits: Limits, key: UsageKey, units: int, decided: Decided) -> None:
        """See `Counters.take`; `decided` is called before this returns."""
        now = self._now()
        try:
            if not self._from <= now < self._until:
                self._move(now)
            account = self._present.get(limits.subscription_id)
            if account is None or account.turn != self._turn:
                account = self._accounts.of(limits.subscription_id)
            record = self._current.get(key) or self._records.of(key)
        except CountersFull:
            decided(unavailable(_RETRY_WHEN_FULL))
            return
        backlog = backlog_of(limits, account.arrival_ns, now)
        place = account.place
        words = self._words
        day_used = words[place[0]]
        month_used = words[place[1]]
        limited_by = refusal(limits, units, backlog, day_used, month_used)
        if limited_by:
            call = None
            self._records.count(record, REFUSED_AS[limited_by])
        else:
            backlog += limits.emission_ns
            call = self._calls.begin(record, units, place)
            day_used += units
            month_used += units
        account.arrival_ns = now + backlog
        now_s = now // SECOND
        decided(
            decision(
                limits,
                limited_by,
                (backlog, day_used, month_used),
                (self._day_end - now_s, self._month_end - now_s),
                call,
            )
        )

    def sent(self, taken: Taken) -> None:
        """See `Counters.sent`."""
        assert isinstance(taken, Call)
        self._calls.sent(taken)

    def keep(self, taken: Taken) -> None:
        """See `Counters.keep`."""
        assert isinstance(taken, Call)
        self._calls.keep(taken)

    def give_back(self, taken: Taken, outcome: Outcome = Outcome.UPSTREAM_FAILED) -> None:
        """See `Counters.give_back`."""
        assert isinstance(taken, Call)
        self._calls.give_back(taken, outcome)

    def record(self, key: UsageKey, outcome: Outcome) -> None:
        """See `Counters.record`. With no room for the record the refusal stays uncounted: it bills nothing."""
        now = self._now()
        try:
            if not self._from <= now < self._until:
                self._move(now)
            self._records.count(self._records.of(key), outcome)
        except CountersFull:
            return

    def totals(self) -> Sequence[Total]:
        """See `Counters.totals`. Its beat also follows the wall clock."""
        self._clock.follow()
        self._move(self._now())
        return self._records.totals()

    def written(self, totals: Sequence[Total]) -> None:
        """See `Counters.written`."""
        self._records.written(totals)

    async def _raise_to_ledger(self) -> None:
        """At least what the ledger says is used: files may be new, of before a loss of power, or of before a
        time with Redis. Files that are whole may start without the ledger.
        """
        if self._rebuild is None:
            return
        try:
            used = await self._rebuild(self._clock.now_s(), self._records.totals())
        except Exception:  # `rebuild` is the caller's: whatever it raises, the ledger is not to be had
            if self._cells.fresh:
                raise
            return
        self._accounts.rebuild(used)

    def standing(self) -> Iterator[tuple[tuple[str, int, int], int]]:
        """(subscription, 2 for a day or 3 for a month, window id) with the units used in it, for every
        account.
        """
        return self._accounts.standing()

    @property
    def book(self) -> str:
        """Names the totals of these files; another one stands for other numbers."""
        return self._cells.source

    def ended_in(self, windows: Windows) -> dict[str, Used]:
        """Units used in these windows per subscription, without calls under way: as the ledger will have them."""
        under_way = self._records.under_way(windows)
        found: dict[str, Used] = {}
        for (subscription_id, kind, window_id), units in self.standing():
            day, month = found.get(subscription_id, Used(0, 0))
            if kind == DAY_WINDOW and window_id == windows.day_id:
                day = units
            elif kind == MONTH_WINDOW and window_id == windows.month_id:
                month = units
            found[subscription_id] = Used(day, month)
        for subscription_id, busy in under_way.items():
            day, month = found.get(subscription_id, busy)
            found[subscription_id] = Used(max(0, day - busy.day), max(0, month - busy.month))
        return found

    def _move(self, now: int) -> None:
        """Stand in the hour of `now` and in its windows."""
        offset = self._clock.offset_ns
        now_s = (now + offset) // SECOND
        hour = window.hour_of(now_s)
        if hour != self._records.hour:
            self._records.turn(hour)
            self._accounts.move_to(window.windows(now_s))
            self._turn = self._accounts.turn
        self._from = hour * window.HOUR * SECOND - offset
        self._until = self._from + window.HOUR * SECOND
        # In whole seconds and rounded up, so that a reset is never told too early.
        offset_s = offset // SECOND
        self._day_end = self._accounts.windows.day_end - offset_s
        self._month_end = self._accounts.windows.month_end - offset_s
