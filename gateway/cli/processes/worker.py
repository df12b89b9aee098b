"""`sluss serve worker`: the jobs that no request waits for."""

from __future__ import annotations

import asyncio
import signal

import click

from gateway import jobs
from gateway.cli.schema import migrated

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@click.command()
def worker() -> None:
    """Jobs in the background: clearing what has expired, following the keys' life."""
    settings = migrated()

    async def work() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, stop.set)
        await jobs.run(settings, stop)

    asyncio.run(work())
