"""Driver errors become ours by code, and never carry values."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from storage import people, sessions
from storage.database import Database
from storage.dialects.translate import SQLITE_CODES, SQLSTATES, kind
from storage.errors import AlreadyExists, Busy, InvalidValue, NotFound, StorageError, Unavailable
from tests.storage.samples import NOW, person


class Sqlstate(Exception):
    def __init__(self, sqlstate: str) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("state", "ours"),
    [
        ("08006", Unavailable),
        ("22021", InvalidValue),
        ("23503", NotFound),
        ("23505", AlreadyExists),
        ("23514", None),
        ("25006", Unavailable),
        ("25P03", Unavailable),
        ("40001", Busy),
        ("40P01", Busy),
        ("42P01", None),
        ("53100", Unavailable),
        ("53300", Unavailable),
        ("54000", InvalidValue),
        ("55P03", Busy),
        ("57014", Unavailable),
        ("57P01", Unavailable),
        ("57P03", Unavailable),
        ("58030", Unavailable),
        ("", None),
    ],
)
def test_postgresql_states(state: str, ours: type[StorageError] | None) -> None:
    assert kind(DBAPIError("", None, Sqlstate(state))) is ours


@pytest.mark.parametrize(
    ("code", "ours"),
    [
        (sqlite3.SQLITE_BUSY, Busy),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, Busy),
        (sqlite3.SQLITE_FULL, Unavailable),
        (sqlite3.SQLITE_IOERR_WRITE, Unavailable),
        (sqlite3.SQLITE_CONSTRAINT_UNIQUE, AlreadyExists),
        (sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, AlreadyExists),
        (sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY, NotFound),
        (sqlite3.SQLITE_CONSTRAINT_TRIGGER, None),
        (sqlite3.SQLITE_CONSTRAINT_NOTNULL, None),
        (sqlite3.SQLITE_ERROR, None),
    ],
)
def test_sqlite_codes(code: int, ours: type[StorageError] | None) -> None:
    error = sqlite3.OperationalError("x")
    error.sqlite_errorcode = code
    assert kind(DBAPIError("", None, error)) is ours


def test_a_lost_connection_is_unavailable_whatever_its_code() -> None:
    assert kind(DBAPIError("", None, Sqlstate("42P01"), connection_invalidated=True)) is Unavailable


def test_every_code_is_one_of_ours() -> None:
    assert all(issubclass(ours, StorageError) for ours in (*SQLSTATES.values(), *SQLITE_CODES.values()))


async def test_a_fault_of_ours_goes_through_unchanged(database: Database) -> None:
    with pytest.raises(DBAPIError, match="no_such_table"):
        async with database.read() as session:
            await session.execute(text("SELECT * FROM no_such_table"))


async def test_the_refused_values_are_in_no_error(database: Database) -> None:
    async with database.begin() as session:
        who = await person(session, "a@b.example")
    with pytest.raises(AlreadyExists) as taken:
        async with database.begin() as session:
            await session.execute(
                people.table.insert().values(
                    id="per_2",
                    email="a@b.example",
                    name="hemligt",
                    password_hash="hemligt",
                    operator=False,
                    language="sv",
                    created_at=NOW,
                )
            )
    with pytest.raises(NotFound) as orphan:
        async with database.begin() as session:
            await sessions.add(
                session, id_hash="hemligt", person_id="per_hemligt", csrf="hemligt", expires_at=NOW, now=NOW
            )
    with pytest.raises(IntegrityError) as empty:
        async with database.begin() as session:
            await session.execute(people.table.insert().values(id="per_3", email=None, name="hemligt"))
    for refused in (taken, orphan):
        assert refused.value.detail
        assert "hemligt" not in str(refused.value)
        assert "a@b.example" not in str(refused.value)
    assert "[SQL parameters hidden" in str(empty.value)
    assert who.email == "a@b.example"
