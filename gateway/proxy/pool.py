"""Keep-alive connections to one upstream, bounded in every direction.

Owns which connection serves whom, and how many callers may wait. A slow upstream fills its own pool and queue
and nobody else's: the bounds are the bulkhead. A thousand open streams take no place from calls of a moment.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from gateway.edge.clock import Clock
from gateway.edge.errors import EdgeFault, UpstreamBusy, UpstreamResting, UpstreamUnreachable
from gateway.proxy.address import Address
from gateway.proxy.circuit import Circuit
from gateway.proxy.connection import Caller, UpstreamConnection
from gateway.proxy.dialling.dialler import Dialler
from gateway.proxy.response import AnswerReader, Known


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """Per upstream and process. Times in seconds, sizes in bytes."""

    connections: int = 256
    """Open at the same time, in use or idle, but for long-lived ones."""
    long_lived: int = 1024
    """WebSockets, streams and long waits at the same time; further ones get 503."""
    long_seconds: float = 30.0
    """What may wait longer for its first byte is long-lived from the start; a longer answer becomes it, given room."""
    idle: int = 64
    """Kept open without work."""
    waiting: int = 512
    """Callers in the queue when every connection is taken; further ones get 503."""
    idle_seconds: float = 4.0
    """Below the five seconds after which uvicorn and Node close theirs: a request that is not safe to repeat
    should not meet a connection that is just being closed."""
    connect_seconds: float = 5.0
    """For one attempt, whatever the caller's own deadline; then the next attempt begins."""
    failures: int = 5
    """In a row, after which the circuit opens and requests are refused at once."""
    rest_seconds: float = 5.0
    """How long the circuit stays open before one request is let through to find out."""
    distrust_seconds: float = 60.0
    """How long no connection serves twice after bytes that nobody asked for."""
    buffer: int = 256 * 1024
    """High-water mark of the send buffer."""


LEAST_WARMTH = 0.1
"""Of its weight: what an upstream gets at the beginning of its slow start."""

_log = logging.getLogger("sluss.upstream")


