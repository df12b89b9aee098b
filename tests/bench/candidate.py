"""What can be measured: a thing that can be started in front of the upstream and spoken to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tests.bench.machine import Process

API = "bench-100"
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked of every candidate of a case: the unit names the answer, a size the request's body."""

    unit: str = "42"
    method: str = "GET"
    body_bytes: int = 0

    @property
    def path(self) -> str:
        """The same for all; the upstream looks at its last segment only."""
        return f"/{API}/v1/units/{self.unit}"


@dataclass(frozen=True, slots=True)
class Tls:
    """A certificate for localhost and its key, as files."""

    certificate: Path
    key: Path
    both: Path  # in one file, as HAProxy wants it


@dataclass(frozen=True, slots=True)
class Bench:
    """Where a candidate runs: its cores, a folder of its own, the upstream it passes calls to, the call."""

    folder: Path
    cores: Sequence[int]
    upstream_port: int
    call: Call
    tls: Tls | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """One request that the load repeats."""

    port: int
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "GET"
    body_bytes: int = 0
    tls: bool = False

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}{self.path}"


@dataclass(frozen=True, slots=True)
class Running:
    """Started: what to ask, and the processes that are the candidate (none: the upstream itself)."""

    target: Target
    processes: tuple[Process, ...] = ()
    silent: bool = False  # whatever it writes is a fault, and the run fails


def target_of(bench: Bench, port: int, headers: Mapping[str, str]) -> Target:
    call = bench.call
    return Target(port, call.path, headers, call.method, call.body_bytes, bench.tls is not None)


class Candidate(Protocol):
    @property
    def id(self) -> str:
        """Stable: the name in the JSON. The portal's page has words for each in both languages."""

    @property
    def name(self) -> str:
        """Short and unique; the row's name."""

    @property
    def does(self) -> str:
        """What it does for each call, in a few words."""

    def missing(self) -> str | None:
        """Why it cannot be measured here and what to install, or None."""

    def version(self) -> str: ...

    def start(self, bench: Bench) -> Running:
        """Start it and return when it listens. Raises machine.NotStarted."""
