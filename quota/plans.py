"""What one subscription may use, in the form the counters read: quota's own type, free of the catalogue.

Owns the rounding of rates and the bytes of `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10,
section 3). Does not own plans or their versions: `gateway.catalog` converts a plan to plain arguments for
`Limits.of`.

The rate counts calls; the quotas count units (one call costs its operation's weight). A heavy call is dear,
yet no faster to send than a light one, and `remaining` of the rate falls by one for each call.
"""

from __future__ import annotations

from dataclasses import dataclass

SECOND = 1_000_000_000
MICROSECOND = 1_000
DAY_WINDOW = 86_400
MONTH_WINDOW = 2_592_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one subscription. A missing limit is `emission_ns` 0, `per_day` None, `per_month` None."""

    subscription_id: str
    plan: str
    emission_ns: int  # between two calls at the sustained rate; a whole number of microseconds
    burst: int  # calls at once after rest
    burst_ns: int  # burst × emission_ns: the depth of the bucket
    per_day: int | None  # units, Europe/Stockholm
    per_month: int | None
    refuse_at_end: bool  # False: the quotas only inform, and calls go on and are billed
    open_when_away: bool  # counters unreachable: go on with a local estimate, else 503
    policy: bytes  # the value of RateLimit-Policy; empty when nothing is limited

    @classmethod
    def of(
        cls,
        *,
        subscription_id: str,
        plan: str,
        requests: int = 0,
        seconds: int = 1,
        burst: int = 0,
        per_day: int | None = None,
        per_month: int | None = None,
        refuse_at_end: bool = True,
        open_when_away: bool = False,
    ) -> Limits:
        """From a plan's own words: `requests` per `seconds` sustained and at most `burst` at once.

        `requests` 0 means no rate. The emission interval is rounded up to a whole microsecond: never faster
        than promised, and Redis, whose Lua numbers are exact to 2**53, computes the very same instants as
        this process.
        """
        if requests < 0 or seconds <= 0 or burst < 0 or (per_day or 0) < 0 or (per_month or 0) < 0:
            raise ValueError("limits are not negative, and a rate is per at least one second")
        emission_ns = 0
        if requests:
            emission_ns = -(-seconds * SECOND // (requests * MICROSECOND)) * MICROSECOND
            burst = max(burst, 1)
        return cls(
            subscription_id=subscription_id,
            plan=plan,
            emission_ns=emission_ns,
            burst=burst if requests else 0,
            burst_ns=burst * emission_ns,
            per_day=per_day,
            per_month=per_month,
            refuse_at_end=refuse_at_end,
            open_when_away=open_when_away,
            policy=_policy(burst, burst * emission_ns, per_day, per_month),
        )

    def share(self, processes: int) -> Limits:
        """What one of `processes` may let through by itself: each limit divided, rounded down, a burst of at
        least 1.
        """
        burst = max(1, self.burst // processes) if self.emission_ns else 0
        return Limits(
            subscription_id=self.subscription_id,
            plan=self.plan,
            emission_ns=self.emission_ns * processes,
            burst=burst,
            burst_ns=burst * self.emission_ns * processes,
            per_day=None if self.per_day is None else self.per_day // processes,
            per_month=None if self.per_month is None else self.per_month // processes,
            refuse_at_end=self.refuse_at_end,
            open_when_away=self.open_when_away,
            policy=self.policy,
        )


def _policy(burst: int, burst_ns: int, per_day: int | None, per_month: int | None) -> bytes:
    """`"rate";q=50;w=2, "day";q=500;w=86400, "month";q=5000;w=2592000`.

    The rate is told as its bucket: `q` calls at once, refilled in `w` seconds (rounded up). The windows of
    day and month are nominal, since a policy stays the same from answer to answer; `t` in `RateLimit` is
    exact.
    """
    items = []
    if burst_ns:
        items.append(f'"rate";q={burst};w={-(-burst_ns // SECOND)}')
    if per_day is not None:
        items.append(f'"day";q={per_day};w={DAY_WINDOW}')
    if per_month is not None:
        items.append(f'"month";q={per_month};w={MONTH_WINDOW}')
    return ", ".join(items).encode()
