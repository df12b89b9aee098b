"""One batch: the calls that wait and the changes that are due, as one script call, and its answer.

Owns the order of things in a batch and their words for `lua.TAKE`. Sends nothing.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from quota.counters import lua
from quota.counters.protocol import Decided, UsageKey
from quota.plans import MICROSECOND, Limits
from quota.window import Windows

_FIRST_PLACE: Final = 3  # after the epoch and the batch's own key

Change = tuple[str, int, int]  # subscription, lua.CHANGE_DAY or CHANGE_MONTH, window id


class Waiting(NamedTuple):
    """A call that waits for its answer."""

    limits: Limits
    key: UsageKey
    units: int
    decided: Decided


class Batch(NamedTuple):
    """What goes in one script. Changes come first, so that units given back can be taken again at once."""

    number: int
    calls: list[Waiting]
    changes: dict[Change, int]
    rows: tuple[Windows, Windows, Windows]


class Answer(NamedTuple):
    """What Redis said: its time, the windows it chose, and (refused by, backlog µs, day, month) for each
    call.
    """

    now_us: int
    windows: Windows
    verdicts: list[tuple[int, int, int, int]]
    number: int  # of the batch


def arguments(batch: Batch, places: dict[str, int]) -> bytes:
    """The items of a batch; `places` gets each subscription's place among the keys, from 3 on."""
    items = []
    for (subscription_id, kind, window_id), units in batch.changes.items():
        place = places.setdefault(subscription_id, len(places) + _FIRST_PLACE)
        items.append(lua.pack_change(place, kind, units, window_id))
    for limits, _, units, _ in batch.calls:
        place = places.setdefault(limits.subscription_id, len(places) + _FIRST_PLACE)
        items.append(lua.pack_call(place, units, _numbers(limits)))
    return b"".join(items)


def _numbers(limits: Limits) -> tuple[int, int, int, int]:
    per_day, per_month = limits.per_day, limits.per_month
    return (
        limits.emission_ns // MICROSECOND,
        limits.burst_ns // MICROSECOND,
        -1 if per_day is None or not limits.refuse_at_end else per_day,
        -1 if per_month is None or not limits.refuse_at_end else per_month,
    )


def read(batch: Batch, answer: bytes) -> Answer:
    """The answer to this batch."""
    now_us, row, verdicts = lua.unpack_answer(answer)
    return Answer(now_us, batch.rows[row], list(verdicts), batch.number)
