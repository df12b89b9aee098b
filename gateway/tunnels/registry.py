"""Which tunnels are open: made here, counted here by subscription, let go here."""

from __future__ import annotations

from gateway.access_log import Record, TunnelRecord
from gateway.edge.request import Request
from gateway.snapshot.published import Published
from gateway.snapshot.subscribed import Subscribed
from gateway.tunnels.errors import TooManyTunnels
from gateway.tunnels.handshake import read
from gateway.tunnels.limits import TunnelLimits
from gateway.tunnels.messages import Messages
from gateway.tunnels.tunnel import Tunnel
from quota.counters.protocol import Counters


class Tunnels:
    """Those of one process, from the handshake to the record."""

    def __init__(self, counters: Counters, limits: TunnelLimits | None = None) -> None:
        self._counters = counters
        self._limits = limits or TunnelLimits()
        self._by_subscription: dict[str, int] = {}
        self._counted: set[Tunnel] = set()

    @property
    def open(self) -> int:
        return sum(self._by_subscription.values())

    def make(self, request: Request, published: Published, subscribed: Subscribed) -> Tunnel:
        """For a call that may pass. Raises UpgradeRequired, MalformedHandshake, TooManyTunnels."""
        handshake, subscription_id = read(request), subscribed.limits.subscription_id
        many = self._by_subscription.get(subscription_id, 0)
        if many >= self._limits.per_subscription:
            raise TooManyTunnels(subscription_id)
        self._by_subscription[subscription_id] = many + 1
        usage = subscribed.usage[published.operation.id]
        messages = Messages(self._counters, subscribed.limits, usage, published.operation.message_weight or 0)
        tunnel = Tunnel(handshake, messages, published.terms, self._limits, subscription_id)
        self._counted.add(tunnel)
        return tunnel

    def leave(self, tunnel: Tunnel, record: Record) -> Record:
        """The call is over: its record, with the messages of a tunnel that was open."""
        self.forget(tunnel)
        return TunnelRecord.of(record, *tunnel.counts)

    def forget(self, tunnel: Tunnel) -> None:
        """It takes no place any more. Once is enough; twice does no harm."""
        if tunnel not in self._counted:
            return
        self._counted.discard(tunnel)
        many = self._by_subscription.pop(tunnel.subscription_id) - 1
        if many:
            self._by_subscription[tunnel.subscription_id] = many
