"""Both stores behind one fixture, with one time, so that one suite holds them to the same contract."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from quota.counters.memory import MemoryCounters
from quota.counters.protocol import Counters
from quota.counters.redis import RedisCounters
from tests.quota.stage import Time

Open = Callable[[], Awaitable[Counters]]


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.redis)])
async def reopen(request: pytest.FixtureRequest, tmp_path: Path, time: Time) -> AsyncIterator[Open]:
    """Each call closes the store that was open, if any, and opens it again over the same folder (and Redis)."""
    url: str | None = request.getfixturevalue("redis_url") if request.param == "redis" else None
    opened: list[Counters] = []

    async def again() -> Counters:
        if opened:
            await opened.pop().close()
        store: Counters = (
            MemoryCounters(tmp_path / "counters", clock=time.clock())
            if url is None
            else RedisCounters(url, tmp_path / "counters", clock=time.clock(), time_us=time.us, timeout=5)
        )
        await store.start()
        opened.append(store)
        return store

    yield again
    for store in opened:
        await store.close()


@pytest.fixture
async def counters(reopen: Open) -> Counters:
    """A store that is open and empty."""
    return await reopen()
