"""F17: the release before and this one on one database, in both directions, and the way back.

The release before is its record in `releases/`: every statement it makes, and rows as it writes them. Its statements
are given to the new form, where the database itself says whether each still stands; whether an INSERT would miss a
column is asked of the form. Its rows are migrated, read and added to by this release, and are found again unchanged
when the migrations are taken back.
"""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import asyncpg  # type: ignore[import-untyped]
import pytest
from sqlalchemy import Connection, MetaData, Table, insert, inspect, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage import access, apps, audit, changes, credentials, migrate, personal_tokens, sessions, usage
from storage.database import Database
from tests.storage.samples import NOW

RECORDS = sorted((Path(__file__).parent / "releases").glob("*.json"))
INSERTED = re.compile(r"INSERT INTO (\w+) \(([^)]*)\)")

Rows = dict[str, list[dict[str, object]]]


@dataclass(frozen=True, slots=True)
class Release:
    revision: str
    statements: Mapping[str, Sequence[str]]  # by the name of the database
    rows: Rows

    @classmethod
    def read(cls, path: Path) -> Self:
        found = json.loads(path.read_text())
        for row in (row for rows in found["rows"].values() for row in rows):
            row.update({name: bytes.fromhex(it["hex"]) for name, it in row.items() if isinstance(it, dict)})
        return cls(found["revision"], found["statements"], found["rows"])


@pytest.fixture(params=RECORDS, ids=lambda path: path.stem)
def before(request: pytest.FixtureRequest) -> Release:
    path: Path = request.param
    return Release.read(path)


def test_the_release_before_goes_on_and_this_one_reads_what_it_wrote(before: Release, empty_url: str) -> None:
    migrate.upgrade(empty_url, before.revision)
    asyncio.run(put(empty_url, before.rows))
    assert list(refused(empty_url, before)) == [], "the record is of this revision"
    missing = asyncio.run(required(empty_url))
    migrate.upgrade(empty_url)
    assert asyncio.run(rows_of(empty_url, before.rows)) == {
        name: in_order(rows) for name, rows in before.rows.items()
    }
    assert list(refused(empty_url, before)) == []
    assert list(unfilled(before, asyncio.run(required(empty_url)) - missing)) == []
    asyncio.run(this_release_works(empty_url))


def test_there_is_a_way_back(before: Release, empty_url: str) -> None:
    """What this release has added goes; what the one before had is there, with what this one has written into it."""
    migrate.upgrade(empty_url, before.revision)
    asyncio.run(put(empty_url, before.rows))
    migrate.upgrade(empty_url)
    asyncio.run(this_release_works(empty_url))
    known = asyncio.run(rows_of(empty_url, before.rows))
    assert len(known["apps"]) == len(before.rows["apps"]) + 1
    migrate.downgrade(empty_url, before.revision)
    assert migrate.current(empty_url) == before.revision
    assert asyncio.run(rows_of(empty_url, before.rows)) == known
    assert list(refused(empty_url, before)) == []
    migrate.upgrade(empty_url)
    assert asyncio.run(rows_of(empty_url, before.rows)) == known


@pytest.mark.parametrize(
    "harm",
    [
        "ALTER TABLE apps RENAME COLUMN name TO title",
        "DROP TABLE revocations",
        "ALTER TABLE audit DROP COLUMN ip",
    ],
)
def test_harm_to_the_release_before_is_seen(harm: str, database_url: str) -> None:
    release = Release.read(RECORDS[-1])
    assert list(refused(database_url, release)) == []
    asyncio.run(run_all(database_url, [harm]))
    assert list(refused(database_url, release))


def test_a_column_that_the_release_before_does_not_fill_is_seen(database_url: str) -> None:
    release = Release.read(RECORDS[-1])
    known = asyncio.run(required(database_url))
    sound = "ALTER TABLE apps ADD COLUMN colour TEXT DEFAULT 'red' NOT NULL"
    asyncio.run(run_all(database_url, [sound, "CREATE TABLE colours (id TEXT NOT NULL PRIMARY KEY)"]))
    assert list(unfilled(release, asyncio.run(required(database_url)) - known)) == []
    assert list(unfilled(release, {("apps", "colour")})) == ["apps.colour"]


# --- what a database says


