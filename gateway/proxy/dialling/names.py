"""The addresses behind an upstream's host: resolved off the loop, asked again in time, never forgotten on an error.

Owns which addresses are known and in which order they are tried: in turn, those that failed last. Each address is
judged before it is used, and connections are made to the judged address, not to the name: a name that changes
between the two (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from gateway.catalog.source.reserved import address_of, why_reserved
from gateway.edge.clock import Clock
from gateway.edge.errors import UpstreamForbidden

PERIOD_SECONDS = 30.0  # between two questions for a name in use: getaddrinfo tells no TTL
PATIENCE_SECONDS = 5.0  # for one answer
AGAIN_SECONDS = 1.0  # between two questions after failures
MOST_ADDRESSES = 16

_log = logging.getLogger("sluss.upstream")


class Target(NamedTuple):
    family: int
    host: str
    port: int


Lookup = Callable[[str, int], Awaitable[Sequence[Target]]]


async def system_lookup(host: str, port: int) -> Sequence[Target]:
    """getaddrinfo, in a thread of the loop's. Raises OSError or UnicodeError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [Target(family, address[0], address[1]) for family, _, _, _, address in found]  # type: ignore[arg-type]


class Names:
    """`own_ports` are the process's own on loopback, which no publication may reach."""

    def __init__(
        self,
        host: str,
        port: int,
        clock: Clock,
        lookup: Lookup = system_lookup,
        own_ports: frozenset[int] = frozenset(),
        period: float = PERIOD_SECONDS,
    ) -> None:
        self.host = host
        self.port = port
        self._clock = clock
        self._lookup = lookup
        self._own_ports = own_ports
        self._period = period
        self._known: tuple[Target, ...] = ()
        self._bad: set[Target] = set()
        self._turn = 0
        self._asked_at = float("-inf")
        self._refresh: asyncio.Task[None] | None = None
        self._fault = ""
        self.moved: Callable[[frozenset[str]], None] = lambda gone: None
        literal = address_of(host)
        self._fixed = literal is not None
        if literal is not None:
            family = socket.AF_INET if literal.version == 4 else socket.AF_INET6
            self._known = (Target(family, str(literal), port),)

    async def targets(self) -> list[Target]:
        """In the order they should be tried. Raises OSError, UnicodeError or UpstreamForbidden."""
        if not self._known:
            await self._ask()
        elif not self._fixed and self._clock.now - self._asked_at >= self._period:
            self.refresh()
        targets = [each for each in self._known if not self._why_forbidden(each)]
        if not targets:
            raise UpstreamForbidden(f"{self.host}: {self._why_forbidden(self._known[0])}")
        if len(targets) > 1:
            self._turn = (self._turn + 1) % len(targets)
            targets = targets[self._turn :] + targets[: self._turn]
            targets.sort(key=self._bad.__contains__)
        return targets

    def failed(self, target: Target) -> None:
        """It is tried last, and the name is asked again soon."""
        self._bad.add(target)
        if self._clock.now - self._asked_at >= AGAIN_SECONDS:
            self.refresh()

    def worked(self, target: Target) -> None:
        self._bad.discard(target)

    def sweep(self, now: float) -> None:
        """Asks again for a name in use whose time has come."""
        if self._known and not self._fixed and now - self._asked_at >= self._period:
            self.refresh()

    def refresh(self) -> None:
        """Asks in the background; one question at a time."""
        if not self._fixed and self._refresh is None:
            self._refresh = asyncio.get_running_loop().create_task(self._again())
            self._refresh.add_done_callback(self._refreshed)

    async def close(self) -> None:
        if self._refresh is not None:
            self._refresh.cancel()
            await asyncio.gather(self._refresh, return_exceptions=True)

    def _refreshed(self, _: asyncio.Task[None]) -> None:
        self._refresh = None

    async def _again(self) -> None:
        try:
            await self._ask()
        except (OSError, UnicodeError) as error:
            if str(error) != self._fault:
                _log.warning("the name %s is not found, its last addresses stay: %s", self.host, error)
            self._fault = str(error)

    async def _ask(self) -> None:
        self._asked_at = self._clock.now
        async with asyncio.timeout(PATIENCE_SECONDS):
            found = tuple(dict.fromkeys(await self._lookup(self.host, self.port)))[:MOST_ADDRESSES]
        if not found:
            raise OSError(f"no address for {self.host}")
        self._fault = ""
        gone = {each.host for each in self._known} - {each.host for each in found}
        if set(found) != set(self._known):
            self._bad.clear()
            if self._known:
                _log.info("%s is now %s", self.host, ", ".join(each.host for each in found))
        self._known = found
        if gone:
            self.moved(frozenset(gone))

    def _why_forbidden(self, target: Target) -> str:
        address = address_of(target.host)
        if address is None:
            return "no address"
        if address.is_loopback and target.port in self._own_ports:
            return "a port of the gateway's own"
        reason = why_reserved(address)
        return reason and f"{target.host} is {reason}"
