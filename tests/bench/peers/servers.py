"""Direct calls, nginx and HAProxy.

Each on one core, with one worker, without logs, and with kept-alive connections on both sides.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.bench.candidate import Bench, Running, target_of
from tests.bench.machine import Process, find_program, free_port
from tests.bench.tokens import Signed
from tests.bench.upstream import listening, start_nginx

NGINX = """
  upstream bench {{ server 127.0.0.1:{upstream}; keepalive 128; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} {tls} backlog=4096;
    {certificate}
    client_max_body_size 0;
    proxy_request_buffering off; # bodies stream; its default would store them first
    location / {{
      proxy_pass http://bench;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
    }}
  }}"""
NGINX_CERTIFICATE = """ssl_certificate {tls.certificate}; ssl_certificate_key {tls.key};
    ssl_protocols TLSv1.2 TLSv1.3;"""

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
  bind 127.0.0.1:{port} {tls}
  {check}
  default_backend upstream
backend upstream
  server upstream 127.0.0.1:{upstream}
"""
HAPROXY_CHECK = (
    "http-request deny deny_status 401 unless "
    '{{ http_auth_bearer,jwt_verify("{algorithm}","{key}") -m int 1 }}'
)


def program_of(name: str) -> str:
    """For a candidate that is not missing."""
    return find_program(name) or name


def first_line(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    return (done.stdout + done.stderr).strip().splitlines()[0]


def running(bench: Bench, process: Process, port: int, headers: Mapping[str, str]) -> Running:
    return Running(target_of(bench, port, headers), (listening(process, port),))


@dataclass(frozen=True, slots=True)
class Direct:
    """Nothing in between: what the load and the upstream can do, and the base of the added latency."""

    signed: Signed
    id: str = "direct"
    name: str = "no gateway"
    does: str = "the load speaks to the upstream"

    def missing(self) -> str | None:
        return None

    def version(self) -> str:
        return ""

    def start(self, bench: Bench) -> Running:
        return Running(target_of(bench, bench.upstream_port, self.signed.headers))


@dataclass(frozen=True, slots=True)
class Nginx:
    signed: Signed
    id: str = "nginx"
    name: str = "nginx"
    does: str = "plain proxy, no checks"

    def missing(self) -> str | None:
        return None if find_program("nginx") else "nginx is not installed (Debian: apt-get install nginx)"

    def version(self) -> str:
        return first_line([program_of("nginx"), "-v"]).rpartition("/")[2]

    def start(self, bench: Bench) -> Running:
        port = free_port()
        certificate = NGINX_CERTIFICATE.format(tls=bench.tls) if bench.tls else ""
        http = NGINX.format(
            port=port, upstream=bench.upstream_port, tls="ssl" if bench.tls else "", certificate=certificate
        )
        process = start_nginx(program_of("nginx"), bench.folder, http, cores=bench.cores)
        return running(bench, process, port, self.signed.headers)


@dataclass(frozen=True, slots=True)
class Haproxy:
    signed: Signed
    verifies: bool

    @property
    def id(self) -> str:
        return f"haproxy-{self.signed.algorithm.lower()}" if self.verifies else "haproxy"

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
        return first_line([program_of("haproxy"), "-v"]).split()[2]

    def _release(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.version().split("-")[0].split(".")[:2])

    def start(self, bench: Bench) -> Running:
        port = free_port()
        check = HAPROXY_CHECK.format(algorithm=self.signed.algorithm, key=self.signed.public_key)
        configuration = bench.folder / "haproxy.cfg"
        configuration.write_text(
            HAPROXY.format(
                port=port,
                upstream=bench.upstream_port,
                check=check if self.verifies else "",
                tls=f"ssl crt {bench.tls.both}" if bench.tls else "",
            )
        )
        command = [program_of("haproxy"), "-db", "-f", str(configuration)]
        process = Process(command, cores=bench.cores, log=bench.folder / "haproxy.log")
        return running(bench, process, port, self.signed.headers)
