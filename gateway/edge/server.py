"""The public listener: accepts, counts, sweeps deadlines, drains.

A socket passes the doors that are set, PROXY header before TLS, and is a client connection from then on.

Owns the set of open connections and the figures for the metrics. What a request means is the line's, given
here as a callable; how a refusal looks is the renderer's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from gateway.edge.clock import Clock, Sweeper
from gateway.edge.connection import ClientConnection
from gateway.edge.door.certificates import Certificates
from gateway.edge.door.proxy_header import Announced, ProxyHeader
from gateway.edge.door.testimony import Notation, Testimony
from gateway.edge.door.tls import TlsTransport
from gateway.edge.door.unread import Unread
from gateway.edge.errors import EdgeFault
from gateway.edge.exchange import Exchange
from gateway.edge.kernel import send_elsewhere
from gateway.edge.limits import EdgeLimits
from gateway.edge.order import Held
from gateway.edge.peer import Network, TrustedProxies
from gateway.edge.reader import RequestReader
from gateway.edge.repeat import LastHeads

RenderedFault = tuple[int, Sequence[tuple[bytes, bytes]], bytes]
"""Status, header names and values, body."""


class Guest(Protocol):
    """An open socket, whatever stage it has come to. ``due`` is when ``sweep`` is called next."""

    transport: asyncio.Transport
    due: float

    def sweep(self, now: float) -> None: ...

    def drain(self) -> None: ...


class EdgeServer:
    """One public port of one process.

    ``line`` gets each exchange and calls its ``reply`` or ``forward``. ``render_fault`` renders what is
    refused before the line. ``hosts`` is the allow-list of host names, None for any. ``sweeps`` are further
    things that look at the time once a tick, such as the pools.
    """

    def __init__(
        self,
        line: Callable[[Exchange], None],
        render_fault: Callable[[EdgeFault, Unread], RenderedFault],
        limits: EdgeLimits | None = None,
        trusted_proxies: Iterable[str | Network] = (),
        hosts: Callable[[str], bool] | frozenset[str] | None = None,
        *,
        clock: Clock | None = None,
        sweeps: Sequence[Callable[[float], None]] = (),
        certificates: Certificates | None = None,
        proxy_protocol: bool = False,
        notation: Notation = Notation.X_FORWARDED,
        client_cert_header: bool = False,
        hsts_seconds: int = 0,
    ) -> None:
        self.line = line
        self.render_fault = render_fault
        self.limits = limits or EdgeLimits()
        self.clock = clock or Clock()
        allowed = hosts.__contains__ if isinstance(hosts, frozenset) else hosts
        self.trusted = TrustedProxies(trusted_proxies)
        testimony = Testimony(self.trusted, notation, client_cert_header)
        self.reader = RequestReader(self.limits, self.trusted, allowed, testimony)
        self.heads = LastHeads(self.limits)
        # A line for answers over TLS (RFC 6797); empty for none.
        self.hsts = b"Strict-Transport-Security: max-age=%d" % hsts_seconds if hsts_seconds else b""
        self.certificates = certificates
        self._proxy_protocol = proxy_protocol
        self.collected = Held(self.limits.collected)
        self.draining = False
        self.requests = 0
        self.connections_total = 0
        self.refusals: dict[str, int] = {}
        self.turned_away: dict[str, int] = {}
        self._connections: set[Guest] = set()
        self._listeners: list[asyncio.Server] = []
        self._shared: list[asyncio.Server] = []  # those with others on the same port
        self._sweeper = Sweeper(self.clock, self.limits.tick_seconds)
        self._sweeper.add(self._sweep)
        for sweep in sweeps:
            self._sweeper.add(sweep)
        self._empty: asyncio.Event = asyncio.Event()

    async def start(self, host: str, port: int, *, reuse_port: bool = False) -> int:
        """Listens; the port that was bound (for port 0)."""
        loop = asyncio.get_running_loop()
        self._sweeper.start(loop)
        accept = self._behind_proxy_header if self._proxy_protocol else self._accept
        listener = await loop.create_server(accept, host, port, reuse_port=reuse_port, backlog=1024)
        self._listeners.append(listener)
        if reuse_port:
            self._shared.append(listener)
        bound: int = listener.sockets[0].getsockname()[1]
        return bound

    async def drain(self, timeout: float) -> None:  # noqa: ASYNC109 - a period of grace
        """Stops accepting, lets what is in flight end with ``Connection: close``, cuts what is left after
        timeout. Beside others on the port, new connections go to them first and none that has begun is reset.
        """
        self.draining = True
        sent = [send_elsewhere(each.fileno()) for listener in self._shared for each in listener.sockets]
        if any(sent):
            await asyncio.sleep(self.limits.drain_begun_seconds)
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

    @property
    def crowded(self) -> bool:
        """Are there an eighth more than the limit: with those who are being told of it?"""
        return len(self._connections) > self.limits.connections * 9 // 8 + 8

    def exchanges(self) -> list[Exchange]:
        """Those under way."""
        through = (each for each in self._connections if isinstance(each, ClientConnection))
        return [each.exchange for each in through if each.exchange is not None]

    # --- the connections' side

    def admit(self, connection: ClientConnection) -> bool:
        self.connections_total += 1
        self._connections.add(connection)
        return len(self._connections) <= self.limits.connections

    def enter(self, guest: Guest) -> bool:
        """A socket that has doors before it; False when there are too many already."""
        self._connections.add(guest)
        return len(self._connections) <= self.limits.connections

    def turn_away(self, reason: str) -> None:
        """Counts one that did not come through the doors: nobody knows yet in what words it could be answered."""
        self.turned_away[reason] = self.turned_away.get(reason, 0) + 1

    def forget(self, connection: Guest) -> None:
        self._connections.discard(connection)
        if self.draining and not self._connections:
            self._empty.set()

    def count_refusal(self, fault: EdgeFault) -> None:
        self.refusals[fault.code] = self.refusals.get(fault.code, 0) + 1

    def _accept(self, announced: Announced | None = None) -> ClientConnection | TlsTransport:
        connection = ClientConnection(self, announced)
        if self.certificates is None:
            return connection
        return TlsTransport(self, self.certificates.context, connection)

    def _behind_proxy_header(self) -> ProxyHeader:
        return ProxyHeader(self, self._accept)

    def _sweep(self, now: float) -> None:
        for connection in [each for each in self._connections if each.due <= now]:
            connection.sweep(now)
