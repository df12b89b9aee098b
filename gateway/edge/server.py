"""The public listener: accepts, counts, sweeps deadlines, drains.

Owns the set of open connections and the figures for the metrics. What a request means is the line's, given
here as a callable; how a refusal looks is the renderer's.
"""

from __future__ import annotations

import asyncio
import ssl as tls
from collections.abc import Callable, Iterable, Sequence

from gateway.edge.clock import Clock, Sweeper
from gateway.edge.connection import ClientConnection
from gateway.edge.errors import EdgeFault
from gateway.edge.exchange import Exchange
from gateway.edge.limits import EdgeLimits
from gateway.edge.order import Held
from gateway.edge.peer import Network, TrustedProxies
from gateway.edge.reader import RequestReader

RenderedFault = tuple[int, Sequence[tuple[bytes, bytes]], bytes]
"""Status, header names and values, body."""


class EdgeServer:
    """One public port of one process.

    ``line`` gets each exchange and calls its ``reply`` or ``forward``. ``render_fault`` renders what is
    refused before the line. ``hosts`` is the allow-list of host names, None for any. ``sweeps`` are further
    things that look at the time once a tick, such as the pools.
    """

    def __init__(
        self,
        line: Callable[[Exchange], None],
        render_fault: Callable[[EdgeFault], RenderedFault],
        limits: EdgeLimits | None = None,
        trusted_proxies: Iterable[str | Network] = (),
        hosts: Callable[[str], bool] | frozenset[str] | None = None,
        *,
        clock: Clock | None = None,
        sweeps: Sequence[Callable[[float], None]] = (),
    ) -> None:
        self.line = line
        self.render_fault = render_fault
        self.limits = limits or EdgeLimits()
        self.clock = clock or Clock()
        allowed = hosts.__contains__ if isinstance(hosts, frozenset) else hosts
        self.reader = RequestReader(self.limits, TrustedProxies(trusted_proxies), allowed)
        self.collected = Held(self.limits.collected)
        self.draining = False
        self.requests = 0
        self.connections_total = 0
        self.refusals: dict[str, int] = {}
        self._connections: set[ClientConnection] = set()
        self._listeners: list[asyncio.Server] = []
        self._sweeper = Sweeper(self.clock, self.limits.tick_seconds)
        self._sweeper.add(self._sweep)
        for sweep in sweeps:
            self._sweeper.add(sweep)
        self._empty: asyncio.Event = asyncio.Event()

    async def start(
        self, host: str, port: int, *, reuse_port: bool = False, ssl: tls.SSLContext | None = None
    ) -> int:
        """Listens; the port that was bound (for port 0)."""
        loop = asyncio.get_running_loop()
        self._sweeper.start(loop)
        listener = await loop.create_server(
            lambda: ClientConnection(self),
            host,
            port,
            ssl=ssl,
            ssl_handshake_timeout=self.limits.head_seconds if ssl is not None else None,
            reuse_port=reuse_port,
            backlog=1024,
        )
        self._listeners.append(listener)
        bound: int = listener.sockets[0].getsockname()[1]
        return bound

    async def drain(self, timeout: float) -> None:  # noqa: ASYNC109 - a period of grace
        """Stops accepting, lets what is in flight end with ``Connection: close``, cuts what is left after
        timeout.
        """
        self.draining = True
        for _ in range(2):
            await asyncio.sleep(
                0
            )  # what the kernel has already accepted for us is taken before the door closes
        for listener in self._listeners:
            listener.close()
        for connection in list(self._connections):
            connection.drain()
        if self._connections:
            try:
                await asyncio.wait_for(self._empty.wait(), timeout)
            except TimeoutError:
                for connection in list(self._connections):
                    connection.transport.abort()
        self._sweeper.stop()

    @property
    def open_connections(self) -> int:
        return len(self._connections)

    def exchanges(self) -> list[Exchange]:
        """Those under way."""
        return [each.exchange for each in self._connections if each.exchange is not None]

    # --- the connections' side

    def admit(self, connection: ClientConnection) -> bool:
        self.connections_total += 1
        self._connections.add(connection)
        return len(self._connections) <= self.limits.connections

    def forget(self, connection: ClientConnection) -> None:
        self._connections.discard(connection)
        if self.draining and not self._connections:
            self._empty.set()

    def count_refusal(self, fault: EdgeFault) -> None:
        self.refusals[fault.code] = self.refusals.get(fault.code, 0) + 1

    def _sweep(self, now: float) -> None:
        for connection in [each for each in self._connections if each.due <= now]:
            connection.sweep(now)
