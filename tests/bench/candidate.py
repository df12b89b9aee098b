"""What can be measured: a thing that can be started in front of the upstream and spoken to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tests.bench.machine import Process


@dataclass(frozen=True, slots=True)
class Bench:
    """Where a candidate runs: its core, a folder of its own, and the upstream it passes calls to."""

    folder: Path
    core: int
    upstream_port: int


@dataclass(frozen=True, slots=True)
class Target:
    """One request that the load repeats."""

    port: int
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.path}"


@dataclass(frozen=True, slots=True)
class Running:
    target: Target
    process: Process | None  # None: nothing stands between, the upstream itself
    silent: bool = False  # whatever it writes is a fault, and the run fails


class Candidate(Protocol):
    @property
    def name(self) -> str:
        """Short and unique; the row's name."""

    @property
    def does(self) -> str:
        """What it does for each call, in a few words."""

    def missing(self) -> str | None:
        """Why it cannot be measured here, or None."""

    def version(self) -> str: ...

    def start(self, bench: Bench) -> Running:
        """Start it and return when it listens. Raises machine.NotStarted."""
