"""Rounds: every candidate in turn, again and again, so that a machine that slows down slows all of them.

With many connections the candidate has a core of its own, and load and upstream the other. With one connection
the three only ever take turns, and on two cores the figure would be what it costs to wake an idle core (on a
virtual machine more than the proxy's own work); there all of them share the load's core. A candidate of two
processes has both cores, like everything else then.

Owns the order and the figures of one run; knows neither how candidates are made nor how a table looks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tests.bench.candidate import Candidate, Running
from tests.bench.load import Generator, Load, LoadFailed
from tests.bench.machine import Cores, cpu_seconds, family, move, resident_bytes

MANY = 64
ONE = 1
WARM_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Sample:
    """One candidate in one round with one number of connections."""

    candidate: str  # its id
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
        """Share of a core that the candidate used; above 1 with several processes."""
        return None if self.cpu_seconds is None else self.cpu_seconds / self.load.seconds


@dataclass(frozen=True, slots=True)
class Plan:
    rounds: int
    seconds: int
    small: bool = False  # does everything run? Nothing is worth quoting


@dataclass(frozen=True, slots=True)
class Stand:
    """What measures: the load and the cores. `spread`: everything may run on every core."""

    generator: Generator
    cores: Cores
    spread: bool = False

    def warm(self, running: Running, connections: int) -> Load:
        return self.generator.run(
            running.target, connections=connections, seconds=WARM_SECONDS, cores=self._load_cores
        )

    def sample(self, name: str, running: Running, number: int, connections: int, seconds: int) -> Sample:
        pids = [pid for process in running.processes for pid in family(process.pid)]
        if not self.spread:
            move(pids, [self.cores.load if connections == ONE else self.cores.gateway])
        before = cpu_seconds(pids)
        load = self.generator.run(
            running.target, connections=connections, seconds=seconds, cores=self._load_cores
        )
        if not pids:
            return Sample(name, number, connections, load, None, None)
        return Sample(name, number, connections, load, cpu_seconds(pids) - before, resident_bytes(pids))

    @property
    def _load_cores(self) -> Sequence[int]:
        return self.cores.all if self.spread else [self.cores.load]


@dataclass(frozen=True, slots=True)
class Failed:
    """A candidate that could not be measured to its end, and why. The others go on."""

    candidate: str
    reason: str


def rounds(
    started: Sequence[tuple[Candidate, Running]],
    stand: Stand,
    plan: Plan,
    connections: Sequence[int],
    said: Callable[[str, float], None],
) -> Iterator[Sample | Failed]:
    """Warm each once, then measure. The order turns each round: none always follows the same one.

    `said` gets a line and the seconds of load that it stands for. Who fails once is not asked again.
    """
    failed: set[str] = set()
    for candidate, running in started:
        try:
            load = stand.warm(running, connections[0])
        except LoadFailed as error:
            failed.add(candidate.id)
            yield Failed(candidate.id, str(error))
            continue
        said(f"warm: {candidate.name}: {load.per_second:,.0f}/s, {load.errors} errors", WARM_SECONDS)
    for number in range(plan.rounds):
        turn = number % max(len(started), 1)
        for candidate, running in (*started[turn:], *started[:turn]):
            for count in connections:
                if candidate.id in failed:
                    continue
                try:
                    sample = stand.sample(candidate.id, running, number, count, plan.seconds)
                except LoadFailed as error:
                    failed.add(candidate.id)
                    yield Failed(candidate.id, str(error))
                    continue
                wrong = f", {sample.load.errors} ERRORS" if sample.load.errors else ""
                said(
                    f"round {number + 1}/{plan.rounds}: {candidate.name}, {count} connections: "
                    f"{sample.load.per_second:,.0f}/s{wrong}",
                    plan.seconds,
                )
                yield sample
