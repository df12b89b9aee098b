"""A Redis of our own, which can be stopped, killed, made to hang and started again on the same port."""

from __future__ import annotations

import signal
import tempfile
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import redis

from tests.parts.process import Process, free_port
from tests.parts.programs import Programs


def own_database(url: str, worker: str) -> str:
    """A logical database for each of the suite's processes on a Redis that was named; the first keeps the named one."""
    number = int(worker.removeprefix("gw") or 0)
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{int(parts.path.strip('/') or 0) + number}"))


class RedisServer:
    """Keeps nothing on disk: started again it is empty."""

    def __init__(self, programs: Programs) -> None:
        self._program = programs.folder / "redis-server"
        self.folder = Path(tempfile.mkdtemp(prefix="sluss-redis-"))
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: Process | None = None

    def start(self) -> None:
        options = {"bind": "127.0.0.1", "port": self.port, "dir": self.folder, "appendonly": "no"}
        command = [str(self._program), "--save", ""]
        for name, value in options.items():
            command += [f"--{name}", str(value)]
        self._process = Process(command, folder=self.folder, stop="TERM")
        self._process.wait_until(self.answers)

    def stop(self) -> None:
        """An orderly end; `start` begins again, empty."""
        self._running().end(keep=True)

    def kill(self) -> None:
        """A crash: open connections are reset, nothing is said."""
        process = self._running()
        process.signal(signal.SIGKILL)
        process.end(keep=True)

    def hang(self) -> None:
        """Connections stay open and nothing answers, until `resume`."""
        self._running().signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._running().signal(signal.SIGCONT)

    def remove(self) -> None:
        """Ends it for good."""
        if self._process is not None:
            self._process.end(keep=False)

    def answers(self) -> bool:
        return answers(self.url)

    def _running(self) -> Process:
        assert self._process is not None, "start it first"
        return self._process


def answers(url: str) -> bool:
    with redis.Redis.from_url(url, socket_timeout=5) as client:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False


def flush(url: str) -> None:
    """Empties the logical database that the URL names."""
    with redis.Redis.from_url(url, socket_timeout=5) as client:
        client.flushdb()
