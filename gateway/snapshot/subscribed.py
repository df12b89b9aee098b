"""How much a subscription may use, and under which name it is counted: made at its first call.

Which subscriptions there are is `accounts`; what is left of them is `quota`.
"""

from __future__ import annotations

from auth.policy import Grant
from gateway.catalog.model import AtEnd, Catalog, CountersAway, Plan
from gateway.snapshot.accounts import CALLING
from quota.counters.protocol import UsageKey
from quota.plans import Limits


class UsageKeys(dict[str, UsageKey]):
    """One subscription's usage keys by operation id, each made at its first call: the counters look a key up
    on every call, and the same object is found soonest.
    """

    def __init__(self, grant: Grant) -> None:
        self._grant = grant

    def __missing__(self, operation: str) -> UsageKey:
        of = self._grant
        self[operation] = key = UsageKey(
            of.subscription_id, of.organisation_id, of.app_id, of.api, operation, of.plan, of.plan_version
        )
        return key


class Subscribed:
    """How much a subscription may use, and under which name it is counted."""

    __slots__ = ("grant", "limits", "usage")

    def __init__(self, grant: Grant, limits: Limits) -> None:
        self.grant = grant
        self.limits = limits
        self.usage = UsageKeys(grant)


class Subscriptions:
    """`Subscribed` of those that call, each made at its first call on this catalogue."""

    def __init__(self, catalog: Catalog, most: int = CALLING) -> None:
        self._plans = catalog.plans
        self._known: dict[str, Subscribed] = {}
        self._most = most

    def of(self, grant: Grant) -> Subscribed | None:
        """None when its plan version is no longer published: the line refuses, and never lets through unlimited."""
        known = self._known.get(grant.subscription_id)
        if known is not None and (known.grant is grant or known.grant == grant):
            return known
        plan = self._plans.get(f"{grant.plan}@{grant.plan_version}")
        if plan is None:
            return None
        if len(self._known) >= self._most:
            self._known.clear()
        made = self._known[grant.subscription_id] = Subscribed(grant, limits_of(plan, grant.subscription_id))
        return made


def limits_of(plan: Plan, subscription_id: str) -> Limits:
    rate = plan.rate
    return Limits.of(
        subscription_id=subscription_id,
        plan=plan.key,
        requests=rate.requests if rate else 0,
        seconds=rate.seconds if rate else 1,
        burst=rate.burst if rate else 0,
        per_day=plan.per_day,
        per_month=plan.per_month,
        refuse_at_end=plan.at_end is AtEnd.REFUSE,
        open_when_away=plan.counters_away is CountersAway.OPEN,
    )
