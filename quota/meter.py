"""The billable rule: what each ending of a call counts as. A published table and the one function that reads
it.

Owns the rule alone. Counting is `quota.counters`, money is `quota.billing`. Rate and quota refusals are
counted by the counters themselves, in the step that refuses.

Whatever the method, HEAD and OPTIONS included, and however many bytes an answer has, a call weighs its
operation's units once.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from quota.counters.protocol import Outcome


class Ending(StrEnum):
    """How a call that the limits let through came to its end."""

    ANSWERED = "answered"  # the upstream answered below 500, to the last byte
    CACHED = "cached"  # answered from the gateway's cache
    UPSTREAM_ERROR = "upstream-error"  # the upstream answered 500 or above
    UPSTREAM_CUT = "upstream-cut"  # the upstream broke off in its head or body
    TIMEOUT = "timeout"  # the upstream did not answer in time
    NOT_REACHED = "not-reached"  # no connection, circuit open, or given up before the first byte was sent
    CLIENT_LEFT = "client-left"  # the caller went away after the call was sent
    CLIENT_LEFT_EARLY = "client-left-early"  # the caller went away before anything was sent
    STOPPED = "stopped"  # the gateway refused the rest: body over the limit, deadline for a slow body


OUTCOMES: Final[Mapping[Ending, Outcome]] = {
    Ending.ANSWERED: Outcome.SERVED,
    Ending.CACHED: Outcome.SERVED,
    Ending.UPSTREAM_ERROR: Outcome.UPSTREAM_FAILED,
    Ending.UPSTREAM_CUT: Outcome.UPSTREAM_FAILED,
    Ending.TIMEOUT: Outcome.UPSTREAM_FAILED,
    Ending.NOT_REACHED: Outcome.UPSTREAM_FAILED,
    Ending.CLIENT_LEFT: Outcome.SERVED,
    Ending.CLIENT_LEFT_EARLY: Outcome.UPSTREAM_FAILED,
    Ending.STOPPED: Outcome.UPSTREAM_FAILED,
}


def ending_of(
    *,
    sent: bool,
    status: int | None,
    whole: bool = True,
    client_left: bool = False,
    timed_out: bool = False,
    cached: bool = False,
    stopped: bool = False,
) -> Ending:
    """The ending from what was seen. `status` is the upstream's, None when it never came; `whole`: its body
    too.

    An answer of 500 and above is the upstream's failure even when the caller left while it was coming.
    """
    if cached:
        return Ending.CACHED
    if status is not None and status >= 500:
        return Ending.UPSTREAM_ERROR
    if stopped:
        return Ending.STOPPED
    if client_left:
        return Ending.CLIENT_LEFT if sent else Ending.CLIENT_LEFT_EARLY
    if timed_out and sent:
        return Ending.TIMEOUT
    if status is None:
        return Ending.UPSTREAM_CUT if sent else Ending.NOT_REACHED
    return Ending.ANSWERED if whole else Ending.UPSTREAM_CUT


def billable(ending: Ending) -> bool:
    """Whether the call keeps its units (`Counters.keep`), else they go back (`Counters.give_back`)."""
    return OUTCOMES[ending] is Outcome.SERVED
