"""`sluss serve edge|control|worker|backend`: one process each, for those who run them apart."""

from __future__ import annotations

import click

from gateway.cli.lazily import Commands

TABLE = {
    "edge": "edge:edge",
    "control": "control:control",
    "worker": "worker:worker",
    "backend": "backend:backend",
}


@click.group(commands=Commands("gateway.cli.processes", TABLE))
def serve() -> None:
    """Run one process of the platform in the foreground; SIGTERM drains it."""
