"""One body of 1 GiB down and one up: does the memory stay as it was?"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tests.bench.candidate import MIB, Call, Candidate, Running
from tests.bench.cases import MEMORY, Kit
from tests.bench.load import LoadFailed
from tests.bench.machine import cpu_seconds, family, pinned, resident_bytes
from tests.bench.ours.sluss import Sluss
from tests.bench.peers.servers import Nginx
from tests.bench.stage import Stage

WHOLE = 1024 * MIB
LITTLE = 64 * MIB
PATIENCE = 120.0
LOOK_SECONDS = 0.02
ESTIMATE = 30.0


@dataclass(frozen=True, slots=True)
class Moved:
    """One body's way through a candidate."""

    mib: float
    seconds: float
    before_mib: float
    peak_mib: float
    cpu_seconds: float


def candidates(kit: Kit) -> list[Candidate]:
    return [Nginx(kit.elliptic), Sluss()]


def run(stage: Stage, kit: Kit) -> dict[str, Any]:
    """The case as it stands in the JSON."""
    rows: dict[str, dict[str, Any]] = {}
    failures: list[dict[str, str]] = []
    missing: list[dict[str, str]] = []
    up_size = LITTLE if kit.small else WHOLE
    ways = (("down", Call("mib10" if kit.small else "gib1"), 10 * MIB if kit.small else WHOLE),
            ("up", Call("42", "POST"), up_size))  # fmt: skip
    for way, call, size in ways:
        with stage.running(
            candidates(kit), f"{MEMORY}-{way}", call, sink=way == "up", tls=False, spread=False
        ) as outcome:
            for candidate, running in outcome.started:
                row = rows.setdefault(
                    candidate.id, {"candidate": candidate.id, "version": candidate.version()}
                )
                try:
                    moved = _move(running, size, [stage.cores.load])
                except LoadFailed as error:
                    outcome.fails(candidate, str(error))
                    continue
                row[way] = asdict(moved)
                stage.progress.said(
                    f"memory: {candidate.name}, {size // MIB} MiB {way}: {moved.before_mib:.0f} MiB before, "
                    f"{moved.peak_mib:.0f} at most",
                    ESTIMATE / 4,
                )
        failures += [asdict(failed) for failed in outcome.failures]
        missing = outcome.not_measured
    return {
        "id": MEMORY, "title": "one body of 1 GiB", "base": "", "rows": list(rows.values()),
        "not_measured": missing, "failures": failures, "samples": [],
    }  # fmt: skip


def _move(running: Running, size: int, cores: Sequence[int]) -> Moved:
    target = running.target
    order = {
        "port": target.port, "path": target.path, "headers": dict(target.headers), "method": target.method,
        "size": size, "timeout": PATIENCE,
    }  # fmt: skip
    pids = [pid for process in running.processes for pid in family(process.pid)]
    before = peak = resident_bytes(pids)
    used = cpu_seconds(pids)
    with pinned(cores):
        mover = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.programs.mover", json.dumps(order)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    end = time.monotonic() + PATIENCE
    try:
        while mover.poll() is None and time.monotonic() < end:
            peak = max(peak, resident_bytes(pids))
            time.sleep(LOOK_SECONDS)
    finally:
        mover.kill()
    said, complaint = mover.communicate()
    for line in said.splitlines():
        if line.startswith("RESULT "):
            seconds = float(json.loads(line.removeprefix("RESULT "))["seconds"])
            return Moved(size / MIB, seconds, before / MIB, peak / MIB, cpu_seconds(pids) - used)
    raise LoadFailed(f"the body did not arrive whole: {complaint[-500:]}")
