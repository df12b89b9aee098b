"""`sluss up`: everything on one machine, from nothing, until Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

import click
import httpx

from gateway.cli import portal
from gateway.cli.files import write_private
from gateway.cli.output import Failure, run
from gateway.cli.seed import Demo, seed
from gateway.cli.serve import BACKENDS
from gateway.settings import Settings, load
from gateway.supervise import Child, Supervisor, listen_on_loopback
from storage import migrate
from storage.database import Database

READY_SECONDS = 60.0
RUNNING = "run.json"  # in the data directory while the platform runs
EDGE, CONTROL, BACKEND = range(3)  # the order of stopping


@click.command()
@click.option("--no-backends", is_flag=True, help="Do not start the reference backends.")
@click.option("--no-portal", is_flag=True, help="Do not build the portal; it is served as last built.")
def up(no_backends: bool, no_portal: bool) -> None:
    """Migrate, seed demo data, build the portal and start everything; print where it is."""
    settings = load()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with _alone(settings.data_dir):
        _ports_free(settings)
        demo = prepare(settings, build_portal=not no_portal)
        run(_supervise(settings, demo, backends=not no_backends))


@contextlib.contextmanager
def _alone(data_dir: Path) -> Iterator[TextIO]:
    """Two starts on one data directory would both write its journal."""
    with open(data_dir / "up.lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failure(f"another `sluss up` runs on {data_dir}; stop it or set SLUSS_DATA_DIR") from None
        yield lock


def _ports_free(settings: Settings) -> None:
    for name, host, port in (
        ("SLUSS_PORT", settings.listen, settings.port),
        ("SLUSS_ADMIN_PORT", settings.admin_listen, settings.admin_port),
    ):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise Failure(
                    f"{name}={port} cannot be used ({error.strerror}); choose another port"
                ) from error


def prepare(settings: Settings, *, build_portal: bool) -> Demo:
    """What must be there before the first process: tables, demo data, portal."""
    _say("migrating the database")
    migrate.upgrade(settings.database_url)
    demo = run(_seed(settings))
    if build_portal:
        _say("building the portal (skipped when nothing has changed)")
        portal.build(settings, demo.client_id, demo.client_secret)
    return demo


async def _seed(settings: Settings) -> Demo:
    database = Database(settings.database_url)
    try:
        return await seed(database, settings, int(time.time()))
    finally:
        await database.close()


def _say(what: str) -> None:
    click.echo(f"sluss: {what}", err=True)


def _children(settings: Settings, backends: bool) -> Iterator[Child]:
    command = (sys.executable, "-m", "gateway")
    environment: dict[str, str] = {}
    if settings.access_log == "-":  # the terminal is for the welcome; records go where they can be followed
        environment["SLUSS_ACCESS_LOG"] = str(settings.data_dir / "log" / "access.log")
    if backends:
        for name in BACKENDS:
            found = listen_on_loopback()
            variable = f"SLUSS_UPSTREAM_{name.upper()}"
            if variable in settings.upstream_variables:
                found.close()
                continue
            environment[variable] = f"http://127.0.0.1:{found.getsockname()[1]}"
            fd = str(found.fileno())
            yield Child(
                name, (sys.executable, "-m", f"backends.{name}", "--fd", fd), BACKEND, sockets=(found,)
            )
    control = listen_on_loopback()
    environment["SLUSS_CONTROL_PORT"] = str(control.getsockname()[1])
    fd = str(control.fileno())
    yield Child("control", (*command, "serve", "control", "--fd", fd), CONTROL, dict(environment), (control,))
    yield Child("worker", (*command, "serve", "worker"), CONTROL, dict(environment))
    for number in range(settings.edge_processes):
        name = "edge" if settings.edge_processes == 1 else f"edge {number}"
        yield Child(name, (*command, "serve", "edge", "--process", str(number)), EDGE, dict(environment))


async def _supervise(settings: Settings, demo: Demo, *, backends: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    supervisor = Supervisor(settings.drain_seconds)
    running = settings.data_dir / RUNNING
    children = list(_children(settings, backends))
    for child in children:
        supervisor.start(child)
    try:
        if await _ready(settings, stop):
            write_private(running, json.dumps(_addresses(settings, children), indent=2))
            click.echo(demo.welcome(settings))
        await stop.wait()
        _say("stopping")
    finally:
        running.unlink(missing_ok=True)
        await supervisor.stop()


def _addresses(settings: Settings, children: Sequence[Child]) -> dict[str, object]:
    """What runs where, for `sluss demo --running` and for people."""
    ports = {child.name: child.sockets[0].getsockname()[1] for child in children if child.sockets}
    backends = {name: f"http://127.0.0.1:{port}" for name, port in ports.items() if name in BACKENDS}
    return {"base": settings.issuer, "pid": os.getpid(), "control": ports["control"], "backends": backends}


async def _ready(settings: Settings, stop: asyncio.Event) -> bool:
    """Wait until every edge process says it is ready and the control plane answers through it."""
    until = time.monotonic() + READY_SECONDS
    base = f"http://127.0.0.1:{settings.port}"
    admin = [
        f"http://{settings.admin_listen}:{settings.admin_port + n}/readyz"
        for n in range(settings.edge_processes)
    ]
    async with httpx.AsyncClient(timeout=2.0, trust_env=False) as client:
        while not stop.is_set():
            try:
                answers = [await client.get(url) for url in (*admin, f"{base}/oauth2/jwks")]
                if all(answer.status_code == 200 for answer in answers):
                    return True
            except httpx.HTTPError:
                pass
            if time.monotonic() > until:
                raise Failure(f"not ready after {READY_SECONDS:.0f} s; `sluss doctor` may tell why")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 0.1)
    return False
