"""Sluss with every stage on, in front of a catalogue and accounts of the case's size."""

from __future__ import annotations

import asyncio
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version

from gateway.settings import SETTINGS
from storage import migrate
from tests.bench.candidate import Bench, Running, Target, Tls, target_of
from tests.bench.machine import START_SECONDS, NotStarted, Process, cpu_seconds, free_port
from tests.bench.ours import publications
from tests.bench.ours.accounts import Accounts, prepare
from tests.bench.programs.load_generator import any_certificate
from tests.bench.upstream import listening
from tests.parts import programs


@dataclass(frozen=True, slots=True)
class Sluss:
    """`shared`: with two processes, whether their limits are exact in Redis, or each has its own in memory."""

    id: str = "sluss"
    name: str = "Sluss"
    does: str = "route of 200, token, scope, subscription, rate, quota, metrics, access record"
    size: publications.Size = field(default=publications.Size())
    subscriptions: int = 0  # of others, besides the caller's own
    subscribes_to_all: bool = True  # the caller, or only to what it calls
    processes: int = 1
    shared: bool = False
    trusts: str = ""

    def missing(self) -> str | None:
        if self.shared and not programs.redis():
            return programs.REDIS_ADVICE
        return None

    def version(self) -> str:
        return version("sluss")

    def start(self, bench: Bench) -> Running:
        catalogue, data, port = bench.folder / "catalogue", bench.folder / "data", free_port()
        publications.write(catalogue, self.size)
        data.mkdir()
        issuer = f"{'https' if bench.tls else 'http'}://localhost:{port}"
        database_url = database_of(bench)
        migrate.upgrade(database_url)
        token = asyncio.run(prepare(database_url, issuer, self.size.ids, self._accounts))
        started: list[Process] = []
        try:
            redis_url = self._redis(bench, started) if self.shared else ""
            environment = self._environment(bench, port, issuer, redis_url)
            for number in range(self.processes):
                started.append(self._edge(bench, environment, number))
            for edge in started[-self.processes :]:
                listening(edge, port)
            target = target_of(bench, port, {"Authorization": f"Bearer {token}"})
            _wait_until_it_serves(target, started[-1])
        except BaseException:  # Ctrl-C too: nothing may go on running
            for process in started:
                process.stop()
            raise
        return Running(target, tuple(started), silent=True)

    @property
    def _accounts(self) -> Accounts:
        return Accounts(self.subscribes_to_all, self.subscriptions)

    def _environment(self, bench: Bench, port: int, issuer: str, redis_url: str) -> dict[str, str]:
        """Named one by one, so that no setting of the shell that runs the bench reaches the candidate."""
        data = bench.folder / "data"
        return {
            "SLUSS_DATA_DIR": str(data),
            "SLUSS_PORT": str(port),
            "SLUSS_LISTEN": "127.0.0.1",
            "SLUSS_ADMIN_PORT": str(free_port()),
            "SLUSS_CONTROL_PORT": str(free_port()),
            "SLUSS_ISSUER": issuer,
            "SLUSS_DATABASE_URL": database_of(bench),
            "SLUSS_REDIS_URL": redis_url,
            "SLUSS_CATALOG": str(bench.folder / "catalogue"),
            "SLUSS_EDGE_PROCESSES": str(self.processes if self.shared else 1),
            "SLUSS_TRUSTED_PROXIES": self.trusts,
            "SLUSS_ACCESS_LOG": str(bench.folder / "access.log"),
            publications.UPSTREAM_VARIABLE: f"http://127.0.0.1:{bench.upstream_port}",
            **_tls(bench.tls),
        }

    def _edge(self, bench: Bench, environment: Mapping[str, str], number: int) -> Process:
        command = [sys.executable, "-m", "gateway", "serve", "edge", "--process", str(number)]
        if self.processes > 1 and not self.shared:
            command = [sys.executable, "-m", "tests.bench.programs.local_edge", str(number)]
        own = {
            **environment,
            "SLUSS_ADMIN_PORT": str(free_port() - number),  # the process adds its number
            "SLUSS_ACCESS_LOG": str(bench.folder / f"access-{number}.log"),
        }
        log = bench.folder / f"edge-{number}.log"
        return Process(command, cores=bench.cores, log=log, environment=own)

    def _redis(self, bench: Bench, started: list[Process]) -> str:
        port = free_port()
        program = programs.preferred(programs.redis(), programs.REDIS_ADVICE).folder / "redis-server"
        command = [
            str(program),
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        command += ["--dir", str(bench.folder)]
        started.append(Process(command, cores=bench.cores, log=bench.folder / "redis.log", talks=True))
        listening(started[-1], port)
        return f"redis://127.0.0.1:{port}/0"


@dataclass(frozen=True, slots=True)
class SlussTls(Sluss):
    """The same with TLS ended on the edge itself."""

    def missing(self) -> str | None:
        known = {setting.name for setting in SETTINGS}
        return None if "SLUSS_TLS_CERT" in known else "this version's edge ends no TLS itself"


def database_of(bench: Bench) -> str:
    return f"sqlite:///{bench.folder / 'data' / 'sluss.db'}"


def start_cpu(running: Running) -> float:
    """CPU seconds of the edge so far: right after its start, what the start cost."""
    return cpu_seconds([running.processes[-1].pid])


def _tls(tls: Tls | None) -> dict[str, str]:
    if tls is None:
        return {}
    return {"SLUSS_TLS_CERT": str(tls.certificate), "SLUSS_TLS_KEY": str(tls.key)}


def _wait_until_it_serves(target: Target, process: Process) -> None:
    """The first answer of 200 shows that every stage lets the call pass. Raises NotStarted."""
    end = time.monotonic() + START_SECONDS
    url = target.url if target.method == "GET" else target.url.rpartition("/")[0] + "/42"
    request = urllib.request.Request(url, headers=dict(target.headers))
    context: ssl.SSLContext | None = any_certificate() if target.tls else None
    while True:
        try:
            with urllib.request.urlopen(request, timeout=5, context=context):
                return
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")
        except OSError as error:
            said = str(error)
        if time.monotonic() > end:
            raise NotStarted(f"the call does not pass: {said} {process.written()}")
        time.sleep(0.1)
