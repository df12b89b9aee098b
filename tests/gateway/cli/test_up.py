"""`sluss up` with real processes: start, accidents, stop."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.gateway.cli.instance import Instance, two_free_ports
from tests.gateway.cli.terminal import REFERENCE
from tests.parts.process import free_port, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")

Make = Callable[..., Instance]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes an instance of one test's own, and stops it."""
    made: list[Instance] = []

    def one(**settings: str) -> Instance:
        made.append(Instance(tmp_path / f"instance-{len(made)}", **settings))
        return made[-1]

    yield one
    for each in made:
        each.stop()


@pytest.fixture(scope="module")
def running_instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """One that the tests of this module share, started from nothing."""
    made = Instance(tmp_path_factory.mktemp("up") / "instance").up()
    yield made
    made.stop()


def test_the_welcome_says_where_everything_is(running_instance: Instance) -> None:
    said = running_instance.terminal()
    demo = running_instance.demo()
    for path in ("/portal/", "/portal/en/", "/console/", "/management/v1/openapi.json"):
        assert running_instance.base + path in said
    for name in ("operator_email", "operator_password", "developer_email", "client_id", "client_secret"):
        assert demo[name] in said
    assert running_instance.answers("/portal/")
    token = running_instance.token(demo["client_id"], demo["client_secret"])
    assert running_instance.call("/vardenheter/v1/units?limit=3", token) == 200


def test_commands_work_beside_it(running_instance: Instance) -> None:
    made = running_instance.command("org", "create", "--name", "Bredvid", "--json")
    assert made.returncode == 0, made.stderr
    wanted = {"org": "Bredvid", "name": "App", "environment": "sandbox", "api": "eko", "plan": "prova"}
    words = ["app", "create", "--json", *(f"--{name}={value}" for name, value in wanted.items())]
    done = running_instance.command(*words)
    assert done.returncode == 0, done.stderr
    app = json.loads(done.stdout)
    assert app["token_endpoint"] == f"{running_instance.base}/oauth2/token"
    token = running_instance.token(app["client_id"], app["client_secret"])
    running_instance.until(lambda: running_instance.call("/eko/v1/echo", token) == 200)
    assert running_instance.command("keys", "rotate").returncode == 0
    assert running_instance.call("/eko/v1/echo", token) == 200, "a rotation leaves old tokens valid"
    show = ("usage", "show", "--org", "Bredvid", "--json")

    def counted() -> bool:
        rows = json.loads(running_instance.command(*show).stdout)
        return sum(int(row["calls"]) for row in rows if row["outcome"] == "served") >= 2

    running_instance.until(counted)
    assert running_instance.command("doctor").returncode == 0
    assert running_instance.command("audit", "verify").returncode == 0


def test_a_second_start_on_the_same_data_is_refused(running_instance: Instance) -> None:
    second = running_instance.command("up")
    assert second.returncode == 1
    assert "another `sluss up` runs" in second.stderr
    assert running_instance.answers()


def test_a_start_on_the_same_port_is_refused(running_instance: Instance, make: Make) -> None:
    second = make(PORT=str(running_instance.port)).command("up")
    assert second.returncode == 1
    assert f"SLUSS_PORT={running_instance.port} cannot be used" in second.stderr


@LINUX
@pytest.mark.parametrize("name", ["edge0", "control", "worker", "backends.eko"])
def test_a_killed_child_is_started_again(name: str, running_instance: Instance) -> None:
    demo = running_instance.demo()
    token = running_instance.token(demo["client_id"], demo["client_secret"])
    before = running_instance.children()[name]
    os.kill(before, signal.SIGKILL)
    running_instance.until(lambda: running_instance.children().get(name, before) != before)
    running_instance.until(running_instance.answers)
    running_instance.until(lambda: running_instance.call("/eko/v1/echo", token) == 200)
    assert "ended (signal 9); starting it again" in running_instance.terminal()


@LINUX
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_all_of_it(number: signal.Signals, make: Make) -> None:
    instance = make().up("--no-portal")
    assert len(instance.children()) == 6
    assert instance.stop(number) == 0  # which looks for processes that are left
    assert "Traceback" not in instance.terminal()
    assert not (instance.data / "run.json").exists()
    began = time.monotonic()
    instance.up("--no-portal")
    took = time.monotonic() - began
    assert instance.stop(number) == 0
    assert took < 10 * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1)), "a second start is quick"


@LINUX
def test_a_signal_while_it_starts(make: Make) -> None:
    instance = make().begin("--no-portal")
    instance.until(lambda: len(instance.children()) > 0)
    assert instance.stop() == 0
    assert "Traceback" not in instance.terminal()
    assert "Sluss is running" not in instance.terminal()


@LINUX
def test_a_killed_one_leaves_no_process(make: Make) -> None:
    instance = make().up("--no-portal")
    pids = list(instance.children().values())
    assert instance.process is not None
    instance.process.kill()
    assert instance.process.wait() == -signal.SIGKILL
    deadline = time.monotonic() + 60
    while left := [pid for pid in pids if running(pid)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
    instance.up("--no-portal")  # nothing of it is in the way
    assert instance.stop() == 0


def test_a_child_that_cannot_start_ends_it_with_its_message(make: Make) -> None:
    instance = make()
    instance.environment["SLUSS_ACCESS_LOG"] = str(instance.data)  # a folder
    began = time.monotonic()
    assert instance.begin("--no-portal").ended() == 1
    said = instance.terminal()
    assert f"sluss: {instance.data}: Is a directory" in said
    assert "sluss: edge did not start (status 1); what it said stands above" in said
    assert "Traceback" not in said
    assert time.monotonic() - began < 100


def test_a_faulty_catalogue_ends_it(make: Make, tmp_path: Path) -> None:
    shutil.copytree(REFERENCE / "eko", tmp_path / "catalogue" / "eko")
    (tmp_path / "catalogue" / "eko" / "api.yaml").write_text("nothing: here")
    shutil.copy(REFERENCE / "plans.yaml", tmp_path / "catalogue")
    instance = make(CATALOG=str(tmp_path / "catalogue"))
    assert instance.begin().ended() == 1
    assert "api.yaml:" in instance.terminal()
    assert "Traceback" not in instance.terminal()


@pytest.mark.postgres
@pytest.mark.redis
@LINUX
def test_two_edges_share_the_port_with_postgresql_and_redis(
    make: Make, postgres_url: str, redis_url: str
) -> None:
    admin_port = two_free_ports()
    instance = make(
        DATABASE_URL=postgres_url, REDIS_URL=redis_url, EDGE_PROCESSES="2", ADMIN_PORT=str(admin_port)
    )
    instance.admin_port = admin_port
    instance.up("--no-portal")
    assert {"edge0", "edge1"} <= set(instance.children())
    demo = instance.demo()
    token = instance.token(demo["client_id"], demo["client_secret"])

    def both() -> bool:
        """Every call is a connection of its own, which the kernel gives to one of the two."""
        assert instance.call("/eko/v1/echo", token) in (200, 429)
        return all(instance.metric("sluss_requests_read", process) > 0 for process in (0, 1))

    instance.until(both)
    assert instance.stop() == 0
    assert not (instance.data / "sluss.db").exists()


def test_the_database_is_away(make: Make) -> None:
    instance = make(DATABASE_URL=f"postgresql://sluss:secret@127.0.0.1:{free_port()}/sluss")
    assert instance.begin().ended() == 1
    assert "SLUSS_DATABASE_URL" in instance.terminal()
    assert "Traceback" not in instance.terminal()
