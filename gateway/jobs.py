"""Work in the background, one process for the whole platform: clear what has expired, follow the keys' life.

Each job is a function that may run twice or not at all without harm. A job that fails is logged and tried
again soon; it never stops the others.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from auth.origin import system
from auth.proofs.addresses import Guard
from auth.proofs.fetching import Fetcher
from auth.server.interactive import backchannel
from auth.server.keyring import Keyring
from auth.tokens import signing, vault
from gateway.settings import Settings
from quota.ledger import write_left_behind
from storage import revocations, sessions
from storage.database import Database
from storage.errors import StorageError
from storage.oauth import device_codes, grants, logout_notices, pushed_requests
from storage.proofs import invitations, seen, sign_ins, single_use

log = logging.getLogger("sluss.jobs")
RETRY_SECONDS = 15.0
LOGOUT_NOTICE_S = 86400  # a client that could not be told for so long is not told


@dataclass(frozen=True, slots=True)
class Job:
    name: str
    every: float  # seconds
    work: Callable[[Database, int], Awaitable[None]]


async def clear_expired(database: Database, now: int) -> None:
    """What no longer means anything: sessions, half sign-ins, links, revocations, used proofs, grants with all that was
    issued on them, requests that nobody answered, and signing keys whose last token is dead.
    """
    async with database.begin() as session:
        await sessions.delete_expired(session, now)
        await sign_ins.delete_expired(session, now)
        await invitations.delete_expired(session, now)
        await single_use.delete_expired(session, now)
        await revocations.delete_expired(session, now)
        await seen.delete_expired(session, now)
        await pushed_requests.delete_expired(session, now)
        await device_codes.delete_expired(session, now)
        await logout_notices.delete_expired(session, now - LOGOUT_NOTICE_S)
        await signing.retire_due(session, now, system("worker"))
    async with database.begin() as session:
        # By itself: it holds rows of grants, and must not wait with them for the queue that keys stand in.
        await grants.delete_ended(session, now)


def left_behind(settings: Settings) -> Callable[[Database, int], Awaitable[None]]:
    """Usage that stands only in the counters of edge processes beyond SLUSS_EDGE_PROCESSES, from when there were
    more: the processes of today write their own."""

    async def work(database: Database, _: int) -> None:
        for folder in (settings.data_dir / "counters").glob("*"):
            if folder.name.isdecimal() and int(folder.name) >= settings.edge_processes:
                await write_left_behind(database, folder)

    return work


def tell_of_logouts(settings: Settings) -> Callable[[Database, int], Awaitable[None]]:
    """To the clients that have registered an address for it. The key file is read at the first run: `up` makes it."""
    poster = Fetcher(Guard(settings.fetch_networks))
    made: list[Keyring] = []

    async def work(database: Database, now: int) -> None:
        if not made:
            made.append(Keyring(settings.issuer, vault.load_or_create_master_key(settings.master_key_path)))
        await backchannel.deliver(database, settings.issuer, made[0], poster, now)

    return work


def jobs_of(settings: Settings) -> Sequence[Job]:
    """Every job, with what it needs to know."""
    return (
        Job("clear expired", 300.0, clear_expired),
        Job("write left-behind usage", 600.0, left_behind(settings)),
        Job("tell of logouts", 5.0, tell_of_logouts(settings)),
    )


async def run(
    settings: Settings,
    stop: asyncio.Event,
    jobs: Sequence[Job] | None = None,
    clock: Callable[[], float] = time.time,
) -> None:
    """Run every job at its interval until `stop`; one that is at work then is let finish."""
    database = Database(settings.database_url)
    try:
        async with asyncio.TaskGroup() as group:
            for job in jobs_of(settings) if jobs is None else jobs:
                group.create_task(_repeat(job, database, stop, clock), name=job.name)
    finally:
        await database.close()


async def _repeat(job: Job, database: Database, stop: asyncio.Event, clock: Callable[[], float]) -> None:
    while not stop.is_set():
        pause = job.every
        try:
            await job.work(database, int(clock()))
        except StorageError as error:
            pause = min(job.every, RETRY_SECONDS)
            log.warning("job %s: %s (%s); next try in %.0f s", job.name, error.en, error.detail, pause)
        except Exception:  # a fault of ours in one job must not stop the others
            pause = min(job.every, RETRY_SECONDS)
            log.exception("job %s failed; next try in %.0f s", job.name, pause)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)
