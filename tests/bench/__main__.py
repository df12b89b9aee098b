"""`python -m tests.bench`: measure Sluss and its peers side by side in one run.

The candidate has one core, load and upstream another. A whole run writes bench-results/last.json and last.md,
which are kept with the source and which the portal's page on speed is made from; any other run writes
partial.json and partial.md. Exit status 1 when a candidate that is here did not start or answered with errors.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.bench import memory, report, upstream
from tests.bench.cases import CASES, IDS, MEMORY, Case, Kit, chosen
from tests.bench.load import LoadFailed
from tests.bench.machine import NotStarted, processor
from tests.bench.measure import Failed, Plan, Sample, Stand, rounds
from tests.bench.ours import changes
from tests.bench.ours.sluss import start_cpu
from tests.bench.stage import Progress, Stage, say
from tests.bench.tokens import sign

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "bench-results"
MOST_BUSY = 0.5  # load average above which figures are not worth quoting
DEFAULT = Plan(rounds=3, seconds=3)
QUICK = Plan(rounds=1, seconds=1, small=True)


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__)
    parser.add_argument("--rounds", type=int, default=DEFAULT.rounds, choices=range(1, 21), metavar="1-20")
    parser.add_argument("--seconds", type=int, default=DEFAULT.seconds, choices=range(1, 61), metavar="1-60")
    parser.add_argument(
        "--quick", action="store_true", help="one round of one second, small: does everything run?"
    )
    parser.add_argument("--only", default="", help="regular expression on the candidates' ids")
    parser.add_argument("--cases", default="", help=f"comma-separated: {', '.join(IDS)}")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the results")
    given = parser.parse_args(words)
    try:
        given.cases = chosen(given.cases)
    except ValueError as error:
        parser.error(str(error))
    return given


def facts(stage: Stage, busy: float) -> dict[str, str]:
    disturbed = " – OTHERS WORKED HERE: read CPU per call, quote nothing" if busy > MOST_BUSY else ""
    cores = stage.cores
    shared = " (ONE CORE FOR ALL: figures mean little)" if cores.shared else ""
    return {
        "machine": f"{processor()}, {len(cores.all)} cores, {platform.system()} {platform.release()}",
        "Python": f"{platform.python_version()} ({' '.join(platform.python_build())})",
        "Sluss": version("sluss"),
        "cores": f"candidate on {cores.gateway}, load and upstream on {cores.load}{shared}",
        "one connection": f"all of them on {cores.load}",
        "load average before": f"{busy:.2f}{disturbed}",
        "load": stage.load.name,
        "upstream": f"{stage.upstream_name}, {upstream.BODY_BYTES} bytes of JSON",
        "rounds": f"{stage.plan.rounds} of {stage.plan.seconds} s, interleaved",
    }


def measure(stage: Stage, case: Case, kit: Kit) -> dict[str, Any]:
    """One case from start to end, as it stands in the JSON."""
    samples: list[Sample] = []
    failures: list[Failed] = []
    extra: dict[str, dict[str, Any]] = {}
    with stage.running(
        case.candidates(kit), case.id, case.call, sink=case.sink, tls=case.tls, spread=case.spread
    ) as outcome:
        starts = {candidate.id: start_cpu(running) for candidate, running in outcome.started if case.snapshot}
        stand = Stand(stage.load, stage.cores, case.spread)
        for found in rounds(outcome.started, stand, stage.plan, case.connections, stage.progress.said):
            if isinstance(found, Failed):
                failures.append(found)
                say(f"!! {found.candidate}: {found.reason}")
            else:
                samples.append(found)
        if case.snapshot:
            for candidate, running in outcome.started:
                try:
                    extra[candidate.id] = changes.of_candidate(
                        stage, case.id, candidate, running, starts[candidate.id]
                    )
                except LoadFailed as error:
                    failures.append(Failed(candidate.id, str(error)))
    measured = [
        (candidate, candidate.version())
        for candidate, _ in outcome.started
        if any(sample.candidate == candidate.id for sample in samples)
    ]
    made = report.case_of(case, measured, samples, outcome.not_measured, [*outcome.failures, *failures])
    for row in made["rows"]:
        if row["candidate"] in extra:
            row["snapshot"] = extra[row["candidate"]]
    return made


def run(plan: Plan, names: Sequence[str], only: str, folder: Path) -> dict[str, Any]:
    """The whole comparison as it is written; Ctrl-C ends it with what there is so far."""
    busy = os.getloadavg()[0]  # cores' worth of other work in the last minute, before anything is started
    kit = Kit(sign("ES256", folder), sign("RS256", folder), plan.small)
    wanted = [case for case in CASES if case.id in names]
    planned = sum(case.seconds(kit, plan, only) for case in wanted) + (
        memory.ESTIMATE if MEMORY in names else 0
    )
    made: list[dict[str, Any]] = []
    interrupted = False
    with ExitStack() as stack:
        stage = stack.enter_context(Stage(folder, plan, only, Progress(planned)))
        try:
            for case in wanted:
                say(f"== {case.title} ({case.id})")
                made.append(measure(stage, case, kit))
            if MEMORY in names:
                say(f"== one body of 1 GiB ({MEMORY})")
                made.append(memory.run(stage, kit))
        except KeyboardInterrupt:
            interrupted = True
            say("!! stopped; what was measured is written")
        known = facts(stage, busy)
    full = not (plan.small or only or interrupted or len(names) < len(IDS))
    return report.run_of(
        made, known, when=datetime.now(UTC).isoformat(timespec="seconds"), full=full,
        rounds=plan.rounds, seconds=plan.seconds,
    )  # fmt: skip


def failed(found: dict[str, Any]) -> bool:
    """Nothing measured, a candidate that is here and could not be measured, or wrong answers."""
    return (
        not any(case["rows"] for case in found["cases"])
        or any(case["failures"] for case in found["cases"])
        or any(row.get("errors") for case in found["cases"] for row in case["rows"])
    )


def main() -> int:
    given = arguments()
    plan = QUICK if given.quick else Plan(given.rounds, given.seconds)
    with tempfile.TemporaryDirectory(prefix="sluss-bench-") as folder:
        try:
            found = run(plan, given.cases, given.only, Path(folder))
        except (LoadFailed, NotStarted) as error:
            say(f"!! {error}")
            return 1
    given.results.mkdir(exist_ok=True)
    stem = given.results / ("last" if found["full"] else "partial")
    table = report.markdown(found)
    stem.with_suffix(".md").write_text(table, encoding="utf-8")
    stem.with_suffix(".json").write_text(
        json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    sys.stdout.write(table)
    sys.stdout.flush()
    say(f"Written: {stem}.md and .json")
    return 1 if failed(found) else 0


if __name__ == "__main__":
    sys.exit(main())
