"""`sluss up` as a person starts it: one process with its children, its terminal in a file."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from gateway.settings import environment_of
from tests.gateway.cli.terminal import ROOT
from tests.parts.process import free_port, running

START_SECONDS = 150.0  # on a machine that runs much else
STOP_SECONDS = 60.0


class Instance:
    def __init__(self, folder: Path, **settings: str) -> None:
        folder.mkdir(exist_ok=True)
        self.data = folder / "data"
        self._terminal = folder / "terminal"
        self.port, self.admin_port = free_port(), two_free_ports()
        self.base = f"http://localhost:{self.port}"
        own = {
            "DATA_DIR": str(self.data),
            "PORT": str(self.port),
            "ADMIN_PORT": str(self.admin_port),
            "LISTEN": "127.0.0.1",
            "DRAIN_SECONDS": "5",
        }
        self.environment = environment_of(**{f"SLUSS_{k}": v for k, v in (own | settings).items()})
        self.process: subprocess.Popen[bytes] | None = None

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Another command beside the running one."""
        return subprocess.run(
            [sys.executable, "-m", "gateway", *words],
            env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip

    def begin(self, *words: str) -> Instance:
        with open(self._terminal, "wb") as terminal:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gateway", "up", *words],
                env=self.environment,
                cwd=ROOT,
                stdout=terminal,
                stderr=terminal,
                start_new_session=True,
            )
        return self

    def up(self, *words: str) -> Instance:
        self.begin(*words)
        self.until(lambda: (self.data / "run.json").exists() and "Ctrl-C stops" in self.terminal())
        return self

    def until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not holds():
            assert self.process is not None
            ended = self.process.poll() is not None
            if ended or time.monotonic() > deadline:
                raise AssertionError(f"it did not happen; ended: {ended}\n{self.terminal()}")
            time.sleep(0.05)

    def terminal(self) -> str:
        return self._terminal.read_text(errors="replace")

    def children(self) -> dict[str, int]:
        """Process ids by the word that tells the process: edge, control, worker, backends.eko …"""
        assert self.process is not None
        found: dict[str, int] = {}
        own = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for pid in map(int, own.read_text().split()):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
            if "-m" not in words or not running(pid):
                continue  # not yet the program, or no longer
            module = words[words.index("-m") + 1]
            if module == "gateway" and "serve" not in words:
                continue  # forked and not yet the program: it still shows the words of its parent
            name = words[words.index("serve") + 1] if module == "gateway" else module
            found[name + (words[words.index("--process") + 1] if name == "edge" else "")] = pid
        return found

    def answers(self, path: str = "/oauth2/jwks") -> bool:
        try:
            return httpx.get(self.base + path, timeout=5, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def metric(self, name: str, process: int = 0) -> float:
        page = httpx.get(f"http://127.0.0.1:{self.admin_port + process}/metrics", trust_env=False).text
        return sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if line.startswith(name))

    def demo(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.data / "demo.json").read_text())
        return found

    def token(self, client_id: str, secret: str) -> str:
        answer = httpx.post(
            f"{self.base}/oauth2/token",
            data={"grant_type": "client_credentials"},
            auth=(client_id, secret),
            trust_env=False,
            timeout=30,
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def call(self, path: str, token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.get(self.base + path, headers=headers, trust_env=False, timeout=30).status_code

    def ended(self) -> int:
        """The exit status, once it has come."""
        assert self.process is not None
        return self.process.wait(START_SECONDS)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """The exit status after the signal. Whatever is left is killed, and told."""
        if self.process is None:
            return 0
        if self.process.poll() is not None:
            return self.process.returncode
        pids = list(self.children().values())
        self.process.send_signal(number)
        try:
            status = self.process.wait(STOP_SECONDS)
        finally:
            left = [pid for pid in (self.process.pid, *pids) if running(pid)]
            for pid in left:
                os.kill(pid, signal.SIGKILL)
        assert not left, f"processes {left} outlived the stop\n{self.terminal()}"
        return status


def two_free_ports() -> int:
    """The first of two neighbours, one for each of two edge processes."""
    while True:
        port = free_port()
        with socket.socket() as neighbour:
            try:
                neighbour.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port
