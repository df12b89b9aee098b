"""What every counter store does, and the values that go in and out. No store here.

A call's life is taken → sent → kept or returned (`CALLS`, below). `take` answers through a callback: at once
from memory, in a later turn of the loop from Redis; no task and no future belongs to a single call. The call
is counted as served in the same step that takes its units; `give_back` moves it to upstream_failed or refused and
returns the units of day and month, not the rate. Each call ends in exactly one of `keep` and `give_back`; a
second ending does nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from quota.limit import DAY, MONTH, NO_LIMIT, RATE, UNAVAILABLE, rate_wait
from quota.plans import SECOND, Limits


class Outcome(StrEnum):
    """How a counted call ended; the ledger's word. Only `served` carries units."""

    SERVED = "served"
    UPSTREAM_FAILED = "upstream_failed"
    REFUSED_RATE = "refused_rate"
    REFUSED_QUOTA = "refused_quota"
    REFUSED = "refused"


# What a take that is refused counts as.
REFUSED_AS: Final[Mapping[str, Outcome]] = {
    RATE: Outcome.REFUSED_RATE,
    DAY: Outcome.REFUSED_QUOTA,
    MONTH: Outcome.REFUSED_QUOTA,
}

# States of a call that was let through. Plain integers: they are stored in the journal and read on the line.
ENDED: Final = 0
TAKEN: Final = 1  # counted, nothing has reached the upstream
SENT: Final = 2  # the upstream may have seen it

# Events.
TO_UPSTREAM: Final = 1
KEEP: Final = 2
GIVE_BACK: Final = 3
PROCESS_LOST: Final = 4  # found at the next start after kill -9

# (state, event) → (next state, whether the units go back). A pair that is not here changes nothing.
CALLS: Final[Mapping[tuple[int, int], tuple[int, bool]]] = {
    (TAKEN, TO_UPSTREAM): (SENT, False),
    (TAKEN, KEEP): (ENDED, False),
    (TAKEN, GIVE_BACK): (ENDED, True),
    (TAKEN, PROCESS_LOST): (ENDED, True),
    (SENT, KEEP): (ENDED, False),
    (SENT, GIVE_BACK): (ENDED, True),
    (SENT, PROCESS_LOST): (ENDED, False),
}


class UsageKey(NamedTuple):
    """What a line of usage is about. Built once per subscription and operation; its strings hash once."""

    subscription_id: str
    organisation_id: str
    app_id: str
    api: str
    operation: str
    plan: str
    plan_version: int


class Total(NamedTuple):
    """An absolute total since `source` began: writing it twice changes nothing."""

    source: str  # the book of counters it stands in
    hour: int  # epoch hour of the calls' start
    key: UsageKey
    outcome: Outcome
    units: int
    calls: int


class Used(NamedTuple):
    """Units used today and this month, to begin with when counters were lost."""

    day: int
    month: int


class Taken(Protocol):
    """The token of one call that was let through; only its store looks inside."""

    @property
    def units(self) -> int: ...


class Decision(NamedTuple):
    """The answer. −1 means "no such limit"; resets and `retry_after` are whole seconds."""

    allowed: bool
    limited_by: str  # "", "rate", "day", "month" or "unavailable"
    retry_after: int  # 0 when allowed, else at least 1
    rate_left: int
    day_left: int
    month_left: int
    rate_reset: int
    day_reset: int
    month_reset: int
    taken: Taken | None  # set when allowed


def decision(
    limits: Limits,
    limited_by: str,
    after: tuple[int, int, int],
    resets: tuple[int, int],
    taken: Taken | None,
) -> Decision:
    """The answer from the numbers `after` the take: backlog in ns, units used of the day and of the month."""
    backlog_ns, day_used, month_used = after
    day_reset, month_reset = resets
    retry_after = 0
    if limited_by:
        retry_after = (
            rate_wait(limits, backlog_ns)
            if limited_by == RATE
            else day_reset
            if limited_by == DAY
            else month_reset
        )
    emission_ns = limits.emission_ns
    per_day = limits.per_day
    per_month = limits.per_month
    answer = (
        not limited_by,
        limited_by,
        retry_after,
        (limits.burst_ns - backlog_ns) // emission_ns if emission_ns else NO_LIMIT,
        NO_LIMIT if per_day is None else per_day - day_used if per_day > day_used else 0,
        NO_LIMIT if per_month is None else per_month - month_used if per_month > month_used else 0,
        -(-backlog_ns // SECOND),
        day_reset,
        month_reset,
        taken,
    )
    return tuple.__new__(Decision, answer)  # Decision(...) costs 0.15 µs more


def unavailable(retry_after: int = 1) -> Decision:
    """The counters cannot say; nothing was taken that will be billed."""
    return Decision(False, UNAVAILABLE, retry_after, NO_LIMIT, NO_LIMIT, NO_LIMIT, 0, 0, 0, None)


Decided = Callable[[Decision], None]
# Asked when a store has lost its quotas, with the time in epoch seconds and the totals that the ledger may
# not have yet; answers from the ledger, these included.
Rebuild = Callable[[int, Sequence[Total]], Awaitable[Mapping[str, Used]]]


class Counters(Protocol):
    """Rate, quotas and usage of every subscription. All methods but start and close are plain calls."""

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    def take(self, limits: Limits, key: UsageKey, units: int, decided: Decided) -> None:
        """Take one call and `units` from every limit or from none; `decided` is called exactly once."""

    def sent(self, taken: Taken) -> None:
        """The first byte goes to the upstream now: from here a lost process counts the call as served."""

    def keep(self, taken: Taken) -> None:
        """The call is served: the upstream answered below 500, or the caller left after it was sent."""

    def give_back(self, taken: Taken, outcome: Outcome = Outcome.UPSTREAM_FAILED) -> None:
        """The call counts as `outcome`, upstream_failed or refused, and its units go back to its own day and
        month.
        """

    def record(self, key: UsageKey, outcome: Outcome) -> None:
        """Count a call that took nothing (refused by another stage)."""

    def totals(self) -> Sequence[Total]:
        """Absolute totals that changed since they were last acknowledged; calls under way are left out."""

    def written(self, totals: Sequence[Total]) -> None:
        """These totals are in the ledger."""
