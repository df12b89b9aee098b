"""Asks an upstream how it is, over connections of its own, as the publication's `health` says.

Owns the asking. Each edge process asks for itself, at its own moment: what one machine cannot reach may be well for
another.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import cast

from gateway.catalog.model import HealthCheck
from gateway.edge.errors import EdgeFault
from gateway.proxy.health import Health, State
from gateway.proxy.pool import Upstream

JITTER = 0.1  # of the interval, to either side
_LONGEST_HEAD = 64 * 1024
_MOST_HEADS = 16


class _Listening(asyncio.StreamReaderProtocol):
    """A stream whose transport can be closed from outside."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        super().__init__(reader)
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport = cast(asyncio.Transport, transport)


async def visit(pool: Upstream, patience: float, check: HealthCheck | None) -> str:
    """What is wrong with an upstream, empty when it is well. Without a check, whether a connection can be made."""
    reader = asyncio.StreamReader(limit=_LONGEST_HEAD)
    stream = _Listening(reader)
    try:
        async with asyncio.timeout(patience):
            await pool.dialler.dial(lambda: stream)
            return await _question(pool, stream, reader, check) if check is not None else ""
    except TimeoutError:
        return f"no answer in {patience:g} s"
    except EdgeFault as fault:
        return f"{fault.code}: {fault.detail}"
    except (OSError, UnicodeError, EOFError, asyncio.LimitOverrunError) as error:
        return str(error) or type(error).__name__
    finally:
        if stream.transport is not None:
            stream.transport.abort()


async def _question(
    pool: Upstream, stream: _Listening, reader: asyncio.StreamReader, check: HealthCheck
) -> str:
    assert stream.transport is not None
    target = pool.base + check.path.encode("ascii")
    stream.transport.write(
        b"GET %b HTTP/1.1\r\n%b\r\nUser-Agent: sluss-health\r\nConnection: close\r\n\r\n"
        % (target, pool.host_line)
    )
    for _ in range(_MOST_HEADS):
        head = await reader.readuntil(b"\r\n\r\n")
        status = pool.reader.read(head[:-4]).status
        if status >= 200:
            return "" if status in check.status else f"status {status}"
    return "only interim answers"


class Checker:
    """For one upstream. `start` and `stop` on the loop."""

    def __init__(
        self,
        pool: Upstream,
        check: HealthCheck,
        now: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._pool = pool
        self._check = check
        self._now = now
        self._sleep = sleep
        self._chance = chance
        self._health = Health(check.unhealthy, check.healthy)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(), name=f"health of {self._pool.url}")

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        check = self._check
        # Not all at once: neither all upstreams of a process, nor one upstream's from all processes.
        await self._sleep(check.interval * self._chance())
        while True:
            self._note(await visit(self._pool, check.timeout, check))
            await self._sleep(check.interval * (1 - JITTER + 2 * JITTER * self._chance()))

    def _note(self, wrong: str) -> None:
        if not (self._health.failed() if wrong else self._health.passed()):
            return
        self._pool.healthy = self._health.state is State.WELL
        if self._pool.healthy:
            self._pool.since = self._now()
            self._pool.say("passes its health checks again")
        else:
            self._pool.say(f"fails its health checks: {wrong}")
