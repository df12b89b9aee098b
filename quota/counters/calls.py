"""The calls under way: taken, sent, ended (protocol.CALLS), each change of several counters made whole.

Owns the entries of calls in the mapped file and what becomes of them when a process is lost. Does not decide
whether a call may pass. Where its units stand is told by a `Place`.

An entry is eight words: the four values before its latest change, its record, day word and month word, and
last a head (units × 8 + state; 0 when the entry is free). Entries with a head at the start are calls that
died with a process: sent ones stay served, others go back.

A change of several words is made whole by undoing it, since kill -9 may fall between any two stores: the
entry with the values before is written, its head last and in a state that says "half done"; then the change;
then the head is set to what now holds. A start that finds a head half done restores the values.
"""

from __future__ import annotations

from struct import Struct
from typing import Final, NamedTuple

from quota.counters.cells import CELL_WORDS, ENTRIES, FAILED_BEFORE, FIRST_ENTRY, PROGRESS, WORD, Cells
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
)
from quota.counters.records import OFFSETS, UNITS, Record, Records

_HEAD: Final = 7  # word of an entry
_STATES: Final = 8
_CALLS_IN_BATCH: Final = 1 << 20
_BEGINNING: Final = 3  # states of a head beside protocol's: half done
_RETURNING: Final = 4
_REFUSING: Final = 5
# Half-done state of a return → the counter that the call goes to instead of served.
_INTO: Final = {_RETURNING: OFFSETS[Outcome.UPSTREAM_FAILED], _REFUSING: OFFSETS[Outcome.REFUSED]}
_pack = Struct("=8q").pack_into  # fields are stored in their order, so the head is last


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


