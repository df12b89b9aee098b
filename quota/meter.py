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

    ANSWERED = "answered"  # the upstream answered below 500, to the last byte; cached answers too
    UPSTREAM_ERROR = "upstream-error"  # the upstream answered 500 or above
    UPSTREAM_CUT = "upstream-cut"  # the upstream broke off in the middle of its answer
    NO_ANSWER = "no-answer"  # sent, and no head came: timeout, reset, or an answer that cannot be read
    NOT_REACHED = "not-reached"  # no byte was sent: no connection, circuit open, or the caller had left
    CLIENT_LEFT = "client-left"  # the caller went away, or lost its access, after the call was sent
    OPENED = "opened"  # a WebSocket was opened, however it ended; messages are counted for themselves


OUTCOMES: Final[Mapping[Ending, Outcome]] = {
    Ending.ANSWERED: Outcome.SERVED,
    Ending.UPSTREAM_ERROR: Outcome.UPSTREAM_FAILED,
    Ending.UPSTREAM_CUT: Outcome.UPSTREAM_FAILED,
    Ending.NO_ANSWER: Outcome.UPSTREAM_FAILED,
    Ending.NOT_REACHED: Outcome.UPSTREAM_FAILED,
    Ending.CLIENT_LEFT: Outcome.SERVED,
    Ending.OPENED: Outcome.SERVED,
}


def ending_of(
    upstream_reached: bool, upstream_status: int | None, *, client_left: bool = False, whole: bool = True
) -> Ending:
    """The ending from what was seen.

    `upstream_reached`: bytes of the request were written to the upstream (or a cached answer stands for it);
    `upstream_status`: None or 0 when no head came; `whole`: neither side broke the answer off. An answer of
    500 and above is the upstream's failure even when the caller left while it was coming.
    """
    if not upstream_reached:
        return Ending.NOT_REACHED
    if upstream_status and upstream_status >= 500:
        return Ending.UPSTREAM_ERROR
    if client_left:
        return Ending.CLIENT_LEFT
    if not upstream_status:
        return Ending.NO_ANSWER
    if whole and upstream_status != 101:
        return Ending.ANSWERED
    return Ending.OPENED if upstream_status == 101 else Ending.UPSTREAM_CUT
