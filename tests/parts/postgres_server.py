"""A PostgreSQL of our own, which can be stopped, killed and started again with its data on the same port."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import asyncpg  # type: ignore[import-untyped]

from tests.parts.process import DidNotStart, Process, free_port, primary_group
from tests.parts.programs import Programs

# It lives for one test run, so nothing waits for the disk. What was committed still survives a kill of the
# server:
# without synchronous_commit it would not.
SETTINGS = (
    *("fsync=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0"),
    *("shared_buffers=64MB", "max_connections=60", "listen_addresses=127.0.0.1", "unix_socket_directories="),
)

Result = TypeVar("Result")


class PostgresServer:
    """The superuser is `postgres`, without a password, from this machine only."""

    def __init__(self, programs: Programs) -> None:
        self._user = unprivileged_user()
        reachable = self._user is None or self._may_run(programs.folder / "postgres")
        self.folder = Path(tempfile.mkdtemp(prefix="sluss-postgres-", dir=in_memory() if reachable else None))
        if self._user is not None:
            os.chown(self.folder, -1, primary_group(self._user))
            shutil.chown(self.folder, self._user)
        self._programs = programs.folder if reachable else self._copied(programs.folder)
        self.port = free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        self._process: Process | None = None

    def start(self) -> None:
        data = self.folder / "data"
        if not data.exists():
            made_by = [str(self._programs / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust"]
            self._run(*made_by, "-E", "UTF8", "--locale=C", "--no-sync")
        command = [str(self._programs / "postgres"), "-D", str(data), "-p", str(self.port)]
        for setting in SETTINGS:
            command += ["-c", setting]
        # SIGQUIT ends it at once; what it has written is read again at the next start.
        self._process = Process(command, folder=self.folder, stop="QUIT", user=self._user)
        self._process.wait_until(self.answers)

    def stop(self) -> None:
        """Ends every connection; `start` begins again with the same data."""
        self._running().end(keep=True)

    def kill(self) -> None:
        """A crash of the whole server. What it had started for its clients ends by itself, and before a new start."""
        process = self._running()
        theirs = process.children()
        process.signal(signal.SIGKILL)
        process.end(keep=True)
        process.wait_for_the_end_of(theirs)

    def remove(self) -> None:
        """Ends it for good."""
        if self._process is not None:
            self._process.end(keep=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def answers(self) -> bool:
        return answers(self.url)

    def _running(self) -> Process:
        assert self._process is not None, "start it first"
        return self._process

    def _copied(self, folder: Path) -> Path:
        """The programs where the server's user may enter: not below /root, say."""
        package = folder.parents[1]
        copied = self.folder / "install" / package.name / folder.parent.name
        shutil.copytree(folder.parent, copied, symlinks=True)
        # A wheel's programs look for their libraries beside the package.
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, copied.parents[1] / libraries.name)
        return copied / folder.name

    def _may_run(self, program: Path) -> bool:
        try:
            self._run(str(program), "--version")
        except (PermissionError, DidNotStart):
            return False
        return True

    def _run(self, *command: str) -> None:
        done = subprocess.run(
            command,
            cwd="/",
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            user=self._user,
            group=None if self._user is None else primary_group(self._user),
            extra_groups=None if self._user is None else [],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise DidNotStart(f"{command[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def unprivileged_user() -> str | None:
    """PostgreSQL refuses to run as root: then whose account it gets. None for anybody else: their own."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


def in_memory() -> Path | None:
    """Linux's folder in memory, where a copy of a database takes an eighth of the time; None without room."""
    folder = Path("/dev/shm")
    room = folder.is_dir() and os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > 1 << 30
    return folder if room else None


def answers(url: str) -> bool:
    async def ask() -> bool:
        try:
            connection = await asyncpg.connect(url, timeout=5)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        await connection.close()
        return True

    return run(ask())


def execute(url: str, *statements: str) -> None:
    """Each outside a transaction."""

    async def each() -> None:
        connection = await asyncpg.connect(url, timeout=10)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    run(each())


def run(work: Coroutine[object, object, Result]) -> Result:
    """Runs it in a loop of its own, also when the caller's thread is inside another."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()
