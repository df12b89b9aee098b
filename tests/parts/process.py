"""One server process that cannot outlive the test run.

A shell starts the server and then reads from a pipe that only we hold. When we say so, or when we are gone
for whatever reason, kill -9 included, the read ends and the shell stops the server and removes its folder.
"""

from __future__ import annotations

import os
import pwd
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

GUARD = """
"$@" >"$SERVER_LOG" 2>&1 </dev/null &
echo $!
read -r word
{ kill -s "$SERVER_STOP" $!; wait $!; } 2>/dev/null
[ "$word" = keep ] || rm -rf "$SERVER_FOLDER" 2>/dev/null
"""

DEADLINE_S = 60


class DidNotStart(Exception):
    """Its text ends with the server's own log."""


class DidNotEnd(Exception):
    """Something of it runs on."""


class Process:
    """A started server; `pid` is its own, not the shell's."""

    def __init__(self, command: Sequence[str], *, folder: Path, stop: str, user: str | None = None) -> None:
        self._log = folder / "log"
        self._guard = subprocess.Popen(
            ["sh", "-c", GUARD, "sh", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=folder,
            env={
                "PATH": os.environ.get("PATH", os.defpath),
                "LC_ALL": "C",
                "SERVER_LOG": str(self._log),
                "SERVER_STOP": stop,
                "SERVER_FOLDER": str(folder),
            },
            user=user,
            group=None if user is None else primary_group(user),
            extra_groups=None if user is None else [],
            # Ctrl-C in the terminal is for pytest alone; the servers end when it has run its finalisers.
            start_new_session=True,
        )
        assert self._guard.stdout is not None
        self.pid = int(self._guard.stdout.readline())

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Asks until the server answers. Raises `DidNotStart`, at once when the process is gone."""
        deadline = time.monotonic() + DEADLINE_S
        while not ready():
            if not running(self.pid) or time.monotonic() > deadline:
                log = self._log.read_text(errors="replace")[-2000:] if self._log.exists() else ""
                raise DidNotStart(f"the server with process id {self.pid} did not start:\n{log}")
            time.sleep(0.02)

    def signal(self, number: signal.Signals) -> None:
        """SIGSTOP makes it hang, SIGCONT lets it go on, SIGKILL is a crash."""
        os.kill(self.pid, number)

    def children(self) -> list[int]:
        """Processes that it has started, as far as the machine tells."""
        try:
            return [
                int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
            ]
        except FileNotFoundError:
            return []

    def wait_for_the_end_of(self, pids: Sequence[int]) -> None:
        """Those outlive their parent for a moment. Raises `DidNotEnd`."""
        deadline = time.monotonic() + DEADLINE_S
        while left := [pid for pid in pids if running(pid)]:
            if time.monotonic() > deadline:
                raise DidNotEnd(f"processes {left} of the server with process id {self.pid}")
            time.sleep(0.01)

    def end(self, *, keep: bool) -> None:
        """Stops it and waits; its folder is removed unless kept for another start."""
        if self._guard.poll() is None:
            if running(self.pid):
                os.kill(self.pid, signal.SIGCONT)  # one that was made to hang could not end
            self._guard.communicate(b"keep\n" if keep else b"end\n", timeout=DEADLINE_S)


def primary_group(user: str) -> int:
    return pwd.getpwnam(user).pw_gid


def running(pid: int) -> bool:
    """Whether the process lives; one that ended and was not yet waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
