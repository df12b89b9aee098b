"""Children that are started, started again, and stopped, with programs of a few lines."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gateway import supervise
from gateway.supervise import Child, Supervisor
from tests.parts.process import running

DEADLINE_S = 60.0

# Notes its process id, answers SIGTERM as told, and waits.
PROGRAM = """
import os, signal, sys
path, answer = sys.argv[1:]
def stop(*_):
    with open(path + ".stopped", "a") as file:
        file.write(f"{os.getpid()}\\n")
    if answer == "ends":
        os._exit(0)
signal.signal(signal.SIGTERM, stop)
with open(path, "a") as file:
    file.write(f"{os.getpid()}\\n")
while True:
    signal.pause()
"""


class Group:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []
        self.supervisor = Supervisor(0.0, self.said.append)

    def child(self, name: str, stage: int = 0, answer: str = "ends") -> Child:
        return Child(name, (sys.executable, "-c", PROGRAM, str(self.folder / name), answer), stage)

    def pids(self, name: str) -> list[int]:
        """Every process that ran under the name so far."""
        path = self.folder / name
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    async def started(self, name: str, times: int = 1) -> int:
        await until(lambda: len(self.pids(name)) >= times)
        return self.pids(name)[-1]


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not holds():
            await asyncio.sleep(0.01)


@pytest.fixture
async def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Group]:
    monkeypatch.setattr(supervise, "FIRST_DELAY", 0.01)
    made = Group(tmp_path)
    yield made
    made.supervisor.kill()
    await made.supervisor.stop()
    assert not [pid for path in tmp_path.iterdir() for pid in made.pids(path.name) if running(pid)]


async def test_a_killed_child_is_started_again(group: Group) -> None:
    group.supervisor.start(group.child("one"))
    group.supervisor.settled()
    first = await group.started("one")
    for times in (2, 3):
        os.kill(await group.started("one", times - 1), signal.SIGKILL)
        await group.started("one", times)
    assert len(set(group.pids("one"))) == 3
    assert not running(first)
    assert group.said[0].startswith("one ended (signal 9); starting it again in ")
    assert group.supervisor.failure == ""


async def test_before_the_group_has_settled_a_child_that_gives_up_is_the_failure(group: Group) -> None:
    group.supervisor.start(Child("bad", (sys.executable, "-c", "raise SystemExit(3)"), 0))
    await until(lambda: bool(group.supervisor.failure))
    assert group.supervisor.failure.startswith("bad did not start (status 3)")
    assert group.said == []


async def test_before_the_group_has_settled_a_killed_child_is_started_again(group: Group) -> None:
    group.supervisor.start(group.child("one"))
    os.kill(await group.started("one"), signal.SIGKILL)
    await group.started("one", 2)
    assert group.supervisor.failure == ""


async def test_a_program_that_is_not_there(group: Group) -> None:
    group.supervisor.start(Child("none", ("/nowhere/at/all",), 0))
    await until(lambda: bool(group.supervisor.failure))
    assert "No such file" in group.supervisor.failure


async def test_stages_stop_one_after_the_other(group: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervise, "GRACE_SECONDS", DEADLINE_S)
    for name, stage in (("last", 2), ("first", 0), ("second", 1)):
        group.supervisor.start(group.child(name, stage))
    for name in ("last", "first", "second"):
        await group.started(name)
    await group.supervisor.stop()
    ended = [(group.folder / f"{name}.stopped").stat().st_mtime_ns for name in ("first", "second", "last")]
    assert ended == sorted(ended)
    assert group.said == [], "what ends in a stop is not started again"


async def test_one_that_does_not_end_is_killed(group: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervise, "GRACE_SECONDS", 0.1)
    group.supervisor.start(group.child("deaf", answer="stays"))
    pid = await group.started("deaf")
    await group.supervisor.stop()
    assert not running(pid)
    assert group.supervisor.pid("deaf") is None


async def test_a_stop_while_a_child_is_being_started_leaves_nothing(group: Group) -> None:
    group.supervisor.start(group.child("one"))
    await asyncio.sleep(0)  # the task has begun, the process may not have
    await group.supervisor.stop()
    assert group.supervisor.pid("one") is None


async def test_a_stop_does_not_wait_for_the_next_start(group: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervise, "FIRST_DELAY", 3600.0)
    monkeypatch.setattr(supervise, "LONGEST_DELAY", 3600.0)
    group.supervisor.settled()
    group.supervisor.start(Child("bad", (sys.executable, "-c", "pass"), 0))
    await until(lambda: bool(group.said))
    async with asyncio.timeout(DEADLINE_S):
        await group.supervisor.stop()


async def test_a_restarted_child_serves_on_the_same_socket(group: Group) -> None:
    listener = supervise.listen_on_loopback()
    program = textwrap.dedent("""
        import os, socket, sys
        listener = socket.socket(fileno=int(sys.argv[1]))
        while True:
            connection, _ = listener.accept()
            connection.sendall(str(os.getpid()).encode())
            connection.close()
    """)
    command = (sys.executable, "-c", program, str(listener.fileno()))
    group.supervisor.settled()
    group.supervisor.start(Child("server", command, 0, sockets=(listener,)))

    async def asked() -> int:
        """Again where the dying one still took the connection; a refused one is an error."""
        async with asyncio.timeout(DEADLINE_S):
            answer = b""
            while not answer:
                reader, writer = await asyncio.open_connection(*listener.getsockname())
                with contextlib.suppress(ConnectionResetError):
                    answer = await reader.read()
                writer.close()
            return int(answer)

    try:
        first = await asked()
        os.kill(first, signal.SIGKILL)
        assert await asked() != first  # no connection was refused in between
    finally:
        await group.supervisor.stop()
        listener.close()


def test_delays_grow_to_a_bound_and_begin_anew() -> None:
    delays = [0.0]
    for _ in range(10):
        delays.append(supervise.delay_after(delays[-1], lived=1.0))
    assert delays[1] == supervise.FIRST_DELAY
    assert delays == sorted(delays)
    assert delays[-1] == supervise.LONGEST_DELAY
    assert supervise.delay_after(delays[-1], lived=supervise.STEADY_SECONDS) == supervise.FIRST_DELAY


def test_a_listener_avoids_the_ports_of_others() -> None:
    with supervise.listen_on_loopback() as first:
        port = first.getsockname()[1]
    with supervise.listen_on_loopback(avoid=set(range(1024, 65536)) - {port}) as found:
        assert found.getsockname()[1] == port


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux's")
def test_children_end_with_a_killed_supervisor(tmp_path: Path) -> None:
    program = textwrap.dedent(f"""
        import asyncio, sys
        from gateway.supervise import Child, Supervisor
        async def main():
            supervisor = Supervisor(1.0, print)
            command = (sys.executable, "-c", {PROGRAM!r}, {str(tmp_path / "child")!r}, "ends")
            supervisor.start(Child("child", command, 0))
            await asyncio.Event().wait()
        asyncio.run(main())
    """)
    with subprocess.Popen([sys.executable, "-c", program]) as parent:
        group = Group(tmp_path)
        try:
            pid = asyncio.run(group.started("child"))
        finally:
            parent.kill()
    asyncio.run(until(lambda: not running(pid)))
