"""Transactions: all or nothing, read-only reads, and a database that goes away and comes back."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from storage import changes, people
from storage.database import Database
from storage.errors import Busy, InvalidValue, Unavailable
from tests.parts import templates
from tests.parts.postgres_server import PostgresServer
from tests.storage.samples import person

ROOT = Path(__file__).parents[2]


async def known(database: Database, email: str = "a@b.example") -> bool:
    async with database.read() as session:
        return await people.by_email(session, email) is not None


async def test_what_was_done_is_kept_at_the_end(database: Database) -> None:
    async with database.begin() as session:
        await person(session, "a@b.example")
        assert not await known(database)
    assert await known(database)


async def test_an_exception_undoes_everything(database: Database) -> None:
    async def fail() -> None:
        async with database.begin() as session:
            await person(session, "a@b.example")
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert not await known(database)


async def test_a_cancelled_transaction_is_undone_and_blocks_nobody(database: Database) -> None:
    inside = asyncio.Event()

    async def hang() -> None:
        async with database.begin() as session:
            await person(session, "a@b.example")
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hang())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.begin() as session:
        await person(session, "c@b.example")
    assert not await known(database)


async def test_a_statement_cancelled_half_way_leaves_no_broken_connection(database: Database) -> None:
    async def write(n: int) -> None:
        async with database.begin() as session:
            await person(session, f"{n}@b.example")
            await changes.bump(session)

    for delay in (0.0, 0.001, 0.002, 0.004):
        tasks = [asyncio.create_task(write(n)) for n in range(6)]
        await asyncio.wait(tasks, timeout=delay)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    async with database.begin() as session:
        await person(session, "last@b.example")
    assert await known(database, "last@b.example")


async def test_a_read_cannot_write(database: Database) -> None:
    async with database.begin() as session:
        await person(session, "a@b.example")
    # SQLite calls it a read-only database, PostgreSQL a fault of ours; it is both.
    with pytest.raises((Unavailable, DBAPIError)):
        async with database.read() as session:
            await session.execute(text("DELETE FROM people"))
    assert await known(database)


async def test_nothing_is_connected_before_the_first_transaction(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/none/at/all.db")
    with pytest.raises(Unavailable):
        async with database.read():
            pass
    await database.close()


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "mysql://root:hemligt@db/sluss",
        "postgresql://root:hemligt@db",
        "postgresql://root:hemligt@db/sluss?sslmode=maybe",
        "hemligt",
    ],
)
def test_a_url_that_cannot_be_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        Database(url)
    assert "hemligt" not in str(refused.value)


def test_the_dialect_is_named_by_the_url() -> None:
    assert Database("sqlite:////tmp/never-opened.db").dialect == "sqlite"
    assert Database("postgresql://nobody@localhost/none").dialect == "postgresql"
    assert Database("postgres://nobody@localhost/none").dialect == "postgresql"


async def test_who_waits_too_long_is_told_so(database_url: str) -> None:
    patient, hasty = Database(database_url), Database(database_url, wait=0.05)
    async with patient.begin() as holding:
        await changes.bump(holding)
        with pytest.raises(Busy):
            async with hasty.begin() as session:
                await changes.bump(session)
    async with hasty.begin() as session:
        assert await changes.bump(session) == 2
    await patient.close()
    await hasty.close()


async def test_a_bounded_pool_refuses_instead_of_queueing_for_ever(database_url: str) -> None:
    database = Database(database_url, wait=0.05)
    hold = asyncio.Event()

    async def read() -> None:
        async with database.read():
            await hold.wait()

    readers = [asyncio.create_task(read()) for _ in range(12)]
    done, _ = await asyncio.wait(readers, timeout=5, return_when=asyncio.FIRST_EXCEPTION)
    assert {type(task.exception()) for task in done} == {Busy}
    hold.set()
    await asyncio.gather(*readers, return_exceptions=True)
    assert not await known(database)
    await database.close()


async def test_many_writers_on_one_sqlite_file_never_meet_a_lock(sqlite_url: str) -> None:
    """Two databases stand for two processes; each queues its own writers and waits for the other's."""
    one, other = Database(sqlite_url), Database(sqlite_url)

    async def write(database: Database, n: int) -> None:
        async with database.read() as session:
            await changes.current(session)
        async with database.begin() as session:
            await people.by_email(session, "x@b.example")
            await person(session, f"{n}@b.example")
            await changes.bump(session)

    await asyncio.gather(*(write(database, n) for n, database in enumerate([one, other] * 30)))
    async with one.read() as session:
        assert await changes.current(session) == 60
    await one.close()
    await other.close()


async def test_many_processes_on_one_sqlite_file_never_meet_a_lock(sqlite_url: str) -> None:
    each = 40
    program = (
        "import asyncio, sys\n"
        "from storage import changes\n"
        "from storage.database import Database\n"
        "async def main():\n"
        "    database = Database(sys.argv[1])\n"
        f"    for _ in range({each}):\n"
        "        async with database.begin() as session:\n"
        "            await changes.bump(session)\n"
        "    await database.close()\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", program, sqlite_url]
    running = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    said = [process.communicate()[1] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], said
    database = Database(sqlite_url)
    async with database.read() as session:
        assert await changes.current(session) == 3 * each
    await database.close()


@pytest.mark.postgres
async def test_a_connection_lost_in_a_transaction_is_told_once_and_forgotten(postgres_url: str) -> None:
    database, killer = Database(postgres_url), Database(postgres_url)

    async def lose() -> None:
        async with database.begin() as session:
            await person(session, "a@b.example")
            pid = (await session.execute(text("SELECT pg_backend_pid()"))).scalar_one()
            async with killer.begin() as other:
                await other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
            await person(session, "c@b.example")

    with pytest.raises(Unavailable):
        await lose()
    assert not await known(database)
    await database.close()
    await killer.close()


@pytest.mark.postgres
async def test_connections_that_died_while_idle_are_replaced_unseen(postgres_url: str) -> None:
    database, killer = Database(postgres_url), Database(postgres_url)

    async def hold(everybody: asyncio.Barrier) -> None:
        async with database.read():
            await everybody.wait()

    together = asyncio.Barrier(4)
    await asyncio.gather(*(hold(together) for _ in range(4)))
    ended = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    async with killer.begin() as session:
        assert len((await session.execute(ended)).all()) == 4
    for _ in range(4):
        async with database.begin() as session:
            await changes.bump(session)
    await database.close()
    await killer.close()


@pytest.mark.postgres
async def test_a_server_that_goes_away_and_comes_back_needs_no_restart_of_ours(
    own_postgres: PostgresServer,
) -> None:
    templates.upgrade(own_postgres.url)
    database = Database(own_postgres.url)
    async with database.begin() as session:
        await person(session, "a@b.example")
    own_postgres.kill()
    for _ in range(3):
        with pytest.raises(Unavailable):
            await known(database)
    with pytest.raises(Unavailable):
        async with database.begin() as session:
            await changes.bump(session)
    own_postgres.start()
    assert await known(database)
    async with database.begin() as session:
        await changes.bump(session)
    await database.close()


def test_commit_stands_in_one_place() -> None:
    """`Database.begin` commits by leaving SQLAlchemy's own block; nobody else does at all."""
    for source in (ROOT / "storage").rglob("*.py"):
        code = source.read_text(encoding="utf-8")
        assert ".commit(" not in code, source
        if source.name not in ("database.py", "migrate.py"):
            assert ".begin(" not in code, source
