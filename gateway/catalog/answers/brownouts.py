"""Planned brown-outs: local times of the region, or times with an offset → epoch seconds.

A time that the change to or from summer time leaves out or gives twice is a fault: whoever plans says which.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from gateway.catalog.answers.values import Brownout
from gateway.catalog.errors import Fault
from gateway.catalog.source.document import Document, pointer_of
from quota.window import ZONE

LONGEST_SECONDS = 24 * 3600  # longer than a day is a closing, and a closing has its own status


class NoMoment(ValueError):
    """The text names no moment, or two."""


def moment(text: str) -> int:
    """Epoch seconds of `2026-12-01T09:00`, a local time of the region unless it has an offset. Raises NoMoment."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise NoMoment(f"there is no time {text}") from error
    if at.tzinfo is not None:
        return int(at.timestamp())
    zone = ZoneInfo(ZONE)  # kept by zoneinfo itself after the first use
    local = at.replace(tzinfo=zone)
    back = local.astimezone(UTC).astimezone(zone).replace(tzinfo=None)
    if back != at:
        raise NoMoment(f"{text} does not exist in {ZONE}: summer time begins; write another time")
    if local.replace(fold=1).utcoffset() != local.utcoffset():
        raise NoMoment(
            f"{text} comes twice in {ZONE}: summer time ends; write the offset, {text}+02:00 or +01:00"
        )
    return int(local.timestamp())


def written(at: int) -> str:
    """The same moment as `2026-12-01T09:00:00+01:00`."""
    return datetime.fromtimestamp(at, ZoneInfo(ZONE)).isoformat()


def end_of_day(text: str) -> int:
    """The first moment after a day of the region."""
    after = date.fromisoformat(text) + timedelta(days=1)
    return int(datetime(after.year, after.month, after.day, tzinfo=ZoneInfo(ZONE)).timestamp())


def check(api: Document) -> Iterator[Fault]:
    value = api.value
    entries = value.get("brownouts", [])
    if entries and value["status"] != "deprecated":
        yield api.fault(
            "/brownouts", "only a deprecated version has brown-outs; remove them or set the status"
        )
    spans: list[tuple[int, int]] = []
    for number, entry in enumerate(entries):
        try:
            start, end = moment(entry["from"]), moment(entry["to"])
        except NoMoment as error:
            yield api.fault(pointer_of("brownouts", number), str(error))
            continue
        if end <= start:
            yield api.fault(pointer_of("brownouts", number, "to"), "the end comes before the beginning")
        elif end - start > LONGEST_SECONDS:
            yield api.fault(pointer_of("brownouts", number), "longer than a day; write several, or retire it")
        elif _after_sunset(value.get("sunset"), end):
            yield api.fault(
                pointer_of("brownouts", number), "it ends after the sunset; choose an earlier time"
            )
        spans.append((start, end))
    for (_, ends), (begins, _) in pairwise(spans):
        if begins < ends:
            yield api.fault("/brownouts", "brown-outs stand in order and do not overlap")


def _after_sunset(sunset: Any, end: int) -> bool:
    try:
        return isinstance(sunset, str) and end > end_of_day(sunset)
    except ValueError:
        return False  # no such day: told elsewhere


def read(entries: Sequence[Mapping[str, str]]) -> tuple[Brownout, ...]:
    return tuple(Brownout(moment(entry["from"]), moment(entry["to"])) for entry in entries)
