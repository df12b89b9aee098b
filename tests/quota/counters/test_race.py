"""200 simultaneous calls from two processes against a limit of 50: exactly 50 pass, and no remaining repeats
(L1).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.quota.counters.racer import LIMIT

ROOT = Path(__file__).resolve().parents[3]


def racer(url: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.quota.counters.racer", url, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
    )


@pytest.mark.redis
def test_exactly_the_limit_passes_over_two_processes(redis_url: str, tmp_path: Path) -> None:
    racers = [racer(redis_url, tmp_path / name) for name in ("one", "two")]
    try:
        for each in racers:
            assert each.stdout is not None
            assert each.stdout.readline() == "ready\n"
        for round_ in range(20):
            for each in racers:
                assert each.stdin is not None
                each.stdin.write(f"sub_{round_}\n")
                each.stdin.flush()
            left: list[int] = []
            for each in racers:
                assert each.stdout is not None
                passed, *days_left = map(int, each.stdout.readline().split())
                assert passed == len(days_left)
                left += days_left
            assert sorted(left) == list(range(LIMIT))
    finally:
        for each in racers:
            each.communicate(timeout=10)
