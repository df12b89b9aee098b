"""A bar chart as plain numbers for an SVG: days side by side, what failed or was refused on top of what was served.

Pure. The picture always has its table beside it; nothing here needs a script or a style attribute.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from console.services.periods import Period, beginning, local_day
from console.services.usage import Figure

WIDTH = 720
HEIGHT = 160
GAP = 4


@dataclass(frozen=True, slots=True)
class Day:
    at: int  # epoch seconds of local midnight
    served: int
    other: int
    units: int

    @property
    def calls(self) -> int:
        return self.served + self.other


@dataclass(frozen=True, slots=True)
class Bar:
    """Pixels from the top left of a WIDTH × HEIGHT picture."""

    day: Day
    x: int
    width: int
    served_y: int
    served_height: int
    other_y: int
    other_height: int


def days_of(figures: Iterable[Figure], period: Period) -> list[Day]:
    """One entry per day of the period, empty days included. `figures` are grouped by day and outcome."""
    served: dict[int, int] = {}
    other: dict[int, int] = {}
    units: dict[int, int] = {}
    for figure in figures:
        at = figure.at or 0
        target = served if figure.outcome == "served" else other
        target[at] = target.get(at, 0) + figure.calls
        units[at] = units.get(at, 0) + figure.units
    found: list[Day] = []
    day, last = local_day(period.start), local_day(period.end - 1)
    while day <= last:
        at = _at(day)
        found.append(Day(at, served.get(at, 0), other.get(at, 0), units.get(at, 0)))
        day += timedelta(days=1)
    return found


def bars(days: Sequence[Day]) -> list[Bar]:
    """Heights in proportion to the busiest day; a day with any call is at least one pixel high."""
    most = max((day.calls for day in days), default=0)
    if most == 0:
        return []
    step = WIDTH // len(days)
    found = []
    for place, day in enumerate(days):
        served, other = _height(day.served, most), _height(day.other, most)
        found.append(
            Bar(
                day=day,
                x=place * step + GAP // 2,
                width=max(1, step - GAP),
                served_y=HEIGHT - served,
                served_height=served,
                other_y=max(0, HEIGHT - served - other),
                other_height=other,
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class Gauge:
    """How much of a quota is used, in whole per cent; `near` from 80."""

    used: int
    limit: int

    @property
    def per_cent(self) -> int:
        return min(100, self.used * 100 // self.limit) if self.limit else 100

    @property
    def state(self) -> str:
        return "full" if self.per_cent >= 100 else "near" if self.per_cent >= 80 else "calm"


def _height(calls: int, most: int) -> int:
    return max(1, calls * HEIGHT // most) if calls else 0


def _at(day: date) -> int:
    return beginning(day)
