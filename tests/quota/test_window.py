"""Windows at moments that are known: midnight, year's end, both changes of the clock."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from quota.window import around, hour_of, windows


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Stockholm")).timestamp())


@pytest.mark.parametrize(
    ("moment", "day_id", "month_id"),
    [
        ("2026-11-21T00:00:00", 20261121, 202611),
        ("2026-11-21T23:59:59", 20261121, 202611),
        ("2026-12-31T23:59:59", 20261231, 202612),
        ("2027-01-01T00:00:00", 20270101, 202701),
        ("2028-02-29T12:00:00", 20280229, 202802),
    ],
)
def test_ids_are_the_local_date(moment: str, day_id: int, month_id: int) -> None:
    found = windows(at(moment))
    assert (found.day_id, found.month_id) == (day_id, month_id)


def test_a_day_starts_at_local_midnight_not_at_utc_midnight() -> None:
    assert windows(at("2026-07-01T00:30:00")).day_id == 20260701  # 22:30 UTC the day before
    assert windows(at("2026-07-01T00:30:00")).month_id == 202607


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-21", 24)])
def test_days_of_clock_changes_are_shorter_and_longer(day: str, hours: int) -> None:
    found = windows(at(f"{day}T12:00:00"))
    assert found.day_end - found.day_start == hours * 3600


def test_a_month_with_a_clock_change_is_exact() -> None:
    march = windows(at("2026-03-10T12:00:00"))
    assert march.month_start == at("2026-03-01T00:00:00")
    assert march.month_end == at("2026-04-01T00:00:00")
    assert march.month_end - march.month_start == 31 * 86_400 - 3600


def test_the_second_two_o_clock_in_autumn_is_the_same_day() -> None:
    first = at("2026-10-25T02:30:00")
    assert windows(first) == windows(first + 3600)


def test_around_is_yesterday_today_and_tomorrow() -> None:
    ids = [row.day_id for row in around(at("2026-12-31T12:00:00"))]
    assert ids == [20261230, 20261231, 20270101]


def test_hours_are_epoch_hours() -> None:
    assert hour_of(7199) == 1
    assert hour_of(7200) == 2
