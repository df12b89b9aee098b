"""Driver errors turned into `storage.errors`, by their codes and never by their text.

What is not listed here is a fault in our own statements: it goes through unchanged and ends as a 500.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from storage.errors import AlreadyExists, Busy, InvalidValue, NotFound, StorageError, Unavailable

# https://www.postgresql.org/docs/current/errcodes-appendix.html, the longest match wins.
SQLSTATES: dict[str, type[StorageError]] = {
    "08": Unavailable,  # connection
    "22": InvalidValue,  # data: NUL in a text, number out of range
    "23503": NotFound,  # foreign key
    "23505": AlreadyExists,  # unique
    "25006": Unavailable,  # read-only: a standby after a failover, or a disk that filled up
    "25P03": Unavailable,  # ended for idling inside a transaction
    "40001": Busy,  # serialisation failure
    "40P01": Busy,  # deadlock
    "53": Unavailable,  # out of disk, memory, connections
    "54": InvalidValue,  # a text longer than an index holds
    "55P03": Busy,  # lock wait ended
    "57": Unavailable,  # cancelled, shutting down, starting up
    "58": Unavailable,  # input/output
}

# https://www.sqlite.org/rescode.html, extended codes first, then the primary code in their low byte.
SQLITE_CODES: dict[int, type[StorageError]] = {
    sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY: NotFound,
    sqlite3.SQLITE_CONSTRAINT_UNIQUE: AlreadyExists,
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY: AlreadyExists,
    sqlite3.SQLITE_BUSY: Busy,
    sqlite3.SQLITE_LOCKED: Busy,
    sqlite3.SQLITE_FULL: Unavailable,
    sqlite3.SQLITE_IOERR: Unavailable,
    sqlite3.SQLITE_CANTOPEN: Unavailable,
    sqlite3.SQLITE_READONLY: Unavailable,
    sqlite3.SQLITE_CORRUPT: Unavailable,
    sqlite3.SQLITE_NOTADB: Unavailable,
    sqlite3.SQLITE_TOOBIG: InvalidValue,
}


def kind(error: DBAPIError) -> type[StorageError] | None:
    """The class of ours for a driver's error, None for a fault in our own statement."""
    if error.connection_invalidated:
        return Unavailable
    original = error.orig
    if isinstance(original, sqlite3.Error):
        code: int = getattr(original, "sqlite_errorcode", 0)
        return SQLITE_CODES.get(code) or SQLITE_CODES.get(code & 0xFF)
    state: str = getattr(original, "sqlstate", None) or ""
    return next((SQLSTATES[state[:n]] for n in (5, 2) if state[:n] in SQLSTATES), None)


def detail(error: DBAPIError) -> str:
    """What failed, without the values: PostgreSQL's full message quotes the refused row."""
    original = error.orig
    if isinstance(original, sqlite3.Error):
        return f"{original.sqlite_errorname}: {original}"
    cause = original.__cause__ if original is not None else None
    state, constraint = getattr(original, "sqlstate", ""), getattr(cause, "constraint_name", "")
    return " ".join(str(part) for part in (type(cause).__name__, state, constraint) if part)


@contextmanager
def translated() -> Iterator[None]:
    """Around a transaction."""
    try:
        yield
    except PoolTimeout as error:
        raise Busy(str(error)) from error
    except TimeoutError as error:  # asyncpg's for a statement without an answer; it comes through as it is
        raise Unavailable("a statement was not answered in time") from error
    except DBAPIError as error:
        ours = kind(error)
        if ours is None:
            raise
        raise ours(detail(error)) from error


@contextmanager
def connecting() -> Iterator[None]:
    """Around the first contact, where SQLAlchemy lets socket and asyncpg errors through as they are."""
    try:
        yield
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Unavailable(f"{type(error).__name__}: {error}") from error
