"""A test edge's line that opens tunnels: real handshake, real messages, real counters, no authentication."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Unpack

from gateway.edge.errors import EdgeFault
from gateway.edge.exchange import Exchange
from gateway.edge.limits import EdgeLimits
from gateway.edge.order import Ending, Order
from gateway.edge.order import Terms as OrderTerms
from gateway.proxy.pool import PoolLimits
from gateway.tunnels.frames import unmasked
from gateway.tunnels.handshake import read
from gateway.tunnels.limits import TunnelLimits
from gateway.tunnels.messages import Messages
from gateway.tunnels.tunnel import Tunnel
from quota.counters.memory import MemoryCounters
from quota.counters.protocol import Outcome, UsageKey
from quota.plans import Limits
from tests.gateway.line_of_one import Watched
from tests.line_support.running_edge import Door, RouteTerms, TestEdge, render, running_edge

KEY = UsageKey("sub_1", "org_1", "app_1", "eko/v1", "echoSocket", "prova", 1)
QUICK = EdgeLimits(tick_seconds=0.02)
MASK = b"\x01\x02\x03\x04"


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, mask: bool = True, rsv: int = 0) -> bytes:
    """One frame as a client sends it; `mask` False as a server does."""
    size = len(payload)
    length = (
        bytes((size,))
        if size < 126
        else b"\x7e" + size.to_bytes(2, "big")
        if size < 65536
        else b"\x7f" + size.to_bytes(8, "big")
    )
    head = bytes((opcode | rsv | (0x80 if fin else 0), length[0] | (0x80 if mask else 0))) + length[1:]
    return head + (MASK + unmasked(payload, MASK) if mask else payload)


def plan(*, requests: int = 0, seconds: int = 1, burst: int = 0, per_day: int | None = None) -> Limits:
    return Limits.of(
        subscription_id="sub_1", plan="prova@1", requests=requests, seconds=seconds, burst=burst, per_day=per_day,
        per_month=None, refuse_at_end=True, open_when_away=False,
    )  # fmt: skip


@dataclass
class TunnelEdge:
    """`tunnels` in the order they were asked for; `counters` may be told to hold their answers."""

    edge: TestEdge
    counters: Watched
    tunnels: list[Tunnel] = field(default_factory=list)

    @property
    def port(self) -> int:
        return self.edge.port

    def counted(self) -> dict[str, tuple[int, int]]:
        """Calls and units by outcome."""
        return {str(each.outcome): (each.calls, each.units) for each in self.counters.totals()}

    @property
    def served(self) -> tuple[int, int]:
        return self.counted().get(str(Outcome.SERVED), (0, 0))

    async def ending(self) -> Ending:
        return await self.edge.ending()


@asynccontextmanager
async def tunnel_edge(
    folder: Path,
    upstream_url: str,
    *,
    limits: Limits | None = None,
    units: int = 1,
    bounds: TunnelLimits | None = None,
    edge_limits: EdgeLimits = QUICK,
    pool: PoolLimits | None = None,
    door: Door | None = None,
    **terms: Unpack[RouteTerms],
) -> AsyncIterator[TunnelEdge]:
    counters = Watched(folder)
    await counters.start()
    try:
        async with running_edge(upstream_url, edge_limits, pool=pool, door=door) as edge:
            made = TunnelEdge(edge, counters)
            known = limits or plan()
            route: RouteTerms = {"allow_upgrade": True, **terms}

            def line(exchange: Exchange) -> None:
                edge.requests.append(exchange.request)
                try:
                    handshake = read(exchange.request)
                except EdgeFault as fault:
                    exchange.reply(*render(fault))
                    return
                order_terms = OrderTerms(**route)
                messages = Messages(counters, known, KEY, units)
                tunnel = Tunnel(handshake, messages, order_terms, bounds or TunnelLimits(), "sub_1")
                made.tunnels.append(tunnel)
                order = Order(edge.upstream, exchange.request.target, order_terms, b"", b"Request-Id: r\r\n")

                def done(ending: Ending) -> None:
                    edge.endings.append(ending)
                    if ending.fault is not None and not ending.answered:
                        exchange.reply(*render(ending.fault))
                    edge.news.set()

                exchange.forward(tunnel.order(order, lambda: None), done)

            edge.line = line
            yield made
    finally:
        await MemoryCounters.close(counters)
