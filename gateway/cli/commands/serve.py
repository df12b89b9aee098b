"""`sluss serve edge|control|worker|backend`: one process each, for those who run them apart."""

from __future__ import annotations

import asyncio
import contextlib
import runpy
import signal
import socket
import sys
from collections.abc import Iterator

import click
import uvicorn
import uvloop

from gateway import app as edge_app
from gateway import jobs
from gateway.cli import control as control_app
from gateway.cli.children import BACKENDS
from gateway.cli.schema import demand_migrated
from gateway.settings import Settings, load

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class ControlServer(uvicorn.Server):
    """uvicorn raises the signal that stopped it once more after the shutdown; here a clean stop is status 0."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


@click.group()
def serve() -> None:
    """Run one process of the platform in the foreground; SIGTERM drains it."""


def _settings() -> Settings:
    settings = load()
    demand_migrated(settings)
    return settings


@serve.command()
@click.option(
    "--process",
    default=0,
    type=click.IntRange(0, 63),
    help="Number of this edge process; its admin port is SLUSS_ADMIN_PORT + this.",
)
def edge(process: int) -> None:
    """The gateway itself: the public port and the admin port."""
    settings = _settings()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(edge_app.serve(settings, process))


@serve.command()
@click.option("--fd", type=int, help="Serve on this inherited listening socket.")
def control(fd: int | None) -> None:
    """Authorization server, console, management API and portal, on loopback behind the edge."""
    settings = _settings()
    config = uvicorn.Config(
        control_app.create(settings),
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=int(settings.drain_seconds),
        ws="none",
    )
    with _listening("SLUSS_CONTROL_PORT", settings.control_port, fd) as listener:
        ControlServer(config).run(sockets=[listener])


@contextlib.contextmanager
def _listening(name: str, port: int, fd: int | None) -> Iterator[socket.socket]:
    """The socket given, or a new one on loopback. Raises CannotStart."""
    if fd is not None:
        try:
            listener = socket.socket(fileno=fd)
        except OSError as error:
            raise edge_app.CannotStart(f"--fd {fd} is no socket ({error.strerror})") from error
    else:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            listener.close()
            raise edge_app.CannotStart(
                f"{name}={port} cannot be used ({error.strerror}); choose another port"
            ) from error
    with listener:
        yield listener


@serve.command()
def worker() -> None:
    """Jobs in the background: clearing what has expired, following the keys' life."""
    settings = _settings()

    async def work() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, stop.set)
        await jobs.run(settings, stop)

    asyncio.run(work())


@serve.command()
@click.argument("name", type=click.Choice(BACKENDS))
@click.option("--port", default=None, type=click.IntRange(0, 65535), help="Port on loopback.")
@click.option("--fd", default=None, type=int, help="Serve on this inherited listening socket.")
def backend(name: str, port: int | None, fd: int | None) -> None:
    """One of the reference backends."""
    sys.argv = [f"sluss serve backend {name}"]
    if port is not None:
        sys.argv += ["--port", str(port)]
    if fd is not None:
        sys.argv += ["--fd", str(fd)]
    runpy.run_module(f"backends.{name}", run_name="__main__")
