"""Several processes on one machine: start, restart, stop. Used by `sluss up`.

Children get their listening sockets from here, already bound, so no port is lost between choosing and
serving. A child that dies is started again with a growing delay; a child that never gets ready stops the
whole. The kernel ends the children when this process is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

log = logging.getLogger("sluss.supervise")
PR_SET_PDEATHSIG = 1  # prctl(2)
FIRST_DELAY = 0.2
LONGEST_DELAY = 10.0
STEADY_SECONDS = 30.0  # a child that lived this long starts again without delay


@dataclass(slots=True)
class Child:
    """One program of the group. `stage`: lower ones stop first, so that the edge drains before what it needs."""

    name: str
    command: Sequence[str]
    stage: int
    environment: Mapping[str, str] = field(default_factory=dict)
    sockets: Sequence[socket.socket] = ()


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def listen_on_loopback() -> socket.socket:
    """A bound, listening socket on a free loopback port."""
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.bind(("127.0.0.1", 0))
    found.listen(1024)
    return found


class Supervisor:
    def __init__(self, drain_seconds: float) -> None:
        self._drain = drain_seconds
        self._children: list[Child] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._stopping = False
        self.restarts = 0

    def start(self, child: Child) -> None:
        self._children.append(child)
        self._tasks.append(asyncio.create_task(self._keep(child), name=child.name))

    async def _keep(self, child: Child) -> None:
        delay = FIRST_DELAY
        while not self._stopping:
            began = asyncio.get_running_loop().time()
            process = await asyncio.create_subprocess_exec(
                *child.command,
                env={**os.environ, **child.environment},
                pass_fds=[found.fileno() for found in child.sockets],
                stdin=asyncio.subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the supervisor, which stops the children in order
                preexec_fn=_die_with_parent,
            )
            self._running[child.name] = process
            status = await process.wait()
            self._running.pop(child.name, None)
            if self._stopping:
                return
            self.restarts += 1
            lived = asyncio.get_running_loop().time() - began
            delay = FIRST_DELAY if lived > STEADY_SECONDS else min(delay * 2, LONGEST_DELAY)
            log.warning("%s ended with status %d; starting it again in %.1f s", child.name, status, delay)
            await asyncio.sleep(delay)

    def alive(self, name: str) -> bool:
        return name in self._running

    async def stop(self) -> None:
        """SIGTERM stage by stage; SIGKILL for what has not ended when the drain time is over."""
        self._stopping = True
        for stage in sorted({child.stage for child in self._children}):
            processes = [
                self._running[c.name] for c in self._children if c.stage == stage and c.name in self._running
            ]
            for process in processes:
                with contextlib.suppress(ProcessLookupError):
                    process.terminate()
            waiting = [asyncio.ensure_future(process.wait()) for process in processes]
            if waiting:
                _, late = await asyncio.wait(waiting, timeout=self._drain + 2)
                for process in processes:
                    if late and process.returncode is None:
                        with contextlib.suppress(ProcessLookupError):
                            process.kill()
                await asyncio.gather(*waiting)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
