"""F19, shortly: random faults under load, and nothing grows; SQLite says "locked" to nobody. `make soak` is long."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from storage import changes
from storage.database import Database
from tests.faults.soak import MORE, Sample, compared, soak

SECONDS = 12.0


@pytest.mark.redis
@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_short_soak(tmp_path: Path) -> None:
    assert set(soak(SECONDS, tmp_path)) == {"edge-0", "edge-1"}


def test_the_comparison_sees_a_leak() -> None:
    steady = [[Sample(80, 40, 4, 10)] * 2] * 20
    assert compared(steady)["edge-1"]["files"] == (40, 40)
    for name, more in MORE.items():
        leaking = [[Sample(**{**vars(steady[0][0]), name: 40 + step * more})] * 2 for step in range(20)]
        with pytest.raises(AssertionError, match=name):
            compared(leaking)


async def test_many_writers_of_one_sqlite_file_are_told_of_no_lock(sqlite_url: str) -> None:
    """Three processes' worth of pools and forty transactions at once: each waits its turn, none fails."""
    opened = [Database(sqlite_url) for _ in range(3)]

    async def write(database: Database) -> None:
        async with database.begin() as session:
            await changes.bump(session)

    async def read(database: Database) -> None:
        async with database.read() as session:
            await changes.current(session)

    await asyncio.gather(*(work(opened[n % 3]) for n in range(40) for work in (write, read)))
    async with opened[0].read() as session:
        assert await changes.current(session) == 40
    for each in opened:
        await each.close()
