"""`sluss serve control`: the control plane on uvicorn, on loopback behind the edge."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Iterator

import click
import uvicorn

from gateway.app import CannotStart
from gateway.cli import control as control_app
from gateway.cli.schema import migrated

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class ControlServer(uvicorn.Server):
    """uvicorn raises the signal that stopped it once more after the shutdown; here a clean stop is status 0."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


@click.command()
@click.option("--fd", type=int, help="Serve on this inherited listening socket.")
def control(fd: int | None) -> None:
    """Authorization server, console, management API and portal, on loopback behind the edge."""
    settings = migrated()
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
            raise CannotStart(f"--fd {fd} is no socket ({error.strerror})") from error
    else:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            listener.close()
            raise CannotStart(
                f"{name}={port} cannot be used ({error.strerror}); choose another port"
            ) from error
    with listener:
        yield listener
