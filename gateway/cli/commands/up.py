"""`sluss up`: everything on one machine, from nothing, until Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import httpx

from gateway.cli import children as group
from gateway.cli import portal
from gateway.cli.files import write_private
from gateway.cli.interrupts import terminated_as_interrupted
from gateway.cli.output import Failure, run
from gateway.cli.seed import Demo, seed
from gateway.settings import Settings, load
from gateway.supervise import Child, Supervisor
from storage import migrate
from storage.database import Database

READY_SECONDS = 120.0  # for a machine under load; an idle one is ready in a few
RUNNING = "run.json"  # in the data directory while the platform runs
ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - listening everywhere is asked on loopback


@click.command()
@click.option("--no-backends", is_flag=True, help="Do not start the reference backends.")
@click.option("--no-portal", is_flag=True, help="Do not build the portal; it is served as last built.")
def up(no_backends: bool, no_portal: bool) -> None:
    """Migrate, seed demo data, build the portal and start everything; print where it is."""
    settings = load()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with _alone(settings.data_dir), terminated_as_interrupted():
        (settings.data_dir / RUNNING).unlink(missing_ok=True)  # of one that was killed
        group.demand_free_ports(settings)
        demo = prepare(settings, build_portal=not no_portal)
        with group.of(settings, backends=not no_backends) as children:
            run(_supervise(settings, demo, children))


@contextlib.contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    """Two starts on one data directory would both write its journal."""
    with open(data_dir / "up.lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failure(f"another `sluss up` runs on {data_dir}; stop it or set SLUSS_DATA_DIR") from None
        yield


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


async def _supervise(settings: Settings, demo: Demo, children: Sequence[Child]) -> None:
    supervisor = Supervisor(settings.drain_seconds, _say)
    stop = _stop_on_signals(supervisor)
    running = settings.data_dir / RUNNING
    try:
        for child in children:
            supervisor.start(child)
        if await _ready(settings, supervisor, stop, children):
            supervisor.settled()
            write_private(running, json.dumps(_addresses(settings, children), indent=2))
            click.echo(demo.welcome(settings))
        await stop.wait()
        _say("stopping; calls in flight may finish (Ctrl-C again ends them)")
    finally:
        running.unlink(missing_ok=True)
        await supervisor.stop()


def _stop_on_signals(supervisor: Supervisor) -> asyncio.Event:
    """Set by the first SIGTERM or SIGINT; the second does not wait for anybody."""
    stop = asyncio.Event()

    def signalled() -> None:
        if stop.is_set():
            supervisor.kill()
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signalled)
    return stop


def _addresses(settings: Settings, children: Sequence[Child]) -> dict[str, object]:
    """What runs where, for `sluss demo --running` and for people."""
    ports = {child.name: child.sockets[0].getsockname()[1] for child in children if child.sockets}
    backends = {name: f"http://127.0.0.1:{port}" for name, port in ports.items() if name in group.BACKENDS}
    return {"base": settings.issuer, "pid": os.getpid(), "control": ports["control"], "backends": backends}


def _asked(settings: Settings, children: Sequence[Child]) -> list[str]:
    """What must answer before the welcome: every edge process, and the control plane through them.

    Behind TLS or a PROXY header the public port does not answer this process; the control plane is asked directly.
    """
    ready = [
        f"{_reached(settings.admin_listen, settings.admin_port + number)}/readyz"
        for number in range(settings.edge_processes)
    ]
    if settings.door.tls is None and not settings.door.proxy_protocol:
        return [*ready, f"{_reached(settings.listen, settings.port)}/oauth2/jwks"]
    return [*ready, f"http://127.0.0.1:{_addresses(settings, children)['control']}/oauth2/jwks"]


async def _ready(
    settings: Settings, supervisor: Supervisor, stop: asyncio.Event, children: Sequence[Child]
) -> bool:
    """Wait until every edge process says it is ready and the control plane answers through it.

    False when it is to stop instead. Raises Failure.
    """
    until = time.monotonic() + READY_SECONDS
    urls = _asked(settings, children)
    headers = {"Host": f"localhost:{settings.port}"}  # the one name that every instance answers for
    async with httpx.AsyncClient(timeout=2.0, trust_env=False, headers=headers) as client:
        while not stop.is_set():
            with contextlib.suppress(httpx.HTTPError):
                if all([(await client.get(url)).status_code == 200 for url in urls]):
                    return True
            if supervisor.failure:
                raise Failure(supervisor.failure)
            if time.monotonic() > until:
                raise Failure(f"not ready after {READY_SECONDS:.0f} s; `sluss doctor` may tell why")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 0.1)
    return False


def _reached(listen: str, port: int) -> str:
    host = ANY.get(listen, listen)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
