"""Migrations: from nothing to the newest form, which is the one the queries expect, and back."""

from __future__ import annotations

import asyncio
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from storage import access, audit, clients, credentials, migrate, personal_tokens, sessions, usage
from storage.database import Database
from storage.errors import Unavailable
from storage.migrations import revisions
from storage.oauth import (
    codes,
    consents,
    device_codes,
    grants,
    logout_notices,
    pushed_requests,
    refresh_tokens,
)
from storage.proofs import (
    identities,
    invitations,
    one_time_codes,
    passkeys,
    recovery_codes,
    registration_tokens,
    seen,
    sign_ins,
    single_use,
)
from storage.schema.metadata import metadata
from storage.usage import processes
from tests.parts import templates
from tests.parts.postgres_server import run

# Every aggregate adds its tables to the one metadata when it is imported.
OAUTH = (codes, consents, device_codes, grants, logout_notices, pushed_requests, refresh_tokens)
AGGREGATES = (
    access,
    audit,
    clients,
    credentials,
    personal_tokens,
    processes,
    identities,
    invitations,
    one_time_codes,
    passkeys,
    recovery_codes,
    registration_tokens,
    seen,
    sign_ins,
    single_use,
    sessions,
    usage,
    *OAUTH,
)


def inspected(url: str) -> tuple[set[str], list[object]]:
    """The tables there are, and how they differ from what the queries expect."""

    def look(connection: Connection) -> tuple[set[str], list[object]]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return set(inspect(connection).get_table_names()), list(compare_metadata(context, metadata))

    async def ask() -> tuple[set[str], list[object]]:
        database = Database(url)
        try:
            async with database.read() as session:
                return await (await session.connection()).run_sync(look)
        finally:
            await database.close()

    return run(ask())


def test_an_upgrade_from_nothing_gives_the_tables_the_queries_expect(empty_url: str) -> None:
    assert migrate.current(empty_url) is None
    migrate.upgrade(empty_url)
    assert migrate.current(empty_url) == migrate.head()
    tables, differences = inspected(empty_url)
    assert tables == set(metadata.tables) | {"alembic_version"}
    assert differences == []
    assert len(metadata.tables) == 34


def test_a_second_upgrade_does_nothing(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    migrate.upgrade(empty_url)
    assert migrate.current(empty_url) == migrate.head()


def test_a_downgrade_leaves_nothing_and_can_be_undone(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    migrate.downgrade(empty_url, "base")
    assert migrate.current(empty_url) is None
    assert inspected(empty_url)[0] == {"alembic_version"}
    migrate.upgrade(empty_url)
    assert inspected(empty_url)[1] == []


def test_the_one_row_tables_have_their_row(empty_url: str) -> None:
    migrate.upgrade(empty_url)

    async def rows() -> tuple[int, audit.Head]:
        database = Database(empty_url)
        try:
            async with database.read() as session:
                count = await session.execute(text("SELECT count(*) FROM changes"))
                return count.scalar_one(), await audit.head(session)
        finally:
            await database.close()

    assert run(rows()) == (1, audit.Head(0, "0" * 64))


def test_processes_that_upgrade_at_the_same_time_wait_for_each_other(empty_url: str) -> None:
    with ProcessPoolExecutor(3, multiprocessing.get_context("spawn")) as pool:
        for done in [pool.submit(migrate.upgrade, empty_url) for _ in range(3)]:
            done.result()
    assert inspected(empty_url)[1] == []


def test_a_step_that_fails_leaves_the_form_before(empty_url: str) -> None:
    """Half an upgrade, by a name that is taken, is no upgrade: on SQLite too."""

    async def take() -> None:
        database = Database(empty_url)
        async with database.begin() as session:
            await session.execute(text("CREATE TABLE usage (id int)"))
        await database.close()

    run(take())
    with pytest.raises(Exception, match="usage"):
        migrate.upgrade(empty_url)
    assert migrate.current(empty_url) is None
    assert inspected(empty_url)[0] <= {"usage", "alembic_version"}


async def test_inside_a_loop_it_runs_in_a_thread(tmp_path: Path) -> None:
    url = templates.sqlite_url(tmp_path / "empty.db")
    await asyncio.to_thread(migrate.upgrade, url)
    assert await asyncio.to_thread(migrate.current, url) == migrate.head()


def test_a_database_that_is_away_is_told_as_such() -> None:
    with pytest.raises(Unavailable):
        migrate.current("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(Unavailable):
        migrate.upgrade("sqlite:////no/such/folder/sluss.db")


def test_the_file_names_say_what_alembic_says() -> None:
    scripts = ScriptDirectory.from_config(migrate.configuration())
    assert revisions.known() == [script.revision for script in scripts.walk_revisions()][::-1]
    assert revisions.head() == scripts.get_current_head()
