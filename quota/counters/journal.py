"""The usage of this process: what was served, failed and refused, per hour, and which calls are under way.

Owns the records of usage and the life of each call (protocol.CALLS). Does not own limits: where a call's
units stand besides the usage is told to it as two words of cells (memory) or as two window ids (Redis, as
negative numbers). Both counter stores use it, so usage is counted by one piece of code, in the process that
saw what the upstream did, and a lost reply of Redis can never bill a call.

Each call under way has an entry of eight words: a head (units × 4 + state, 0 when the entry is free), record,
day word, month word, and the four values before its latest change. Entries with a head at the start are calls
that died with a process: sent ones stay served, others go back.

A change of several words is made whole by undoing it. Order matters, since kill -9 may fall between any two
stores: values before; mark in the header; (a beginning: the head); the change; (a return: head 0, which
settles it); mark 0. A start that finds the mark and a head restores the values; without a head there is
nothing to undo.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from struct import Struct
from typing import Final, NamedTuple

from quota.counters.cells import (
    CELL_WORDS,
    ENTRIES,
    FAILED_BEFORE,
    FIRST_ENTRY,
    UNDER_WAY,
    WORD,
    Cells,
    Name,
)
from quota.counters.protocol import (
    CALLS,
    ENDED,
    GIVE_BACK,
    KEEP,
    PROCESS_LOST,
    SENT,
    TAKEN,
    TO_UPSTREAM,
    Outcome,
    Total,
    UsageKey,
)
from quota.errors import CountersFull

# Words of a record's cell. Units stand beside the served calls; no other outcome has any.
_UNITS: Final = 1
OFFSETS: Final = {
    Outcome.SERVED: 0,
    Outcome.UPSTREAM_FAILED: 2,
    Outcome.REFUSED_RATE: 3,
    Outcome.REFUSED_QUOTA: 4,
    Outcome.REFUSED: 5,
}
_FAILED: Final = OFFSETS[Outcome.UPSTREAM_FAILED]
_USAGE: Final = "usage"
_after_head = Struct("=7q")


class Record:
    """Usage of one key in one hour. `busy` calls are counted but may still go back, so the ledger waits for
    them.
    """

    __slots__ = ("acknowledged", "busy_calls", "busy_units", "dirty", "name", "word")

    def __init__(self, name: Name, word: int) -> None:
        self.name = name
        self.word = word
        self.busy_calls = 0
        self.busy_units = 0
        self.dirty = False
        self.acknowledged: dict[Outcome, tuple[int, int]] = {}


class Place(NamedTuple):
    """Where units stand: words of this process's cells, or window ids as negative numbers (they are in
    Redis).
    """

    day_word: int
    month_word: int
    day_id: int  # guards against a cell whose window has moved on
    month_id: int


class Call:
    """The token of one call under way."""

    __slots__ = ("entry", "place", "record", "state", "units")

    def __init__(self, record: Record, units: int, entry: int, place: Place) -> None:
        self.record = record
        self.units = units
        self.entry = entry
        self.place = place
        self.state = TAKEN


class Lost(NamedTuple):
    """A call that went back at the start and whose units stand elsewhere (in Redis)."""

    subscription_id: str
    units: int
    day_id: int
    month_id: int


class Journal:
    """Records and calls over one folder of cells."""

    def __init__(self, folder: Path, *, capacity: int = 1 << 20) -> None:
        self.cells = Cells(folder, capacity=capacity)
        self.current: dict[UsageKey, Record] = {}  # of the present hour
        self.hour = 0
        self._records: dict[Name, Record] = {}
        self._dirty: list[Record] = []
        self._free: list[int] = []

    def open(self) -> list[Lost]:
        """Open the cells, finish what a lost process left, and say which units stand elsewhere."""
        self.cells.open()
        self.words = self.cells.words
        self._map = self.cells.map
        for name, word in self.cells.names.items():
            if name[0] == _USAGE:
                record = self._records[name] = Record(name, word)
                self.touch(record)
        lost = self._recover()
        self._free = [FIRST_ENTRY + index * CELL_WORDS for index in range(ENTRIES)]
        return lost

    def close(self) -> None:
        """Close the files."""
        self.cells.close()

    def turn(self, hour: int) -> None:
        """A new hour has begun: new calls get new records, and old ones leave once the ledger has them."""
        self.hour = hour
        self.current.clear()
        for record in self._records.values():
            self.touch(record)

    def record_of(self, key: UsageKey) -> Record:
        """The record of `key` in the present hour. CountersFull."""
        record = self.current.get(key)
        if record is None:
            name: Name = (_USAGE, self.cells.source, self.hour, *key)
            record = self._records.get(name)
            if record is None:
                record = self._records[name] = Record(name, self.cells.assign(name))
            self.current[key] = record
        return record

    def touch(self, record: Record) -> None:
        """The ledger does not know this record as it now is."""
        if not record.dirty:
            record.dirty = True
            self._dirty.append(record)

    def count(self, record: Record, outcome: Outcome) -> None:
        """One call that took nothing."""
        self.words[record.word + OFFSETS[outcome]] += 1
        self.touch(record)

    def begin(self, record: Record, units: int, place: Place) -> Call:
        """Count one served call and take its units from both windows (when they are here), as one step."""
        words = self.words
        day_word, month_word, _, _ = place
        word = record.word
        calls = words[word]
        charged = words[word + 1]
        here = day_word > 0
        day = words[day_word] if here else 0
        month = words[month_word] if here else 0
        entry = (
            self._free.pop() if self._free else 0
        )  # none left: counted all the same, but not undone by kill -9
        if entry:
            _after_head.pack_into(
                self._map, entry * WORD + WORD, word, day_word, month_word, calls, charged, day, month
            )
            words[UNDER_WAY] = entry
            words[entry] = units * 4 + TAKEN
        words[word] = calls + 1
        words[word + 1] = charged + units
        if here:
            words[day_word] = day + units
            words[month_word] = month + units
        words[UNDER_WAY] = 0
        record.busy_calls += 1
        record.busy_units += units
        return Call(record, units, entry, place)

    def sent(self, call: Call) -> None:
        """TAKEN → SENT."""
        step = CALLS.get((call.state, TO_UPSTREAM))
        if step is not None:
            call.state = step[0]
            if call.entry:
                self.words[call.entry] = call.units * 4 + SENT

    def keep(self, call: Call) -> None:
        """The call stays served."""
        if (call.state, KEEP) in CALLS:
            self._end(call)

    def give_back(self, call: Call) -> bool:
        """Served → upstream_failed, units back to windows that are here; False when the call had already
        ended.
        """
        if (call.state, GIVE_BACK) not in CALLS:
            return False
        words = self.words
        day_word, month_word, day_id, month_id = call.place
        if day_word > 0 and words[day_word - 1] != day_id:
            day_word = 0
        if month_word > 0 and words[month_word - 1] != month_id:
            month_word = 0
        self._return(call.record.word, call.units, day_word, month_word, call.entry)
        self._end(call)
        return True

    def totals(self) -> list[Total]:
        """Totals that the ledger does not have, without calls under way."""
        found: list[Total] = []
        for record in self._dirty:
            for outcome, (units, calls) in self._state(record).items():
                if record.acknowledged.get(outcome) != (units, calls):
                    found.append(_total(record.name, outcome, units, calls))
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
            elif record.name[1] != self.cells.source or record.name[2] != self.hour:
                self._forget(record)

    def _forget(self, record: Record) -> None:
        try:
            self.cells.release(record.name)
        except CountersFull:
            self.touch(record)  # no room to say so; tried again at the next flush
        else:
            del self._records[record.name]

    def _state(self, record: Record) -> dict[Outcome, tuple[int, int]]:
        words = self.words
        state = {}
        for outcome, offset in OFFSETS.items():
            calls = words[record.word + offset]
            units = 0
            if outcome is Outcome.SERVED:
                calls -= record.busy_calls
                units = words[record.word + _UNITS] - record.busy_units
            if calls or outcome in record.acknowledged:
                state[outcome] = (units, calls)
        return state

    def _end(self, call: Call) -> None:
        call.state = ENDED
        if call.entry:
            self.words[call.entry] = 0
            self._free.append(call.entry)
        record = call.record
        record.busy_calls -= 1
        record.busy_units -= call.units
        if not record.dirty:
            self.touch(record)

    def _return(self, word: int, units: int, day_word: int, month_word: int, entry: int) -> None:
        """Move one call from served to upstream_failed and its units out of the windows; never below zero."""
        words = self.words
        calls, charged, failed = words[word], words[word + _UNITS], words[word + _FAILED]
        day = words[day_word] if day_word > 0 else 0
        month = words[month_word] if month_word > 0 else 0
        if entry:
            _after_head.pack_into(
                self._map, entry * WORD + WORD, word, day_word, month_word, calls, charged, day, month
            )
            words[FAILED_BEFORE] = failed + 1  # 0 says "a beginning"
            words[UNDER_WAY] = entry
        words[word] = calls - 1
        words[word + _UNITS] = charged - units
        words[word + _FAILED] = failed + 1
        if day_word > 0:
            words[day_word] = max(0, day - units)
        if month_word > 0:
            words[month_word] = max(0, month - units)
        if entry:
            words[entry] = 0
        words[UNDER_WAY] = 0
        words[FAILED_BEFORE] = 0

    def _recover(self) -> list[Lost]:
        self._undo()
        names = {record.word: record.name for record in self._records.values()}
        lost = []
        for entry in range(FIRST_ENTRY, FIRST_ENTRY + ENTRIES * CELL_WORDS, CELL_WORDS):
            head, word, day_word, month_word = self.words[entry : entry + 4]
            if not head:
                continue
            _, back = CALLS.get((head % 4, PROCESS_LOST), (ENDED, False))
            if back and word in names:
                self._return(word, head // 4, day_word, month_word, entry)
                if day_word < 0:
                    lost.append(Lost(str(names[word][3]), head // 4, -day_word, -month_word))
            self.words[entry] = 0
        return lost

    def _undo(self) -> None:
        words = self.words
        entry = words[UNDER_WAY]
        if entry and words[entry]:
            _, word, day_word, month_word, calls, charged, day, month = words[entry : entry + CELL_WORDS]
            words[word], words[word + _UNITS] = calls, charged
            if day_word > 0:
                words[day_word] = day
            if month_word > 0:
                words[month_word] = month
            if words[FAILED_BEFORE]:
                words[word + _FAILED] = words[FAILED_BEFORE] - 1
            else:
                words[entry] = 0  # a call whose beginning was half done was never acknowledged
        words[UNDER_WAY] = 0
        words[FAILED_BEFORE] = 0


def _total(name: Name, outcome: Outcome, units: int, calls: int) -> Total:
    _, source, hour, subscription, organisation, app, api, operation, plan, version = name
    key = UsageKey(
        str(subscription), str(organisation), str(app), str(api), str(operation), str(plan), int(version)
    )
    return Total(str(source), int(hour), key, outcome, units, calls)
