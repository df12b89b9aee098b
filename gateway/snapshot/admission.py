"""What a caller may do with one operation, once it has been found out: whose call, how much, the lines that say so.

Owns the value and how long it holds. The stages that make one are the line's. A connection that repeats its head
(`gateway.edge.repeat`) keeps up to `MOST` of them with it, so that a token is not looked up again for every call
of the same client: 0.1 µs where authenticate, authorise and the lines about the caller take 1.6.

An admission holds on the very snapshot it was made on, and never past its token or `SECONDS`. A revoked token, a
suspended app or subscription, a deleted key or a new plan each bring a new snapshot, and every admission is made
anew.
"""

from __future__ import annotations

from typing import Final

from gateway.edge.request import Remembered, Request
from gateway.headers import Caller, arrival_lines
from gateway.snapshot.build import Snapshot
from gateway.snapshot.published import Published
from gateway.snapshot.subscribed import Subscribed

SECONDS: Final = 10  # documented
MOST: Final = 4


class Admission(Remembered):
    """`lines` tell the upstream whose call it is and how it came in. Holds its snapshot's mark and not the
    snapshot: an idle connection must not keep an old table of all subscriptions in memory.
    """

    __slots__ = (
        "caller",
        "environment",
        "limits",
        "lines",
        "mark",
        "published",
        "subscribed",
        "units",
        "until",
        "usage",
    )

    def __init__(
        self,
        request: Request,
        published: Published,
        snapshot: Snapshot,
        caller: Caller,
        subscribed: Subscribed,
        now: float,
    ) -> None:
        principal = caller.principal
        self.mark = snapshot.mark
        self.until = min(principal.expires_at, now + SECONDS)
        if published.demand.max_age is not None:
            self.until = min(self.until, principal.auth_time + published.demand.max_age)
        self.published = published
        self.caller = caller
        self.environment = principal.environment
        self.subscribed = subscribed
        self.limits = subscribed.limits
        self.usage = subscribed.usage[published.operation.id]
        self.units = published.operation.weight
        self.lines = arrival_lines(request, published.service_lines, caller.lines)
        if request.memory is not None:
            self._remember(request.memory, published)

    def _remember(self, memory: dict[object, Remembered], published: Published) -> None:
        # Those of an older snapshot go too: their operations belong to a catalogue that may be gone.
        if len(memory) >= MOST or any(
            isinstance(other, Admission) and other.mark is not self.mark for other in memory.values()
        ):
            memory.clear()
        memory[published] = self


def remembered(kept: object, mark: object, now: float) -> Admission | None:
    """What a request or its head keeps, if it is an admission that holds on the snapshot with this mark at `now`."""
    return kept if isinstance(kept, Admission) and kept.mark is mark and now < kept.until else None
