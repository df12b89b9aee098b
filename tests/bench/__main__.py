"""`python -m tests.bench`: measure Sluss and its peers side by side in one run.

The candidate has one core, load and upstream another. Writes a table and JSON to bench-results/ and prints
the table. Exit status 1 when a candidate that is here did not start or answered with errors.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.bench import report, upstream
from tests.bench.candidate import Bench, Candidate, Running
from tests.bench.load import LoadFailed, generator
from tests.bench.machine import Cores, NotStarted, processor
from tests.bench.measure import Plan, Sample, Stand, rounds
from tests.bench.peers import Direct, Haproxy, Nginx, StarletteHttpx, Traefik
from tests.bench.sluss import Sluss
from tests.bench.tokens import sign

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "bench-results"
MOST_BUSY = 0.5  # load average above which figures are not worth quoting
QUICK = Plan(rounds=1, seconds=1)


def say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def candidates(folder: Path) -> list[Candidate]:
    rsa, elliptic = sign("RS256", folder), sign("ES256", folder)
    return [
        Direct(elliptic),
        Nginx(elliptic),
        Sluss(),
        Haproxy(elliptic, verifies=False),
        Haproxy(rsa, verifies=True),
        Haproxy(elliptic, verifies=True),
        Traefik(elliptic),
        StarletteHttpx(elliptic),
    ]


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, choices=range(1, 21), metavar="1-20")
    parser.add_argument("--seconds", type=int, default=3, choices=range(1, 61), metavar="1-60")
    parser.add_argument("--quick", action="store_true", help="one round of one second: does everything run?")
    parser.add_argument("--only", default="", help="regular expression on the candidates' names")
    return parser.parse_args(words)


class Session:
    """The candidates that are here, started; the others with the reason why not."""

    def __init__(self, folder: Path, cores: Cores) -> None:
        self._folder = folder
        self._cores = cores
        self.started: list[tuple[Candidate, Running]] = []
        self.absent: list[str] = []
        self.failed = False

    @contextlib.contextmanager
    def running(self, wanted: Sequence[Candidate], upstream_port: int) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            for candidate in wanted:
                if reason := candidate.missing():
                    self._absent(f"{candidate.name}: {reason}")
                    continue
                folder = self._folder / re.sub(r"\W+", "-", candidate.name.lower())
                folder.mkdir()
                try:
                    running = candidate.start(Bench(folder, self._cores.gateway, upstream_port))
                except NotStarted as error:
                    self.failed = True
                    say(str(error))
                    self._absent(f"{candidate.name}: it did not start")
                    continue
                if running.process:
                    stack.callback(running.process.stop)
                self.started.append((candidate, running))
            yield

    def listen(self) -> None:
        """A candidate that must be silent and was not has failed, however fast it did so."""
        for candidate, running in self.started:
            if running.silent and running.process and (written := running.process.written()):
                self.failed = True
                say(f"!! {candidate.name} complained: {written}")

    def _absent(self, reason: str) -> None:
        self.absent.append(reason)
        say(f"!! not measured: {reason}")


def busy_before() -> float:
    """Cores' worth of other work in the last minute; called before anything is started."""
    return os.getloadavg()[0]


def facts(plan: Plan, cores: Cores, upstream_name: str, load_name: str, busy: float) -> dict[str, str]:
    disturbed = " – OTHERS WORKED HERE: read CPU per call, quote nothing" if busy > MOST_BUSY else ""
    shared = " (ONE CORE FOR ALL: figures mean little)" if cores.shared else ""
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{processor()}, {platform.system()} {platform.release()}",
        "Python": f"{platform.python_version()} ({' '.join(platform.python_build())})",
        "cores": f"candidate on {cores.gateway}, load and upstream on {cores.load}{shared}",
        "one connection": f"all of them on {cores.load}",
        "load average before": f"{busy:.2f}{disturbed}",
        "load": f"{load_name}, {' and '.join(map(str, plan.connections))} connections",
        "upstream": f"{upstream_name}, {upstream.BODY_BYTES} bytes of JSON",
        "rounds": f"{plan.rounds} of {plan.seconds} s, interleaved",
    }


def measure(plan: Plan, only: str, folder: Path) -> tuple[str, dict[str, object], bool]:
    """Table, JSON and whether something that should run did not."""
    cores, busy = Cores.of_this_machine(), busy_before()
    name, port, process = upstream.start(folder / "upstream", core=cores.load)
    with contextlib.ExitStack() as stack:
        stack.callback(process.stop)
        load = generator(folder, cores.load)
        wanted = [c for c in candidates(folder) if re.search(only, c.name)]
        session = Session(folder, cores)
        samples: list[Sample] = []
        with session.running(wanted, port):
            if session.started:
                samples.extend(rounds(session.started, Stand(load, cores), plan, say))
                session.listen()
        rows = [report.row(samples, c.name, c.does, c.version()) for c, _ in session.started]
        known = facts(plan, cores, name, load.name, busy)
        failed = session.failed or not rows or any(row.errors for row in rows)
        return (
            report.markdown(rows, samples, known, session.absent),
            report.as_json(rows, samples, known, session.absent),
            failed,
        )


def main() -> int:
    given = arguments()
    plan = QUICK if given.quick else Plan(given.rounds, given.seconds)
    with tempfile.TemporaryDirectory(prefix="sluss-bench-") as folder:
        try:
            table, figures, failed = measure(plan, given.only, Path(folder))
        except LoadFailed as error:
            say(f"!! {error}")
            return 1
    RESULTS.mkdir(exist_ok=True)
    stem = RESULTS / f"side-by-side-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    stem.with_suffix(".md").write_text(table, encoding="utf-8")
    stem.with_suffix(".json").write_text(json.dumps(figures, indent=2, ensure_ascii=False), encoding="utf-8")
    sys.stdout.write(table)
    sys.stdout.flush()
    say(f"Written: {stem.relative_to(ROOT)}.md and .json")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
