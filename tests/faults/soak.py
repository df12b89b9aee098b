"""F19: `python -m tests.faults.soak SECONDS`, or `make soak ARGS=86400`: load and random faults, and nothing grows.

A platform with PostgreSQL and Redis of its own is called without a pause while its ways are cut, hung and delayed
at random. Every few seconds memory, files, threads and connections of each edge are read. At the end the last
quarter is compared with the second: what leaks shows as growth, what only has to be filled does not.
"""

from __future__ import annotations

import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.faults.scene import Load, Scene
from tests.parts import programs, templates
from tests.parts.postgres_server import PostgresServer
from tests.parts.redis_server import RedisServer

EDGES = 2
EVERY_S = 2.0
CALM_S = 3.0
ALLOWED = {200, 429, 502, 503, 504}
# What may be more at the end than in the second quarter: noise of allocators and pools, not growth.
MORE = {"rss_mib": 12.0, "files": 12.0, "threads": 6.0, "connections": 8.0}


@dataclass(frozen=True)
class Sample:
    rss_mib: float
    files: float
    threads: float
    connections: float


def sample(scene: Scene, number: int) -> Sample:
    pid = scene.processes[f"edge-{number}"].pid
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return Sample(
        int(status["VmRSS"].split()[0]) / 1024,
        len(os.listdir(f"/proc/{pid}/fd")),
        int(status["Threads"]),
        scene.metric("sluss_connections", number) + scene.metric("sluss_upstream_connections", number),
    )


def disturb(scene: Scene, chance: random.Random) -> None:
    """One fault for a while, then a calm."""
    cut = chance.choice([scene.redis, scene.database, scene.upstream])
    faults: list[Callable[[], None]] = [cut.hang, cut.refuse, cut.reset, cut.swallow_answers]
    faults += [partial(cut.delay, 0.05), partial(cut.cut_after, 100)]
    chance.choice(faults)()
    time.sleep(chance.random() * 2)
    cut.flow()
    cut.reset()
    time.sleep(CALM_S * chance.random())


def soak(seconds: float, folder: Path, seed: int = 19) -> dict[str, dict[str, tuple[float, float]]]:
    """Runs it; for each edge and figure its level in the second and in the last quarter. AssertionError for growth."""
    chance = random.Random(seed)
    with ExitStack() as stack:
        postgres = PostgresServer(programs.preferred(programs.postgres(), programs.POSTGRES_ADVICE))
        stack.callback(postgres.remove)
        postgres.start()
        redis = RedisServer(programs.preferred(programs.redis(), programs.REDIS_ADVICE))
        stack.callback(redis.remove)
        redis.start()
        url = stack.enter_context(templates.postgres_empty(postgres.url))
        templates.upgrade(url)
        scene = Scene(folder, url, redis.url, EDGES, cut_database=True)
        stack.callback(scene.close)
        scene.start(control=True)
        token = scene.token(scene.client(plan="leverantor"), life=int(seconds) + 600)
        loads = [Load(port, "/eko/v1/echo", token, 3, fresh=1) for port in scene.ports]
        samples: list[list[Sample]] = []
        until = time.monotonic() + seconds
        for load in loads:
            stack.enter_context(load.running())
        read_at = 0.0
        while time.monotonic() < until:
            disturb(scene, chance)
            if time.monotonic() >= read_at:
                samples.append([sample(scene, number) for number in range(EDGES)])
                read_at = time.monotonic() + EVERY_S
        for number, load in enumerate(loads):
            assert load.statuses.keys() <= ALLOWED, load.statuses
            assert not load.lost, load.lost
            scene.until_state("ready", number)
            assert "Traceback" not in scene.log(f"edge-{number}"), scene.log(f"edge-{number}")
            assert scene.processes[f"edge-{number}"].poll() is None
        scene.processes["edge-0"].send_signal(signal.SIGTERM)
        assert scene.processes.pop("edge-0").wait(60) == 0
        return compared(samples)


def compared(samples: list[list[Sample]]) -> dict[str, dict[str, tuple[float, float]]]:
    quarter = max(1, len(samples) // 4)
    found: dict[str, dict[str, tuple[float, float]]] = {}
    for number in range(EDGES):
        figures = found[f"edge-{number}"] = {}
        for name, more in MORE.items():
            second, last = (
                statistics.median(getattr(each[number], name) for each in part)
                for part in (samples[quarter : 2 * quarter] or samples, samples[-quarter:])
            )
            figures[name] = (second, last)
            assert last <= second + more, f"edge-{number}: {name} grew from {second:.1f} to {last:.1f}"
    return found


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    with tempfile.TemporaryDirectory(prefix="sluss-soak-") as folder:
        for edge, figures in soak(seconds, Path(folder), seed=time.time_ns()).items():
            for name, (second, last) in figures.items():
                sys.stdout.write(
                    f"{edge} {name}: {second:.1f} in the second quarter, {last:.1f} in the last\n"
                )


if __name__ == "__main__":
    main()
