"""kill -9 at any moment: nothing that was acknowledged is lost, and what was half done is whole again (L8)."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from quota.counters.memory import MemoryCounters
from quota.counters.protocol import Decision, Outcome
from tests.quota.counters.taker import UNITS
from tests.quota.stage import Sum, Time, ask, key, limits, summed, token

ROOT = Path(__file__).resolve().parents[3]
UNLIMITED = limits(requests=0, per_day=10**9, per_month=10**9)


async def used(counters: MemoryCounters) -> tuple[int, int]:
    """Units of the day and of the month, by asking with no units."""
    answer = await ask(counters, UNLIMITED, units=0, operation="other")
    counters.give_back(token(answer))
    return 10**9 - answer.day_left, 10**9 - answer.month_left


async def test_sigkill_in_the_middle_of_taking_loses_nothing(tmp_path: Path) -> None:
    kept = returned = 0
    for round_ in range(6):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.quota.counters.taker", str(tmp_path)],
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
        )
        assert process.stdout is not None
        acknowledged = process.stdout.read(random.Random(round_).randint(1, 4000))
        process.send_signal(signal.SIGKILL)
        acknowledged += process.stdout.read()
        process.stdout.close()
        process.wait()
        kept += acknowledged.count(b"k")
        returned += acknowledged.count(b"b")

        counters = MemoryCounters(tmp_path)
        await counters.start()
        usage = summed(counters.totals())
        # One call may have ended without its acknowledgement having left the process.
        assert 0 <= usage.served + usage.failed - kept - returned <= 1
        assert usage.units == UNITS * usage.served
        assert await used(counters) == (usage.units, usage.units)
        kept, returned = usage.served, usage.failed + 1  # `used` above is a call that was given back
        await counters.close()


class Killed(BaseException):
    """Stands for SIGKILL at one store."""


class Mortal:
    """The words of the file, in a process that dies at the store number `life`."""

    def __init__(self, words: memoryview, life: int) -> None:
        self._words = words
        self._life = life

    def __getitem__(self, index: int) -> int:
        return self._words[index]

    def __setitem__(self, index: int, value: int) -> None:
        self._life -= 1
        if self._life < 0:
            raise Killed
        self._words[index] = value


def abandon(counters: MemoryCounters) -> None:
    """As the kernel does after kill -9: the lock goes, nothing is closed in order."""
    os.close(counters._cells._lock_fd)


Act = Callable[[MemoryCounters, Decision], None]


def kept(counters: MemoryCounters, answer: Decision) -> None:
    counters.sent(token(answer))
    counters.keep(token(answer))


def given_back(counters: MemoryCounters, answer: Decision) -> None:
    counters.sent(token(answer))
    counters.give_back(token(answer))


def given_back_unsent(counters: MemoryCounters, answer: Decision) -> None:
    counters.give_back(token(answer))


def refused(counters: MemoryCounters, answer: Decision) -> None:
    counters.give_back(token(answer), Outcome.REFUSED)


@pytest.mark.parametrize("life", range(14))
@pytest.mark.parametrize("act", [kept, given_back, given_back_unsent, refused])
async def test_death_at_any_store_leaves_a_whole_state(tmp_path: Path, act: Act, life: int) -> None:
    time = Time()
    counters = MemoryCounters(tmp_path, clock=time.clock())
    await counters.start()
    kept(counters, await ask(counters, UNLIMITED, units=7))
    mortal = cast("memoryview", Mortal(counters._words, life))
    counters._words = counters._calls._words = mortal
    survived = False
    try:
        act(counters, await ask(counters, UNLIMITED, units=5))
        survived = True
    except Killed:
        pass
    abandon(counters)

    following = MemoryCounters(tmp_path, clock=time.clock())
    await following.start()
    usage = summed(following.totals())
    assert await used(following) == (usage.units, usage.units)
    served, failed, declined = Sum(2, 12, 0, 0, 0, 0), Sum(1, 7, 1, 0, 0, 0), Sum(1, 7, 0, 0, 0, 1)
    ends: dict[Act, Sum] = {kept: served, refused: declined}
    if survived:
        assert usage == ends.get(act, failed)
    else:
        assert usage in {Sum(1, 7, 0, 0, 0, 0), served, failed, declined}
    await following.close()


async def test_refusals_survive_too(tmp_path: Path) -> None:
    counters = MemoryCounters(tmp_path)
    await counters.start()
    counters.record(key(), Outcome.REFUSED)
    await ask(counters, limits(per_day=0))
    abandon(counters)
    following = MemoryCounters(tmp_path)
    await following.start()
    assert summed(following.totals()) == Sum(0, 0, 0, 0, 1, 1)
    await following.close()
