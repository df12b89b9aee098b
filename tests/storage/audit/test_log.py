"""The log in a database: appended in order, changed by nobody, and telling when it was."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from storage import audit, changes
from storage.audit import Entry, Head, Verified
from storage.audit.chain import GENESIS, hash_of
from storage.database import Database
from tests.storage.samples import NOW


async def append(session: AsyncSession, n: int = 0, organisation_id: str | None = "org_us") -> Entry:
    return await audit.append(
        session,
        at=NOW + n,
        actor_kind="person",
        actor_id="per_1",
        act="app.create",
        object_kind="app",
        object_id=f"app_{n}",
        organisation_id=organisation_id,
        request_id=f"req_{n}",
        ip="2001:db8::1",
        before=None,
        after={"name": f"Å{n}"},
    )


async def fill(database: Database, count: int = 5) -> list[Entry]:
    async with database.begin() as session:
        return [await append(session, n) for n in range(count)]


async def verify(database: Database, known: Head | None = None) -> Verified:
    async with database.read() as session:
        return await audit.verify(session, known)


async def tamper(database: Database, *statements: str) -> None:
    """Somebody who owns the tables: switches the triggers off, changes, and switches them on again."""
    async with database.begin() as session:
        if database.dialect == "sqlite":
            query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
            triggers = (await session.execute(text(query))).all()
            for name, _ in triggers:
                await session.execute(text(f"DROP TRIGGER {name}"))
        else:
            await session.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in statements:
            await session.execute(text(statement))
        if database.dialect == "sqlite":
            for _, sql in triggers:
                await session.execute(text(sql.replace(":", "\\:")))


async def test_entries_are_chained_from_one(database: Database) -> None:
    entries = await fill(database)
    assert [entry.seq for entry in entries] == [1, 2, 3, 4, 5]
    previous = GENESIS
    for entry in entries:
        assert entry.hash == hash_of(entry, previous)
        previous = entry.hash
    assert entries[0].after == '{"name":"\\u00c50"}'
    async with database.read() as session:
        assert await audit.head(session) == Head(5, previous)
        assert await audit.latest(session) == entries[::-1]
    assert await verify(database) == Verified(5, None)


async def test_an_empty_log_is_sound(database: Database) -> None:
    assert await verify(database) == Verified(0, None)
    async with database.read() as session:
        assert await audit.head(session) == Head(0, GENESIS)


async def test_an_act_and_its_entry_are_kept_or_undone_together(database: Database) -> None:
    async def fail() -> None:
        async with database.begin() as session:
            await changes.bump(session)
            await append(session)
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await verify(database) == Verified(0, None)
    await fill(database, 1)
    assert await verify(database) == Verified(1, None)


async def test_many_writers_make_one_chain(database_url: str) -> None:
    """Two databases stand for two processes. Half of them touch the change number first, half last."""
    one, other = Database(database_url), Database(database_url)

    async def act(database: Database, n: int) -> None:
        async with database.begin() as session:
            if n % 4 < 2:
                await changes.bump(session)
            await append(session, n)
            if n % 4 >= 2:
                await changes.bump(session)

    await asyncio.gather(*(act(database, n) for n, database in enumerate([one, other] * 20)))
    assert await verify(one) == Verified(40, None)
    async with one.read() as session:
        assert await changes.current(session) == 40
    await one.close()
    await other.close()


async def test_reading_by_organisation_and_page_by_page(database: Database) -> None:
    async with database.begin() as session:
        for n in range(6):
            await append(session, n, "org_us" if n % 2 else "org_them" if n else None)
    async with database.read() as session:
        ours = await audit.for_organisation(session, "org_us", limit=2)
        assert [entry.seq for entry in ours] == [6, 4]
        rest = await audit.for_organisation(session, "org_us", limit=2, before_seq=4)
        assert [entry.seq for entry in rest] == [2]
        assert [entry.seq for entry in await audit.for_organisation(session, "org_them")] == [5, 3]
        assert [entry.seq for entry in await audit.latest(session, limit=2)] == [6, 5]
        assert [entry.seq for entry in await audit.latest(session, before_seq=3)] == [2, 1]


async def test_what_a_client_sent_cannot_stop_an_entry(database: Database) -> None:
    async with database.begin() as session:
        entry = await audit.append(
            session,
            at=NOW,
            actor_kind="anonymous",
            actor_id="nul\0",
            act="sign-in.refused",
            object_kind="person",
            object_id="\ud800",
            organisation_id=None,
            request_id="\r\n\x1b[0m",
            ip="",
            before={"\0": "\0\ud800"},
        )
    assert (entry.actor_id, entry.object_id) == ("nul\\x00", "\\ud800")
    assert await verify(database) == Verified(1, None)


REFUSED = [
    "UPDATE audit SET act = 'x' WHERE seq = 3",
    "UPDATE audit SET seq = 9 WHERE seq = 5",
    "DELETE FROM audit WHERE seq = 5",
    "DELETE FROM audit",
    "INSERT INTO audit SELECT 9, at, actor_kind, actor_id, act, object_kind, object_id, organisation_id, "
    "request_id, ip, before, after, hash FROM audit WHERE seq = 5",
    "UPDATE audit_head SET seq = 4",
    "UPDATE audit_head SET hash = 'x'",
    "DELETE FROM audit_head",
]
REFUSED_BY_POSTGRESQL = ["TRUNCATE audit", "TRUNCATE audit_head"]
REFUSED_BY_SQLITE = [
    "REPLACE INTO audit SELECT 3, at, actor_kind, actor_id, 'x', object_kind, object_id, organisation_id, "
    "request_id, ip, before, after, hash FROM audit WHERE seq = 3",
    "REPLACE INTO audit_head VALUES (1, 2, 'x')",
    "INSERT INTO audit_head VALUES (2, 2, 'x')",
]


async def test_the_database_itself_refuses_changes(database: Database) -> None:
    await fill(database)
    own: Sequence[str] = REFUSED_BY_SQLITE if database.dialect == "sqlite" else REFUSED_BY_POSTGRESQL
    for statement in [*REFUSED, *own]:
        with pytest.raises(DBAPIError, match="append-only"):
            async with database.begin() as session:
                await session.execute(text(statement))
    assert await verify(database) == Verified(5, None)


SWAP = [
    "UPDATE audit SET seq = 99 WHERE seq = 2",
    "UPDATE audit SET seq = 2 WHERE seq = 4",
    "UPDATE audit SET seq = 4 WHERE seq = 99",
]
COPY = (
    "INSERT INTO audit SELECT {seq}, at, actor_kind, actor_id, act, object_kind, object_id, organisation_id, "
    "request_id, ip, before, after, hash FROM audit WHERE seq = 5"
)
TAMPERING: dict[str, tuple[list[str], int]] = {
    "changed": (["UPDATE audit SET act = 'x' WHERE seq = 3"], 3),
    "nothing for something": (["UPDATE audit SET after = NULL WHERE seq = 2"], 2),
    "moved to another tenant": (["UPDATE audit SET organisation_id = 'org_them' WHERE seq = 4"], 4),
    "the last changed": (["UPDATE audit SET ip = '' WHERE seq = 5"], 5),
    "the first removed": (["DELETE FROM audit WHERE seq = 1"], 1),
    "removed in the middle": (["DELETE FROM audit WHERE seq = 3"], 3),
    "swapped": (SWAP, 2),
    "cut off at the end": (["DELETE FROM audit WHERE seq > 3"], 4),
    "all removed": (["DELETE FROM audit"], 1),
    "added at the end": ([COPY.format(seq=6)], 6),
    "added far away": ([COPY.format(seq=60)], 6),
    "the head moved back": (["UPDATE audit_head SET seq = 4"], 5),
    "the head moved on": (["UPDATE audit_head SET seq = 6"], 6),
    "the head's hash changed": (["UPDATE audit_head SET hash = 'x'"], 5),
    "the head removed": (["DELETE FROM audit_head"], 1),
}


@pytest.mark.parametrize("name", list(TAMPERING))
async def test_the_first_bad_number_is_named(database: Database, name: str) -> None:
    statements, first_bad = TAMPERING[name]
    await fill(database)
    await tamper(database, *statements)
    assert (await verify(database)).first_bad == first_bad


async def test_a_change_and_its_own_new_hash_are_told_by_the_next_entry(database: Database) -> None:
    entries = await fill(database)
    forged = hash_of(replace(entries[2], act="x"), entries[1].hash)
    await tamper(database, f"UPDATE audit SET act = 'x', hash = '{forged}' WHERE seq = 3")
    assert await verify(database) == Verified(3, 4)


async def test_a_chain_rewritten_to_its_end_is_told_only_by_a_head_kept_elsewhere(
    database: Database,
) -> None:
    entries = await fill(database)
    kept = Head(entries[-1].seq, entries[-1].hash)
    forged = hash_of(replace(entries[4], act="x"), entries[3].hash)
    await tamper(
        database,
        f"UPDATE audit SET act = 'x', hash = '{forged}' WHERE seq = 5",
        f"UPDATE audit_head SET hash = '{forged}'",
    )
    assert await verify(database) == Verified(5, None)
    assert (await verify(database, kept)).first_bad == 5


async def test_a_restored_older_copy_is_told_only_by_a_head_kept_elsewhere(database: Database) -> None:
    entries = await fill(database)
    kept = Head(entries[-1].seq, entries[-1].hash)
    older = f"UPDATE audit_head SET seq = 3, hash = '{entries[2].hash}'"
    await tamper(database, "DELETE FROM audit WHERE seq > 3", older)
    assert await verify(database) == Verified(3, None)
    assert await verify(database, kept) == Verified(3, 4)


async def test_a_kept_head_of_a_log_that_went_on_is_sound(database: Database) -> None:
    entries = await fill(database)
    await fill(database, 3)
    assert await verify(database, Head(2, entries[1].hash)) == Verified(8, None)


async def test_a_log_longer_than_a_page_is_walked_to_its_end(database: Database) -> None:
    await fill(database, 505)
    assert await verify(database) == Verified(505, None)
    await tamper(database, "UPDATE audit SET act = 'x' WHERE seq = 503")
    assert await verify(database) == Verified(502, 503)
