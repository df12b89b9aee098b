"""`sluss serve edge|control|worker|backend`: one process each, for those who run them apart."""

from __future__ import annotations

import asyncio
import runpy
import signal
import socket
import sys

import click
import uvicorn
import uvloop

from gateway import app as edge_app
from gateway import jobs
from gateway.cli import control as control_app
from gateway.cli.output import Failure
from gateway.settings import load

BACKENDS = ("vardenheter", "behov", "eko")


@click.group()
def serve() -> None:
    """Run one process of the platform in the foreground; SIGTERM drains it."""


@serve.command()
@click.option(
    "--process", default=0, help="Number of this edge process; its admin port is SLUSS_ADMIN_PORT + this."
)
def edge(process: int) -> None:
    """The gateway itself: the public port and the admin port."""
    settings = load()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(edge_app.serve(settings, process))
        except edge_app.CannotStart as error:
            raise Failure(str(error)) from error


@serve.command()
@click.option("--fd", type=int, help="Serve on this inherited listening socket.")
def control(fd: int | None) -> None:
    """Authorization server, console, management API and portal, on loopback behind the edge."""
    settings = load()
    application = control_app.create(settings)
    config = uvicorn.Config(
        application,
        host="127.0.0.1",
        port=settings.control_port,
        fd=fd,
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=int(settings.drain_seconds),
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=fd)] if fd is not None else None)


@serve.command()
def worker() -> None:
    """Jobs in the background: clearing what has expired, following the keys' life."""
    settings = load()

    async def work() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await jobs.run(settings, stop)

    asyncio.run(work())


@serve.command()
@click.argument("name", type=click.Choice(BACKENDS))
@click.option("--port", default=None, type=int, help="Port on loopback.")
@click.option("--fd", default=None, type=int, help="Serve on this inherited listening socket.")
def backend(name: str, port: int | None, fd: int | None) -> None:
    """One of the reference backends."""
    sys.argv = [f"sluss serve backend {name}"]
    if port is not None:
        sys.argv += ["--port", str(port)]
    if fd is not None:
        sys.argv += ["--fd", str(fd)]
    runpy.run_module(f"backends.{name}", run_name="__main__")
