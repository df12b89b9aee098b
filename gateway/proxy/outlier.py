"""Which upstream of a group answers worse than its siblings, and for how long it is left out. Pure: counts and
time are given.

Owns the rule alone. Unlike the circuit, which sees failures in a row, this sees the share of calls that went badly:
an upstream that answers every second call with 500, or flaps, never fails five times in a row.

A fault that all of them share (a broken release, a client that provokes errors) is no reason to leave one out: one
is only left out when it is at least twice as bad as the rest together, and never more than a part of the group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OutlierLimits:
    """Per group and process. Times in seconds."""

    review_seconds: float = 5.0
    """How often the calls since the last review are judged."""
    calls: int = 10
    """Fewer calls in that time say nothing."""
    share: float = 0.5
    """Of calls that failed or were answered with 5xx; from here on an upstream stands out."""
    seconds: float = 30.0
    """How long it is left out the first time; each time in a row as much longer."""
    longest: float = 300.0
    """The longest it is left out."""
    part: float = 0.5
    """The largest part of the group that may be left out at the same time; the last one never is."""


def outliers(seen: Sequence[tuple[int, int]], limits: OutlierLimits) -> list[int]:
    """Positions of those that stand out, the worst first; `seen` has calls and bad calls of each."""
    found: list[tuple[float, int]] = []
    calls, bad = sum(each for each, _ in seen), sum(each for _, each in seen)
    for position, (own_calls, own_bad) in enumerate(seen):
        if own_calls < limits.calls or own_bad < limits.share * own_calls:
            continue
        share = own_bad / own_calls
        rest = (bad - own_bad) / (calls - own_calls) if calls > own_calls else 0.0
        if share >= 2 * rest:
            found.append((share, position))
    return [position for _, position in sorted(found, reverse=True)]


def most_left_out(members: int, limits: OutlierLimits) -> int:
    return min(members - 1, int(members * limits.part))


def left_out_for(times: int, limits: OutlierLimits) -> float:
    """`times` in a row, counting from 1."""
    return min(limits.seconds * times, limits.longest)