class Upstream:
    """The pool of one address. Counters are plain integers, read at scrape time.

    `since` is when it was made or came back, for the slow start; `healthy` is the health check's word.
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        reader: AnswerReader,
        limits: PoolLimits | None = None,
        dialler: Dialler | None = None,
    ) -> None:
        self.url = url
        self.address = Address.parse(url)
        self.base = self.address.base
        self.host_line = b"Host: " + self.address.authority
        self.limits = limits or PoolLimits()
        self.reader = reader
        self.known: Known | None = None
        self.opened_total = 0
        self.reused_total = 0
        self.failures_total = 0
        self.errors_total = 0
        self.healthy = True
        self.since = clock.now
        self.circuit = Circuit(self.limits.failures, self.limits.rest_seconds)
        self.dialler = dialler or Dialler(self.address, clock)
        self.dialler.names.moved = self._moved
        self._clock = clock
        self._open: set[UpstreamConnection] = set()
        self._long: set[UpstreamConnection] = set()
        self._idle: list[UpstreamConnection] = []
        self._waiting: deque[Caller] = deque()
        self._attempts: set[asyncio.Task[None]] = set()
        self._most_idle = self.limits.idle
        self._trusts_again = 0.0
        self._closed = False

    @property
    def open_connections(self) -> int:
        return len(self._open) + len(self._long)

    @property
    def idle_connections(self) -> int:
        return len(self._idle)

    @property
    def waiting_callers(self) -> int:
        return len(self._waiting)

    @property
    def outstanding(self) -> int:
        """Calls under way, long-lived ones among them, and those that wait."""
        return len(self._open) - len(self._idle) + len(self._waiting) + len(self._long)

    @property
    def calls(self) -> int:
        """Calls that got a connection, since the start."""
        return self.opened_total + self.reused_total

    @property
    def bad_calls(self) -> int:
        return self.failures_total + self.errors_total

    @property
    def crowded(self) -> bool:
        """Are there as many long-lived calls as may be?"""
        return len(self._long) >= self.limits.long_lived

    @property
    def saturated(self) -> bool:
        """Does every connection it may have serve somebody? Then who waits, waits for others to end."""
        return len(self._open) >= self.limits.connections

    def warmth(self, now: float, slow_start: float) -> float:
        """The part of its weight that holds now."""
        elapsed = now - self.since
        return 1.0 if elapsed >= slow_start else max(LEAST_WARMTH, elapsed / slow_start)

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
        if len(self._waiting) >= self.limits.waiting:
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
        if self.circuit.succeeded(self._clock.now):
            self.since = self._clock.now
            self.say("answers again, its circuit is closed")

    def failed(self, fault: EdgeFault) -> None:
        self.failures_total += 1
        if self.circuit.failed(self._clock.now):
            self.say(f"circuit open after {self.circuit.failures} failures: {fault.code} {fault.detail}")

    def say(self, what: str) -> None:
        """Into the operator's log: something about this upstream has changed."""
        _log.warning("%s: %s", self.url, what)

    def release(self, connection: UpstreamConnection) -> None:
        """A connection with nothing left of its last exchange; the connection itself has made sure of
        that.
        """
        if self._long and connection in self._long:
            self._long.discard(connection)
            if self.saturated:
                connection.abort()
                return
            self._open.add(connection)
        if self._waiting and self._most_idle:
            if not connection.is_quiet():
                connection.abort()
                return
            connection.reused = True
            self.reused_total += 1
            self._waiting.popleft().connected(connection)
        elif len(self._idle) >= self._most_idle:
            connection.abort()
        else:
            connection.idle_since = self._clock.now
            self._idle.append(connection)

    def outlives(self, connection: UpstreamConnection) -> bool:
        """Its call lasts long: from now on it takes no place from ordinary ones. False when too many do already."""
        if connection in self._long:
            return True
        if self.crowded:
            return False
        self._open.discard(connection)
        self._long.add(connection)
        self._open_more()
        return True

    def closed(self, connection: UpstreamConnection) -> None:
        self._open.discard(connection)
        self._long.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._open_more()

    def sweep(self, now: float) -> None:
        """Closes what has been idle too long; the oldest are first in the list."""
        oldest = now - self.limits.idle_seconds
        while self._idle and self._idle[0].idle_since < oldest:
            self._idle.pop(0).abort()
        if self._open:
            self.dialler.names.sweep(now)
        if self._trusts_again and now >= self._trusts_again and not self._closed:
            self._trusts_again, self._most_idle = 0.0, self.limits.idle

    def close(self) -> None:
        """Closes the idle connections and keeps none; calls under way, and those that come by an old snapshot,
        are served to their end.
        """
        self._most_idle, self._closed = 0, True
        self._drop_idle(lambda connection: True)

    def distrust(self) -> None:
        """It sent bytes that nobody asked for. The next may come when they look like an answer to somebody else's
        request: for a while each request gets a connection of its own.
        """
        if not self._trusts_again:
            self.say("sent bytes that nobody asked for; its connections are not used twice for a while")
        self._trusts_again = self._clock.now + self.limits.distrust_seconds
        self._most_idle = 0
        self._drop_idle(lambda connection: True)

    def _moved(self, gone: frozenset[str]) -> None:
        """The name no longer stands for these addresses: nothing new is sent there."""
        for connection in self._open:
            if connection.remote in gone:
                connection.leaving = True
        self._drop_idle(lambda connection: connection.leaving)

    def _drop_idle(self, unwanted: Callable[[UpstreamConnection], bool]) -> None:
        for connection in [each for each in self._idle if unwanted(each)]:
            self._idle.remove(connection)
            connection.abort()

    def _open_more(self) -> None:
        """Starts attempts for the callers that wait, within the bound on connections."""
        while len(self._attempts) < len(self._waiting) and (
            len(self._open) + len(self._attempts) < self.limits.connections
        ):
            attempt = asyncio.get_running_loop().create_task(self._attempt())
            self._attempts.add(attempt)

    async def _attempt(self) -> None:
        task = asyncio.current_task()
        fault: EdgeFault | None = None
        try:
            async with asyncio.timeout(self.limits.connect_seconds):
                await self.dialler.dial(lambda: UpstreamConnection(self))
        except UpstreamUnreachable as unfit:
            fault = unfit
        except TimeoutError:
            pass  # whoever waits now may have come late in this attempt, and has a deadline of its own
        except (OSError, UnicodeError) as error:  # UnicodeError: a host name IDNA refuses
            fault = UpstreamUnreachable(f"{self.url}: {error}")
        else:
            self._drop_attempt(task)
            return
        self._drop_attempt(task)
        if self._waiting and fault is not None:
            self._waiting.popleft().unavailable(fault)
        self._open_more()

    def _drop_attempt(self, task: asyncio.Task[None] | None) -> None:
        if task is not None:
            self._attempts.discard(task)
