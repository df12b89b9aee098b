"""Days and months as people in Sweden mean them (Europe/Stockholm), as spans of epoch seconds. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Stockholm")
LONGEST_DAYS = 400
EARLIEST = date(2000, 1, 1)
LATEST = date(2200, 1, 1)


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` up to, not including, `end`."""

    start: int
    end: int

    def day_of(self, at: int) -> int:
        """Epoch seconds at which the local day of `at` began."""
        return beginning(local_day(at))


def local_day(at: int) -> date:
    return datetime.fromtimestamp(at, ZONE).date()


def beginning(day: date) -> int:
    """Epoch seconds of local midnight."""
    return int(datetime.combine(day, time(), ZONE).timestamp())


def days(first: date, last: date) -> Period:
    """Both days included."""
    return Period(beginning(first), beginning(last + timedelta(days=1)))


def this_month(now: int) -> Period:
    today = local_day(now)
    first = today.replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    return Period(beginning(first), beginning(following))


def last_days(now: int, count: int) -> Period:
    today = local_day(now)
    return days(today - timedelta(days=count - 1), today)


def read(first: str | None, last: str | None, now: int) -> Period | None:
    """ISO dates, both included; the present month where one is missing. None when they make no sense."""
    month = this_month(now)
    try:
        start = date.fromisoformat(first) if first else local_day(month.start)
        end = date.fromisoformat(last) if last else max(start, local_day(now))
    except ValueError:
        return None
    if not (EARLIEST <= start <= end < LATEST) or (end - start).days > LONGEST_DAYS:
        return None
    return days(start, end)
