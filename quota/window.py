"""Day and calendar-month windows in Europe/Stockholm: which window a moment belongs to, pure.

Owns the zone and the shape of window ids. Owns no counters. Windows are fixed: at a boundary a caller can
spend what is left of one day and then all of the next, at most twice the limit; the rate limit bounds the
speed of it. A moment belongs to the window of the call's start. Every boundary falls on a whole UTC hour,
because the zone's offset is whole hours, so the ledger's hours tile each window exactly.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

ZONE = "Europe/Stockholm"
HOUR = 3600


class Windows(NamedTuple):
    """The day and the month around one moment; starts are inclusive, ends exclusive, all epoch seconds."""

    day_id: int  # 20261121
    day_start: int
    day_end: int
    month_id: int  # 202611
    month_start: int
    month_end: int


def windows(now_s: int) -> Windows:
    """The windows that hold `now_s`. About 10 µs; callers keep the answer until `day_end`."""
    zone = ZoneInfo(ZONE)  # kept by zoneinfo itself after the first use
    today = datetime.fromtimestamp(now_s, UTC).astimezone(zone).date()
    first = today.replace(day=1)
    following = (
        first.replace(year=first.year + 1, month=1)
        if first.month == 12
        else first.replace(month=first.month + 1)
    )
    return Windows(
        day_id=today.year * 10_000 + today.month * 100 + today.day,
        day_start=_midnight(today, zone),
        day_end=_midnight(today + timedelta(days=1), zone),
        month_id=today.year * 100 + today.month,
        month_start=_midnight(first, zone),
        month_end=_midnight(following, zone),
    )


def around(now_s: int) -> tuple[Windows, Windows, Windows]:
    """Yesterday's, today's and tomorrow's windows: enough for a clock elsewhere that is up to a day off."""
    today = windows(now_s)
    return windows(today.day_start - 1), today, windows(today.day_end)


def hour_of(now_s: int) -> int:
    """The epoch hour: the ledger's unit of time."""
    return now_s // HOUR


def _midnight(day: date, zone: ZoneInfo) -> int:
    # Summer time starts and ends at 01:00 UTC, so local midnight exists once each day.
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())
