"""The deadline counts the other side's time: one's own lateness is no sign of a Redis that hangs (F2)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from quota.counters.breaker import Circuit
from quota.counters.patience import within
from quota.counters.redis import RedisCounters
from tests.quota.stage import ask, limits

SECONDS = 0.08
LIMITS = limits(requests=0)


async def test_silence_ends_when_the_time_is_over() -> None:
    began = time.perf_counter()
    with pytest.raises(TimeoutError):
        await within(SECONDS, asyncio.Event().wait(), lambda: False)
    assert time.perf_counter() - began >= SECONDS * 0.9


async def test_what_comes_in_time_is_returned() -> None:
    async def work() -> int:
        await asyncio.sleep(SECONDS / 4)
        return 7

    assert await within(SECONDS, work(), lambda: False) == 7


async def test_a_process_that_was_not_let_run_waits_for_as_long_as_it_runs() -> None:
    """Several times the deadline pass on the wall clock, in pieces that the loop could not use."""

    async def work() -> int:
        for _ in range(4):
            time.sleep(SECONDS * 2)  # the processor is somebody else's
            await asyncio.sleep(0)
            await asyncio.sleep(SECONDS / 40)
        return 7

    assert await within(SECONDS * 2, work(), lambda: False) == 7


async def test_an_answer_in_the_socket_gets_a_moment_to_be_read() -> None:
    async def work() -> int:
        await asyncio.sleep(SECONDS * 1.1)
        return 7

    assert await within(SECONDS, work(), lambda: True) == 7


@pytest.fixture
async def counters(redis_url: str, tmp_path: Path) -> AsyncIterator[RedisCounters]:
    made = RedisCounters(redis_url, tmp_path / "counters")
    await made.start()
    yield made
    await made.close()


@pytest.mark.redis
async def test_a_starved_loop_costs_no_call_its_answer(counters: RedisCounters) -> None:
    """The loop stands still far beyond the deadline while Redis has long answered."""
    for _ in range(5):
        asking = asyncio.ensure_future(ask(counters, LIMITS))
        await asyncio.sleep(0.001)  # the batch may be under way, or answered
        time.sleep(0.3)  # the processor is somebody else's
        assert (await asking).allowed
    assert counters.circuit is Circuit.CLOSED
