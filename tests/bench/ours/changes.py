"""What a snapshot of many subscriptions costs: to load, to change one of them, and whether callers notice."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.bench.candidate import MIB, Candidate, Running
from tests.bench.machine import cpu_seconds, resident_bytes
from tests.bench.measure import ONE, Plan
from tests.bench.ours.accounts import change_one
from tests.bench.ours.sluss import Sluss
from tests.bench.stage import Stage

BETWEEN = 1.2  # seconds; an edge without Redis asks for the change number each second


def of_candidate(
    stage: Stage, case: str, candidate: Candidate, running: Running, start: float
) -> dict[str, Any]:
    """`start_cpu_seconds` for each; the rest only where others have subscriptions to change."""
    pid = running.processes[-1].pid
    found: dict[str, Any] = {"start_cpu_seconds": start, "resident_mib": resident_bytes([pid]) / MIB}
    if not isinstance(candidate, Sluss) or not candidate.subscriptions:
        return found
    database = f"sqlite:///{_folder(stage, case, candidate) / 'data' / 'sluss.db'}"
    count = 1 if stage.plan.small else 5
    idle = _cpu_over(pid, count * BETWEEN)
    before = cpu_seconds([pid])
    _change(database, count, first=0)
    found["change_cpu_seconds"] = max(cpu_seconds([pid]) - before - idle, 0.0) / count
    quiet = _load(stage, running, stage.plan)
    changer = threading.Thread(target=_change, args=(database, count), kwargs={"first": count})
    changer.start()
    changing = _load(stage, running, stage.plan)
    changer.join()
    found |= {"changes": count, "quiet": quiet, "changing": changing}
    found["resident_after_mib"] = resident_bytes([pid]) / MIB
    stage.progress.said(
        f"changes: {candidate.name}: {found['change_cpu_seconds'] * 1000:.0f} ms CPU each, longest call "
        f"{quiet['max_us'] / 1000:.1f} ms before, {changing['max_us'] / 1000:.1f} ms during",
        count * BETWEEN * 3,
    )
    return found


def _folder(stage: Stage, case: str, candidate: Candidate) -> Path:
    return stage.folder / case / candidate.id


def _cpu_over(pid: int, seconds: float) -> float:
    before = cpu_seconds([pid])
    time.sleep(seconds)
    return cpu_seconds([pid]) - before


def _change(database: str, count: int, first: int) -> None:
    for number in range(first, first + count):
        asyncio.run(change_one(database, number))
        time.sleep(BETWEEN)


def _load(stage: Stage, running: Running, plan: Plan) -> dict[str, Any]:
    seconds = 1 if plan.small else 6
    cores = [stage.cores.load]
    return asdict(stage.load.run(running.target, connections=ONE, seconds=seconds, cores=cores))