class Calls:
    """The calls over one folder of cells."""

    def __init__(self, cells: Cells, records: Records) -> None:
        self._cells = cells
        self._records = records
        self._free: list[int] = []
        self._batch = self._index = 0

    def open(self) -> list[Lost]:
        """Finish what a lost process left; says which units stand elsewhere and go back too."""
        self._words = self._cells.words
        self._map = self._cells.map
        self.progress = self._progress()
        lost = self._recover()
        self._free = [FIRST_ENTRY + index * CELL_WORDS for index in range(ENTRIES)]
        return lost

    def taking_in(self, batch: int) -> None:
        """The calls of this batch of Redis begin now. `progress` of the next start tells how many did."""
        self._batch = batch
        self._words[PROGRESS] = batch * _CALLS_IN_BATCH

    def taken_in(self, calls: int) -> None:
        """All of them have begun, were refused, or were given back."""
        self._words[PROGRESS] = self._batch * _CALLS_IN_BATCH + calls

    def forget_progress(self) -> None:
        """Another process begins, whose batches have their own numbers."""
        self._words[PROGRESS] = 0

    def begin_from(self, index: int, record: Record, units: int, place: Place) -> Call:
        """`begin`, for the call at this place of the batch that is being taken in."""
        self._index = index
        call = self.begin(record, units, place)
        self._words[PROGRESS] = self._batch * _CALLS_IN_BATCH + index + 1
        return call

    def begin(self, record: Record, units: int, place: Place) -> Call:
        """Count one served call and take its units from both windows (when they are here), as one step."""
        words = self._words
        day_word, month_word, _, _ = place
        word = record.word
        calls = words[word]
        charged = words[word + 1]
        here = day_word > 0
        day = words[day_word] if here else self._batch
        month = words[month_word] if here else self._index
        entry = self._free.pop() if self._free else 0  # none left: counted all the same, and kill -9 keeps it
        if entry:
            head = units * _STATES
            at = entry * WORD
            _pack(self._map, at, calls, charged, day, month, word, day_word, month_word, head + _BEGINNING)
        words[word] = calls + 1
        words[word + 1] = charged + units
        if here:
            words[day_word] = day + units
            words[month_word] = month + units
        if entry:
            words[entry + _HEAD] = head + TAKEN
        record.busy_calls += 1
        record.busy_units += units
        return Call(record, units, entry, place)

    def sent(self, call: Call) -> None:
        """TAKEN → SENT."""
        step = CALLS.get((call.state, TO_UPSTREAM))
        if step is not None:
            call.state = step[0]
            if call.entry:
                self._words[call.entry + _HEAD] = call.units * _STATES + SENT

    def keep(self, call: Call) -> None:
        """The call stays served."""
        if (call.state, KEEP) in CALLS:
            self._end(call)

    def give_back(self, call: Call, outcome: Outcome = Outcome.UPSTREAM_FAILED) -> bool:
        """Served → `outcome`, upstream_failed or refused; units back to windows that are here. False: the call had
        already ended.
        """
        if (call.state, GIVE_BACK) not in CALLS:
            return False
        words = self._words
        day_word, month_word, day_id, month_id = call.place
        if day_word > 0 and words[day_word - 1] != day_id:
            day_word = 0
        if month_word > 0 and words[month_word - 1] != month_id:
            month_word = 0
        state = _REFUSING if outcome is Outcome.REFUSED else _RETURNING
        self._return(call.entry, call.record.word, call.units, (day_word, month_word), state)
        self._end(call)
        return True

    def _end(self, call: Call) -> None:
        call.state = ENDED
        entry = call.entry
        if entry:
            self._words[entry + _HEAD] = 0
            self._free.append(entry)
        record = call.record
        record.busy_calls -= 1
        record.busy_units -= call.units
        if not record.dirty:
            self._records.touch(record)

    def _return(self, entry: int, word: int, units: int, windows: tuple[int, int], state: int) -> None:
        """Move one call from served to where `state` says, and its units out of the windows; never below zero."""
        words = self._words
        day_word, month_word = windows
        into = word + _INTO[state]
        calls, charged, failed = words[word], words[word + UNITS], words[into]
        day = words[day_word] if day_word > 0 else 0
        month = words[month_word] if month_word > 0 else 0
        if entry:
            words[FAILED_BEFORE] = failed
            at, head = entry * WORD, units * _STATES + state
            _pack(self._map, at, calls, charged, day, month, word, day_word, month_word, head)
        words[word] = calls - 1
        words[word + UNITS] = charged - units
        words[into] = failed + 1
        if day_word > 0:
            words[day_word] = max(0, day - units)
        if month_word > 0:
            words[month_word] = max(0, month - units)
        if entry:
            words[entry + _HEAD] = 0

    def _progress(self) -> tuple[int, int]:
        """The last batch that was taken in, and how many of its calls had begun, the last one's entry included:
        kill -9 may have fallen between it and the count.
        """
        words = self._words
        batch, begun = divmod(words[PROGRESS], _CALLS_IN_BATCH)
        for entry in range(FIRST_ENTRY, FIRST_ENTRY + ENTRIES * CELL_WORDS, CELL_WORDS):
            _, _, number, index, _, day_word, _, head = words[entry : entry + CELL_WORDS]
            if head % _STATES in (TAKEN, SENT) and day_word < 0 and (number, index) == (batch, begun):
                return batch, begun + 1
        return batch, begun

    def _recover(self) -> list[Lost]:
        whose = self._records.subscriptions()
        words = self._words
        lost = []
        for entry in range(FIRST_ENTRY, FIRST_ENTRY + ENTRIES * CELL_WORDS, CELL_WORDS):
            units, state = divmod(words[entry + _HEAD], _STATES)
            word, day_word, month_word = words[entry + 4 : entry + _HEAD]
            if not state or word not in whose:
                words[entry + _HEAD] = 0
                continue
            if state == _BEGINNING or state in _INTO:
                self._undo(entry, state)
            # A call whose beginning was half done was never acknowledged: undone, it never was.
            back = state in _INTO or CALLS.get((state, PROCESS_LOST), (ENDED, False))[1]
            if back:
                into = state if state in _INTO else _RETURNING
                self._return(entry, word, units, (day_word, month_word), into)
                if day_word < 0:
                    lost.append(Lost(whose[word], units, -day_word, -month_word))
            words[entry + _HEAD] = 0
        return lost

    def _undo(self, entry: int, state: int) -> None:
        words = self._words
        calls, charged, day, month, word, day_word, month_word, _ = words[entry : entry + CELL_WORDS]
        words[word], words[word + UNITS] = calls, charged
        if day_word > 0:
            words[day_word] = day
        if month_word > 0:
            words[month_word] = month
        if state in _INTO:
            words[word + _INTO[state]] = words[FAILED_BEFORE]