def refused(url: str, release: Release) -> Iterator[str]:
    """Statements of a release that the database does not take, each with the reason."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            for statement in release.statements["sqlite"]:
                try:
                    connection.execute(f"EXPLAIN {statement}", [None] * statement.count("?")).fetchall()
                except sqlite3.Error as error:
                    yield f"{error}: {statement}"
        return
    yield from asyncio.run(_refused_by_postgres(url, release.statements["postgresql"]))


async def _refused_by_postgres(url: str, statements: Sequence[str]) -> list[str]:
    connection = await asyncpg.connect(url)
    found = []
    for statement in statements:
        try:
            await connection.prepare(statement)
        except asyncpg.PostgresError as error:
            found.append(f"{error}: {statement}")
    await connection.close()
    return found


async def required(url: str) -> set[tuple[str, str]]:
    """Table and column of everything that an INSERT must give."""

    def look(connection: Connection) -> set[tuple[str, str]]:
        form = inspect(connection)
        return {
            (table, column["name"])
            for table in form.get_table_names()
            for column in form.get_columns(table)
            if not column["nullable"] and column["default"] is None
        }

    async with opened(url) as database, database.read() as session:
        return await (await session.connection()).run_sync(look)


def unfilled(release: Release, needed: set[tuple[str, str]]) -> Iterator[str]:
    """Columns that a release puts rows beside without a value."""
    for statement in release.statements["sqlite"]:
        if made := INSERTED.match(statement):
            given = {name.strip(' "') for name in made[2].split(",")}
            yield from (f"{table}.{name}" for table, name in needed if table == made[1] and name not in given)


# --- rows


async def run_all(url: str, statements: Sequence[str]) -> None:
    async with opened(url) as database, database.begin() as session:
        for statement in statements:
            await session.execute(text(statement))


async def put(url: str, rows: Rows) -> None:
    """As they are in the record, into the form of its revision."""
    async with opened(url) as database, database.begin() as session:
        form = await tables_of(session)
        for name, row in ((name, row) for name, several in rows.items() for row in several):
            table = form[name]
            if name == "audit_head":
                continue  # each entry has brought it along
            await session.execute(
                update(table).values(row) if name == "changes" else insert(table).values(row)
            )
            if name == "audit":  # the chain takes nothing but the next one
                await session.execute(update(form["audit_head"]).values(seq=row["seq"], hash=row["hash"]))


async def rows_of(url: str, like: Rows) -> Rows:
    """What is there of the tables and columns of `like`."""
    async with opened(url) as database, database.read() as session:
        form = await tables_of(session)
        found: Rows = {}
        for name, rows in like.items():
            table = form[name]
            columns = [table.c[column] for column in rows[0]] if rows else list(table.c)
            found[name] = in_order([dict(row._mapping) for row in await session.execute(select(*columns))])
        return found


async def tables_of(session: AsyncSession) -> Mapping[str, Table]:
    """As the database says they are, and not as this release would have them."""
    form = MetaData()
    await (await session.connection()).run_sync(form.reflect)
    return form.tables


def in_order(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    return sorted(rows, key=lambda row: repr(sorted(row.items())))


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        await database.close()


async def this_release_works(url: str) -> None:
    """It reads what `releases.recorder.fill` has written, whichever release that was, and writes beside it."""
    async with opened(url) as database:
        async with database.read() as session:
            known = await access.load(session, NOW)
            (app,), (held,) = known.apps, known.subscriptions
            assert known.revoked == {"token-1"}
            assert [each.kid for each in known.keys] == ["key-1"]
            assert len(await credentials.live_for_client(session, app.client_id, NOW)) == 1
            found = await sessions.find(session, "5e", NOW)
            owner = await personal_tokens.find(session, "70", NOW)
            assert found is not None
            assert owner is not None
            assert found[1] == owner[1]
            assert await usage.units_since(session, NOW - 3600) == {held.id: 7}
            assert await audit.verify(session) == audit.Verified(2, None)
        async with database.begin() as session:
            await apps.add(session, app.organisation_id, name="New", environment="sandbox", now=NOW)
            await audit.append(
                session, at=NOW, actor_kind="person", actor_id="p", act="app.created", object_kind="app",
                object_id="a", organisation_id=app.organisation_id, request_id="", ip="",
            )  # fmt: skip
        async with database.read() as session:
            assert await audit.verify(session) == audit.Verified(3, None)
            before = await changes.current(session)
        async with database.begin() as session:  # a step of the release that knew no log of changes
            await session.execute(text("UPDATE changes SET version = version + 1"))
        async with database.read() as session:
            assert await access.changed(session, before, before + 1) is None, "then everything is read"
