"""Windows tile time: no gap, no overlap, whole hours, over every change of the clock from 2020 to 2035."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from quota.window import around, windows

FIRST = int(datetime(2020, 1, 1, tzinfo=UTC).timestamp())
LAST = int(datetime(2035, 12, 31, tzinfo=UTC).timestamp())
moments = st.integers(FIRST, LAST)


def test_days_and_months_follow_each_other_without_gap_or_overlap() -> None:
    now = windows(FIRST)
    while now.day_end < LAST:
        following = windows(now.day_end)
        assert following.day_start == now.day_end
        assert following.day_id > now.day_id
        assert following.day_end - following.day_start in (23 * 3600, 24 * 3600, 25 * 3600)
        if following.month_id != now.month_id:
            assert following.month_id > now.month_id
            assert following.month_start == now.month_end == following.day_start
        else:
            assert following[4:] == now[4:]
        now = following


@given(moments)
def test_a_moment_is_in_its_own_windows(now_s: int) -> None:
    found = windows(now_s)
    assert found.day_start <= now_s < found.day_end
    assert found.month_start <= found.day_start
    assert found.day_end <= found.month_end
    assert found.day_id // 100 == found.month_id


@given(moments)
def test_the_whole_window_agrees_on_itself(now_s: int) -> None:
    found = windows(now_s)
    assert windows(found.day_start) == windows(found.day_end - 1) == found
    assert windows(found.month_start).month_id == windows(found.month_end - 1).month_id == found.month_id


@given(moments)
def test_windows_are_made_of_whole_ledger_hours(now_s: int) -> None:
    found = windows(now_s)
    assert not any(
        edge % 3600 for edge in (found.day_start, found.day_end, found.month_start, found.month_end)
    )


@given(moments)
def test_around_covers_a_clock_that_is_a_day_off(now_s: int) -> None:
    rows = around(now_s)
    assert rows[0].day_end == rows[1].day_start
    assert rows[1].day_end == rows[2].day_start
    for other in (now_s - 23 * 3600, now_s + 23 * 3600):
        assert windows(other) in rows
