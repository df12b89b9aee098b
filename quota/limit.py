"""The decision itself: GCRA and quota arithmetic on integers, pure. No clock, no store, no await.

Owns which limit refuses a call and what is said of the rest. The stores (`quota.counters`) own the numbers
and call these functions with them; the script in Redis repeats `refusal` in Lua, and a property test holds
the two together.

GCRA (ATM Forum TM 4.0, "virtual scheduling"): a bucket of `burst_ns`; each admitted call fills `emission_ns`
of it and it drains in real time. `backlog_ns` is how full it is now: max(0, theoretical arrival time − now).
The limits are all or nothing: a call is taken from each of them or, refused by one, from none.
"""

from __future__ import annotations

from quota.plans import SECOND, Limits

# What refuses a call, as it stands in Decision.limited_by, in problem documents and in metrics.
RATE = "rate"
DAY = "day"
MONTH = "month"
UNAVAILABLE = "unavailable"

NO_LIMIT = -1


def backlog(limits: Limits, arrival_ns: int, now_ns: int) -> int:
    """How full the bucket is, in nanoseconds, from the theoretical arrival time of the next call.

    Never more than full: after a clock was set back, or a plan became smaller, the wait is one emission
    interval and not the size of the step.
    """
    filled = arrival_ns - now_ns
    if filled <= 0:
        return 0
    return filled if filled < limits.burst_ns else limits.burst_ns


def refusal(limits: Limits, units: int, backlog_ns: int, day_used: int, month_used: int) -> str:
    """The limit that refuses a call of `units`, or "" when it may pass.

    When several refuse, the one with the longest wait is named, so that Retry-After is not a false promise.
    A rate refuses whatever `refuse_at_end` says; it protects the upstreams.
    """
    if limits.refuse_at_end:
        per_month = limits.per_month
        if per_month is not None and month_used + units > per_month:
            return MONTH
        per_day = limits.per_day
        if per_day is not None and day_used + units > per_day:
            return DAY
    if backlog_ns + limits.emission_ns > limits.burst_ns:
        return RATE
    return ""


def rate_wait(limits: Limits, backlog_ns: int) -> int:
    """Whole seconds until the rate lets one more call pass; at least 1."""
    wait = backlog_ns + limits.emission_ns - limits.burst_ns
    return max(1, -(-wait // SECOND))
