"""The units of one tunnel's messages: taken before a message passes, kept when it is whole, else given back.

The very counters of the line, so a message stands against the same rate and quotas as a call. At most one
message of a tunnel is under way: the next one waits in the tunnel.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

from gateway.tunnels.errors import MessageOverQuota, MessageOverRate, MessageRefused, MessageUncountable
from quota.counters.protocol import Counters, Decision, Taken, UsageKey
from quota.limit import RATE, UNAVAILABLE
from quota.plans import Limits

POLICY: Final = 1008
TRY_LATER: Final = 1013


class Refused(NamedTuple):
    """Why a message may not pass, for the close frame."""

    close: int
    fault: MessageRefused
    retry_after: int


class Messages:
    """`units` of one message; 0: messages are neither counted nor limited."""

    __slots__ = ("_counters", "_key", "_limits", "_over", "_taken", "units")

    def __init__(self, counters: Counters, limits: Limits, key: UsageKey, units: int) -> None:
        self._counters = counters
        self._limits = limits
        self._key = key
        self._taken: Taken | None = None
        self._over = False
        self.units = units

    def renew(self, limits: Limits, key: UsageKey, units: int) -> None:
        """The plan or the publication has changed: from the next message on."""
        self._limits = limits
        self._key = key
        self.units = units

    def ask(self, decided: Callable[[Refused | None], None]) -> None:
        """May one more pass? The answer may come before this returns, or never when the tunnel is over."""
        self._counters.take(self._limits, self._key, self.units, partial(self._answered, decided))

    def whole(self) -> None:
        """The last byte of the message went to the upstream."""
        taken, self._taken = self._taken, None
        if taken is not None:
            self._counters.keep(taken)

    def over(self) -> None:
        """No more messages. One that was cut short reached nobody: its units go back."""
        self._over = True
        taken, self._taken = self._taken, None
        if taken is not None:
            self._counters.give_back(taken)

    def _answered(self, decided: Callable[[Refused | None], None], decision: Decision) -> None:
        taken = decision.taken
        if taken is None:
            if not self._over:
                decided(_refused(decision))
        elif self._over:
            self._counters.give_back(taken)
        else:
            self._taken = taken
            self._counters.sent(taken)  # from here a lost process leaves it counted
            decided(None)


def _refused(decision: Decision) -> Refused:
    if decision.limited_by == UNAVAILABLE:
        return Refused(TRY_LATER, MessageUncountable(), decision.retry_after)
    fault = MessageOverRate() if decision.limited_by == RATE else MessageOverQuota()
    return Refused(POLICY, fault, decision.retry_after)
