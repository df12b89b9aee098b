"""Several processes on one machine: start, restart, stop. Used by `sluss up`.

Children get their listening sockets from here, already bound, so no port is lost between choosing and
serving. A child that dies is started again with a growing delay; one that gives up before the group has
settled is the group's failure. The kernel ends the children when this process is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

PR_SET_PDEATHSIG = 1  # prctl(2)
FIRST_DELAY = 0.2
LONGEST_DELAY = 10.0
STEADY_SECONDS = 30.0  # a child that lived this long starts again after the first delay
GRACE_SECONDS = 2.0  # beyond the drain time, before SIGKILL


@dataclass(slots=True)
class Child:
    """One program of the group. `stage`: lower ones stop first, so that the edge drains before what it needs."""

    name: str
    command: Sequence[str]
    stage: int
    environment: Mapping[str, str] = field(default_factory=dict)
    sockets: Sequence[socket.socket] = ()


def die_with_parent() -> Callable[[], None] | None:
    """To be run in a new process before its program: SIGTERM when the one that calls this dies. Linux only.

    The library is found before the fork: between fork and exec only the bare call is safe.
    """
    if sys.platform != "linux":
        return None
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return ask


def listen_on_loopback(avoid: Collection[int] = ()) -> socket.socket:
    """A bound, listening socket on a free loopback port that is none of `avoid`."""
    while True:
        found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        found.bind(("127.0.0.1", 0))
        if found.getsockname()[1] not in avoid:
            found.listen(1024)
            return found
        found.close()


def delay_after(delay: float, lived: float) -> float:
    """Seconds before the next start of a child that lived so long and waited `delay` before."""
    return FIRST_DELAY if lived >= STEADY_SECONDS else min(max(delay * 2, FIRST_DELAY), LONGEST_DELAY)


class Supervisor:
    """Keeps a group of children. `say` gets one sentence for whatever a person should know."""

    def __init__(self, drain_seconds: float, say: Callable[[str], None]) -> None:
        self._drain = drain_seconds
        self._say = say
        self._tasks: dict[asyncio.Task[None], Child] = {}
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._stopping = asyncio.Event()
        self._settled = False
        self._before_program = die_with_parent()
        self.failure = ""  # why the group cannot start; empty while it may

    def start(self, child: Child) -> None:
        self._tasks[asyncio.create_task(self._keep(child), name=child.name)] = child

    def settled(self) -> None:
        """From now on every child that ends is started again."""
        self._settled = True

    def pid(self, name: str) -> int | None:
        process = self._running.get(name)
        return None if process is None else process.pid

    async def _keep(self, child: Child) -> None:
        delay = 0.0
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            began = loop.time()
            ended = await self._once(child)
            if self._stopping.is_set():
                return
            if not self._settled and not ended.startswith("signal"):
                self.failure = f"{child.name} did not start ({ended}); what it said stands above"
                return
            delay = delay_after(delay, loop.time() - began)
            self._say(f"{child.name} ended ({ended}); starting it again in {delay:.1f} s")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay)

    async def _once(self, child: Child) -> str:
        """Run the program once; how it ended, in words."""
        try:
            process = await asyncio.create_subprocess_exec(
                *child.command,
                env={**os.environ, **child.environment},
                pass_fds=[found.fileno() for found in child.sockets],
                stdin=asyncio.subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the supervisor, which stops the children in order
                preexec_fn=self._before_program,
            )
        except OSError as error:
            return error.strerror or str(error)
        self._running[child.name] = process
        if self._stopping.is_set():  # it was asked for before the stop, and came after
            _send(process, signal.SIGTERM)
        status = await process.wait()
        del self._running[child.name]
        return f"signal {-status}" if status < 0 else f"status {status}"

    async def stop(self) -> None:
        """SIGTERM stage by stage; SIGKILL for what has not ended when the drain time is over."""
        self._stopping.set()
        for stage in sorted({child.stage for child in self._tasks.values()}):
            tasks = [task for task, child in self._tasks.items() if child.stage == stage]
            names = [task.get_name() for task in tasks]
            self._signal(names, signal.SIGTERM)
            _, late = await asyncio.wait(tasks, timeout=self._drain + GRACE_SECONDS)
            if late:
                self._signal([task.get_name() for task in late], signal.SIGKILL)
            await asyncio.gather(*tasks)

    def kill(self) -> None:
        """SIGKILL to everything at once; `stop` then has nothing to wait for."""
        self._signal(list(self._running), signal.SIGKILL)

    def _signal(self, names: Sequence[str], number: signal.Signals) -> None:
        for name in names:
            if process := self._running.get(name):
                _send(process, number)


def _send(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)
