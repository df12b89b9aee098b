"""Keep-alive connections to one upstream, bounded in every direction.

Owns which connection serves whom, and how many callers may wait. A slow upstream fills its own pool and queue
and nobody else's: the bounds are the bulkhead.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from dataclasses import dataclass

from gateway.edge.clock import Clock
from gateway.edge.errors import UpstreamBusy, UpstreamResting, UpstreamUnreachable
from gateway.proxy.address import Address
from gateway.proxy.circuit import Circuit
from gateway.proxy.connection import Caller, UpstreamConnection
from gateway.proxy.response import AnswerReader


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """Per upstream and process. Times in seconds, sizes in bytes."""

    connections: int = 256
    """Open at the same time, in use or idle."""
    idle: int = 64
    """Kept open without work."""
    waiting: int = 512
    """Callers in the queue when every connection is taken; further ones get 503."""
    idle_seconds: float = 4.0
    """Below the five seconds after which uvicorn and Node close theirs: a request that is not safe to repeat
    should not meet a connection that is just being closed."""
    connect_seconds: float = 5.0
    """For one attempt, whatever the caller's own deadline."""
    failures: int = 5
    """In a row, after which the circuit opens and requests are refused at once."""
    rest_seconds: float = 5.0
    """How long the circuit stays open before one request is let through to find out."""
    buffer: int = 256 * 1024
    """High-water mark of the send buffer."""


class Upstream:
    """The pool of one address. Counters are plain integers, read at scrape time."""

    def __init__(
        self,
        url: str,
        clock: Clock,
        reader: AnswerReader,
        limits: PoolLimits | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.url = url
        self.address = Address.parse(url)
        self.base = self.address.base
        self.host_line = b"Host: " + self.address.authority
        self.limits = limits or PoolLimits()
        self.reader = reader
        self.opened_total = 0
        self.reused_total = 0
        self.failed_total = 0
        self.circuit = Circuit(self.limits.failures, self.limits.rest_seconds)
        self._clock = clock
        self._tls = tls or (ssl.create_default_context() if self.address.tls else None)
        self._open: set[UpstreamConnection] = set()
        self._idle: list[UpstreamConnection] = []
        self._waiting: deque[Caller] = deque()
        self._attempts: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def open_connections(self) -> int:
        return len(self._open)

    @property
    def idle_connections(self) -> int:
        return len(self._idle)

    @property
    def waiting_callers(self) -> int:
        return len(self._waiting)

    def take(self, caller: Caller, fresh: bool = False) -> UpstreamConnection | None:
        """An idle connection now, or None: then ``connected`` or ``unavailable`` is called later.

        ``fresh`` asks for one that has served nobody, for the repetition after a lost one. UpstreamBusy when
        the queue is full, UpstreamResting when the circuit is open.
        """
        if self.circuit.failures and not self.circuit.allows(self._clock.now):
            raise UpstreamResting(self.url)
        if not fresh:
            oldest = self._clock.now - self.limits.idle_seconds
            while self._idle:
                connection = self._idle.pop()
                if connection.idle_since >= oldest and connection.is_quiet():
                    connection.reused = True
                    self.reused_total += 1
                    return connection
                connection.abort()
        if self._closed or len(self._waiting) >= self.limits.waiting:
            raise UpstreamBusy(self.url)
        self._waiting.append(caller)
        self._open_more()
        return None

    def leave(self, caller: Caller) -> None:
        """The caller waits no longer."""
        if caller in self._waiting:
            self._waiting.remove(caller)

    def opened(self, connection: UpstreamConnection) -> None:
        self.opened_total += 1
        self._open.add(connection)
        if self._waiting:
            self._waiting.popleft().connected(connection)
        else:
            self.release(connection)

    def succeeded(self) -> None:
        self.circuit.succeeded(self._clock.now)

    def failed(self) -> None:
        self.circuit.failed(self._clock.now)

    def release(self, connection: UpstreamConnection) -> None:
        """A connection with nothing left of its last exchange; the connection itself has made sure of
        that.
        """
        if self._waiting:
            if not connection.is_quiet():
                connection.abort()
                return
            connection.reused = True
            self.reused_total += 1
            self._waiting.popleft().connected(connection)
        elif self._closed or len(self._idle) >= self.limits.idle:
            connection.abort()
        else:
            connection.idle_since = self._clock.now
            self._idle.append(connection)

    def closed(self, connection: UpstreamConnection) -> None:
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._open_more()

    def sweep(self, now: float) -> None:
        """Closes what has been idle too long; the oldest are first in the list."""
        oldest = now - self.limits.idle_seconds
        while self._idle and self._idle[0].idle_since < oldest:
            self._idle.pop(0).abort()

    def close(self) -> None:
        """Closes the idle connections and opens no more; those in use go on until their answer is whole."""
        self._closed = True
        while self._idle:
            self._idle.pop().abort()

    def _open_more(self) -> None:
        """Starts attempts for the callers that wait, within the bound on connections."""
        while len(self._attempts) < len(self._waiting) and (
            len(self._open) + len(self._attempts) < self.limits.connections
        ):
            attempt = asyncio.get_running_loop().create_task(self._attempt())
            self._attempts.add(attempt)

    async def _attempt(self) -> None:
        loop = asyncio.get_running_loop()
        address = self.address
        task = asyncio.current_task()
        connection = UpstreamConnection(self)
        try:
            async with asyncio.timeout(self.limits.connect_seconds):
                if address.socket:
                    await loop.create_unix_connection(lambda: connection, address.socket)
                else:
                    await loop.create_connection(
                        lambda: connection,
                        address.host,
                        address.port,
                        ssl=self._tls,
                        server_hostname=address.host if self._tls is not None else None,
                    )
        except (OSError, TimeoutError, UnicodeError) as error:  # UnicodeError: a host name IDNA refuses
            self._drop_attempt(task)
            self.failed_total += 1
            if self._waiting:
                self._waiting.popleft().unavailable(UpstreamUnreachable(f"{self.url}: {error}"))
            self._open_more()
        else:
            self._drop_attempt(task)

    def _drop_attempt(self, task: asyncio.Task[None] | None) -> None:
        if task is not None:
            self._attempts.discard(task)
