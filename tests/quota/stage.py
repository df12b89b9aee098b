"""What tests of counters need: a time that they move, plain limits and keys, and an answer to wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from quota.clock import SteadyClock
from quota.counters.protocol import Counters, Decision, Outcome, Taken, Total, UsageKey
from quota.plans import SECOND, Limits

# Saturday 21 November 2026, 12:00:00 in Stockholm, on an hour's start.
NOON = 1_795_258_800


class Time:
    """Wall and boot clock that only move when told to."""

    def __init__(self, now_s: int = NOON) -> None:
        self.wall_ns = now_s * SECOND
        self.boot_ns = 1_000 * SECOND

    def forward(self, seconds: float) -> None:
        """Time passes on both clocks."""
        self.wall_ns += round(seconds * SECOND)
        self.boot_ns += round(seconds * SECOND)

    def set_to(self, now_s: int) -> None:
        """Time passes until then."""
        self.forward(now_s - self.wall_ns / SECOND)

    def clock(self) -> SteadyClock:
        """As a process that starts now reads it."""
        return SteadyClock(lambda: self.boot_ns, lambda: self.wall_ns)

    def us(self) -> int:
        """As Redis would say it."""
        return self.wall_ns // 1_000


def limits(
    subscription_id: str = "sub_a",
    *,
    requests: int = 25,
    seconds: int = 1,
    burst: int = 50,
    per_day: int | None = 500,
    per_month: int | None = 5000,
    refuse_at_end: bool = True,
    open_when_away: bool = False,
) -> Limits:
    """Prova's numbers, unless said otherwise."""
    return Limits.of(
        subscription_id=subscription_id,
        plan="prova@1",
        requests=requests,
        seconds=seconds,
        burst=burst,
        per_day=per_day,
        per_month=per_month,
        refuse_at_end=refuse_at_end,
        open_when_away=open_when_away,
    )


def key(subscription_id: str = "sub_a", operation: str = "listUnits") -> UsageKey:
    """A key of that subscription."""
    return UsageKey(subscription_id, "org_a", "app_a", "vardenheter/v1", operation, "prova", 1)


async def ask(counters: Counters, which: Limits, units: int = 1, operation: str = "listUnits") -> Decision:
    """One take, with its answer."""
    answer: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
    counters.take(which, key(which.subscription_id, operation), units, answer.set_result)
    async with asyncio.timeout(10):
        return await answer


async def ask_many(counters: Counters, which: Limits, count: int, units: int = 1) -> list[Decision]:
    """Takes that are all waiting at once."""
    return await asyncio.gather(*(ask(counters, which, units) for _ in range(count)))


def token(decision: Decision) -> Taken:
    """The token of a call that passed."""
    assert decision.taken is not None, decision
    return decision.taken


@dataclass(frozen=True)
class Sum:
    """Usage of all sources and hours together."""

    served: int
    units: int
    failed: int
    refused_rate: int
    refused_quota: int
    refused: int


def summed(totals: Sequence[Total]) -> Sum:
    """The totals of a store that nothing has acknowledged."""

    def calls(outcome: Outcome) -> int:
        return sum(total.calls for total in totals if total.outcome is outcome)

    return Sum(
        served=calls(Outcome.SERVED),
        units=sum(total.units for total in totals),
        failed=calls(Outcome.UPSTREAM_FAILED),
        refused_rate=calls(Outcome.REFUSED_RATE),
        refused_quota=calls(Outcome.REFUSED_QUOTA),
        refused=calls(Outcome.REFUSED),
    )
