"""The wire form of a decision: `RateLimit` and `Retry-After` values as bytes.

draft-ietf-httpapi-ratelimit-headers-10, section 4: a list of policies by name with `r` (left) and `t`
(seconds until it is whole again). RFC 9110, 10.2.3: Retry-After in seconds. `RateLimit-Policy` is prebuilt in
`Limits.policy`.
"""

from __future__ import annotations

from quota.counters.protocol import Decision


def rate_limit(decision: Decision) -> bytes:
    """`"rate";r=49;t=1, "day";r=499;t=3600, "month";r=4999;t=820800`, or b"" when nothing is limited or
    known.
    """
    rate_left = decision.rate_left
    day_left = decision.day_left
    month_left = decision.month_left
    if rate_left >= 0 and day_left >= 0 and month_left >= 0:  # the usual plan, formatted once
        return (
            f'"rate";r={rate_left};t={decision.rate_reset}, "day";r={day_left};t={decision.day_reset}, '
            f'"month";r={month_left};t={decision.month_reset}'
        ).encode("ascii")
    items = []
    if rate_left >= 0:
        items.append(b'"rate";r=%d;t=%d' % (rate_left, decision.rate_reset))
    if day_left >= 0:
        items.append(b'"day";r=%d;t=%d' % (day_left, decision.day_reset))
    if month_left >= 0:
        items.append(b'"month";r=%d;t=%d' % (month_left, decision.month_reset))
    return b", ".join(items)


def retry_after(decision: Decision) -> bytes:
    """Seconds as digits; only meaningful for a refusal."""
    return b"%d" % decision.retry_after
