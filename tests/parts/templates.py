"""Fresh, migrated databases by copying one that was migrated once."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from storage import migrate
from tests.parts.postgres_server import execute


def upgrade(url: str) -> None:
    """`migrate.upgrade` in a thread: fixtures may be asked for from inside a loop."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(migrate.upgrade, url).result()


def sqlite_url(path: Path) -> str:
    return f"sqlite:///{path}"


def sqlite_template(path: Path) -> Path:
    """Makes a migrated file at `path`."""
    upgrade(sqlite_url(path))
    return path


def sqlite_copy(template: Path, path: Path) -> str:
    """Nobody may have the template open: its log file would be left behind."""
    shutil.copyfile(template, path)
    return sqlite_url(path)


def named(server: str, database: str) -> str:
    """The server's URL with another database."""
    return urlunsplit(urlsplit(server)._replace(path=f"/{database}"))


@contextmanager
def postgres_empty(server: str) -> Iterator[str]:
    """A database without tables, removed at the end."""
    with _created(server, "") as name:
        yield named(server, name)


@contextmanager
def postgres_template(server: str) -> Iterator[str]:
    """The name of a migrated database, removed at the end."""
    with _created(server, "") as name:
        upgrade(named(server, name))
        yield name


@contextmanager
def postgres_copy(server: str, template: str) -> Iterator[str]:
    """A fresh copy's URL; removed at the end, whoever is still connected."""
    with _created(server, f"TEMPLATE {template}") as name:
        yield named(server, name)


@contextmanager
def _created(server: str, options: str) -> Iterator[str]:
    name = f"sluss_test_{secrets.token_hex(6)}"
    execute(server, f"CREATE DATABASE {name} {options}")
    try:
        yield name
    finally:
        execute(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
