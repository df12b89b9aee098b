"""Making one connection to an upstream: its addresses, the race between several, TLS.

Owns the way to an open connection. How many there are, and who waits for them, is the pool's.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Final

from gateway.catalog.model import UpstreamTls
from gateway.edge.clock import Clock
from gateway.edge.errors import UpstreamInsecure
from gateway.proxy.address import Address
from gateway.proxy.dialling.names import Names, Target
from gateway.proxy.dialling.secure import Contexts

STAGGER_SECONDS: Final = 0.25  # RFC 8305 section 5: before the next address is tried beside the first


class Dialler:
    """For one address. `tls` has what the publication says of it, `contexts` is the process's."""

    def __init__(
        self,
        address: Address,
        clock: Clock,
        contexts: Contexts | None = None,
        tls: UpstreamTls | None = None,
        names: Names | None = None,
    ) -> None:
        self.address = address
        self.names = names or Names(address.host, address.port, clock)
        self._contexts = contexts or Contexts()
        self._tls = tls
        self._server_name = (tls and tls.server_name) or address.host

    async def dial(self, protocol: Callable[[], asyncio.Protocol]) -> None:
        """Raises OSError, UnicodeError, UpstreamInsecure or UpstreamForbidden; no time limit of its own."""
        loop = asyncio.get_running_loop()
        if self.address.socket:
            await loop.create_unix_connection(protocol, self.address.socket)
            return
        targets = await self.names.targets()
        if self.address.tls:
            await self._securely(loop, protocol, targets)
        elif len(targets) == 1:
            await self._to_one(loop, protocol, targets[0])
        else:
            await loop.create_connection(protocol, sock=await self._race(loop, targets))

    async def _to_one(
        self, loop: asyncio.AbstractEventLoop, protocol: Callable[[], asyncio.Protocol], target: Target
    ) -> None:
        try:
            await loop.create_connection(protocol, target.host, target.port)
        except OSError:
            self.names.failed(target)
            raise

    async def _securely(
        self, loop: asyncio.AbstractEventLoop, protocol: Callable[[], asyncio.Protocol], targets: list[Target]
    ) -> None:
        """TLS begins when the way is open, so that its faults are told apart from those of the way."""
        try:
            context = await self._contexts.of(self._tls)
        except OSError as error:
            raise UpstreamInsecure(f"certificate files: {error}") from error
        sock = await self._race(loop, targets)
        try:
            await loop.create_connection(protocol, sock=sock, ssl=context, server_hostname=self._server_name)
        except OSError as error:
            raise UpstreamInsecure(f"handshake: {str(error) or type(error).__name__}") from error

    async def _race(self, loop: asyncio.AbstractEventLoop, targets: list[Target]) -> socket.socket:
        """The first that answers; a new one joins when the one before has failed or kept us waiting."""
        waiting, pending = list(targets), dict[asyncio.Task[socket.socket], Target]()
        fault: BaseException = OSError("no address")
        won: socket.socket | None = None
        try:
            while won is None and (waiting or pending):
                if waiting:
                    target = waiting.pop(0)
                    pending[loop.create_task(_open(loop, target))] = target
                patience = STAGGER_SECONDS if waiting else None
                done, _ = await asyncio.wait(pending, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    target = pending[task]
                    error = task.exception()
                    if error is None and won is None:
                        del pending[task]
                        won = task.result()
                        self.names.worked(target)
                    elif error is not None:
                        del pending[task]
                        self.names.failed(target)
                        fault = error
        finally:
            for task in pending:
                task.cancel()
                task.add_done_callback(_close)
        if won is None:
            raise fault
        return won


async def _open(loop: asyncio.AbstractEventLoop, target: Target) -> socket.socket:
    sock = socket.socket(target.family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await loop.sock_connect(sock, (target.host, target.port))
    except BaseException:  # also when the race is over
        sock.close()
        raise
    return sock


def _close(task: asyncio.Task[socket.socket]) -> None:
    """A connection that lost the race after it was made."""
    if not task.cancelled() and task.exception() is None:
        task.result().close()
