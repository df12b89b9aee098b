"""From the counters to the ledger in the database, and back when counters are lost.

Owns the beat, the retry and the conversion of totals to rows. The table and its idempotent write are
`storage.usage`; the numbers are the counters'. Totals are absolute, so a write that is repeated, or whose
commit cannot be known, changes nothing.

Interval: one second (`interval`). Between a call's end and the next beat its usage is in the process's mapped
files alone: kill -9 leaves it there, and the next start writes it. With the database away the counters keep
everything and the beat slows to `_LONGEST_WAIT`. Every `ALIVE_EVERY` seconds it also says that the process lives.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from quota import window
from quota.counters.calls import Calls
from quota.counters.cells import Cells
from quota.counters.protocol import Counters, Total, Used
from quota.counters.records import Records
from quota.errors import CountersDamaged, CountersLocked, LedgerUnreachable, QuotaError
from storage import usage
from storage.database import Database
from storage.errors import StorageError
from storage.usage import UsageRow, processes

log = logging.getLogger("sluss.ledger")

_ROWS_AT_ONCE = 1_000
_LONGEST_WAIT = 5.0
ALIVE_EVERY = 10.0


class Flusher:
    """Writes what changed, at every beat. One for each store of counters."""

    def __init__(
        self,
        database: Database,
        counters: Counters,
        *,
        interval: float = 1.0,
        name: str = "",
        living: Callable[[int], None] = lambda count: None,
    ) -> None:
        """`name` says which process this is, "" for none that others count; `living` is told how many there are."""
        self._database = database
        self._counters = counters
        self._interval = interval
        self._lock = asyncio.Lock()
        self._name = name
        self._living = living
        self._say_at = 0.0  # on the loop's clock
        self._task: asyncio.Task[None] | None = None
        self.waiting = (
            0  # totals not in the ledger at the last beat; above 0 for long means the database is away
        )
        self.failures = 0  # beats in a row
        self.fault = ""  # private

    def start(self) -> None:
        """Begin the beat."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """End the beat and write what is left, once. What cannot be written stays in the counters' files."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if await self.flush() and self._name:
            with contextlib.suppress(StorageError):  # it is forgotten without that, only later
                async with self._database.begin() as session:
                    await processes.gone(session, self._name)

    async def flush(self) -> bool:
        """Write every changed total now; False when the database did not take them all."""
        async with self._lock:
            try:
                totals = self._counters.totals()
                self.waiting = len(totals)
                for start in range(0, len(totals), _ROWS_AT_ONCE):
                    part = totals[start : start + _ROWS_AT_ONCE]
                    await _write(self._database, part)
                    self._counters.written(part)
                    self.waiting -= len(part)
                await self._say_alive()
            except (StorageError, QuotaError) as error:
                self.failures += 1
                self.fault = f"{type(error).__name__}: {error.detail}"
                return False
            except Exception as error:  # a fault of ours; without this beat nothing would be billed any more
                log.exception("usage could not be written")
                self.failures += 1
                self.fault = type(error).__name__
                return False
            self._counters.written(())
            self.failures = 0
            self.fault = ""
            return True

    async def _say_alive(self) -> None:
        """Without this beat a database that takes no writes would show only when somebody calls."""
        now = asyncio.get_running_loop().time()
        if self._name and now >= self._say_at:
            async with self._database.begin() as session:
                count = await processes.seen(session, self._name, int(time.time()))
            self._say_at = now + ALIVE_EVERY
            self._living(count)

    async def _run(self) -> None:
        while True:
            await self.flush()
            await asyncio.sleep(pause(self._interval, self.failures))


def pause(interval: float, failures: int) -> float:
    """Seconds to the next beat, after so many failed ones in a row."""
    # A power of two of every failure of a long night would be too large for any float.
    return max(interval, min(_LONGEST_WAIT, interval * 2.0 ** min(failures, 16) / 2))


async def rebuild(database: Database, now_s: int, totals: Sequence[Total] = ()) -> Mapping[str, Used]:
    """Units used today and this month, per subscription, after writing `totals`. LedgerUnreachable.

    `partial(rebuild, database)` is the `Rebuild` of a counter store. What other processes have not written
    yet, at most one interval, is missing from the answer.
    """
    windows = window.windows(now_s)
    try:
        for start in range(0, len(totals), _ROWS_AT_ONCE):
            await _write(database, totals[start : start + _ROWS_AT_ONCE])
        async with database.read() as session:
            day = await usage.units_since(session, windows.day_start)
            month = await usage.units_since(session, windows.month_start)
    except StorageError as error:
        raise LedgerUnreachable(f"{type(error).__name__}: {error.detail}") from error
    return {
        subscription_id: Used(day.get(subscription_id, 0), units) for subscription_id, units in month.items()
    }


async def write_left_behind(database: Database, folder: Path) -> int:
    """Write the usage in the counter folders below `folder` that no process holds: of a process index that is
    no longer started, or of one that has not come back. Returns the number of totals written; StorageError.
    """
    count = 0
    for each in _counter_folders(folder):
        cells = Cells(each)
        try:
            cells.open()
        except (CountersLocked, CountersDamaged):
            continue  # in use: its own process writes it; damaged: its own start says so
        try:
            records = Records(cells)
            records.open()
            Calls(cells, records).open()
            totals = records.totals()
            for start in range(0, len(totals), _ROWS_AT_ONCE):
                await _write(database, totals[start : start + _ROWS_AT_ONCE])
            count += len(totals)
        finally:
            cells.close()
    return count


def _counter_folders(folder: Path) -> list[Path]:
    return sorted(names.parent for names in folder.rglob("names"))


async def _write(database: Database, totals: Sequence[Total]) -> None:
    async with database.begin() as session:
        await usage.write(session, [_row(total) for total in totals])


def _row(total: Total) -> UsageRow:
    key = total.key
    return UsageRow(
        source=total.source,
        hour=total.hour,
        organisation_id=key.organisation_id,
        app_id=key.app_id,
        subscription_id=key.subscription_id,
        api=key.api,
        plan=key.plan,
        plan_version=key.plan_version,
        operation=key.operation,
        outcome=total.outcome.value,
        units=total.units,
        calls=total.calls,
    )
