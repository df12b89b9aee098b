"""The load: a fixed number of connections, each sending its next request when the last is answered.

wrk where it is found, else `tests.bench.programs.load_generator`. Both give the same figures; the report says which.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.bench.candidate import Target
from tests.bench.machine import find_program, pinned

# wrk calls `done` once, after the run: nothing here costs time while it measures.
WRK_REPORT = """\
done = function(summary, latency, requests)
  local e = summary.errors
  print(string.format(
    'RESULT {"requests": %d, "seconds": %.6f, "errors": %d, "p50_us": %.1f, "p99_us": %.1f, "max_us": %.1f}',
    summary.requests, summary.duration / 1e6, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(99), latency.max))
end
"""


class LoadFailed(Exception):
    """The load could not run, or no call was answered."""


@dataclass(frozen=True, slots=True)
class Load:
    requests: int
    seconds: float
    errors: int
    p50_us: float
    p99_us: float
    max_us: float

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


class Generator(Protocol):
    @property
    def name(self) -> str: ...

    def run(self, target: Target, *, connections: int, seconds: int, cores: Sequence[int]) -> Load:
        """Raises LoadFailed."""


def _run(command: Sequence[str], cores: Sequence[int], seconds: int) -> Load:
    with pinned(cores):
        try:
            finished = subprocess.run(
                command, capture_output=True, text=True, timeout=seconds + 30, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise LoadFailed(f"{command[0]} did not end within {seconds + 30} s") from error
    for line in finished.stdout.splitlines():
        if line.startswith("RESULT "):
            load = Load(**json.loads(line.removeprefix("RESULT ")))
            if load.requests:
                return load
    raise LoadFailed(f"{command[0]} measured nothing: {finished.stdout[-500:]}{finished.stderr[-1000:]}")


class Wrk:
    name = "wrk"

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder

    def run(self, target: Target, *, connections: int, seconds: int, cores: Sequence[int]) -> Load:
        headers = [part for name, value in target.headers.items() for part in ("-H", f"{name}: {value}")]
        command = [
            self._program, "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s",
            "-s", str(self._script(target)), *headers, target.url,
        ]  # fmt: skip
        return _run(command, cores, seconds)

    def _script(self, target: Target) -> Path:
        script = self._folder / f"{target.method}-{target.body_bytes}.lua"
        if not script.exists():
            request = f'wrk.method = "{target.method}"\n'
            if target.body_bytes:
                request += f'wrk.body = string.rep("x", {target.body_bytes})\n'
            script.write_text(request + WRK_REPORT, encoding="utf-8")
        return script


class OwnGenerator:
    name = "tests.bench.programs.load_generator"

    def run(self, target: Target, *, connections: int, seconds: int, cores: Sequence[int]) -> Load:
        order = {
            "port": target.port,
            "path": target.path,
            "headers": dict(target.headers),
            "method": target.method,
            "body_bytes": target.body_bytes,
            "tls": target.tls,
            "connections": connections,
            "seconds": seconds,
        }
        command = [sys.executable, "-m", "tests.bench.programs.load_generator", json.dumps(order)]
        return _run(command, cores, seconds)


def generator(folder: Path) -> Generator:
    program = find_program("wrk")
    return Wrk(program, folder) if program else OwnGenerator()
