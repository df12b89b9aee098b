"""One run: the upstreams, the load, and the candidates of each case, started and stopped again.

A candidate that does not start, or fails under load, is reported and left; the others go on.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import trustme

from tests.bench import upstream
from tests.bench.candidate import Bench, Call, Candidate, Running, Tls
from tests.bench.load import Generator, generator
from tests.bench.machine import Cores, Process
from tests.bench.measure import Failed, Plan

START_ESTIMATE = 3.0  # seconds that a candidate takes to start
MOST_REASON = 400  # characters of a failure in the report; all of it is said while it runs


def say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


class Progress:
    """Lines with the time that is left, as far as one can tell."""

    def __init__(self, planned: float) -> None:
        self._planned = max(planned, 1.0)
        self._done = 0.0
        self._began = time.monotonic()

    def passed(self, seconds: float) -> None:
        """A step without a line of its own is done."""
        self._done += seconds

    def said(self, line: str, seconds: float) -> None:
        """A step that was planned to take so many seconds is done."""
        self._done += seconds
        elapsed = time.monotonic() - self._began
        pace = max(elapsed / max(self._done, 1.0), 0.5)
        left = max(self._planned - self._done, 0.0) * pace
        say(f"[{elapsed / 60:4.1f} min, about {left / 60:.1f} left] {line}")


@dataclass
class Outcome:
    """Of one case: who ran, who is not here, who failed."""

    started: list[tuple[Candidate, Running]] = field(default_factory=list)
    not_measured: list[dict[str, str]] = field(default_factory=list)
    failures: list[Failed] = field(default_factory=list)

    def fails(self, candidate: Candidate, reason: str) -> None:
        short = " ".join(reason.split())[:MOST_REASON]
        self.failures.append(Failed(candidate.id, short))
        say(f"!! {candidate.name}: {reason}")


class Stage:
    """Everything that a case needs besides its candidates; a context that leaves nothing running."""

    def __init__(self, folder: Path, plan: Plan, only: str, progress: Progress) -> None:
        self.folder = folder
        self.plan = plan
        self.progress = progress
        self.cores = Cores.of_this_machine()
        self.load: Generator = generator(folder)
        self.upstream_name = ""
        self._only = re.compile(only)
        self._ports: dict[bool, int] = {}
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Stage:
        for sink, start in ((False, upstream.start), (True, upstream.start_sink)):
            place = self.folder / ("sink" if sink else "upstream")
            name, port, process = start(place, cores=[self.cores.load])
            self._stack.callback(process.stop)
            self._ports[sink] = port
            self.upstream_name = name if not sink else self.upstream_name
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def tls(self) -> Tls:
        """A certificate of the run's own, made at its first use."""
        folder = self.folder / "certificates"
        made = Tls(folder / "certificate.pem", folder / "key.pem", folder / "both.pem")
        if not folder.exists():
            folder.mkdir()
            issued = trustme.CA().issue_cert("localhost", "127.0.0.1")
            issued.private_key_pem.write_to_path(made.key)
            for blob in issued.cert_chain_pems:
                blob.write_to_path(made.certificate, append=True)
            issued.private_key_and_cert_chain_pem.write_to_path(made.both)
        return made

    @contextlib.contextmanager
    def running(
        self, candidates: Sequence[Candidate], name: str, call: Call, *, sink: bool, tls: bool, spread: bool
    ) -> Iterator[Outcome]:
        """Those of the candidates that are wanted and here, started; what each left on disk is removed."""
        outcome = Outcome()
        place = self.folder / name
        place.mkdir()
        cores = self.cores.all if spread else [self.cores.gateway]
        with contextlib.ExitStack() as stack:
            stack.callback(shutil.rmtree, place, ignore_errors=True)
            for candidate in candidates:
                if not self._only.search(candidate.id):
                    continue
                if reason := candidate.missing():
                    outcome.not_measured.append({"candidate": candidate.id, "reason": reason})
                    say(f"!! not measured: {candidate.name}: {reason}")
                    continue
                bench = Bench(
                    place / candidate.id, cores, self._ports[sink], call, self.tls() if tls else None
                )
                bench.folder.mkdir()
                self._start(candidate, bench, outcome, stack)
            yield outcome
            for candidate, running in outcome.started:
                _listen(candidate, running, outcome)

    def _start(
        self, candidate: Candidate, bench: Bench, outcome: Outcome, stack: contextlib.ExitStack
    ) -> None:
        try:
            running = candidate.start(bench)
        except Exception as error:  # whatever one candidate fails by, the others are worth measuring
            outcome.fails(candidate, f"did not start: {type(error).__name__}: {error}")
            return
        for process in running.processes:
            stack.callback(process.stop)
        outcome.started.append((candidate, running))
        self.progress.passed(START_ESTIMATE)


def _listen(candidate: Candidate, running: Running, outcome: Outcome) -> None:
    """A candidate that must be silent and was not has failed, however fast it did so."""
    edges: Sequence[Process] = running.processes if running.silent else ()
    for process in edges:
        if not process.talks and (written := process.written()):
            outcome.fails(candidate, f"complained: {written}")
