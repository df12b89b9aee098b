"""Rounds: every candidate in turn, again and again, so that a machine that slows down slows all of them.

With many connections the candidate has a core of its own, and load and upstream the other. With one connection
the three only ever take turns, and on two cores the figure would be what it costs to wake an idle core (on a
virtual machine more than the proxy's own work); there all of them share the load's core.

Owns the order and the figures of one run; knows neither how candidates are made nor how a table looks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tests.bench.candidate import Candidate, Running
from tests.bench.load import Generator, Load
from tests.bench.machine import Cores, cpu_seconds, family, move, resident_bytes

MANY = 64
ONE = 1
WARM_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Sample:
    """One candidate in one round with one number of connections."""

    candidate: str
    round: int
    connections: int
    load: Load
    cpu_seconds: float | None  # of the candidate's processes; None where nothing stands between
    resident_bytes: int | None

    @property
    def cpu_us(self) -> float | None:
        """CPU time per request in microseconds."""
        if self.cpu_seconds is None or not self.load.requests:
            return None
        return self.cpu_seconds / self.load.requests * 1e6

    @property
    def busy(self) -> float | None:
        """Share of its core that the candidate used."""
        return None if self.cpu_seconds is None else self.cpu_seconds / self.load.seconds


@dataclass(frozen=True, slots=True)
class Plan:
    rounds: int
    seconds: int
    connections: Sequence[int] = (MANY, ONE)


@dataclass(frozen=True, slots=True)
class Stand:
    """What measures: the load and the cores."""

    generator: Generator
    cores: Cores

    def warm(self, running: Running) -> Load:
        return self.generator.run(running.target, connections=MANY, seconds=WARM_SECONDS)

    def sample(self, name: str, running: Running, number: int, connections: int, seconds: int) -> Sample:
        pids = family(running.process.pid) if running.process else []
        move(pids, self.cores.load if connections == ONE else self.cores.gateway)
        before = cpu_seconds(pids)
        load = self.generator.run(running.target, connections=connections, seconds=seconds)
        if not pids:
            return Sample(name, number, connections, load, None, None)
        return Sample(name, number, connections, load, cpu_seconds(pids) - before, resident_bytes(pids))


def rounds(
    started: Sequence[tuple[Candidate, Running]],
    stand: Stand,
    plan: Plan,
    say: Callable[[str], None],
) -> Iterator[Sample]:
    """Warm each once, then measure. The order turns each round: none always follows the same one."""
    for candidate, running in started:
        load = stand.warm(running)
        say(f"warm: {candidate.name}: {load.per_second:,.0f}/s, {load.errors} errors")
    for number in range(plan.rounds):
        turn = number % len(started)
        for candidate, running in (*started[turn:], *started[:turn]):
            for connections in plan.connections:
                sample = stand.sample(candidate.name, running, number, connections, plan.seconds)
                say(
                    f"round {number + 1}/{plan.rounds}: {candidate.name}, {connections} connections: "
                    f"{sample.load.per_second:,.0f}/s"
                    + (f", {sample.load.errors} ERRORS" if sample.load.errors else "")
                )
                yield sample
