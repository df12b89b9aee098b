"""Work in the background, one process for the whole platform: clear what has expired, follow the keys' life.

Each job is a function that may run twice or not at all without harm. A job that fails is logged and tried
again at its next turn; it never stops the others.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from auth.origin import system
from auth.tokens import signing
from gateway.settings import Settings
from storage import revocations, sessions
from storage.database import Database

log = logging.getLogger("sluss.jobs")


@dataclass(frozen=True, slots=True)
class Job:
    name: str
    every: float  # seconds
    work: Callable[[Database, int], Awaitable[None]]


async def clear_expired(database: Database, now: int) -> None:
    """Sessions and revocations that no longer mean anything, and signing keys whose last token is dead."""
    async with database.begin() as session:
        await sessions.delete_expired(session, now)
        await revocations.delete_expired(session, now)
        await signing.retire_due(session, now, system("worker"))


JOBS: Sequence[Job] = (Job("clear expired", 300.0, clear_expired),)


async def run(settings: Settings, stop: asyncio.Event, jobs: Sequence[Job] = JOBS) -> None:
    """Run every job at its interval until `stop`."""
    database = Database(settings.database_url)
    try:
        async with asyncio.TaskGroup() as group:
            for job in jobs:
                group.create_task(_repeat(job, database, stop), name=job.name)
    finally:
        await database.close()


async def _repeat(job: Job, database: Database, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await job.work(database, int(time.time()))
        except Exception:  # whatever a job meets, the next turn and the other jobs go on
            log.exception("job %s failed; next try in %.0f s", job.name, job.every)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), job.every)
