"""The upstream every candidate passes calls to, as cheap as the machine has it.

1 KiB of JSON for any path; a path that ends in the name of one of `FILES` gets that many bytes. nginx where it
is found, so that the load's core is not spent on answering; else an asyncio protocol, which the report names,
since the upstream then costs more than it should, and which has the small answer only.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from tests.bench.candidate import MIB
from tests.bench.machine import Process, find_program, free_port

BODY_BYTES = 1024
FILES: Mapping[str, int] = {"kib100": 100 * 1024, "mib10": 10 * MIB, "gib1": 1024 * MIB}

NGINX = """\
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr error;
daemon off;
user {user};
events {{ worker_connections 4096; }}
http {{
  access_log off;
  default_type application/json;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  {http}
}}
"""


def body() -> str:
    unit = {"id": "SE2321000016-1", "name": "Bänken vårdcentral", "phone": "+46 8 123 45 67", "filler": ""}
    size = len(json.dumps(unit, ensure_ascii=False).encode())
    text = json.dumps({**unit, "filler": "x" * (BODY_BYTES - size)}, ensure_ascii=False)
    assert len(text.encode()) == BODY_BYTES
    return text


def start_nginx(program: str, folder: Path, http: str, *, cores: Sequence[int]) -> Process:
    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / "nginx.conf"
    # The directive only counts for root, whose worker would otherwise be unable to read this folder.
    configuration.write_text(NGINX.format(folder=folder, user=folder.owner(), http=http), encoding="utf-8")
    command = [program, "-p", str(folder), "-c", str(configuration), "-e", "stderr"]
    return Process(command, cores=cores, log=folder / "nginx.log")


def start(folder: Path, *, cores: Sequence[int]) -> tuple[str, int, Process]:
    """Name, port and process of a running upstream."""
    port = free_port()
    program = find_program("nginx")
    if program:
        process, name = start_nginx(program, folder, _site(folder, port), cores=cores), "nginx"
    else:
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "tests.bench.upstream", str(port)]
        process, name = Process(command, cores=cores, log=folder / "upstream.log"), "asyncio"
    return name, port, listening(process, port)


def start_sink(folder: Path, *, cores: Sequence[int]) -> tuple[str, int, Process]:
    """The same for one that reads bodies to their end."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.programs.sink", str(port)]
    return "uvloop", port, listening(Process(command, cores=cores, log=folder / "sink.log"), port)


def listening(process: Process, port: int) -> Process:
    """The process, once it listens; stopped when it does not."""
    try:
        process.wait_until_it_answers(port)
    except BaseException:  # Ctrl-C too: nothing may go on running
        process.stop()
        raise
    return process


def _site(folder: Path, port: int) -> str:
    """The large answers are files without content on the disk: holes, read from memory."""
    files = folder / "files"
    files.mkdir(parents=True)
    for name, size in FILES.items():
        with (files / name).open("wb") as file:
            file.truncate(size)
    names = "|".join(FILES)
    return f"""server {{
    listen 127.0.0.1:{port} backlog=4096;
    sendfile on;
    location / {{ return 200 '{body()}'; }}
    location ~ /({names})$ {{ root {files}; try_files /$1 =404; }}
  }}"""


class Answer(asyncio.Protocol):
    """Answers each head; the load sends no bodies."""

    payload = body().encode()
    answer = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(payload)
    ) + payload

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        heads = (self._rest + data).split(b"\r\n\r\n")
        self._rest = heads.pop()
        self._transport.write(self.answer * len(heads))


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Answer, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
