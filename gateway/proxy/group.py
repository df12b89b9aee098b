"""The upstreams that share an API's calls: which one takes the next, and which one a call goes to that found none.

Owns the choice. Weights are kept by smooth weighted round robin, which is exact in any whole number of rounds.
An upstream that holds more than its share of the calls under way is passed over until it has caught up: that is
least outstanding requests, weighted, without giving a canary half of the calls whenever the line is idle.

Left out are those whose circuit rests, those a health check has found ill and those that stand out (`outlier`).
When that leaves nobody, health checks and ejections are disregarded ("panic"): a wrong check must not close an API.

A call keeps to no upstream: the next call of the same client may go to another.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from gateway.catalog.model import Balancing
from gateway.catalog.model import Upstream as Place
from gateway.edge.clock import Clock
from gateway.proxy.budget import Budget, RetryLimits
from gateway.proxy.outlier import OutlierLimits, left_out_for, most_left_out, outliers
from gateway.proxy.pool import Upstream

MOST_OWED = 2.0  # calls: a passing crowd costs an upstream nothing of its weight, a lasting one all of it


class Choice:
    """The places that one environment of an API names, as the snapshot holds them. `group` is filled in at the
    first call.
    """

    __slots__ = ("balancing", "group", "places")

    def __init__(self, places: tuple[Place, ...], balancing: Balancing) -> None:
        self.places = places
        self.balancing = balancing
        self.group: Group | None = None


class Member:
    """One upstream in one group. `current` is the round robin's account of it."""

    __slots__ = ("bad", "calls", "current", "left_out_until", "pool", "times", "weight")

    def __init__(self, pool: Upstream, weight: int, current: float) -> None:
        self.pool = pool
        self.weight = weight
        self.current = current
        self.left_out_until = 0.0
        self.times = 0
        self.calls = pool.calls
        self.bad = pool.bad_calls


class Group:
    """`pick` for each call; `another` for one whose upstream could not take it."""

    def __init__(
        self,
        members: Sequence[tuple[Upstream, int]],
        clock: Clock,
        balancing: Balancing,
        outlier: OutlierLimits | None = None,
        retry: RetryLimits | None = None,
        seed: int | None = None,
    ) -> None:
        chance = random.Random(seed)  # noqa: S311 - spreading load, not guarding anything
        # Begun at random: processes that start together must not all begin with the same upstream.
        self.members = tuple(
            Member(pool, weight, chance.random() * weight) for pool, weight in members if weight
        )
        self.attempts = balancing.attempts
        self.repeated_total = 0
        self._slow_start = balancing.slow_start
        self._sole = self.members[0].pool if len(self.members) == 1 else None
        self._clock = clock
        self._outlier = outlier or OutlierLimits()
        self._budget = Budget(retry or RetryLimits(), clock.now, self._calls())
        self._review_at = clock.now + self._outlier.review_seconds

    def pick(self) -> Upstream:
        """The upstream for a call."""
        return self._sole or self._choose(self._usable(()))

    def another(self, tried: tuple[Upstream, ...]) -> Upstream | None:
        """An upstream for a call that `tried` could not take; None when there is none or enough was repeated."""
        if self._sole is not None or len(tried) >= self.attempts:
            return None
        now = self._clock.now
        usable = [each for each in self._usable(tried) if not each.pool.circuit.rests(now)]
        if not usable or not self.may_repeat():
            return None
        return self._choose(usable)

    def may_repeat(self) -> bool:
        """Spends from the budget for repetitions."""
        if not self._budget.spend(self._clock.now, self._calls()):
            return False
        self.repeated_total += 1
        return True

    def left_out(self) -> list[Upstream]:
        """Those that answer worse than their siblings."""
        now = self._clock.now
        return [each.pool for each in self.members if now < each.left_out_until]

    def sweep(self, now: float) -> None:
        """Judges the calls since the last review when it is time."""
        if now < self._review_at:
            return
        self._review_at = now + self._outlier.review_seconds
        if self._sole is None:
            self._review(now)

    def _review(self, now: float) -> None:
        limits, members = self._outlier, self.members
        seen = [(each.pool.calls - each.calls, each.pool.bad_calls - each.bad) for each in members]
        worst = outliers(seen, limits)
        room = most_left_out(len(members), limits) - sum(now < each.left_out_until for each in members)
        for position, each in enumerate(members):
            each.calls, each.bad = each.pool.calls, each.pool.bad_calls
            if now < each.left_out_until:
                continue
            if position in worst[:room]:
                each.times += 1
                each.left_out_until = now + left_out_for(each.times, limits)
                each.pool.since = each.left_out_until
                each.pool.say(f"left out for {each.left_out_until - now:g} s: {seen[position][1]} bad calls")
            elif each.times and seen[position][0] >= limits.calls:
                each.times -= 1  # a review without complaint makes the next ejection shorter

    def _usable(self, tried: tuple[Upstream, ...]) -> Sequence[Member]:
        now = self._clock.now
        left = [each for each in self.members if each.pool not in tried] if tried else self.members
        for each in left:
            pool = each.pool
            if pool.circuit.failures or not pool.healthy or now < each.left_out_until:
                break
        else:
            return left  # as nearly always
        awake = [each for each in left if not each.pool.circuit.rests(now)]
        well = [each for each in awake if each.pool.healthy and now >= each.left_out_until]
        return well or awake or left

    def _choose(self, members: Sequence[Member]) -> Upstream:
        now, slow_start = self._clock.now, self._slow_start
        weights = (
            [each.weight * each.pool.warmth(now, slow_start) for each in members]
            if slow_start
            else [each.weight for each in members]
        )
        total = sum(weights)
        busy = [each.pool.outstanding for each in members]
        under_way = sum(busy) + 1
        chosen, best = members[0], float("-inf")
        for each, weight, outstanding in zip(members, weights, busy, strict=True):
            each.current += weight
            # Below its share of the calls under way: at least one always is.
            if each.current > best and outstanding * total < under_way * weight:
                best, chosen = each.current, each
        chosen.current -= total
        limit = MOST_OWED * total
        for each in members:
            if each.current > limit:
                _forgive(each, members, weights, limit)
        return chosen.pool

    def _calls(self) -> int:
        return sum(each.pool.calls for each in self.members)


def _forgive(owed: Member, members: Sequence[Member], weights: Sequence[float], limit: float) -> None:
    """What a slow upstream was passed over for goes to the others: it is not owed all of it when it recovers."""
    rest = sum(weight for each, weight in zip(members, weights, strict=True) if each is not owed)
    surplus = owed.current - limit
    for each, weight in zip(members, weights, strict=True):
        each.current += surplus * weight / rest if each is not owed and rest else 0.0
    owed.current = limit
