"""Whether what is under way may go on: open tunnels, streams and long answers are asked again, as new calls are.

The same `authorise` as on the line, on the snapshot of the moment: at each new snapshot, and once a second for
tokens that run out. Nothing is kept for this on the line. It walks the exchanges that are open just then, in
slices, so that ten thousand of them delay nobody.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from types import MethodType

from auth.api_keys import is_key
from auth.authenticate import LEEWAY
from auth.authorise import authorise
from auth.errors import AuthError, ExpiredToken, ForeignToken, UnknownApiKey
from gateway.edge.exchange import Exchange
from gateway.errors import ApiRetired, PlanMissing, Refusal
from gateway.pipeline import Call
from gateway.snapshot.build import Snapshot
from gateway.tunnels.limits import TunnelLimits

_SLICE = 256  # exchanges looked at before the loop goes on; about half a millisecond


class Review:
    """`exchanges` gives those under way. `sweep` fits the edge's clock; `begin` a new snapshot."""

    def __init__(
        self,
        snapshot: Callable[[], Snapshot | None],
        exchanges: Callable[[], list[Exchange]],
        limits: TunnelLimits | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._snapshot = snapshot
        self._exchanges = exchanges
        self._every = (limits or TunnelLimits()).review_seconds
        self._clock = clock
        self._due = 0.0

    def sweep(self, now: float) -> None:
        if now >= self._due:
            self._due = now + self._every
            self.begin()

    def begin(self, snapshot: Snapshot | None = None) -> None:
        """Look at every exchange that is open now."""
        found = self._exchanges()
        if found:
            self._go_on(iter(found))

    def _go_on(self, left: Iterator[Exchange]) -> None:
        snapshot, now = self._snapshot(), self._clock()
        if snapshot is None:
            return
        for _ in range(_SLICE):
            exchange = next(left, None)
            if exchange is None:
                return
            call = _call_of(exchange)
            if call is not None:
                code = _ended(call, snapshot, now)
                if code:
                    exchange.end_access(code, code == ExpiredToken.code)
        asyncio.get_running_loop().call_soon(self._go_on, left)


def _call_of(exchange: Exchange) -> Call | None:
    """The call behind an exchange to an API. Found by whom it reports to: so the line need not tell anyone."""
    waiter = exchange.waiter
    call = waiter.__self__ if isinstance(waiter, MethodType) else None
    return call if isinstance(call, Call) and call.caller is not None else None


def _ended(call: Call, snapshot: Snapshot, now: float) -> str:
    """The code of the refusal that a new call would get, "" for none. A tunnel's messages follow a changed plan."""
    assert call.caller is not None
    principal = call.caller.principal
    try:
        published = snapshot.routes.find(call.method, call.path)
        if not published.demand.callable:
            raise ApiRetired
        if is_key(principal):
            if principal.key_id not in snapshot.access.live_keys:
                raise UnknownApiKey
        elif snapshot.keys.find(principal.key_id) is None:
            raise ForeignToken("its key is gone")
        grant = authorise(principal, published.demand, snapshot.access, now)
        subscribed = snapshot.subscribed.of(grant)
        if subscribed is None:
            raise PlanMissing
        if now >= principal.expires_at + LEEWAY:
            raise ExpiredToken
    except (Refusal, AuthError) as refusal:
        return refusal.code
    if call.tunnel is not None:
        operation = published.operation
        call.tunnel.messages.renew(
            subscribed.limits, subscribed.usage[operation.id], operation.message_weight or 0
        )
    return ""
