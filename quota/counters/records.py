"""The usage of this process: calls served, failed and refused, and units, per key and hour, as absolute
totals.

Owns the records and what of them the ledger already has. Does not own calls (see `calls`), limits or the
database. Both counter stores use it, so usage is counted by one piece of code, in the process that saw what
the upstream did, and a lost reply of Redis can never bill a call.

A total only ever grows: a call under way may still go back, so it is left out until it has ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from quota.counters.cells import LATEST_HOUR, Cells, Name
from quota.counters.protocol import Outcome, Total, UsageKey, Used
from quota.errors import CountersFull
from quota.window import HOUR, Windows
from quota.window import windows as windows_of

# Words of a record's cell. Units stand beside the served calls; no other outcome has any.
UNITS: Final = 1
OFFSETS: Final = {
    Outcome.SERVED: 0,
    Outcome.UPSTREAM_FAILED: 2,
    Outcome.REFUSED_RATE: 3,
    Outcome.REFUSED_QUOTA: 4,
    Outcome.REFUSED: 5,
}
_USAGE: Final = "usage"
_KEPT_HOURS: Final = 1  # past hours whose records stay, since clocks differ a little at the turn


class Record:
    """Usage of one key in one hour; `busy` calls are counted in its cell but under way."""

    __slots__ = ("acknowledged", "busy_calls", "busy_units", "dirty", "name", "word")

    def __init__(self, name: Name, word: int) -> None:
        self.name = name
        self.word = word
        self.busy_calls = 0
        self.busy_units = 0
        self.dirty = False
        self.acknowledged: dict[Outcome, tuple[int, int]] = {}


class Records:
    """The records over one folder of cells. `current` holds those of the present hour."""

    def __init__(self, cells: Cells) -> None:
        self._cells = cells
        self.current: dict[UsageKey, Record] = {}
        self.hour = 0
        self._records: dict[Name, Record] = {}
        self._dirty: list[Record] = []

    def open(self) -> None:
        """Find the records that a process before this one left; the ledger is told of all of them again."""
        for name, word in self._cells.names.items():
            if name[0] == _USAGE:
                record = self._records[name] = Record(name, word)
                self.touch(record)

    def subscriptions(self) -> dict[int, str]:
        """Whose record each cell is."""
        return {record.word: str(record.name[3]) for record in self._records.values()}

    def turn(self, hour: int) -> None:
        """Another hour: its calls get their own records, and old ones leave once the ledger has them.

        A record that left must never begin again at zero under the same name, or the ledger, which keeps the
        larger number, would swallow what it counts. So a clock that was set back further than records are
        kept begins a new source.
        """
        latest = self._cells.words[LATEST_HOUR]
        if hour < latest - _KEPT_HOURS:
            self._cells.new_source()
            latest = hour
        self._cells.words[LATEST_HOUR] = max(latest, hour)
        self.hour = hour
        self.current.clear()
        for record in self._records.values():
            self.touch(record)

    def of(self, key: UsageKey) -> Record:
        """The record of `key` in the present hour. CountersFull."""
        record = self.current.get(key)
        if record is None:
            name: Name = (_USAGE, self._cells.source, self.hour, *key)
            record = self._records.get(name)
            if record is None:
                record = self._records[name] = Record(name, self._cells.assign(name))
            self.current[key] = record
        return record

    def touch(self, record: Record) -> None:
        """The ledger does not know this record as it now is."""
        if not record.dirty:
            record.dirty = True
            self._dirty.append(record)

    def count(self, record: Record, outcome: Outcome) -> None:
        """One call that took nothing."""
        self._cells.words[record.word + OFFSETS[outcome]] += 1
        self.touch(record)

    def totals(self) -> list[Total]:
        """Totals that the ledger does not have, without calls under way."""
        return [
            _total(record.name, outcome, state)
            for record in self._dirty
            for outcome, state in self._state(record).items()
            if record.acknowledged.get(outcome) != state
        ]

    def under_way(self, windows: Windows) -> dict[str, Used]:
        """Units of calls that began in these windows and have not ended, per subscription: in no total yet."""
        found: dict[str, Used] = {}
        for record in self._records.values():
            if record.busy_units:
                began = windows_of(int(record.name[2]) * HOUR)
                if began.month_id == windows.month_id:
                    before = found.get(subscription := str(record.name[3]), Used(0, 0))
                    today = record.busy_units if began.day_id == windows.day_id else 0
                    found[subscription] = Used(before.day + today, before.month + record.busy_units)
        return found

    def written(self, totals: Sequence[Total]) -> None:
        """The ledger has these; records of past hours that it has whole make room."""
        for total in totals:
            record = self._records.get((_USAGE, total.source, total.hour, *total.key))
            if record is not None:
                record.acknowledged[total.outcome] = (total.units, total.calls)
        waiting, self._dirty = self._dirty, []
        for record in waiting:
            record.dirty = False
            if record.busy_calls or any(
                record.acknowledged.get(outcome) != state for outcome, state in self._state(record).items()
            ):
                self.touch(record)
            elif record.name[1] != self._cells.source or int(record.name[2]) < self.hour - _KEPT_HOURS:
                self._forget(record)

    def _forget(self, record: Record) -> None:
        try:
            self._cells.release(record.name)
        except CountersFull:
            self.touch(record)  # no room to say so; tried again after the next flush
        else:
            del self._records[record.name]

    def _state(self, record: Record) -> dict[Outcome, tuple[int, int]]:
        words = self._cells.words
        state = {}
        for outcome, offset in OFFSETS.items():
            calls = words[record.word + offset]
            units = 0
            if outcome is Outcome.SERVED:
                calls -= record.busy_calls
                units = words[record.word + UNITS] - record.busy_units
            if calls:
                state[outcome] = (units, calls)
        return state


def _total(name: Name, outcome: Outcome, state: tuple[int, int]) -> Total:
    _, source, hour, subscription, organisation, app, api, operation, plan, version = name
    key = UsageKey(
        str(subscription), str(organisation), str(app), str(api), str(operation), str(plan), int(version)
    )
    return Total(str(source), int(hour), key, outcome, *state)
