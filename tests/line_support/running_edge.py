"""A real EdgeServer on a free port, with a line as simple as a test needs it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypedDict, Unpack

from gateway.edge import errors
from gateway.edge import order as orders
from gateway.edge.clock import Clock
from gateway.edge.connection import ClientConnection
from gateway.edge.door.certificates import Certificates
from gateway.edge.door.testimony import Notation
from gateway.edge.door.unread import Unread
from gateway.edge.errors import EdgeFault
from gateway.edge.exchange import Ending, Exchange, Order
from gateway.edge.limits import EdgeLimits
from gateway.edge.order import Watch
from gateway.edge.request import Request
from gateway.edge.server import EdgeServer, RenderedFault
from gateway.proxy.group import Group
from gateway.proxy.pool import PoolLimits, Upstream
from gateway.proxy.response import AnswerReader


class RouteTerms(TypedDict, total=False):
    """What a test may set of an Order's terms."""

    body_limit: int
    connect_timeout: float
    first_byte_timeout: float
    idle_timeout: float
    total_timeout: float
    allow_upgrade: bool
    pass_authorization: bool
    pass_cookies: bool
    replaced: frozenset[bytes]
    lasting: bool


class Door(TypedDict, total=False):
    """What a test may set of what stands before HTTP."""

    certificates: Certificates
    proxy_protocol: bool
    notation: Notation
    client_cert_header: bool
    hsts_seconds: int


class Terms(RouteTerms, total=False):
    """What a test may set of an Order."""

    injected: bytes
    response_lines: bytes
    host: bytes | None


# The tests' own table, nearest class first. The gateway's is gateway.errors; here only the kinds must differ.
STATUSES: tuple[tuple[type[EdgeFault], int], ...] = (
    (errors.UnknownCoding, 501),
    (errors.UnknownMethod, 501),
    (errors.RefusedMethod, 405),
    (errors.UnknownVersion, 505),
    (errors.ExpectationFailed, 417),
    (errors.TargetTooLong, 414),
    (errors.HeadTooLarge, 431),
    (errors.BodyTooLarge, 413),
    (errors.SlowClient, 408),
    (errors.UnknownHost, 421),
    (errors.UpstreamTimeout, 504),
    (errors.UpstreamBusy, 503),
    (errors.UpstreamFault, 502),
    (errors.LineFailed, 500),
    (errors.EdgeBusy, 503),
    (errors.ClientFault, 400),
)


def render(fault: EdgeFault, unread: Unread | None = None) -> RenderedFault:
    status = next((status for kind, status in STATUSES if isinstance(fault, kind)), 500)
    return status, [(b"Content-Type", b"text/plain")], fault.code.encode()


def _order(
    upstream: Upstream,
    target: bytes,
    *,
    injected: bytes = b"",
    response_lines: bytes = b"",
    host: bytes | None = None,
    **terms: Unpack[RouteTerms],
) -> Order:
    return Order(upstream, target, orders.Terms(**terms), injected, response_lines, host=host)


@dataclass
class TestEdge:
    """``line`` may be replaced at any time; the default forwards everything on ``terms``."""

    __test__ = False

    server: EdgeServer
    upstream: Upstream
    port: int = 0
    terms: Terms = field(default_factory=Terms)
    requests: list[Request] = field(default_factory=list)
    endings: list[Ending] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    line: Callable[[Exchange], None] | None = None
    watch: Watch | None = None
    group: Group | None = None

    def take(self, exchange: Exchange) -> None:
        self.requests.append(exchange.request)
        if self.line is not None:
            self.line(exchange)
        else:
            self.forward(exchange)

    def forward(self, exchange: Exchange, **terms: Unpack[Terms]) -> None:
        upstream = self.group.pick() if self.group is not None else self.upstream
        order = _order(upstream, exchange.request.target, **(self.terms | terms))
        order.group = self.group
        order.watch = self.watch

        def done(ending: Ending) -> None:
            self.endings.append(ending)
            if ending.fault is not None and not ending.answered:
                exchange.reply(*render(ending.fault))
            self.news.set()

        exchange.forward(order, done)

    @property
    def clients(self) -> list[ClientConnection]:
        """The client connections that are through the doors."""
        return [each for each in self.server._connections if isinstance(each, ClientConnection)]

    async def ending(self) -> Ending:
        """The next ending that has not been taken yet."""
        while not self.endings:
            self.news.clear()
            await asyncio.wait_for(self.news.wait(), 10)
        return self.endings.pop(0)


@asynccontextmanager
async def running_edge(
    upstream_url: str = "http://127.0.0.1:9",
    limits: EdgeLimits | None = None,
    *,
    pool: PoolLimits | None = None,
    trusted: Iterable[str] = (),
    hosts: frozenset[str] | None = None,
    made: Callable[[Clock], Upstream] | None = None,
    group: Callable[[Clock, Upstream], Group] | None = None,
    door: Door | None = None,
    **terms: Unpack[Terms],
) -> AsyncIterator[TestEdge]:
    """``made`` makes the upstream otherwise than by address and bounds; ``group`` puts it among others."""
    clock = Clock()
    upstream = made(clock) if made is not None else Upstream(upstream_url, clock, AnswerReader(), pool)
    together = group(clock, upstream) if group is not None else None
    pools = [each.pool for each in together.members] if together is not None else [upstream]
    sweeps = [each.sweep for each in pools]
    if together is not None:
        sweeps.append(together.sweep)
    edge: TestEdge

    def line(exchange: Exchange) -> None:
        edge.take(exchange)

    server = EdgeServer(line, render, limits, trusted, hosts, clock=clock, sweeps=sweeps, **(door or {}))
    edge = TestEdge(server, upstream, terms=terms, group=together)
    edge.port = await server.start("127.0.0.1", 0)
    try:
        yield edge
    finally:
        for each in pools:
            each.close()
        await server.drain(0.0)
        await asyncio.sleep(0)
