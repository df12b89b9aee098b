"""`sluss serve edge`: what it loads is the edge, and nothing of the control plane."""

from __future__ import annotations

import asyncio

import click
import uvloop

from gateway import app
from gateway.cli.schema import migrated


@click.command()
@click.option(
    "--process",
    default=0,
    type=click.IntRange(0, 63),
    help="Number of this edge process; its admin port is SLUSS_ADMIN_PORT + this.",
)
def edge(process: int) -> None:
    """The gateway itself: the public port and the admin port."""
    settings = migrated()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(app.serve(settings, process))
